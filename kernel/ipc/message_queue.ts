/**
 * Message queues: whole messages with handles, by priority, from senders to receivers.
 *
 * Invariants:
 * - messages come out once, whole, in the order of `MessageLanes`, and never exceed its limits;
 * - a handle that was sent is in the sender's table, in one message, or in the receiver's table;
 * - from the close of the last receiver on, the queue is empty and what was in it is closed;
 * - receivers see the end only when no sender is left and the queue is empty.
 *
 * @module
 */
import { Capability, type HandleTarget } from "../../capabilities/capability.ts";
import { IpcError } from "../../capabilities/errors.ts";
import type { HandleEntry } from "../../capabilities/handle.ts";
import type {
  MessageQueueObject,
  OutgoingMessage,
  ReceivedMessage,
} from "../../capabilities/message_ops.ts";
import { Signals } from "../../capabilities/signals.ts";
import { WOULD_BLOCK, type WouldBlock } from "../../capabilities/stream_ops.ts";
import { lengthOf } from "../../memory/atomics.ts";
import {
  type Carrier,
  sendable,
  takeOff,
  tookOff,
  type TransferParty,
} from "../handle_transfer.ts";
import { KernelObject } from "../kernel_object.ts";
import { MessageLanes, type MessageLimits } from "./message_lanes.ts";
import { type AwaitedReply, Parcel } from "./parcel.ts";
import { ReceivedCalls } from "./received_calls.ts";
import { Transaction } from "./transaction.ts";

/** What a message queue is made from. */
export interface MessageQueueSettings extends MessageLimits {
  /** Where the queue is listed for as long as it can hold handles. */
  readonly carriers?: Set<Carrier>;
}

/** A message queue: the messages, and the two ends that handles name. */
export class MessageQueue implements Carrier {
  readonly messages: MessageLanes;
  readonly sender: MessageSenderEnd;
  readonly receiver: MessageReceiverEnd;
  /** Calls whose message was received and that have no reply yet. */
  readonly received: ReceivedCalls = new ReceivedCalls();
  readonly #carriers: Set<Carrier> | undefined;

  constructor(settings: MessageQueueSettings = {}) {
    this.messages = new MessageLanes(settings);
    this.sender = new MessageSenderEnd(this);
    this.receiver = new MessageReceiverEnd(this);
    this.#carriers = settings.carriers;
    this.#carriers?.add(this);
  }

  /** True for the objects that may not travel through this queue. */
  isOwnEnd(object: HandleTarget): boolean {
    return object === this.sender || object === this.receiver;
  }

  /** Drops every message, with its handles; nobody can receive them. */
  drain(): void {
    this.#carriers?.delete(this);
    const dropped: Parcel[] = [];
    for (let parcel = this.messages.shift(); parcel; parcel = this.messages.shift()) {
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
    this.messages.assertInvariants();
    if (this.receiver.isClosed && this.messages.count > 0) {
      throw new Error("messages that nobody can receive");
    }
    this.received.assertInvariants();
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
    const { count, maxMessages } = this.queue.messages;
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

  trySend(_from: TransferParty, _message: OutgoingMessage): true | WouldBlock {
    throw new IpcError("NOT_SUPPORTED", `a ${this.type} can't send`);
  }

  tryReceive(_to: TransferParty, _via: HandleEntry): ReceivedMessage | WouldBlock {
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
    from: TransferParty,
    message: OutgoingMessage,
    transaction?: AwaitedReply,
  ): true | WouldBlock {
    const { queue } = this;
    const { bytes, duplicate } = message;
    if (queue.receiver.isClosed) throw new IpcError("PEER_CLOSED", "no receiver is left");
    const length = lengthOf(bytes);
    queue.messages.requireFit(length);
    const entries = message.handles.length === 0
      ? undefined
      : sendable(from.table, message.handles, duplicate, (object) => queue.isOwnEnd(object));
    if (!queue.messages.hasRoom(length)) return WOULD_BLOCK;
    const handleCount = entries?.length ?? 0;
    const parcel = new Parcel(from, bytes, message.priority, handleCount, transaction);
    if (entries !== undefined) parcel.inFlight = takeOff(entries, duplicate);
    const wasEmpty = queue.messages.count === 0;
    queue.messages.push(parcel);
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
  tryCall(from: TransferParty, message: OutgoingMessage): Transaction | WouldBlock {
    const transaction = new Transaction();
    const sent = this.trySend(from, message, transaction);
    return sent === WOULD_BLOCK ? WOULD_BLOCK : transaction;
  }

  /** The caller has stopped waiting. */
  abandon(transaction: Transaction): void {
    this.queue.received.remove(transaction);
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
    return queue.messages.hasRoom(1) ? Signals.WRITABLE : 0;
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
    to: TransferParty,
    via: HandleEntry,
    into?: Uint8Array,
  ): ReceivedMessage | WouldBlock {
    const { queue } = this;
    const parcel = queue.messages.peek();
    if (parcel === undefined) {
      if (!queue.sender.isClosed) return WOULD_BLOCK;
      throw new IpcError("PEER_CLOSED", "no sender is left and the queue is empty");
    }
    if (into !== undefined) requireRoomFor(parcel.bytes, into);
    const handles = parcel.land(to.table);
    if (into !== undefined) Uint8Array.prototype.set.call(into, parcel.bytes);
    queue.messages.shift();
    const { transaction } = parcel;
    if (transaction?.isOpen === true) queue.received.add(transaction, via);
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
    from: TransferParty,
    via: HandleEntry,
    transactionId: unknown,
    bytes: Uint8Array,
    handles: readonly unknown[],
  ): void {
    const { queue } = this;
    const transaction = queue.received.find(transactionId, via, from.table);
    const length = lengthOf(bytes);
    queue.messages.requireFit(length);
    const entries = sendable(from.table, handles, false, (object) => queue.isOwnEnd(object));
    const parcel = new Parcel(from, bytes, 0, entries.length, transaction);
    queue.received.remove(transaction);
    parcel.inFlight = takeOff(entries, false);
    tookOff(entries);
    transaction.replied(parcel);
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
    this.queue.received.handleClosed(handle);
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
    return queue.messages.count > 0 ? Signals.READABLE : 0;
  }
}

/** Throws BUFFER_TOO_SMALL unless the message fits into the buffer. */
function requireRoomFor(bytes: Uint8Array, into: Uint8Array): void {
  const room = lengthOf(into);
  if (bytes.length <= room) return;
  throw new IpcError(
    "BUFFER_TOO_SMALL",
    `the next message has ${bytes.length} bytes and the buffer ${room}`,
    { needed: bytes.length },
  );
}
