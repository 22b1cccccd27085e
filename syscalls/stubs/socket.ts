/**
 * Sockets as programs hold them.
 *
 * @module
 */
import type {
  ReceivedSocketMessage,
  ShutdownHow,
  SocketType,
} from "../../capabilities/socket_ops.ts";
import { WOULD_BLOCK } from "../../capabilities/stream_ops.ts";
import { readField, type WaitOptions } from "../arguments.ts";
import { SYSCALLS } from "../table.ts";
import type { HandlesToSend, SocketStatus } from "../table/sockets.ts";
import type { PeerStatus } from "../table/streams.ts";
import {
  done,
  doorOf,
  Handle,
  mapped,
  numberFor,
  numbersFor,
  prepared,
  rejecting,
} from "./handle.ts";
import type { StreamEnd } from "./pipe.ts";
import { readableOf, writableOf } from "./pipe_streams.ts";
import { adoptArrival } from "./registry.ts";

/** A message that came out of a seqpacket or datagram socket. */
export interface SocketMessage {
  /** The receiver's own copy. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The handles that came with it. One that was revoked on its way arrives closed. */
  readonly handles: readonly Handle[];
}

/** What travels in a socket's message beside its bytes. */
export interface SocketSendOptions extends WaitOptions {
  /** At most 64; they move. TRANSFER on each. */
  handles?: Handle[];
  /** True to send children of the handles and keep them; needs DUPLICATE too. @default false */
  duplicate?: boolean;
}

/**
 * One end of a two-way connection.
 *
 * A stream socket carries one ordered sequence of bytes and handles: `read` stops before a handle,
 * which `receiveHandle` takes. A seqpacket or datagram socket carries whole messages, with their
 * handles. The calls of the other style are NOT_SUPPORTED. Reading needs READ, writing WRITE.
 *
 * @example
 * ```ts
 * import { Kernel, PipeReader } from "@carmine/kernel";
 *
 * await using kernel = new Kernel();
 * const [left, right] = kernel.init.createSocketPair();
 * const { reader } = kernel.init.createPipe();
 * await left.write(new TextEncoder().encode("here it comes"));
 * await left.sendHandle(reader);
 * left.close();
 *
 * const buffer = new Uint8Array(64);
 * console.log(await right.read(buffer)); // 13
 * console.log(await right.receiveHandle() instanceof PipeReader); // true
 * console.log(await right.read(buffer)); // 0
 * ```
 */
export class Socket extends Handle implements StreamEnd {
  /** Asked for when first looked at; neither ever changes. */
  #facts: SocketStatus | undefined = undefined;
  #readable: ReadableStream<Uint8Array<ArrayBuffer>> | undefined = undefined;
  #writable: WritableStream<Uint8Array> | undefined = undefined;

  /** What the socket carries: bytes, or messages. */
  get socketType(): SocketType {
    return this.#status().socketType;
  }

  /**
   * The task that created the other end; it stays the same when that end moves to another task, and
   * when its creator has ended. 0 when the other end is on the network.
   */
  get peerTaskId(): number {
    return this.#status().peerTaskId;
  }

  /** True while the other end is there. */
  get isConnected(): boolean {
    return this.#peers().isConnected;
  }

  /** How many handles name the other end. */
  get peerCount(): number {
    return this.#peers().peerCount;
  }

  /** One line for people. */
  get description(): string {
    return this.#peers().description;
  }

  /**
   * Waits for bytes and reads what is there, up to the buffer's length or the next handle.
   *
   * @returns The number of bytes; 0 at the end.
   * @throws {KernelError} NOT_SUPPORTED for a socket of messages, BROKEN_PIPE when the other end
   * gave the stream up, TIMED_OUT, CANCELED.
   */
  read(into: Uint8Array, options?: WaitOptions): Promise<number> {
    return doorOf(this).wait(SYSCALLS.streamRead, options, this.number, into);
  }

  /** As {@linkcode Socket.read}, but blocks the thread. Only in workers. */
  readSync(into: Uint8Array, options?: WaitOptions): number {
    return doorOf(this).block(SYSCALLS.streamRead, options, this.number, into);
  }

  /** As {@linkcode Socket.read}, but never waits: -1 where that would. */
  tryRead(into: Uint8Array): number {
    return doorOf(this).call(SYSCALLS.streamRead, this.number, into);
  }

