/**
 * A call that waits: the one place in which Carmine parks anything.
 *
 * Invariants:
 * - a pending call is in the queues of the objects it waits on, in its task's set and charged to
 *   its account, or it has ended and is in none of them;
 * - it ends exactly once: done, failed, timed out, canceled, its handle closed or revoked, or its
 *   task ended;
 * - its handler runs only on objects that changed, or when its task was let go on after a stop.
 *
 * @module
 */
import { KernelError } from "../capabilities/errors.ts";
import { HandleEntry } from "../capabilities/handle.ts";
import { type PollResult, type Waiter, WaitNode } from "../capabilities/selectable.ts";
import { WOULD_BLOCK } from "../capabilities/stream_ops.ts";
import type { PendingWait } from "../kernel/task.ts";
import { ArgumentForm, byteLengthOf, type CheckedWaitOptions } from "./arguments.ts";
import type { Caller, ParkingPlace } from "./caller.ts";
import type { CompiledSyscall } from "./compiled_syscall.ts";

/** What a pending call is made from. */
export interface PendingCallSettings {
  readonly caller: Caller;
  readonly call: CompiledSyscall;
  /** Checked arguments. */
  readonly args: readonly unknown[];
  readonly wait: CheckedWaitOptions;
  /** For calls that move all their bytes: how many are moved already. */
  readonly moved: number;
  /** Puts an error into the caller's words. */
  readonly describe: (error: unknown) => unknown;
}

const WHY_INTERRUPTED = {
  closed: ["BAD_HANDLE", "it was closed while the call waited"],
  moved: ["BAD_HANDLE", "it was moved away while the call waited"],
  revoked: ["REVOKED", "it was revoked while the call waited"],
  dead: ["TASK_DEAD", "the task ended while the call waited"],
} as const;

/** A call that waits. */
export class PendingCall implements Waiter, PendingWait {
  /** Settles when the call ends. */
  readonly promise: Promise<unknown>;
  readonly #settings: PendingCallSettings;
  readonly #nodes: WaitNode[];
  readonly #bufferLength: number;
  #moved: number;
  #resolve: (result: unknown) => void = () => {};
  #reject: (error: unknown) => void = () => {};
  #cancelTimeout: (() => void) | undefined = undefined;
  #onAbort: (() => void) | undefined = undefined;
  #hasEnded = false;

  /**
   * Parks the call.
   *
   * @throws {KernelError} LIMIT_EXCEEDED when the task may not wait for more.
   */
  constructor(settings: PendingCallSettings) {
    this.#settings = settings;
    this.#moved = settings.moved;
    const { caller, wait, args } = settings;
    this.#bufferLength = args[1] instanceof Uint8Array ? byteLengthOf(args[1]) : 0;
    const places = parkingPlaces(settings);
    caller.task.account.charge("pendingWaits");
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.#nodes = places.map(({ entry, signals, operation }) => {
      const node = new WaitNode(this, signals, operation, entry);
      entry.object.waiters.add(node);
      return node;
    });
    caller.task.pendingWaits.add(this);
    this.#armTimeout(wait.timeoutMs);
    this.#listen(wait.signal);
  }

  /** True while the task's calls may run. */
  get canRun(): boolean {
    return this.#settings.caller.task.isRunning;
  }

  /** Tries again. */
  poll(node: WaitNode): PollResult {
    if (this.#hasEnded || !this.canRun) return "skipped";
    const { call, caller, args } = this.#settings;
    try {
      this.#requireSameBuffer();
      const result = call.spec.movesAll === true
        ? this.#moveMore()
        : call.run(caller, args[0], args[1], args[2], args[3]);
      if (result === WOULD_BLOCK) return node.operation ? "blocked" : "skipped";
      this.#end();
      this.#resolve(result);
    } catch (error) {
      this.#fail(error);
    }
    return "done";
  }

  interrupt(_node: WaitNode, reason: keyof typeof WHY_INTERRUPTED): void {
    const [code, why] = WHY_INTERRUPTED[reason];
    if (code === "TASK_DEAD") this.abandon();
    else this.#fail(this.#error(code, why));
  }

  /** The task goes on: whatever happened meanwhile is looked at now. */
  resume(): void {
    for (const node of this.#nodes) node.queue?.wake();
  }

  /** The task has ended. Nobody may be left to catch this: it must not count as unhandled. */
  abandon(): void {
    this.promise.catch(() => {});
    this.#fail(this.#error(...WHY_INTERRUPTED.dead));
  }

  /** The rest of a write: as much as fits now; done when nothing is left. */
  #moveMore(): unknown {
    const { call, caller, args } = this.#settings;
    for (;;) {
      const moved = call.run(caller, args[0], args[1], this.#moved, undefined);
      if (moved === WOULD_BLOCK) return WOULD_BLOCK;
      this.#moved += moved as number;
      if (this.#moved === this.#bufferLength) return this.#moved;
    }
  }

  /** The caller may have transferred the buffer away, or let it shrink, since the call began. */
  #requireSameBuffer(): void {
    const bytes = this.#settings.args[1];
    if (!(bytes instanceof Uint8Array) || byteLengthOf(bytes) === this.#bufferLength) return;
    throw this.#error("INVALID_ARGUMENT", "its buffer was detached while the call waited");
  }

  #error(
    code: "BAD_HANDLE" | "REVOKED" | "TASK_DEAD" | "TIMED_OUT" | "CANCELED" | "INVALID_ARGUMENT",
    why: string,
    cause?: unknown,
  ): KernelError {
    return new KernelError(code, why, {
      ...(this.#moved > 0 ? { transferred: this.#moved } : {}),
      ...(cause === undefined ? {} : { cause }),
    });
  }

  #fail(error: unknown): void {
    if (this.#hasEnded) return;
    this.#end();
    this.#reject(this.#settings.describe(error));
  }

  /** Leaves every queue, set and timer. */
  #end(): void {
    this.#hasEnded = true;
    for (const node of this.#nodes) node.queue?.remove(node);
    this.#cancelTimeout?.();
    const { caller, wait } = this.#settings;
    if (this.#onAbort !== undefined) wait.signal?.removeEventListener("abort", this.#onAbort);
    caller.task.pendingWaits.delete(this);
    caller.task.account.refund("pendingWaits");
    // Whoever was queued behind this call may be able to go on without it.
    for (const node of this.#nodes) (node.via as HandleEntry).object.waiters.wake();
  }

  #armTimeout(timeoutMs: number): void {
    if (timeoutMs === Infinity) return;
    const { clock } = this.#settings.caller.kernel;
    this.#cancelTimeout = clock.schedule(clock.now() + timeoutMs, () => {
      this.#fail(this.#error("TIMED_OUT", `nothing happened for ${timeoutMs} ms`));
    });
  }

  #listen(signal: AbortSignal | undefined): void {
    if (signal === undefined) return;
    this.#onAbort = () => {
      this.#fail(this.#error("CANCELED", "its signal was aborted", signal.reason));
    };
    signal.addEventListener("abort", this.#onAbort, { once: true });
  }
}

/** Where the handler says; by default on the signals of each handle argument that has some. */
function parkingPlaces({ call, caller, args }: PendingCallSettings): ParkingPlace[] {
  if (call.park !== undefined) return call.park(caller, args[0], args[1], args[2], args[3]);
  const places: ParkingPlace[] = [];
  call.args.forEach((argument, i) => {
    const entry = args[i];
    if (argument.form !== ArgumentForm.HANDLE || argument.waits === 0) return;
    if (entry instanceof HandleEntry) {
      places.push({ entry, signals: argument.waits, operation: true });
    }
  });
  return places;
}
