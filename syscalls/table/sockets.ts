/** 650-679: sockets, namespaces and listeners. @module */
import { Capability } from "../../capabilities/capability.ts";
import { KernelError } from "../../capabilities/errors.ts";
import type { HandleArrival } from "../../capabilities/message_ops.ts";
import { Rights } from "../../capabilities/rights.ts";
import { Signals } from "../../capabilities/signals.ts";
import {
  MAX_BACKLOG,
  MAX_NAME_BYTES,
  MAX_SOCKET_CAPACITY,
  type ReceivedSocketMessage,
  SHUTDOWN_WAYS,
  type ShutdownHow,
  SOCKET_TYPES,
  type SocketType,
} from "../../capabilities/socket_ops.ts";
import {
  anything,
  buffer,
  custom,
  flag,
  handle,
  handleList,
  type HandleRef,
  integer,
  oneOf,
  optional,
  receivingEnd,
  record,
  sendingEnd,
} from "../argument_kinds.ts";
import { invalid } from "../arguments.ts";
import { syscall } from "./define.ts";

const receiving = receivingEnd(Capability.SOCKET);
const sending = sendingEnd(Capability.SOCKET);

/** What a pair of sockets is made from. */
export interface SocketPairOptions {
  /** What it carries. @default "stream" */
  type?: SocketType;
  /** Bytes that each direction holds, 1 … 1 GiB. @default 65536 */
  capacity?: number;
}

/** How to listen to a name. */
export interface ListenOptions {
  /** What the connections carry. @default "stream" */
  type?: Exclude<SocketType, "datagram">;
  /** Connections that wait for `accept`; 0 counts as 1. @default 16 */
  backlog?: number;
}

/** Handles by number, as a message takes them. */
export interface HandlesToSend {
  readonly handles?: readonly unknown[];
  readonly duplicate?: boolean;
}

/** What a socket tells about itself. */
export interface SocketStatus {
  socketType: SocketType;
  peerTaskId: number;
}

const utf8 = new TextEncoder();

/** A name. A connect that waits is known by the object: each has its own. */
export interface ConnectTarget {
  readonly name: string;
}

function checkName(given: unknown, name: string): string {
  if (typeof given !== "string") throw invalid(name, "a string", given);
  const bytes = given.length > MAX_NAME_BYTES ? given.length : utf8.encode(given).length;
  if (bytes < 1 || bytes > MAX_NAME_BYTES) {
    throw new KernelError(
      "OUT_OF_RANGE",
      `${name} must have 1 … ${MAX_NAME_BYTES} bytes in UTF-8, not ${bytes}`,
    );
  }
  return given;
}

const NAME_KIND = `string of 1 … ${MAX_NAME_BYTES} bytes`;

