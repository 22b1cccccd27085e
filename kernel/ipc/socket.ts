/**
 * Sockets: two ends, and a lane in each direction between them.
 *
 * Invariants:
 * - what one end puts in, the other takes out, once and in order, until a direction is shut;
 * - an end that is closed has both its directions shut;
 * - a direction that is shut stays shut, and whoever waits on it has been woken;
 * - neither end travels through the socket.
 *
 * @module
 */
import { Capability, type HandleTarget } from "../../capabilities/capability.ts";
import { IpcError, StreamError } from "../../capabilities/errors.ts";
import type { HandleEntry } from "../../capabilities/handle.ts";
import type { HandleArrival } from "../../capabilities/message_ops.ts";
import { Signals } from "../../capabilities/signals.ts";
import type {
  OutgoingSocketMessage,
  ReceivedSocketMessage,
  ShutdownHow,
  SocketObject,
  SocketType,
} from "../../capabilities/socket_ops.ts";
import { WOULD_BLOCK, type WouldBlock } from "../../capabilities/stream_ops.ts";
import { lengthOf } from "../../memory/atomics.ts";
import { sendable, takeOff, tookOff, type TransferParty } from "../handle_transfer.ts";
import { KernelObject } from "../kernel_object.ts";
import { Parcel } from "./parcel.ts";
import { MessageLane, type SocketLane, StreamLane } from "./socket_lane.ts";

const NO_BYTES = new Uint8Array(0);

/** A stream's ring is there from the start; a message is charged to its sender when it is sent. */
export function bufferBytesOf(type: SocketType, capacity: number): number {
  return type === "stream" ? capacity : 0;
}

/** One end of a socket; however many handles name it, it is one object. */
export class SocketEnd extends KernelObject implements SocketObject {
  readonly type = "socket";
  readonly capabilities: number = Capability.STREAM | Capability.STREAM_IPC | Capability.SOCKET;
  readonly socketType: SocketType;
  readonly peerTaskId: number;
  readonly incoming: SocketLane;
  readonly outgoing: SocketLane;
  /** The other end; this one itself only while the socket is being made. */
  peer: SocketEnd = this;
  /** False when the other end is outside the kernel. */
  carriesHandles = true;
  /** True once no handle to this end is left, and none will come. */
  isClosed = false;

  constructor(
    socketType: SocketType,
    incoming: SocketLane,
    outgoing: SocketLane,
    peerTaskId: number,
  ) {
    super();
    this.socketType = socketType;
    this.incoming = incoming;
    this.outgoing = outgoing;
    this.peerTaskId = peerTaskId;
  }

  /** Bytes of buffer that the end is charged for. */
  get bufferBytes(): number {
    return bufferBytesOf(this.socketType, this.incoming.capacityBytes);
  }

  get isConnected(): boolean {
    return !this.peer.isClosed;
  }

  /** Handles to the other end; an end that nobody has accepted yet counts as one. */
  get peerCount(): number {
    return this.peer.isClosed ? 0 : Math.max(1, this.peer.handleCount);
  }

  get description(): string {
    const { usedBytes, capacityBytes } = this.incoming;
    const peers = this.peerCount === 1 ? "1 peer" : `${this.peerCount} peers`;
    return `${this.socketType} socket, ${usedBytes} of ${capacityBytes} bytes to read, ${peers}`;
  }

  tryRead(into: Uint8Array): number {
    const lane = this.#streamOf(this.incoming);
    const length = lengthOf(into);
    if (length === 0) return 0;
    const read = lane.isReadShut ? 0 : lane.read(into, length);
    if (read > 0) this.#changed();
    else if (!lane.isAtEnd) return WOULD_BLOCK;
    else this.#throwFailure();
    return read;
  }

  tryWrite(bytes: Uint8Array, start = 0): number {
    const lane = this.#streamOf(this.outgoing);
    const end = lengthOf(bytes);
    if (start >= end) return 0;
    this.#requireWritable();
    const written = lane.write(bytes, start, end);
    if (written === 0) return WOULD_BLOCK;
    this.#changed();
    return written;
  }

