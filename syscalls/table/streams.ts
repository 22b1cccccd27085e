/** 200-299: streams; 600-609: pipes. @module */
import { Capability } from "../../capabilities/capability.ts";
import { Rights } from "../../capabilities/rights.ts";
import {
  anything,
  buffer,
  custom,
  flag,
  handle,
  type HandleRef,
  integer,
  optional,
  outputBuffer,
  receivingEnd,
  record,
  sendingEnd,
} from "../argument_kinds.ts";
import { checkBuffer } from "../arguments.ts";
import { syscall } from "./define.ts";

const MAX_CAPACITY = 2 ** 30;

const readable = receivingEnd(Capability.STREAM);
const writable = sendingEnd(Capability.STREAM);
const source = receivingEnd(Capability.PIPE, "from");
const sink = sendingEnd(Capability.PIPE, "to");
const pipeReader = handle({ capability: Capability.PIPE, rights: Rights.READ });
const pipeWriter = handle({ capability: Capability.PIPE, rights: Rights.WRITE });

/** What a pipe's end tells about the pipe. */
export interface PipeStatus {
  isReadable: boolean; // which end it is
  isWritable: boolean;
  bufferSize: number;
  availableBytes: number;
  hasReaders: boolean;
  hasWriters: boolean;
}

/** What a stream's end tells about its peers. */
export interface PeerStatus {
  isConnected: boolean;
  peerCount: number;
  description: string;
}

/** What a pipe is made from. */
export interface PipeOptions {
  /** Bytes the pipe holds, 1 … 1 GiB. @default 65536 */
  capacity?: number;
  /** True for packet mode: a read takes exactly what one write put in. @default false */
  packet?: boolean;
  /** True when plain calls throw WOULD_BLOCK where they would wait. @default false */
  nonblocking?: boolean;
  /** True when the ends are never given to a child. @default false */
  closeOnSpawn?: boolean;
}

export const streamCalls = {
  streamRead: syscall<[handle: HandleRef, into: Uint8Array], number>({
    number: 200,
    name: "stream_read",
    verb: "read from",
    summary: "Reads what is there, up to the buffer's length; 0 at the end of the stream.",
    args: [readable, outputBuffer("into")],
    errors: ["BROKEN_PIPE", "BUFFER_TOO_SMALL"],
  }),
  streamWrite: syscall<[handle: HandleRef, bytes: Uint8Array], number>({
    number: 201,
    name: "stream_write",
    verb: "write to",
    summary: "Writes bytes: all of them where it may wait, else as many as fit.",
    args: [writable, buffer("bytes")],
    movesAll: true,
    errors: ["BROKEN_PIPE", "MESSAGE_TOO_LONG"],
  }),
  pipeCreate: syscall<[options: PipeOptions], { reader: number; writer: number }>({
    number: 600,
    name: "pipe",
    verb: "create a pipe",
    summary: "Makes a pipe and gives a handle to each of its ends.",
    args: [
      record("options", [
        optional(integer("capacity", 1, MAX_CAPACITY)),
        optional(flag("packet")),
        optional(flag("nonblocking")),
        optional(flag("closeOnSpawn")),
      ]),
    ],
    errors: ["TOO_MANY_HANDLES", "LIMIT_EXCEEDED", "NO_SPACE"],
  }),
  pipeStatus: syscall<[handle: HandleRef], PipeStatus>({
    number: 601,
    name: "pipe_status",
    verb: "look at",
    summary: "Tells how full a pipe is and whether its ends are there.",
    args: [
      handle({
        capability: Capability.PIPE,
        anyRight: Rights.READ | Rights.WRITE | Rights.INSPECT,
      }),
    ],
  }),
  peerStatus: syscall<[handle: HandleRef], PeerStatus>({
    number: 602,
    name: "peer_status",
    verb: "look at",
    summary: "Tells whether the other end is there.",
    args: [
      handle({
        capability: Capability.STREAM_IPC,
        anyRight: Rights.READ | Rights.WRITE | Rights.INSPECT,
      }),
    ],
  }),
  pipePeek: syscall<[handle: HandleRef], Uint8Array>({
    number: 603,
    name: "pipe_peek",
    verb: "peek at",
    summary: "Shows what is there, up to the ring's wrap, without taking it.",
    args: [pipeReader],
    errors: ["BROKEN_PIPE"],
  }),
  pipeConsume: syscall<[handle: HandleRef, bytes: number], void>({
    number: 604,
    name: "pipe_consume",
    verb: "consume from",
    summary: "Takes bytes that the last peek showed.",
    args: [pipeReader, integer("bytes", 0, MAX_CAPACITY)],
    errors: ["INVALID_STATE", "OUT_OF_RANGE"],
  }),
  pipeReserve: syscall<[handle: HandleRef, bytes: number], Uint8Array | undefined>({
    number: 605,
    name: "pipe_reserve",
    verb: "reserve room in",
    summary: "Gives exactly so many bytes of room to fill and commit, or none.",
    args: [pipeWriter, integer("bytes", 1, MAX_CAPACITY)],
    errors: ["BROKEN_PIPE", "OUT_OF_RANGE"],
  }),
  pipeCommit: syscall<
    [handle: HandleRef, bytes: number, content?: Uint8Array | undefined],
    void
  >({
    number: 606,
    name: "pipe_commit",
    verb: "commit to",
    summary: "Publishes the first bytes of the reserved room.",
    args: [
      pipeWriter,
      integer("bytes", 0, MAX_CAPACITY),
      // From a caller who filled a copy of the room.
      optional(custom("content", "Uint8Array", checkBuffer)),
    ],
    errors: ["INVALID_STATE", "BROKEN_PIPE", "OUT_OF_RANGE"],
  }),
  pipeFail: syscall<[handle: HandleRef, reason: unknown], void>({
    number: 607,
    name: "pipe_fail",
    verb: "give up",
    summary: "Ends the stream with a reason: what is unread is dropped, reads throw BROKEN_PIPE.",
    args: [pipeWriter, anything("reason")],
    keeps: true,
  }),
  pipeSplice: syscall<[from: HandleRef, to: HandleRef, bytes: number], number>({
    number: 608,
    name: "splice",
    verb: "splice from",
    summary: "Moves bytes from one pipe to another, as many as are there and fit; 0 at the end.",
    args: [source, sink, integer("bytes", 0, Number.MAX_SAFE_INTEGER)],
    errors: ["BROKEN_PIPE", "INVALID_ARGUMENT", "NOT_SUPPORTED"],
  }),
  pipeTee: syscall<[from: HandleRef, to: HandleRef, bytes: number], number>({
    number: 609,
    name: "tee",
    verb: "tee from",
    summary: "Copies bytes from one pipe to another and leaves them in the first; 0 at the end.",
    args: [source, sink, integer("bytes", 0, Number.MAX_SAFE_INTEGER)],
    errors: ["BROKEN_PIPE", "INVALID_ARGUMENT", "NOT_SUPPORTED"],
  }),
};
