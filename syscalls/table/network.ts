/** 680-699: the network. @module */
import { Capability } from "../../capabilities/capability.ts";
import type { NetworkAddress, ReceivedDatagram } from "../../capabilities/network_ops.ts";
import { Rights } from "../../capabilities/rights.ts";
import { Signals } from "../../capabilities/signals.ts";
import {
  buffer,
  handle,
  type HandleRef,
  integer,
  optional,
  record,
  text,
} from "../argument_kinds.ts";
import { syscall } from "./define.ts";

/** Longest host that is looked at: a name has at most 253 characters, and a dot may follow. */
const MAX_HOST_CHARACTERS = 254;

/** Where to listen or bind. */
export interface NetworkPort {
  /** An address of this machine. @default "127.0.0.1" */
  hostname?: string;
  /** 0 … 65,535; 0 stands for any free one. */
  port: number;
}

const network = handle({ capability: Capability.NETWORK, rights: Rights.WRITE });
// Both are always WRITABLE: something can be begun at any time.
const connecting = handle({
  capability: Capability.NETWORK,
  rights: Rights.WRITE,
  waits: Signals.WRITABLE,
});
const sending = handle({
  capability: Capability.DATAGRAM,
  rights: Rights.WRITE,
  waits: Signals.WRITABLE,
});
const hostname = text("hostname", MAX_HOST_CHARACTERS, 1);
const remote = [hostname, integer("port", 1, 65_535)];
const local = record("options", [optional(hostname), integer("port", 0, 65_535)]);

const ERRORS = ["PERMISSION_DENIED", "INVALID_ARGUMENT", "LIMIT_EXCEEDED", "TOO_MANY_HANDLES"];

// A call that waits is known by its record as it waits: each has an object of its own.
export const networkCalls = {
  networkConnect: syscall<[handle: HandleRef, to: NetworkAddress], number>({
    number: 680,
    name: "network_connect",
    verb: "connect through",
    summary: "Connects to a host and port that the network's list allows, by TCP.",
    args: [connecting, record("options", remote)],
    parksFirst: true,
    errors: [...ERRORS, "CONNECTION_REFUSED", "TARGET_NOT_FOUND", "TIMED_OUT"],
  }),
  networkListen: syscall<[handle: HandleRef, at: NetworkPort], number>({
    number: 681,
    name: "network_listen",
    verb: "listen through",
    summary: "Takes a TCP port that the network's list allows.",
    args: [network, local],
    errors: [...ERRORS, "ADDRESS_IN_USE"],
  }),
  networkBind: syscall<[handle: HandleRef, at: NetworkPort], number>({
    number: 682,
    name: "network_bind",
    verb: "bind through",
    summary: "Takes a UDP port that the network's list allows.",
    args: [network, local],
    errors: [...ERRORS, "ADDRESS_IN_USE", "NOT_SUPPORTED"],
  }),
  networkPort: syscall<[handle: HandleRef], number>({
    number: 683,
    name: "network_port",
    verb: "look at",
    summary: "Tells which port it is.",
    args: [
      handle({
        capability: Capability.PORT,
        anyRight: Rights.READ | Rights.WRITE | Rights.INSPECT,
      }),
    ],
  }),
  datagramSend: syscall<[handle: HandleRef, bytes: Uint8Array, to: NetworkAddress], number>({
    number: 684,
    name: "datagram_send",
    verb: "send through",
    summary: "Sends a datagram to a host and port that the network's list allows.",
    args: [
      sending,
      buffer("bytes"),
      record("to", remote),
    ],
    parksFirst: true,
    errors: ["PERMISSION_DENIED", "INVALID_ARGUMENT", "MESSAGE_TOO_LONG", "TARGET_NOT_FOUND"],
  }),
  datagramReceive: syscall<[handle: HandleRef], ReceivedDatagram>({
    number: 685,
    name: "datagram_receive",
    verb: "receive from",
    summary: "Takes the datagram that came first.",
    args: [
      handle({
        capability: Capability.DATAGRAM,
        rights: Rights.READ,
        waits: Signals.READABLE,
      }),
    ],
    errors: ["PEER_CLOSED"],
  }),
};
