/**
 * What receives events: a bounded queue with priorities, filters and an overflow policy. A task's own
 * queue is one, each subscription is another.
 *
 * Invariants:
 * - events come out by priority, and first-in first-out inside one priority;
 * - `ordinary ≤ capacity`, except after the capacity was made smaller; forced events (charged to
 *   their sender one by one) are not counted against it;
 * - an event that was wanted is received once, or counted in `droppedCount`, or refused to its
 *   sender;
 * - from the close of the last handle on, the queue is empty and takes nothing.
 *
 * @module
 */
import { Capability } from "../../capabilities/capability.ts";
import { EventError } from "../../capabilities/errors.ts";
import type {
  Event,
  EventFilter,
  EventReceiver,
  EventSubscriber,
  OverflowPolicy,
  RegisteredFilter,
} from "../../capabilities/event_ops.ts";
import { Signals } from "../../capabilities/signals.ts";
import { type StreamOps, WOULD_BLOCK, type WouldBlock } from "../../capabilities/stream_ops.ts";
import { lengthOf } from "../../memory/atomics.ts";
import { KernelObject } from "../kernel_object.ts";
import type { EventRecord } from "./event.ts";
import { EventFilters } from "./event_filters.ts";
import { encodeEvent } from "./event_record.ts";
import { Fifo } from "./fifo.ts";

/** Events that a queue holds unless it is told otherwise. */
export const DEFAULT_BUFFER_SIZE = 256;

/** What came of offering an event to a queue. */
export const Offer = Object.freeze({
  /** It is in the queue. */
  TAKEN: 0,
  /** It was wanted, found no room, and was counted as dropped. */
  DROPPED: 1,
  /** The filters refused it, or the queue is closed. */
  REFUSED: 2,
  /** It was wanted and found no room; nobody has counted it. */
  FULL: 3,
});

