/** 700-799: shared memory. @module */
import { Capability } from "../../capabilities/capability.ts";
import { KernelError } from "../../capabilities/errors.ts";
import { MOST_MEMORY_BYTES } from "../../capabilities/memory_mapping_ops.ts";
import { describeRights, isRights, Rights } from "../../capabilities/rights.ts";
import {
  type ArgumentSpec,
  buffer,
  custom,
  handle,
  type HandleRef,
  integer,
  optional,
  outputBuffer,
  record,
} from "../argument_kinds.ts";
import { describe } from "../arguments.ts";
import { syscall } from "./define.ts";

/** What may be done with memory at all. */
const READ_WRITE = Rights.READ | Rights.WRITE;

/** How shared memory is made. */
export interface SharedMemoryOptions {
  /** `Rights.READ`, `Rights.WRITE` or both: what anybody may ever do with it. @default both */
  permissions?: Rights;
  /** Bytes that it can be resized to, at most 1 GiB; charged from the start. @default its size */
  maxSize?: number;
}

/** What to map, and for what. */
export interface MapOptions {
  /** Where the view begins, in bytes. @default 0 */
  offset?: number;
  /** The view's bytes, at least 1. @default all from `offset` on */
  length?: number;
  /**
   * `Rights.READ` for a private snapshot, `Rights.READ | Rights.WRITE` for the memory itself.
   * @default those of the two that the handle has
   */
  rights?: Rights;
}

/** What a task gets for a mapping. */
export interface MappedMemory {
  /** Names the mapping in later calls. */
  mapping: number;
  /** Where it begins in the memory, in bytes. */
  offset: number;
  /** Its bytes. */
  length: number;
  /** True when it can be written. */
  isWritable: boolean;
  /** The memory itself, all of it, where it can be written; else a copy of the range. */
  memory: SharedArrayBuffer | ArrayBuffer;
}

/** What shared memory tells about itself. */
export interface SharedMemoryStatus {
  size: number;
  maxSize: number;
  permissions: Rights;
  isValid: boolean;
  mappingCount: number;
}

/** A word of a mapping, and what it is to hold for the wait to begin. */
export interface AwaitedWord {
  readonly index: number;
  readonly value: number;
}

/** READ and WRITE, at least one of them. There is no right to execute. */
function permissions(name: string, sameIsAllowed: boolean): ArgumentSpec {
  return custom(name, "READ, WRITE or both", (given) => {
    if (sameIsAllowed && given === Rights.SAME) return given;
    if (isRights(given) && given !== 0 && (given & ~READ_WRITE) === 0) return given;
    const what = typeof given === "number" && Number.isInteger(given)
      ? describeRights(given)
      : describe(given);
    throw new KernelError("INVALID_ARGUMENT", `${name} must be READ, WRITE or both, not ${what}`);
  });
}

const memory = (rights: Rights) => handle({ capability: Capability.SHARED_MEMORY, rights });
const mapping = integer("mapping", 1, Number.MAX_SAFE_INTEGER);
const bytesOf = (name: string, least: number) => integer(name, least, MOST_MEMORY_BYTES);
const index = integer("index", 0, MOST_MEMORY_BYTES / 4);

