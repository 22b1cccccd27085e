/**
 * Work on the network, seen from a call that waits for it.
 *
 * The kernel never waits: a call starts an attempt and is parked on it; when the platform has
 * answered, the attempt changes its state, and the call is tried again.
 *
 * @module
 */
import {
  type Selectable,
  type Waiter,
  WaitNode,
  WaitQueue,
} from "../../capabilities/selectable.ts";
import { Signals } from "../../capabilities/signals.ts";
import { WOULD_BLOCK, type WouldBlock } from "../../capabilities/stream_ops.ts";

/** One piece of work; up is SIGNALED once it is over. */
export class NetworkAttempt<Result> implements Selectable {
  readonly waiters: WaitQueue = new WaitQueue(this);
  readonly #discard: (result: Result) => void;
  #state: { result: Result } | { error: unknown } | undefined = undefined;
  #isAbandoned = false;
  #lease: { release(): void } | undefined = undefined;

  /**
   * @param work What the platform does.
   * @param discard What becomes of a result that nobody waits for any more.
   */
  constructor(work: Promise<Result>, discard: (result: Result) => void = () => {}) {
    this.#discard = discard;
    work.then((result) => this.#settle({ result }), (error) => this.#settle({ error }));
  }

  /** Gives this back when the platform has answered: until then it is at work, whoever waits. */
  charge(lease: { release(): void }): this {
    this.#lease = lease; // the platform never answers at once
    return this;
  }

  get signals(): Signals {
    return this.#state === undefined ? 0 : Signals.SIGNALED;
  }

  /** The result, taken once; throws what the work failed with. */
  take(): Result | WouldBlock {
    const state = this.#state;
    if (state === undefined) return WOULD_BLOCK;
    if ("error" in state) throw state.error;
    this.#isAbandoned = true; // it is the caller's from here on
    return state.result;
  }

  /** Nobody waits any more. */
  abandon(): void {
    if (this.#isAbandoned) return;
    this.#isAbandoned = true;
    if (this.#state !== undefined && "result" in this.#state) this.#discard(this.#state.result);
  }

  #settle(state: { result: Result } | { error: unknown }): void {
    this.#state = state;
    this.#lease?.release();
    if (this.#isAbandoned && "result" in state) this.#discard(state.result);
    this.waiters.wake();
  }
}

/** Looks on until one of the signals is up; for what the network does between tasks' calls. */
export function untilSignaled(object: Selectable, signals: Signals): Promise<void> {
  if ((object.signals & signals) !== 0) return Promise.resolve();
  return new Promise((resolve) => {
    const waiter: Waiter = {
      poll(node) {
        node.queue?.remove(node);
        resolve();
        return "done";
      },
      interrupt() {},
    };
    object.waiters.add(new WaitNode(waiter, signals, false, undefined));
  });
}
