/**
 * Message queues as programs hold them.
 *
 * @module
 */
import type { EventContent, EventPayload } from "../../capabilities/event_ops.ts";
import type { ReceivedMessage } from "../../capabilities/message_ops.ts";
import { WOULD_BLOCK } from "../../capabilities/stream_ops.ts";
import { readField, type WaitOptions } from "../arguments.ts";
import type { Door, SyscallSpec } from "../door.ts";
import { SYSCALLS } from "../table.ts";
import type { MessageInto, SendArguments } from "../table/messages.ts";
import type { PeerStatus } from "../table/streams.ts";
import { done, doorOf, Handle, mapped, numbersFor, prepared, rejecting } from "./handle.ts";
import type { StreamEnd } from "./pipe.ts";
import { ReceiveIterator } from "./receive_iterator.ts";
import { adoptArrival } from "./registry.ts";

/** A message as its receiver has it. */
export interface Message {
  /** The contents, the receiver's own. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** 0 … 31. */
  readonly priority: number;
  /**
   * The handles that came with it, in the order they were sent, as instances of their objects'
   * classes. One that was revoked on its way is closed, and its use throws REVOKED.
   */
  readonly handles: readonly Handle[];
  /** The id of the task that sent it, as the kernel knows it. */
  readonly sender: number;
  /** Set for a call, whose caller waits for {@linkcode MessageReceiver.reply}, and for a reply. */
  readonly transactionId?: number;
}

/** How to send a message. */
export interface SendOptions extends WaitOptions {
  /** 0 … 31, the highest first. @default 0 */
  priority?: number;
  /**
   * Handles that travel with the message, at most 64, TRANSFER on each. They stay with the sender
   * until the message is queued, and are checked again then.
   *
   * @default none
   */
  handles?: Handle[];
  /** True to send children of the handles instead; needs DUPLICATE too. @default false */
  duplicate?: boolean;
}

/** How to reply to a message. */
export interface ReplyOptions {
  /** Handles that travel with the reply, at most 64, TRANSFER on each. @default none */
  handles?: Handle[];
}

/**
 * The end of a message queue that messages go into. Sending needs WRITE.
 *
 * A sent handle leaves its sender, travels in the message and lands with its receiver; it closes if
 * nobody receives it. More than 64 handles give OUT_OF_RANGE; the same one twice, or an end of this
 * queue, INVALID_ARGUMENT.
 *
 * @example
 * ```ts
 * import { Kernel } from "@carmine/kernel";
 *
 * await using kernel = new Kernel();
 * const { sender, receiver } = kernel.init.createMessageQueue();
 * await sender.send(new Uint8Array([1]));
 * await sender.send(new Uint8Array([2]), { priority: 9 });
 * console.log((await receiver.receive()).bytes); // Uint8Array [ 2 ]
 * ```
 */
export class MessageSender extends Handle implements StreamEnd {
  /** True while the other end is there. */
  get isConnected(): boolean {
    return peersOf(this).isConnected;
  }

  /** How many handles name the other end. */
  get peerCount(): number {
    return peersOf(this).peerCount;
  }

  /** One line for people. */
  get description(): string {
    return peersOf(this).description;
  }

  /**
   * Waits for room and queues a message.
   *
   * @throws {KernelError} ACCESS_DENIED without WRITE or the handles' rights, PEER_CLOSED when no
   * receiver is left, MESSAGE_TOO_LONG, OUT_OF_RANGE, INVALID_ARGUMENT, LIMIT_EXCEEDED, CHANNEL_FULL
   * (nonblocking handle), TIMED_OUT, CANCELED.
   */
  send(bytes: Uint8Array, options?: SendOptions): Promise<void> {
    return rejecting(() => {
      const door = doorOf(this);
      const args = sendArguments(SYSCALLS.messageSend, this, options);
      return door.wait(SYSCALLS.messageSend, options, this.number, bytes, args);
    });
  }

  /** As {@linkcode MessageSender.send}, but blocks the thread. Only in workers. */
  sendSync(bytes: Uint8Array, options?: SendOptions): void {
    const door = doorOf(this);
    const args = sendArguments(SYSCALLS.messageSend, this, options);
    door.block(SYSCALLS.messageSend, options, this.number, bytes, args);
  }

  /** As {@linkcode MessageSender.send}, but never waits: false where the queue is full. */
  trySend(bytes: Uint8Array, options?: Omit<SendOptions, keyof WaitOptions>): boolean {
    const door = doorOf(this);
    const args = sendArguments(SYSCALLS.messageSend, this, options);
    return door.call(SYSCALLS.messageSend, this.number, bytes, args) !== WOULD_BLOCK;
  }

  /**
   * Sends a message and waits for the reply to it.
   *
   * @throws {KernelError} as {@linkcode MessageSender.send} does; PEER_CLOSED also when whoever has
   * the message goes without a reply, TOO_MANY_HANDLES when the reply's handles have no room here.
   */
  call(bytes: Uint8Array, options?: SendOptions): Promise<Message> {
    return rejecting(() => {
      const door = doorOf(this);
      const args = sendArguments(SYSCALLS.messageCall, this, options);
      const reply = door.wait(SYSCALLS.messageCall, options, this.number, bytes, args);
      return mapped(reply, (received) => message(door, received));
    });
  }

  /** As {@linkcode MessageSender.call}, but blocks the thread. Only in workers. */
  callSync(bytes: Uint8Array, options?: SendOptions): Message {
    const door = doorOf(this);
    const args = sendArguments(SYSCALLS.messageCall, this, options);
    return message(door, door.block(SYSCALLS.messageCall, options, this.number, bytes, args));
  }
}