  trySend(sender: TransferParty, message: OutgoingSocketMessage): true | WouldBlock {
    const lane = this.#messagesOf(this.outgoing);
    const { bytes, duplicate } = message;
    const entries = sendable(sender.table, message.handles, duplicate, this.#isOwnEnd);
    this.#requireWritable();
    const length = lengthOf(bytes);
    if (length > lane.capacityBytes) {
      throw new IpcError(
        "MESSAGE_TOO_LONG",
        `a message of ${length} bytes is longer than the socket's ${lane.capacityBytes}`,
      );
    }
    if (!lane.fits(length)) return WOULD_BLOCK;
    const parcel = new Parcel(sender, bytes, 0, entries.length);
    parcel.inFlight = takeOff(entries, duplicate);
    lane.add(parcel);
    this.#sent(duplicate ? [] : entries);
    return true;
  }

  tryReceive(receiver: TransferParty): ReceivedSocketMessage | WouldBlock {
    const lane = this.#messagesOf(this.incoming);
    const { first } = lane;
    if (first === undefined) {
      if (!lane.isAtEnd) return WOULD_BLOCK;
      throw this.#ended();
    }
    const handles = first.land(receiver.table);
    lane.take();
    const { bytes } = first.open(handles);
    this.#changed();
    return { bytes, handles };
  }

  trySendHandle(sender: TransferParty, number: unknown): true | WouldBlock {
    const lane = this.#streamOf(this.outgoing);
    if (!this.carriesHandles) {
      throw new IpcError("NOT_SUPPORTED", "handles mean nothing outside the kernel");
    }
    const entries = sendable(sender.table, [number], false, this.#isOwnEnd);
    this.#requireWritable();
    if (!lane.hasRoomForHandle) return WOULD_BLOCK;
    const parcel = new Parcel(sender, NO_BYTES, 0, 1);
    parcel.inFlight = takeOff(entries, false);
    lane.addHandle(parcel);
    this.#sent(entries);
    return true;
  }

  tryReceiveHandle(receiver: TransferParty): HandleArrival | WouldBlock {
    const lane = this.#streamOf(this.incoming);
    const next = lane.nextHandle;
    if (next === undefined) {
      if (!lane.isAtEnd) return WOULD_BLOCK;
      throw this.#ended();
    }
    const [arrival] = next.land(receiver.table) as [HandleArrival];
    lane.takeHandle();
    next.open([arrival]);
    this.#changed();
    return arrival;
  }

  shutdown(how: ShutdownHow): void {
    if (how !== "read") this.outgoing.isWriteShut = true;
    if (how !== "write") this.incoming.shutRead();
    this.#changed();
  }

  /** Ends the outgoing direction with a reason: after what was sent, the peer gets BROKEN_PIPE. */
  fail(reason: unknown): void {
    if (this.outgoing.isBroken) return;
    this.outgoing.failure = { reason };
    this.outgoing.isWriteShut = true;
    this.#changed();
  }

  /** Ends this end, which no handle names: one in a backlog, or the network's. */
  close(): void {
    if (this.isClosed || this.handleCount > 0) return;
    this.onLastHandleClosed();
    this.releaseLease();
  }

  override assertInvariants(): void {
    super.assertInvariants();
    this.incoming.assertInvariants();
    this.outgoing.assertInvariants();
    if (this.peer === this || this.peer.peer !== this) throw new Error("the ends are not a pair");
    if (this.isClosed && !(this.incoming.isReadShut && this.outgoing.isWriteShut)) {
      throw new Error("a closed end's directions are not shut");
    }
  }

  protected override onLastHandleClosed(): void {
    this.isClosed = true;
    this.shutdown("both");
  }

  protected ownSignals(): number {
    const { incoming, outgoing } = this;
    let signals = this.peer.isClosed ? Signals.PEER_CLOSED : 0;
    if (incoming.hasNext || incoming.isAtEnd) signals |= Signals.READABLE;
    if (incoming.hasHandleNext) signals |= Signals.HANDLE_PENDING;
    if (outgoing.isBroken || outgoing.hasRoom) signals |= Signals.WRITABLE;
    return signals;
  }

  readonly #isOwnEnd = (object: HandleTarget): boolean => object === this || object === this.peer;

  /** What is next in a lane, or its end, changed: either end may have somebody who can go on. */
  #changed(): void {
    this.peer.waiters.wake();
    this.waiters.wake();
  }

  /** A parcel is in its lane: ends the sender's waits on what has left, then wakes. */
  #sent(moved: readonly HandleEntry[]): void {
    tookOff(moved);
    this.#changed();
  }

  /** Throws when nothing can be put into the outgoing lane any more. */
  #requireWritable(): void {
    const { outgoing } = this;
    if (!outgoing.isBroken) return;
    const why = outgoing.isWriteShut
      ? "it was shut down for writing"
      : this.peer.isClosed
      ? "the other end is closed"
      : "the other end was shut down for reading";
    if (this.socketType === "stream") throw new StreamError("BROKEN_PIPE", why);
    throw new IpcError("PEER_CLOSED", why);
  }

  /** Why there is nothing more to receive. */
  #ended(): IpcError | StreamError {
    const { incoming } = this;
    if (incoming.failure !== undefined) return this.#failed(incoming.failure.reason);
    const why = incoming.isReadShut
      ? "it was shut down for reading"
      : this.peer.isClosed
      ? "the other end is closed and nothing is left"
      : "the other end was shut down for writing and nothing is left";
    return new IpcError("PEER_CLOSED", why);
  }

  #throwFailure(): void {
    const { failure, isReadShut } = this.incoming;
    if (failure !== undefined && !isReadShut) throw this.#failed(failure.reason);
  }

  #failed(reason: unknown): StreamError {
    return new StreamError("BROKEN_PIPE", "the other end gave the stream up", { cause: reason });
  }

  #streamOf(lane: SocketLane): StreamLane {
    if (lane instanceof StreamLane) return lane;
    throw new IpcError(
      "NOT_SUPPORTED",
      `a ${this.socketType} socket carries messages: use send and receive`,
    );
  }

  #messagesOf(lane: SocketLane): MessageLane {
    if (lane instanceof MessageLane) return lane;
    throw new IpcError("NOT_SUPPORTED", "a stream socket carries bytes: use write and read");
  }
}