  /**
   * Writes all of the bytes, waiting for room as often as needed; up to 4,096 of them whole.
   *
   * @returns How many bytes there were.
   * @throws {KernelError} NOT_SUPPORTED for a socket of messages, BROKEN_PIPE when the other end is
   * closed or shut for reading, or this one for writing; TIMED_OUT, CANCELED.
   */
  write(bytes: Uint8Array, options?: WaitOptions): Promise<number> {
    return doorOf(this).wait(SYSCALLS.streamWrite, options, this.number, bytes);
  }

  /** As {@linkcode Socket.write}, but blocks the thread. Only in workers. */
  writeSync(bytes: Uint8Array, options?: WaitOptions): number {
    return doorOf(this).block(SYSCALLS.streamWrite, options, this.number, bytes);
  }

  /** Writes what fits now: all of at most 4,096 bytes, or part of more. -1 when nothing fits. */
  tryWrite(bytes: Uint8Array): number {
    return doorOf(this).call(SYSCALLS.streamWrite, this.number, bytes);
  }

  /**
   * Sends a whole message, waiting for room. Its handles stay here until then.
   *
   * @throws {KernelError} NOT_SUPPORTED for a stream, PEER_CLOSED when the other end is closed or
   * shut for reading, or this one for writing; MESSAGE_TOO_LONG for more than the socket's
   * capacity; for the handles ACCESS_DENIED, BAD_HANDLE, OUT_OF_RANGE (more than 64),
   * INVALID_ARGUMENT (the same one twice, or an end of this socket); LIMIT_EXCEEDED, TIMED_OUT,
   * CANCELED.
   */
  send(bytes: Uint8Array, options?: SocketSendOptions): Promise<void> {
    return rejecting(() => {
      const door = doorOf(this);
      const sent = prepareSend(this, options);
      return mapped(door.wait(SYSCALLS.socketSend, options, this.number, bytes, sent), nothing);
    });
  }

  /** As {@linkcode Socket.send}, but blocks the thread. Only in workers. */
  sendSync(bytes: Uint8Array, options?: SocketSendOptions): void {
    const door = doorOf(this);
    door.block(SYSCALLS.socketSend, options, this.number, bytes, prepareSend(this, options));
  }

  /** As {@linkcode Socket.send}, but never waits: false where that would. */
  trySend(bytes: Uint8Array, options?: Omit<SocketSendOptions, keyof WaitOptions>): boolean {
    const door = doorOf(this);
    const args = prepareSend(this, options);
    return door.call(SYSCALLS.socketSend, this.number, bytes, args) !== WOULD_BLOCK;
  }

