/**
 * The messages of one queue, in the order in which they come out.
 *
 * Invariants:
 * - `count ≤ maxMessages` and `byteCount ≤ maxBytes`; both say what the lanes hold;
 * - messages come out by priority, and first-in first-out inside one priority.
 *
 * @module
 */
import { IpcError } from "../../capabilities/errors.ts";
import { HIGHEST_PRIORITY } from "../../capabilities/message_ops.ts";
import { Fifo } from "./fifo.ts";
import type { Parcel } from "./parcel.ts";

/** Messages that a queue holds unless it is told otherwise. */
const DEFAULT_MAX_MESSAGES = 1_024;
/** Bytes that a queue holds unless it is told otherwise. */
const DEFAULT_MAX_BYTES = 2 ** 20;
/** Bytes of one message unless the queue is told otherwise. */
const DEFAULT_MAX_MESSAGE_BYTES = 65_536;

/** What bounds a queue. */
export interface MessageLimits {
  /** Messages. */
  readonly maxMessages?: number;
  /** Bytes of all messages together. */
  readonly maxBytes?: number;
  /** Bytes of one message; never more than `maxBytes`. */
  readonly maxMessageBytes?: number;
}

/** Messages by priority. */
export class MessageLanes {
  readonly maxMessages: number;
  readonly maxBytes: number;
  readonly maxMessageBytes: number;
  /** A lane for each priority that was ever used. */
  readonly #lanes: (Fifo<Parcel> | undefined)[] = [];
  /** Bit n is set exactly when lane n holds a message. */
  #occupied = 0;
  #count = 0;
  #byteCount = 0;

  constructor(limits: MessageLimits = {}) {
    this.maxMessages = limits.maxMessages ?? DEFAULT_MAX_MESSAGES;
    this.maxBytes = limits.maxBytes ?? DEFAULT_MAX_BYTES;
    const maxMessageBytes = limits.maxMessageBytes ?? DEFAULT_MAX_MESSAGE_BYTES;
    this.maxMessageBytes = Math.min(maxMessageBytes, this.maxBytes);
  }

  /** Messages there are. */
  get count(): number {
    return this.#count;
  }

  /** Bytes of all messages. */
  get byteCount(): number {
    return this.#byteCount;
  }

  /** True when a message of so many bytes fits now. */
  hasRoom(bytes: number): boolean {
    return this.#count < this.maxMessages && this.#byteCount + bytes <= this.maxBytes;
  }

  /** Throws MESSAGE_TOO_LONG for a message that never fits. */
  requireFit(bytes: number): void {
    if (bytes <= this.maxMessageBytes) return;
    throw new IpcError(
      "MESSAGE_TOO_LONG",
      `a message of ${bytes} bytes is longer than the queue's ${this.maxMessageBytes}`,
    );
  }

  /** Adds a message behind those of its priority. */
  push(parcel: Parcel): void {
    const lane = this.#lanes[parcel.priority] ??= new Fifo();
    lane.push(parcel);
    this.#occupied |= 1 << parcel.priority;
    this.#count++;
    this.#byteCount += parcel.bytes.length;
  }

  /** The message that is next; undefined when there is none. */
  peek(): Parcel | undefined {
    if (this.#occupied === 0) return undefined;
    return this.#lanes[HIGHEST_PRIORITY - Math.clz32(this.#occupied)]?.peek();
  }

  /** Takes the message that is next; undefined when there is none. */
  shift(): Parcel | undefined {
    if (this.#occupied === 0) return undefined;
    const priority = HIGHEST_PRIORITY - Math.clz32(this.#occupied);
    const lane = this.#lanes[priority];
    const parcel = lane?.shift();
    if (lane === undefined || parcel === undefined) return undefined;
    if (lane.length === 0) this.#occupied &= ~(1 << priority);
    this.#count--;
    this.#byteCount -= parcel.bytes.length;
    return parcel;
  }

  /** Throws when an invariant is broken; for tests. */
  assertInvariants(): void {
    let count = 0;
    for (let priority = 0; priority <= HIGHEST_PRIORITY; priority++) {
      const lane = this.#lanes[priority];
      lane?.assertInvariants();
      const isOccupied = (this.#occupied & (1 << priority)) !== 0;
      if (isOccupied !== (lane?.length ?? 0) > 0) throw new Error("a lane's bit is off");
      count += lane?.length ?? 0;
    }
    if (count !== this.#count) throw new Error("the count is not what the lanes hold");
    if (count > this.maxMessages) throw new Error("there are more messages than fit");
    if (this.#byteCount > this.maxBytes) throw new Error("there are more bytes than fit");
    if (count === 0 && this.#byteCount !== 0) throw new Error("no message, but bytes");
  }
}
