/**
 * How sockets come into being: two ends at a time.
 *
 * @module
 */
import { KernelError } from "../../capabilities/errors.ts";
import type { SocketType } from "../../capabilities/socket_ops.ts";
import type { Account } from "../account.ts";
import type { Carrier } from "../handle_transfer.ts";
import { bufferBytesOf, SocketEnd } from "./socket.ts";
import { MessageLane, StreamLane } from "./socket_lane.ts";

/** What a socket is made from. */
export interface SocketSettings {
  readonly socketType: SocketType;
  /** Bytes that each direction holds, 1 … 1 GiB. */
  readonly capacity: number;
  /** The tasks that create the two ends; 0 for the network. */
  readonly creators: readonly [number, number];
  /** The kernel's carriers of handles in flight. */
  readonly carriers: Set<Carrier>;
  /** False when the other end is outside the kernel, where handles mean nothing. @default true */
  readonly carriesHandles?: boolean;
}

/** Makes the two ends of a socket. */
export function createSocket(settings: SocketSettings): [SocketEnd, SocketEnd] {
  const { socketType, capacity, carriers, creators } = settings;
  const Lane = socketType === "stream" ? StreamLane : MessageLane;
  const there = new Lane(capacity, carriers);
  const back = new Lane(capacity, carriers);
  const first = new SocketEnd(socketType, back, there, creators[1]);
  const second = new SocketEnd(socketType, there, back, creators[0]);
  first.carriesHandles = second.carriesHandles = settings.carriesHandles ?? true;
  first.peer = second;
  second.peer = first;
  return [first, second];
}

/**
 * Makes the two ends of a socket, each charged to the account.
 *
 * @throws {KernelError} LIMIT_EXCEEDED, NO_SPACE; then neither is made nor charged.
 */
export function createChargedSocket(
  account: Account,
  settings: SocketSettings,
): [SocketEnd, SocketEnd] {
  const bufferBytes = bufferBytesOf(settings.socketType, settings.capacity);
  const firstLease = account.lease(bufferBytes);
  try {
    const secondLease = account.lease(bufferBytes);
    try {
      const [first, second] = newSocket(settings);
      first.lease = firstLease;
      second.lease = secondLease;
      return [first, second];
    } catch (error) {
      secondLease.release();
      throw error;
    }
  } catch (error) {
    firstLease.release();
    throw error;
  }
}

function newSocket(settings: SocketSettings): [SocketEnd, SocketEnd] {
  try {
    return createSocket(settings);
  } catch (cause) {
    if (cause instanceof KernelError) throw cause;
    throw new KernelError("NO_SPACE", `2 × ${settings.capacity} bytes of memory can't be had`, {
      cause,
    });
  }
}