export const socketCalls = {
  socketPair: syscall<[options: SocketPairOptions], [number, number]>({
    number: 650,
    name: "socket_pair",
    verb: "create a pair of sockets",
    summary: "Makes two connected sockets and gives a handle to each.",
    args: [
      record("options", [
        optional(oneOf("type", SOCKET_TYPES)),
        optional(integer("capacity", 1, MAX_SOCKET_CAPACITY)),
      ]),
    ],
    errors: ["TOO_MANY_HANDLES", "LIMIT_EXCEEDED", "NO_SPACE"],
  }),
  socketStatus: syscall<[handle: HandleRef], SocketStatus>({
    number: 651,
    name: "socket_status",
    verb: "look at",
    summary: "Tells what a socket carries and which task created its other end.",
    args: [
      handle({
        capability: Capability.SOCKET,
        anyRight: Rights.READ | Rights.WRITE | Rights.INSPECT,
      }),
    ],
  }),
  socketShutdown: syscall<[handle: HandleRef, how: ShutdownHow], void>({
    number: 652,
    name: "socket_shutdown",
    verb: "shut down",
    summary: "Gives up one direction of a socket, or both.",
    args: [handle({ capability: Capability.SOCKET }), oneOf("how", SHUTDOWN_WAYS)],
    rightsNote: "READ to give up reading, WRITE to give up writing",
  }),
  socketFail: syscall<[handle: HandleRef, reason: unknown], void>({
    number: 653,
    name: "socket_fail",
    verb: "give up",
    summary: "Ends what this end sends with a reason: after it, the other end gets BROKEN_PIPE.",
    args: [handle({ capability: Capability.SOCKET, rights: Rights.WRITE }), anything("reason")],
  }),
  socketSend: syscall<[handle: HandleRef, bytes: Uint8Array, options: HandlesToSend], true>({
    number: 654,
    name: "socket_send",
    verb: "send through",
    summary: "Sends a whole message with the handles that travel in it.",
    args: [
      sending,
      buffer("bytes"),
      record("options", [optional(handleList("handles")), optional(flag("duplicate"))]),
    ],
    rightsNote: "TRANSFER on each handle sent, and DUPLICATE where it is to stay",
    errors: ["PEER_CLOSED", "NOT_SUPPORTED", "MESSAGE_TOO_LONG", "LIMIT_EXCEEDED"],
  }),
  socketReceive: syscall<[handle: HandleRef], ReceivedSocketMessage>({
    number: 655,
    name: "socket_receive",
    verb: "receive from",
    summary: "Takes the next message with its handles.",
    args: [receiving],
    errors: ["PEER_CLOSED", "NOT_SUPPORTED", "BROKEN_PIPE", "TOO_MANY_HANDLES"],
  }),
  socketSendHandle: syscall<[handle: HandleRef, sent: unknown], true>({
    number: 656,
    name: "socket_send_handle",
    verb: "send a handle through",
    summary: "Puts a handle into the stream, behind the bytes written so far.",
    args: [sending, anything("sent")],
    rightsNote: "TRANSFER on the handle sent",
    errors: ["BROKEN_PIPE", "NOT_SUPPORTED", "LIMIT_EXCEEDED"],
  }),
  socketReceiveHandle: syscall<[handle: HandleRef], HandleArrival>({
    number: 657,
    name: "socket_receive_handle",
    verb: "receive a handle from",
    summary: "Takes the handle that is next in the stream.",
    args: [
      handle({
        capability: Capability.SOCKET,
        rights: Rights.READ,
        waits: Signals.HANDLE_PENDING,
      }),
    ],
    errors: ["PEER_CLOSED", "NOT_SUPPORTED", "BROKEN_PIPE", "TOO_MANY_HANDLES"],
  }),
  namespaceCreate: syscall<[], number>({
    number: 660,
    name: "namespace_create",
    verb: "create a namespace",
    summary: "Makes an empty namespace.",
    args: [],
    errors: ["TOO_MANY_HANDLES", "LIMIT_EXCEEDED"],
  }),
  namespaceListen: syscall<[handle: HandleRef, name: string, options: ListenOptions], number>({
    number: 661,
    name: "namespace_listen",
    verb: "listen in",
    summary: "Takes a name, under which others connect.",
    args: [
      handle({ capability: Capability.NAMESPACE, rights: Rights.WRITE }),
      custom("name", NAME_KIND, checkName),
      record("options", [
        optional(oneOf("type", SOCKET_TYPES.filter((type) => type !== "datagram"))),
        optional(integer("backlog", 0, MAX_BACKLOG)),
      ]),
    ],
    errors: ["ADDRESS_IN_USE", "TOO_MANY_HANDLES", "LIMIT_EXCEEDED"],
  }),
  namespaceConnect: syscall<[handle: HandleRef, target: ConnectTarget], number>({
    number: 662,
    name: "namespace_connect",
    verb: "connect in",
    summary: "Connects to who listens to a name; waits while the backlog is full.",
    args: [
      handle({ capability: Capability.NAMESPACE, rights: Rights.READ }),
      record("target", [custom("name", NAME_KIND, checkName)]),
    ],
    mayWait: true,
    errors: ["CONNECTION_REFUSED", "TOO_MANY_HANDLES", "LIMIT_EXCEEDED"],
  }),
  listenerAccept: syscall<[handle: HandleRef], number>({
    number: 663,
    name: "listener_accept",
    verb: "accept from",
    summary: "Takes the connection that has waited longest.",
    args: [receivingEnd(Capability.LISTENER)],
    errors: ["PEER_CLOSED", "TOO_MANY_HANDLES", "LIMIT_EXCEEDED"],
  }),
};
