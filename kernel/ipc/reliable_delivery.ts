/**
 * Reliable events that found no room: they wait for it, with back-off, up to a limit.
 *
 * Invariants:
 * - an event waits for one target, behind those of its priority that came before;
 * - while it waits it is charged to its sender as one queued event, and its payload is held;
 * - it ends exactly once: delivered, or failed.
 *
 * @module
 */
import type { FailurePolicy } from "../../capabilities/event_ops.ts";
import { reportUncaught } from "../../capabilities/report_uncaught.ts";
import type { Clock } from "../clock.ts";
import type { TaskObject } from "../task.ts";
import type { EventRecord } from "./event.ts";
import { Offer } from "./event_receiver.ts";

/** How reliable events are delivered to one task. */
export interface DeliveryPolicy {
  /** Length of the first wait in milliseconds. */
  readonly timeoutMs: number;
  /** How many more waits there are, each twice as long as the one before. */
  readonly retryCount: number;
  /** What happens after the last. */
  readonly failurePolicy: FailurePolicy;
}

/** How reliable events are delivered to a task that has not said: for 15 seconds. */
export const DEFAULT_DELIVERY: DeliveryPolicy = Object.freeze({
  timeoutMs: 1_000,
  retryCount: 3,
  failurePolicy: "notifySender",
});

/** Told of an event that could not be delivered; its charges have been given back. */
export type OnFailure = (
  record: EventRecord,
  sender: TaskObject,
  target: TaskObject,
  policy: DeliveryPolicy,
  why: string,
) => void;

/** One event that waits. */
interface Waiting {
  readonly record: EventRecord;
  readonly sender: TaskObject;
  readonly policy: DeliveryPolicy;
  /** Waits that have ended so far. */
  attempts: number;
  cancelTimer: () => void;
}

/** The events that wait for room, by target. */
export class ReliableDeliveries {
  readonly #host: { readonly clock: Clock };
  readonly #onFailure: OnFailure;
  readonly #targets: Map<TaskObject, TargetDeliveries> = new Map();

  constructor(host: { readonly clock: Clock }, onFailure: OnFailure) {
    this.#host = host;
    this.#onFailure = onFailure;
  }

  /** How many events wait. */
  get size(): number {
    let size = 0;
    for (const target of this.#targets.values()) size += target.size;
    return size;
  }

  /** True when events wait for room in the task's queue. */
  hasWaiting(target: TaskObject): boolean {
    return this.#targets.has(target);
  }

  /**
   * Keeps an event until its target has room.
   *
   * @throws {KernelError} LIMIT_EXCEEDED when the sender may not have more events waiting.
   */
  add(record: EventRecord, sender: TaskObject, target: TaskObject, policy: DeliveryPolicy): void {
    record.force(sender.account);
    try {
      record.retain();
    } catch (error) {
      record.unforce();
      throw error;
    }
    const waiting: Waiting = { record, sender, policy, attempts: 0, cancelTimer: () => {} };
    let deliveries = this.#targets.get(target);
    if (deliveries === undefined) {
      deliveries = new TargetDeliveries(target, this.#onFailure, () => {
        this.#targets.delete(target);
        target.events.waiting = undefined;
      });
      this.#targets.set(target, deliveries);
      target.events.waiting = deliveries;
    }
    deliveries.add(waiting);
    this.#await(waiting, deliveries);
  }

  /** Forgets all of them. */
  clear(): void {
    for (const deliveries of [...this.#targets.values()]) deliveries.clear();
  }

  /** Begins the next wait; ends the delivery when there is none. */
  #await(waiting: Waiting, deliveries: TargetDeliveries): void {
    const { timeoutMs, retryCount } = waiting.policy;
    if (waiting.attempts > retryCount || timeoutMs === 0) {
      deliveries.fail(waiting, "its target had no room in time");
      return;
    }
    const windowMs = timeoutMs * 2 ** waiting.attempts;
    if (windowMs === Infinity) return;
    const { clock } = this.#host;
    try {
      waiting.cancelTimer = clock.schedule(clock.now() + windowMs, () => {
        waiting.attempts++;
        this.#await(waiting, deliveries);
      });
    } catch (error) {
      reportUncaught(error); // the clock is the host's
      deliveries.fail(waiting, "the kernel's clock failed");
    }
  }
}

/** The events that wait for one target. */
class TargetDeliveries {
  readonly #target: TaskObject;
  readonly #onFailure: OnFailure;
  readonly #onEmpty: () => void;
  /** By priority, the most urgent first; each in order of arrival. */
  readonly #lanes: readonly Set<Waiting>[] = [new Set(), new Set(), new Set(), new Set()];
  #isFlushing = false;

  constructor(target: TaskObject, onFailure: OnFailure, onEmpty: () => void) {
    this.#target = target;
    this.#onFailure = onFailure;
    this.#onEmpty = onEmpty;
  }

  get size(): number {
    return this.#lanes.reduce((sum, lane) => sum + lane.size, 0);
  }

  add(waiting: Waiting): void {
    this.#laneOf(waiting).add(waiting);
  }

  /** Moves what fits into the queue; when that is closed, everything has failed. */
  flush(): void {
    // Delivering wakes receivers, who make room, which comes back here.
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    try {
      for (let next = this.#first(); next !== undefined; next = this.#first()) {
        if (this.#target.events.isClosed) this.fail(next, "its target has ended");
        else if (!this.#target.events.hasRoom) return;
        else this.#deliver(next);
      }
    } finally {
      this.#isFlushing = false;
    }
  }

  /** Gives an event up, if it still waits. */
  fail(waiting: Waiting, why: string): void {
    if (!this.#laneOf(waiting).has(waiting)) return;
    this.#remove(waiting);
    waiting.record.release();
    this.#onFailure(waiting.record, waiting.sender, this.#target, waiting.policy, why);
  }

  clear(): void {
    for (const lane of this.#lanes) {
      for (const waiting of lane) {
        this.#remove(waiting);
        waiting.record.release();
      }
    }
  }

  /** The oldest of the most urgent. */
  #first(): Waiting | undefined {
    for (const lane of this.#lanes) {
      for (const waiting of lane) return waiting;
    }
    return undefined;
  }

  /** Delivers the event, unless a predicate of the target's filters changed what is there. */
  #deliver(waiting: Waiting): void {
    const { record } = waiting;
    const { events } = this.#target;
    const verdict = events.judge(record);
    if (!this.#laneOf(waiting).has(waiting)) return; // it was given up meanwhile
    if (events.isClosed || (verdict === Offer.TAKEN && !events.hasRoom)) return; // see `flush`
    this.#remove(waiting);
    record.unforce(); // it takes ordinary room from here on
    if (verdict === Offer.TAKEN) events.take(record);
    record.release();
  }

  #remove(waiting: Waiting): void {
    try {
      waiting.cancelTimer();
    } catch (error) {
      reportUncaught(error); // the clock is the host's
    }
    this.#laneOf(waiting).delete(waiting);
    if (this.size === 0) this.#onEmpty();
  }

  #laneOf(waiting: Waiting): Set<Waiting> {
    return this.#lanes[waiting.record.lane] as Set<Waiting>;
  }
}
