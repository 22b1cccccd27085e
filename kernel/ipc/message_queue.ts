/**
 * Message queues: whole messages with handles, by priority, from senders to receivers.
 *
 * Invariants:
 * - `count ≤ maxMessages` and `byteCount ≤ maxBytes`; both say what the lanes hold;
 * - messages come out once, whole, by priority, and first-in first-out inside one priority;
 * - a handle that was sent is in the sender's table, in one message, or in the receiver's table;
 * - from the close of the last receiver on, the queue is empty and what was in it is closed;
 * - receivers see the end only when no sender is left and the queue is empty.
 *
 * @module
 */
import { Capability, type HandleTarget } from "../../capabilities/capability.ts";
import { IpcError } from "../../capabilities/errors.ts";
import type { HandleEntry } from "../../capabilities/handle.ts";
import {
  HIGHEST_PRIORITY,
  type MessageParty,
  type MessageQueueObject,
  type OutgoingMessage,
  type ReceivedMessage,
} from "../../capabilities/message_ops.ts";
import { Signals } from "../../capabilities/signals.ts";
import { WOULD_BLOCK, type WouldBlock } from "../../capabilities/stream_ops.ts";
import { type Carrier, sendable, takeOff, tookOff } from "../handle_transfer.ts";
import { KernelObject } from "../kernel_object.ts";
import { Fifo } from "./fifo.ts";
import { Parcel } from "./parcel.ts";
import { Transaction } from "./transaction.ts";

/** Messages that a queue holds unless it is told otherwise. */
export const DEFAULT_MAX_MESSAGES = 1_024;
/** Bytes that a queue holds unless it is told otherwise. */
export const DEFAULT_MAX_BYTES = 2 ** 20;
/** Bytes of one message unless the queue is told otherwise. */
export const DEFAULT_MAX_MESSAGE_BYTES = 65_536;

/** What a message queue is made from. */
export interface MessageQueueSettings {
  /** Messages, 1 … 65,536. */
  readonly maxMessages?: number;
  /** Bytes of all messages together. */
  readonly maxBytes?: number;
  /** Bytes of one message; never more than `maxBytes`. */
  readonly maxMessageBytes?: number;
  /** Where the queue is listed for as long as it can hold handles. */
  readonly carriers?: Set<Carrier>;
}

const byteLengthOf = Object.getOwnPropertyDescriptor(
  Object.getPrototypeOf(Uint8Array.prototype),
  "byteLength",
)?.get as (this: Uint8Array) => number;

/** A message queue: the messages, and the two ends that handles name. */
export class MessageQueue implements Carrier {
  readonly maxMessages: number;
  readonly maxBytes: number;
  readonly maxMessageBytes: number;
  readonly sender: MessageSenderEnd;
  readonly receiver: MessageReceiverEnd;
  /** Calls whose message was received and that have no reply yet, by transaction id. */
  readonly received: Map<number, Transaction> = new Map();
  /** A lane for each priority that was ever used. */
  readonly #lanes: (Fifo<Parcel> | undefined)[] = [];
  /** Bit n is set exactly when lane n holds a message. */
  #occupied = 0;
  #count = 0;
  #byteCount = 0;
  readonly #carriers: Set<Carrier> | undefined;

  constructor(settings: MessageQueueSettings = {}) {
    this.maxMessages = settings.maxMessages ?? DEFAULT_MAX_MESSAGES;
    this.maxBytes = settings.maxBytes ?? DEFAULT_MAX_BYTES;
    const maxMessageBytes = settings.maxMessageBytes ?? DEFAULT_MAX_MESSAGE_BYTES;
    this.maxMessageBytes = Math.min(maxMessageBytes, this.maxBytes);
    this.sender = new MessageSenderEnd(this);
    this.receiver = new MessageReceiverEnd(this);
    this.#carriers = settings.carriers;
    this.#carriers?.add(this);
  }

  /** Messages in the queue. */
  get count(): number {
    return this.#count;
  }

  /** Bytes of the messages in the queue. */
  get byteCount(): number {
    return this.#byteCount;
  }