/**
 * The end of a message queue that messages come out of: the highest priority first, first-in
 * first-out inside one priority. Receiving needs READ.
 *
 * @example
 * ```ts
 * import { Kernel } from "@carmine/kernel";
 *
 * await using kernel = new Kernel();
 * const { sender, receiver } = kernel.init.createMessageQueue();
 * const answer = sender.call(new Uint8Array([20]));
 * const question = await receiver.receive();
 * receiver.reply(question, question.bytes.map((byte) => byte + 1));
 * console.log((await answer).bytes); // Uint8Array [ 21 ]
 * ```
 */
export class MessageReceiver extends Handle implements StreamEnd, AsyncIterable<Message> {
  /** True while the other end is there. */
  get isConnected(): boolean {
    return peersOf(this).isConnected;
  }

  /** How many handles name the other end. */
  get peerCount(): number {
    return peersOf(this).peerCount;
  }

  /** One line for people. */
  get description(): string {
    return peersOf(this).description;
  }

  /**
   * Waits for a message and takes it.
   *
   * @throws {KernelError} ACCESS_DENIED without READ, PEER_CLOSED when no sender is left and the
   * queue is empty, TOO_MANY_HANDLES when its handles have no room here (the message stays first),
   * CHANNEL_EMPTY (nonblocking handle), TIMED_OUT, CANCELED.
   */
  receive(options?: WaitOptions): Promise<Message> {
    const door = doorOf(this);
    const waiting = door.wait(SYSCALLS.messageReceive, options, this.number);
    return mapped(waiting, (received) => message(door, received));
  }

  /** As {@linkcode MessageReceiver.receive}, but blocks the thread. Only in workers. */
  receiveSync(options?: WaitOptions): Message {
    const door = doorOf(this);
    return message(door, door.block(SYSCALLS.messageReceive, options, this.number));
  }

  /** As {@linkcode MessageReceiver.receive}, but never waits: undefined where that would. */
  tryReceive(): Message | undefined {
    const door = doorOf(this);
    const received = door.call(SYSCALLS.messageReceive, this.number);
    return received === WOULD_BLOCK ? undefined : message(door, received);
  }

  /**
   * As {@linkcode MessageReceiver.receive}, with the bytes put into a buffer.
   *
   * @param buffer Where they go; on a plain buffer that stays attached until the call ends.
   * @returns The message, its bytes a view of the buffer.
   * @throws {KernelError} BUFFER_TOO_SMALL with `needed`; the message stays first.
   */
  receiveInto(buffer: Uint8Array, options?: WaitOptions): Promise<Message> {
    const door = doorOf(this);
    const waiting = door.wait(SYSCALLS.messageReceiveInto, options, this.number, buffer);
    return mapped(waiting, (received) => messageIn(door, buffer, received));
  }

  /** As {@linkcode MessageReceiver.receiveInto}, but blocks the thread. Only in workers. */
  receiveIntoSync(buffer: Uint8Array, options?: WaitOptions): Message {
    const door = doorOf(this);
    const received = door.block(SYSCALLS.messageReceiveInto, options, this.number, buffer);
    return messageIn(door, buffer, received);
  }

  /**
   * Answers a call, once: the caller gets the bytes and the handles. Needs READ.
   *
   * @throws {KernelError} INVALID_STATE when the message is no call that was received here, has been
   * replied to, or its caller no longer waits; what {@linkcode MessageSender.send} throws.
   */
  reply(message: Message, bytes: Uint8Array, options?: ReplyOptions): void {
    const door = doorOf(this);
    const [transactionId, handles] = prepared(SYSCALLS.messageReply, this, () => [
      readField(message, "transactionId", "message"),
      options === undefined
        ? undefined
        : numbersFor(door, readField(options, "handles", "options")),
    ]);
    door.call(SYSCALLS.messageReply, this.number, transactionId, bytes, handles);
  }

  /**
   * Sends the task itself one direct event when the queue next turns from empty to non-empty. A
   * second call replaces the first; closing the handle takes it back. Needs READ.
   */
  notify(content: EventContent, payload?: EventPayload): void {
    doorOf(this).call(SYSCALLS.messageNotify, this.number, content, payload);
  }

  /**
   * The messages as they come; ends when no sender is left and the queue is empty. Leaving early
   * neither closes the handle nor loses a message.
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<Message, undefined> {
    return new ReceiveIterator((options) => this.receive(options));
  }
}

function peersOf(end: Handle): PeerStatus {
  return done(doorOf(end).call(SYSCALLS.peerStatus, end.number));
}

/** What the kernel is told of a send: handles as numbers, each option read once. */
function sendArguments(
  syscall: SyscallSpec,
  sender: MessageSender,
  options: unknown,
): SendArguments | undefined {
  if (options === undefined) return undefined;
  return prepared(syscall, sender, () => {
    const handles = readField(options, "handles", "options");
    return {
      priority: readField(options, "priority", "options") as number, // checked by the kernel
      duplicate: readField(options, "duplicate", "options") as boolean,
      ...(handles === undefined ? {} : { handles: numbersFor(doorOf(sender), handles) }),
    };
  });
}

/** A message with typed handles. */
function message(door: Door, received: ReceivedMessage): Message {
  // Without handles it is a message as it stands.
  if (received.handles.length === 0) return received as unknown as Message;
  return { ...received, handles: received.handles.map((arrival) => adoptArrival(door, arrival)) };
}

function messageIn(door: Door, buffer: Uint8Array, { length, ...rest }: MessageInto): Message {
  const bytes = new Uint8Array(buffer.buffer as ArrayBuffer, buffer.byteOffset, length);
  return message(door, { ...rest, bytes });
}
