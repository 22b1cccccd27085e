/**
 * A task's own event queue: what is sent to it directly, through groups, and by the kernel.
 *
 * Invariants: the task is charged for the room beyond the default, which comes with the task; the
 * queue lives as long as its task.
 *
 * @module
 */
import type { Account } from "../account.ts";
import type { EventRecord } from "./event.ts";
import { DEFAULT_BUFFER_SIZE, EventReceiverObject, Offer } from "./event_receiver.ts";

/** Reliable events that wait for room in a task's own queue. */
export interface WaitingDeliveries {
  /** There is room, or the queue is closed. */
  flush(): void;
}

/** A task's own queue. It lives as long as the task. */
export class EventQueue extends EventReceiverObject {
  readonly type = "event queue";
  /** Set while reliable events wait for room here. */
  waiting: WaitingDeliveries | undefined = undefined;
  readonly #account: Account;
  /** Room beyond the default that the task was charged for. */
  #charged = 0;

  constructor(account: Account) {
    super(DEFAULT_BUFFER_SIZE, "drop-newest");
    this.#account = account;
  }

  /**
   * Changes how many events the queue holds. The default's room comes with the task; what is more
   * is charged to it.
   *
   * @throws {KernelError} LIMIT_EXCEEDED and changes nothing.
   */
  resize(capacity: number): void {
    const charged = Math.max(0, capacity - DEFAULT_BUFFER_SIZE);
    this.#account.charge("queuedEvents", Math.max(0, charged - this.#charged));
    this.#account.refund("queuedEvents", Math.max(0, this.#charged - charged));
    this.#charged = charged;
    this.setCapacity(capacity);
  }

  /**
   * Takes an event whatever the filters and the room; it is charged to an account of its own until
   * it is received.
   *
   * @throws {KernelError} LIMIT_EXCEEDED and changes nothing.
   */
  force(record: EventRecord, account: Account): void {
    record.force(account);
    try {
      if (this.takeForced(record) !== Offer.TAKEN) record.unforce();
    } catch (error) {
      record.unforce();
      throw error;
    }
  }

  protected override roomMade(): void {
    this.waiting?.flush();
  }

  protected override onLastHandleClosed(): void {
    super.onLastHandleClosed();
    this.#account.refund("queuedEvents", this.#charged);
    this.#charged = 0;
    this.waiting?.flush();
  }
}