export const memoryCalls = {
  memoryMap: syscall<[handle: HandleRef, options: MapOptions], MappedMemory>({
    number: 700,
    name: "memory_map",
    verb: "map",
    summary: "Maps a range of memory: itself where it may be written, else a private snapshot.",
    args: [
      handle({ capability: Capability.MEMORY_MAPPING, rights: Rights.MAP }),
      record("options", [
        optional(bytesOf("offset", 0)),
        optional(bytesOf("length", 1)),
        optional(permissions("rights", true)),
      ]),
    ],
    rightsNote: "READ, and WRITE where it is asked for",
    errors: ["ACCESS_DENIED", "OUT_OF_RANGE", "INVALID_STATE", "LIMIT_EXCEEDED", "NO_SPACE"],
  }),
  memoryUnmap: syscall<[mapping: number], void>({
    number: 701,
    name: "memory_unmap",
    verb: "unmap memory",
    summary: "Gives a mapping back; what waits on its words ends.",
    args: [mapping],
    whileStopped: true,
    errors: ["INVALID_STATE"],
  }),
  sharedMemoryCreate: syscall<[size: number, options: SharedMemoryOptions], number>({
    number: 702,
    name: "shared_memory_create",
    verb: "create shared memory",
    summary: "Makes shared memory of whole pages of 4,096 bytes, all 0.",
    args: [
      bytesOf("size", 1),
      record("options", [
        optional(permissions("permissions", false)),
        optional(bytesOf("maxSize", 1)),
      ]),
    ],
    errors: ["OUT_OF_RANGE", "TOO_MANY_HANDLES", "LIMIT_EXCEEDED", "NO_SPACE"],
  }),
  memoryRead: syscall<[handle: HandleRef, offset: number, into: Uint8Array], number>({
    number: 703,
    name: "memory_read",
    verb: "read from",
    summary: "Copies bytes out of the memory, as many as the buffer has.",
    args: [memory(Rights.READ), bytesOf("offset", 0), outputBuffer("into")],
    errors: ["OUT_OF_RANGE"],
  }),
  memoryWrite: syscall<[handle: HandleRef, offset: number, bytes: Uint8Array], number>({
    number: 704,
    name: "memory_write",
    verb: "write to",
    summary: "Copies bytes into the memory, all of them.",
    args: [memory(Rights.WRITE), bytesOf("offset", 0), buffer("bytes")],
    errors: ["OUT_OF_RANGE"],
  }),
  sharedMemoryStatus: syscall<[handle: HandleRef], SharedMemoryStatus>({
    number: 705,
    name: "shared_memory_status",
    verb: "look at",
    summary: "Tells the memory's size and permissions, and how often it is mapped.",
    args: [
      handle({
        capability: Capability.SHARED_MEMORY,
        anyRight: Rights.READ | Rights.WRITE | Rights.INSPECT,
      }),
    ],
  }),
  memoryInvalidate: syscall<[handle: HandleRef], void>({
    number: 706,
    name: "memory_invalidate",
    verb: "invalidate",
    summary: "Refuses new mappings from now on; those that are there stay.",
    args: [memory(Rights.CONTROL)],
  }),
  memoryResize: syscall<[handle: HandleRef, size: number], void>({
    number: 707,
    name: "memory_resize",
    verb: "resize",
    summary: "Lets the memory grow, up to its largest size; what is new is 0.",
    args: [memory(Rights.CONTROL), bytesOf("size", 1)],
    errors: ["OUT_OF_RANGE", "NO_SPACE"],
  }),
  memoryWait: syscall<[mapping: number, word: AwaitedWord], "ok" | "not-equal">({
    number: 708,
    name: "memory_wait",
    verb: "wait on memory",
    summary: "Waits until a word of mapped memory is notified, if it holds the value.",
    args: [
      mapping,
      record("word", [index, integer("value", -(2 ** 31), 2 ** 31 - 1)]),
    ],
    mayWait: true,
    errors: ["INVALID_STATE", "OUT_OF_RANGE", "INVALID_ARGUMENT"],
  }),
  memoryNotify: syscall<[mapping: number, index: number, count: number | undefined], number>({
    number: 709,
    name: "memory_notify",
    verb: "notify memory",
    summary: "Ends waits on a word of mapped memory, in every thread; tells how many.",
    args: [mapping, index, optional(integer("count", 0, Number.MAX_SAFE_INTEGER))],
    rightsNote: "a mapping that can be written",
    errors: ["INVALID_STATE", "OUT_OF_RANGE", "INVALID_ARGUMENT", "ACCESS_DENIED"],
  }),
};