/** What all queues of events share. */
export abstract class EventReceiverObject extends KernelObject
  implements EventReceiver, EventSubscriber, StreamOps {
  readonly capabilities: number = Capability.EVENT_RECEIVER | Capability.EVENT_SUBSCRIBER |
    Capability.STREAM;
  /** What happens when there is no room. */
  readonly overflow: OverflowPolicy;
  readonly filters: EventFilters = new EventFilters();
  /** A queue for each priority, the most urgent first. */
  readonly #lanes: readonly Fifo<EventRecord>[] = [
    new Fifo(),
    new Fifo(),
    new Fifo(),
    new Fifo(),
  ];
  #capacity: number;
  /** Events that count against the capacity. */
  #ordinary = 0;
  /** All events in the queue. */
  #pending = 0;
  #dropped = 0;
  #isClosed = false;

  constructor(capacity: number, overflow: OverflowPolicy) {
    super();
    this.#capacity = capacity;
    this.overflow = overflow;
  }

  /** True from the close of the last handle on. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Events that the queue holds, forced ones aside. */
  get capacity(): number {
    return this.#capacity;
  }

  /** True when an ordinary event would be taken. */
  get hasRoom(): boolean {
    return this.#ordinary < this.#capacity;
  }

  get hasPendingEvents(): boolean {
    return this.#pending > 0;
  }

  get pendingCount(): number {
    return this.#pending;
  }

  get droppedCount(): number {
    return this.#dropped;
  }

  /** Makes room for more events, or for fewer; none that is there is lost. */
  setCapacity(capacity: number): void {
    this.#capacity = capacity;
    this.roomMade();
  }

  /**
   * Offers an event, which the filters and the overflow policy may refuse.
   *
   * @throws {KernelError} LIMIT_EXCEEDED when its sender has no room for the payload.
   */
  offer(record: EventRecord): number {
    const result = this.tryOffer(record);
    if (result !== Offer.FULL) return result;
    this.#dropped++;
    return Offer.DROPPED;
  }

  /** As `offer`, but counts nothing as dropped for want of room: then it is FULL. */
  tryOffer(record: EventRecord): number {
    const verdict = this.judge(record);
    return verdict === Offer.TAKEN ? this.take(record) : verdict;
  }

  /**
   * What the filters say: TAKEN stands for wanted, REFUSED for unwanted; where a predicate failed
   * that could have wanted it, the event is DROPPED and counted. Predicates are a task's code and
   * may have done anything meanwhile, also to this queue.
   */
  judge(record: EventRecord): number {
    if (this.filters.size === 0) return Offer.TAKEN;
    if (this.#isClosed) return Offer.REFUSED;
    const verdict = this.filters.judge(record);
    if (verdict === "wanted") return Offer.TAKEN;
    if (verdict === "unwanted") return Offer.REFUSED;
    this.#dropped++;
    return Offer.DROPPED;
  }

  /** Takes an event that the filters let through; FULL when the policy keeps what is there. */
  take(record: EventRecord): number {
    if (this.#isClosed) return Offer.REFUSED;
    const isFull = this.#ordinary >= this.#capacity;
    const evicted = isFull ? this.#laneToEvictFor(record) : undefined;
    if (isFull && evicted === undefined) return Offer.FULL;
    record.retain();
    if (evicted !== undefined) this.#evict(evicted);
    this.#ordinary++;
    this.#enqueue(record);
    return Offer.TAKEN;
  }

  /**
   * Takes an event whatever the filters and the room; its sender has been charged for it.
   *
   * @throws {KernelError} LIMIT_EXCEEDED when its sender has no room for the payload.
   */
  takeForced(record: EventRecord): number {
    if (this.#isClosed) return Offer.REFUSED;
    record.retain();
    this.#enqueue(record);
    return Offer.TAKEN;
  }

  /** Counts an event that was given up elsewhere. */
  countDropped(): void {
    this.#dropped++;
  }

  tryReceiveEvent(): Event | WouldBlock {
    const record = this.#dequeue();
    if (record !== undefined) return record.toEvent();
    if (this.isExhausted) throw new EventError("PEER_CLOSED", "no publisher is left");
    return WOULD_BLOCK;
  }

  /** Reads the next event as one encoded record. */
  tryRead(into: Uint8Array): number {
    const room = lengthOf(into);
    const record = this.#lanes.find((lane) => lane.length > 0)?.peek();
    if (record === undefined) return room === 0 || this.isExhausted ? 0 : WOULD_BLOCK;
    if (room === 0) return 0;
    const bytes = encodeEvent(record);
    if (bytes.length > room) {
      throw new EventError(
        "BUFFER_TOO_SMALL",
        `the next event takes ${bytes.length} bytes and the buffer has ${room}`,
        { needed: bytes.length },
      );
    }
    this.#dequeue();
    into.set(bytes);
    return bytes.length;
  }

  tryWrite(): number {
    throw new EventError("NOT_SUPPORTED", "events are sent to a task, a channel or a group");
  }

  registerFilter(filter: EventFilter, handlerId: number): void {
    this.filters.add(filter, handlerId);
  }

  unregisterFilter(handlerId: number): boolean {
    return this.filters.remove(handlerId);
  }

  getFilters(): RegisteredFilter[] {
    return this.filters.list();
  }

  /** True when nothing is left and nothing will ever come. */
  get isExhausted(): boolean {
    return false;
  }

  /** There is room for one more event, or may be. */
  protected roomMade(): void {}

  protected override onLastHandleClosed(): void {
    this.#isClosed = true;
    for (const lane of this.#lanes) {
      for (let record = lane.shift(); record !== undefined; record = lane.shift()) record.release();
    }
    this.#pending = this.#ordinary = 0;
  }

  protected ownSignals(): number {
    return this.#pending > 0 ? Signals.EVENT_PENDING | Signals.READABLE : 0;
  }

  override assertInvariants(): void {
    super.assertInvariants();
    let pending = 0;
    for (const lane of this.#lanes) {
      lane.assertInvariants();
      pending += lane.length;
    }
    if (pending !== this.#pending) throw new Error("the count of events is off");
    if (this.#ordinary < 0 || this.#ordinary > pending) throw new Error("ordinary is out of range");
    if (this.#isClosed && pending > 0) throw new Error("a closed queue holds events");
  }

  #enqueue(record: EventRecord): void {
    (this.#lanes[record.lane] as Fifo<EventRecord>).push(record);
    this.#pending++;
    if (!this.waiters.isEmpty) this.waiters.wake();
  }

  #dequeue(): EventRecord | undefined {
    if (this.#pending === 0) return undefined;
    for (const lane of this.#lanes) {
      const record = lane.shift();
      if (record === undefined) continue;
      this.#removed(record);
      this.roomMade();
      return record;
    }
    return undefined;
  }

  #removed(record: EventRecord): void {
    this.#pending--;
    if (record.forcedBy === undefined) this.#ordinary--;
    record.release();
  }

  /**
   * Where the oldest of the least urgent events is, if the policy gives it up for the new one: not
   * for one that is less urgent still. Only queues without forced events have this policy.
   */
  #laneToEvictFor(record: EventRecord): Fifo<EventRecord> | undefined {
    if (this.overflow !== "drop-oldest") return undefined;
    for (let lane = this.#lanes.length - 1; lane >= record.lane; lane--) {
      const candidates = this.#lanes[lane] as Fifo<EventRecord>;
      if (candidates.length > 0) return candidates;
    }
    return undefined;
  }

  #evict(lane: Fifo<EventRecord>): void {
    const oldest = lane.shift();
    if (oldest === undefined) return;
    this.#removed(oldest);
    this.#dropped++;
  }
}