  /**
   * Waits for a message and takes it, with its handles.
   *
   * @throws {KernelError} NOT_SUPPORTED for a stream, PEER_CLOSED at the end, TOO_MANY_HANDLES when
   * its handles don't fit into the task's table (the message stays first), TIMED_OUT, CANCELED.
   */
  receive(options?: WaitOptions): Promise<SocketMessage> {
    const call = doorOf(this).wait(SYSCALLS.socketReceive, options, this.number);
    return mapped(call, (message) => this.#arrived(message));
  }

  /** As {@linkcode Socket.receive}, but blocks the thread. Only in workers. */
  receiveSync(options?: WaitOptions): SocketMessage {
    return this.#arrived(doorOf(this).block(SYSCALLS.socketReceive, options, this.number));
  }

  /** As {@linkcode Socket.receive}, but never waits: undefined where that would. */
  tryReceive(): SocketMessage | undefined {
    const message = doorOf(this).call(SYSCALLS.socketReceive, this.number);
    return message === WOULD_BLOCK ? undefined : this.#arrived(message);
  }

  /**
   * Puts a handle into the stream, behind the bytes written so far. It moves; needs TRANSFER on it.
   *
   * @throws {KernelError} as {@linkcode Socket.write} and, for the handle, {@linkcode Socket.send}.
   */
  sendHandle(handle: Handle, options?: WaitOptions): Promise<void> {
    return rejecting(() => {
      const door = doorOf(this);
      const sent = prepareHandle(this, handle);
      return mapped(door.wait(SYSCALLS.socketSendHandle, options, this.number, sent), nothing);
    });
  }

  /** As {@linkcode Socket.sendHandle}, but blocks the thread. Only in workers. */
  sendHandleSync(handle: Handle, options?: WaitOptions): void {
    const door = doorOf(this);
    door.block(SYSCALLS.socketSendHandle, options, this.number, prepareHandle(this, handle));
  }

  /**
   * Waits until a handle is next in the stream (the signal HANDLE_PENDING says so) and takes it.
   *
   * @throws {KernelError} NOT_SUPPORTED for a socket of messages, PEER_CLOSED at the end,
   * TOO_MANY_HANDLES when the task's table is full (the handle stays), TIMED_OUT, CANCELED.
   */
  receiveHandle(options?: WaitOptions): Promise<Handle> {
    const door = doorOf(this);
    const call = door.wait(SYSCALLS.socketReceiveHandle, options, this.number);
    return mapped(call, (arrival) => adoptArrival(door, arrival));
  }

  /** As {@linkcode Socket.receiveHandle}, but blocks the thread. Only in workers. */
  receiveHandleSync(options?: WaitOptions): Handle {
    const door = doorOf(this);
    return adoptArrival(door, door.block(SYSCALLS.socketReceiveHandle, options, this.number));
  }

  /**
   * Gives up one direction, or both. Calling it again does nothing more.
   *
   * @param how "write": this end's writes fail, and the other end reads what is left and then the
   * end. "read": what is unread is dropped, this end reads the end, and the other end's writes
   * fail. Whoever waits finds the same.
   * @throws {KernelError} ACCESS_DENIED without READ to give up reading, WRITE to give up writing.
   */
  shutdown(how: ShutdownHow): void {
    doorOf(this).call(SYSCALLS.socketShutdown, this.number, how);
  }

  /**
   * What the other end writes, as a byte stream; the same one each time. Cancelling it is
   * `shutdown("read")`. The handle stays open.
   */
  get readable(): ReadableStream<Uint8Array<ArrayBuffer>> {
    return this.#readable ??= readableOf(this, {
      ended: () => {},
      cancelled: () => this.#giveUp(() => this.shutdown("read")),
    });
  }

  /**
   * A stream whose chunks the other end reads; the same one each time. Closing it is
   * `shutdown("write")`; when it is aborted, the other end reads what is left and then gets
   * BROKEN_PIPE. The handle stays open.
   */
  get writable(): WritableStream<Uint8Array> {
    return this.#writable ??= writableOf(this, {
      isWatched: false,
      closed: () => this.#giveUp(() => this.shutdown("write")),
      failed: (reason) =>
        this.#giveUp(() => doorOf(this).call(SYSCALLS.socketFail, this.number, reason)),
    });
  }

  #status(): SocketStatus {
    return this.#facts ??= done(doorOf(this).call(SYSCALLS.socketStatus, this.number));
  }

  #peers(): PeerStatus {
    return done(doorOf(this).call(SYSCALLS.peerStatus, this.number));
  }

  #arrived({ bytes, handles }: ReceivedSocketMessage): SocketMessage {
    if (handles.length === 0) return { bytes, handles: NO_HANDLES };
    const door = doorOf(this);
    return { bytes, handles: Object.freeze(handles.map((each) => adoptArrival(door, each))) };
  }

  /** A closed handle has given up everything already. */
  #giveUp(act: () => void): void {
    if (!this.closed) act();
  }
}

const NO_HANDLES: readonly Handle[] = Object.freeze([]);
const NOTHING_ELSE: HandlesToSend = Object.freeze({});

function nothing(): void {}

/** What travels beside the bytes, handles by number; each option is read once. */
function prepareSend(socket: Socket, options: SocketSendOptions | undefined): HandlesToSend {
  if (options === undefined) return NOTHING_ELSE;
  return prepared(SYSCALLS.socketSend, socket, () => {
    const handles = numbersFor(doorOf(socket), readField(options, "handles", "options"));
    const duplicate = readField(options, "duplicate", "options") as boolean | undefined;
    return duplicate === undefined ? { handles } : { handles, duplicate };
  });
}

function prepareHandle(socket: Socket, handle: unknown): number {
  return prepared(SYSCALLS.socketSendHandle, socket, () => numberFor(doorOf(socket), handle));
}
