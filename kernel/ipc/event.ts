/**
 * An event inside the kernel: one record, shared by all queues that hold it.
 *
 * Invariants:
 * - everything in it is frozen but the bytes of its payload, which never leave the kernel: each
 *   receiver gets a copy;
 * - `owner` is charged for the bytes of the payload, and of long words, exactly while some queue holds the record;
 * - `forcedBy` is set exactly while the record is charged as one queued event to its sender; such a
 *   record is in one place only.
 *
 * @module
 */
import type {
  Event,
  EventContent,
  EventDelivery,
  EventMetadata,
  EventPayload,
} from "../../capabilities/event_ops.ts";
import type { Account } from "../account.ts";

/** Characters of words that aren't charged. */
const SHORT_WORDS = 64;

/** The payload of events that have none. */
export const EMPTY_PAYLOAD: EventPayload = Object.freeze({ type: "empty" });

/** One event in the kernel. */
export class EventRecord implements Event {
  readonly delivery: EventDelivery;
  readonly content: EventContent;
  readonly payload: EventPayload;
  readonly metadata: EventMetadata;
  /** Who is charged while the record waits; undefined for the kernel's own events. */
  readonly owner: Account | undefined;
  /** Set while the sender is charged for this event one by one; see the head of this file. */
  forcedBy: Account | undefined = undefined;
  /** Bytes that the payload takes, and long words. */
  readonly #payloadBytes: number;
  /** Queues that hold the record. */
  #references = 0;

  constructor(event: Event, owner: Account | undefined) {
    this.delivery = event.delivery;
    this.content = event.content;
    this.payload = event.payload;
    this.metadata = event.metadata;
    this.owner = owner;
    this.#payloadBytes = payloadBytes(event.payload) + wordsBytes(event.content);
  }

  /** Position of the event's priority among the queues of a receiver: 0 is received first. */
  get lane(): number {
    return 4 - this.metadata.priority;
  }

  /** The same event for another place, to be charged on its own. */
  fork(): EventRecord {
    return new EventRecord(this, this.owner);
  }

  /**
   * A queue holds the record from now on.
   *
   * @throws {KernelError} LIMIT_EXCEEDED when the sender has no room for the payload's bytes.
   */
  retain(): void {
    if (this.#references === 0 && this.#payloadBytes > 0) {
      this.owner?.charge("bufferBytes", this.#payloadBytes);
    }
    this.#references++;
  }

  /** A queue has let go of the record. */
  release(): void {
    if (--this.#references === 0 && this.#payloadBytes > 0) {
      this.owner?.refund("bufferBytes", this.#payloadBytes);
    }
    this.unforce();
  }

  /** Charges the sender for this one event; throws LIMIT_EXCEEDED. */
  force(account: Account): void {
    account.charge("queuedEvents");
    this.forcedBy = account;
  }

  /** Gives that charge back, if there is one. */
  unforce(): void {
    this.forcedBy?.refund("queuedEvents");
    this.forcedBy = undefined;
  }

  /** What one receiver gets. */
  toEvent(): Event {
    const { delivery, content, metadata } = this;
    return Object.freeze({ delivery, content, payload: ownPayload(this.payload), metadata });
  }
}

/** Memory that the words of an event take, in bytes; few are a part of what any event takes. */
function wordsBytes(content: EventContent): number {
  const words = content.type === "custom"
    ? content.namespace
    : content.type === "message"
    ? content.category
    : content.type === "notification"
    ? content.notification
    : "";
  return words.length > SHORT_WORDS ? 2 * words.length : 0;
}

/** Memory that a payload takes, in bytes. */
function payloadBytes(payload: EventPayload): number {
  switch (payload.type) {
    case "bytes":
    case "custom":
      return payload.value.length;
    case "string":
      return payload.value.length * 2;
    case "empty":
    case "integer":
      return 0;
    default:
      return payload satisfies never;
  }
}

/** The payload with bytes of its own. */
function ownPayload(payload: EventPayload): EventPayload {
  if (payload.type !== "bytes" && payload.type !== "custom") return payload;
  return Object.freeze({ type: payload.type, value: new Uint8Array(payload.value) });
}