  /** True for the objects that may not travel through this queue. */
  isOwnEnd(object: HandleTarget): boolean {
    return object === this.sender || object === this.receiver;
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

  /** Takes the message that `peek` shows. */
  shift(): void {
    const priority = HIGHEST_PRIORITY - Math.clz32(this.#occupied);
    const lane = this.#lanes[priority];
    const parcel = lane?.shift();
    if (lane === undefined || parcel === undefined) return;
    if (lane.length === 0) this.#occupied &= ~(1 << priority);
    this.#count--;
    this.#byteCount -= parcel.bytes.length;
  }

  /** Drops every message, with its handles; nobody can receive them. */
  drain(): void {
    this.#carriers?.delete(this);
    const dropped: Parcel[] = [];
    for (let parcel = this.peek(); parcel !== undefined; parcel = this.peek()) {
      this.shift();
      dropped.push(parcel);
    }
    // Dropping runs other calls: by now the queue is as they are to find it.
    for (const parcel of dropped) {
      parcel.transaction?.lost();
      parcel.drop();
    }
  }

  /** Throws when an invariant is broken; for tests. */
  assertInvariants(): void {
    this.sender.assertInvariants();
    this.receiver.assertInvariants();
    let count = 0;
    this.#lanes.forEach((lane, priority) => {
      lane?.assertInvariants();
      const isOccupied = (this.#occupied & (1 << priority)) !== 0;
      if (isOccupied !== (lane?.length ?? 0) > 0) throw new Error("a lane's bit is off");
      count += lane?.length ?? 0;
    });
    if (count !== this.#count) throw new Error("the count is not what the lanes hold");
    if (count > this.maxMessages) throw new Error("there are more messages than fit");
    if (this.#byteCount > this.maxBytes) throw new Error("there are more bytes than fit");
    if (count === 0 && this.#byteCount !== 0) throw new Error("no message, but bytes");
    if (this.receiver.isClosed && count > 0) throw new Error("messages that nobody can receive");
    for (const [id, transaction] of this.received) {
      if (transaction.id !== id || !transaction.isOpen || transaction.via === undefined) {
        throw new Error("a received call is not one");
      }
    }
  }
}

/** One end of a message queue; however many handles name it, it is one object. */
abstract class MessageQueueEnd extends KernelObject implements MessageQueueObject {
  readonly capabilities: number = Capability.STREAM_IPC | Capability.MESSAGE_QUEUE;
  readonly queue: MessageQueue;
  /** True from the close of the last handle on. */
  isClosed = false;

  constructor(queue: MessageQueue) {
    super();
    this.queue = queue;
  }

  /** How many name this end: its handles, or the creator of a queue used without handles. */
  get users(): number {
    return this.isClosed ? 0 : Math.max(1, this.handleCount);
  }

  get isConnected(): boolean {
    return this.peerCount > 0;
  }

  get description(): string {
    const { count, maxMessages } = this.queue;
    const peers = this.peerCount === 1 ? "1 peer" : `${this.peerCount} peers`;
    return `${this.type}, ${count} of ${maxMessages} messages, ${peers}`;
  }

  abstract get peerCount(): number;

  tryRead(): number {
    throw new IpcError("NOT_SUPPORTED", "a message queue holds messages, not a stream of bytes");
  }

  tryWrite(): number {
    throw new IpcError("NOT_SUPPORTED", "a message queue holds messages, not a stream of bytes");
  }

  trySend(_from: MessageParty, _message: OutgoingMessage): true | WouldBlock {
    throw new IpcError("NOT_SUPPORTED", `a ${this.type} can't send`);
  }

  tryReceive(_to: MessageParty, _via: HandleEntry): ReceivedMessage | WouldBlock {
    throw new IpcError("NOT_SUPPORTED", `a ${this.type} can't receive`);
  }
}

/** The end that messages go into. */
export class MessageSenderEnd extends MessageQueueEnd {
  readonly type = "message sender";

  get peerCount(): number {
    return this.queue.receiver.users;
  }

  override trySend(
    from: MessageParty,
    message: OutgoingMessage,
    transaction?: Transaction,
  ): true | WouldBlock {
    const { queue } = this;
    const { bytes, duplicate } = message;
    if (queue.receiver.isClosed) throw new IpcError("PEER_CLOSED", "no receiver is left");
    const length = byteLengthOf.call(bytes);
    queue.requireFit(length);
    const entries = message.handles.length === 0
      ? undefined
      : sendable(from.table, message.handles, duplicate, (object) => queue.isOwnEnd(object));
    if (!queue.hasRoom(length)) return WOULD_BLOCK;
    const handleCount = entries?.length ?? 0;
    const parcel = new Parcel(from, bytes, message.priority, handleCount, transaction);
    if (entries !== undefined) parcel.inFlight = takeOff(entries, duplicate);
    const wasEmpty = queue.count === 0;
    queue.push(parcel);
    this.waiters.wake(); // WRITABLE may have fallen
    if (entries !== undefined && !duplicate) tookOff(entries);
    if (wasEmpty) queue.receiver.turnedNonEmpty();
    queue.receiver.waiters.wake();
    return true;
  }

  /**
   * Queues a message that asks for a reply.
   *
   * @returns What the caller waits on, or WOULD_BLOCK when the queue is full.
   */
  tryCall(from: MessageParty, message: OutgoingMessage): Transaction | WouldBlock {
    const transaction = new Transaction();
    const sent = this.trySend(from, message, transaction);
    return sent === WOULD_BLOCK ? WOULD_BLOCK : transaction;
  }

  /** The caller has stopped waiting. */
  abandon(transaction: Transaction): void {
    this.queue.received.delete(transaction.id);
    transaction.abandon();
  }

  protected override onLastHandleClosed(): void {
    this.isClosed = true;
    this.waiters.wake();
    this.queue.receiver.waiters.wake();
  }

  protected ownSignals(): number {
    const { queue } = this;
    if (queue.receiver.isClosed) return Signals.WRITABLE | Signals.PEER_CLOSED;
    return queue.hasRoom(Math.min(1, queue.maxMessageBytes)) ? Signals.WRITABLE : 0;
  }
}

/** The end that messages come out of. */
export class MessageReceiverEnd extends MessageQueueEnd {
  readonly type = "message receiver";
  /** Set while somebody is to be told that the queue turned non-empty; by whose handle, and how. */
  #notification: { readonly via: HandleEntry; readonly tell: () => void } | undefined = undefined;

  get peerCount(): number {
    return this.queue.sender.users;
  }

  override tryReceive(
    to: MessageParty,
    via: HandleEntry,
    into?: Uint8Array,
  ): ReceivedMessage | WouldBlock {
    const { queue } = this;
    const parcel = queue.peek();
    if (parcel === undefined) {
      if (!queue.sender.isClosed) return WOULD_BLOCK;
      throw new IpcError("PEER_CLOSED", "no sender is left and the queue is empty");
    }
    if (into !== undefined) requireRoomFor(parcel.bytes, into);
    const handles = parcel.land(to.table);
    if (into !== undefined) Uint8Array.prototype.set.call(into, parcel.bytes);
    queue.shift();
    const { transaction } = parcel;
    if (transaction?.isOpen === true) {
      transaction.via = via;
      queue.received.set(transaction.id, transaction);
    }
    const message = parcel.open(handles);
    this.waiters.wake(); // READABLE may have fallen
    queue.sender.waiters.wake();
    return message;
  }

  /**
   * Answers a call that was received here.
   *
   * @param via The handle that the reply goes through.
   * @param transactionId What the message bore; untrusted.
   * @throws {IpcError} INVALID_STATE when no such call waits for this task's reply, and what
   * sending a message throws.
   */
  reply(
    from: MessageParty,
    via: HandleEntry,
    transactionId: unknown,
    bytes: Uint8Array,
    handles: readonly unknown[],
  ): void {
    const { queue } = this;
    const transaction = queue.received.get(transactionId as number);
    // Another task that holds this receiver could guess the number of a call that it never got.
    const isReceivedHere = transaction?.via === via || transaction?.via?.table === from.table;
    if (transaction === undefined || !isReceivedHere) {
      throw new IpcError("INVALID_STATE", "no call that was received here waits for this reply");
    }
    const length = byteLengthOf.call(bytes);
    queue.requireFit(length);
    const entries = sendable(from.table, handles, false, (object) => queue.isOwnEnd(object));
    const parcel = new Parcel(from, bytes, 0, entries.length, transaction);
    queue.received.delete(transaction.id);
    parcel.inFlight = takeOff(entries, false);
    transaction.replied(parcel);
    tookOff(entries);
    transaction.waiters.wake();
  }

  /**
   * Tells somebody once, when the queue next turns non-empty; replaces whoever was to be told.
   *
   * @param via The handle that asked: when it closes, nobody is told.
   */
  notify(via: HandleEntry, tell: () => void): void {
    this.#notification = { via, tell };
  }

  /** A message went into the empty queue. */
  turnedNonEmpty(): void {
    const notification = this.#notification;
    this.#notification = undefined;
    notification?.tell();
  }

  override handleClosed(handle: object): void {
    if (this.#notification?.via === handle) this.#notification = undefined;
    for (const transaction of [...this.queue.received.values()]) {
      if (transaction.via !== handle) continue;
      this.queue.received.delete(transaction.id);
      transaction.lost();
    }
    super.handleClosed(handle);
  }

  protected override onLastHandleClosed(): void {
    this.isClosed = true;
    this.queue.drain();
    this.waiters.wake();
    this.queue.sender.waiters.wake();
  }

  protected ownSignals(): number {
    const { queue } = this;
    if (queue.sender.isClosed) return Signals.READABLE | Signals.PEER_CLOSED;
    return queue.count > 0 ? Signals.READABLE : 0;
  }
}

/** Throws BUFFER_TOO_SMALL unless the message fits into the buffer. */
function requireRoomFor(bytes: Uint8Array, into: Uint8Array): void {
  const room = byteLengthOf.call(into);
  if (bytes.length <= room) return;
  throw new IpcError(
    "BUFFER_TOO_SMALL",
    `the next message has ${bytes.length} bytes and the buffer ${room}`,
    { needed: bytes.length },
  );
}
