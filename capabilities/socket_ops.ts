/**
 * Sockets: two-way connections between tasks, and the names they are found under.
 *
 * @module
 */
import type { HandleArrival, MessageParty } from "./message_ops.ts";
import type { StreamIpcOps, WouldBlock } from "./stream_ops.ts";

/** What a socket carries: bytes, or whole messages. */
export type SocketType = "stream" | "seqpacket" | "datagram";
/** Which of its directions a socket gives up. */
export type ShutdownHow = "read" | "write" | "both";

/** All types of sockets. */
export const SOCKET_TYPES: readonly SocketType[] = Object.freeze([
  "stream",
  "seqpacket",
  "datagram",
]);
/** All ways to shut a socket down. */
export const SHUTDOWN_WAYS: readonly ShutdownHow[] = Object.freeze(["read", "write", "both"]);

/** Bytes that each direction of a socket holds, unless it is told otherwise. */
export const DEFAULT_SOCKET_CAPACITY = 65_536;
/** Most bytes that a direction of a socket can hold. */
export const MAX_SOCKET_CAPACITY = 2 ** 30;
/** Connections that wait for `accept`, unless a listener is told otherwise. */
export const DEFAULT_BACKLOG = 16;
/** Longest backlog that a listener takes. */
export const MAX_BACKLOG = 65_536;
/** Longest name in a namespace, in bytes of UTF-8. */
export const MAX_NAME_BYTES = 255;

/** What goes out with one call. */
export interface OutgoingSocketMessage {
  /** Copied when the message is queued. */
  readonly bytes: Uint8Array;
  /** Numbers in the sender's table; untrusted. */
  readonly handles: readonly unknown[];
  /** True when children of the handles are sent and the handles stay. */
  readonly duplicate: boolean;
}

/** A message as it arrives. */
export interface ReceivedSocketMessage {
  /** The receiver's own. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The handles, which are in the receiver's table now. */
  readonly handles: readonly HandleArrival[];
}

/** One end of a socket. */
export interface SocketObject extends StreamIpcOps {
  /** What the socket carries. */
  readonly socketType: SocketType;
  /** The task that created the other end; 0 when that is not a task but the network. */
  readonly peerTaskId: number;
  /** Sends a whole message, or would block when there is no room. */
  trySend(sender: MessageParty, message: OutgoingSocketMessage): true | WouldBlock;
  /** Takes the first message and puts its handles into the receiver's table, or does neither. */
  tryReceive(receiver: MessageParty): ReceivedSocketMessage | WouldBlock;
  /** Puts a handle into the stream, behind the bytes written so far. */
  trySendHandle(sender: MessageParty, number: unknown): true | WouldBlock;
  /** Takes the handle that is next in the stream. */
  tryReceiveHandle(receiver: MessageParty): HandleArrival | WouldBlock;
  /** Gives up one direction or both; repeatable. */
  shutdown(how: ShutdownHow): void;
}
