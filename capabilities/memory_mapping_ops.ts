/**
 * Memory that tasks share.
 *
 * @module
 */
import type { Rights } from "./rights.ts";

/** Every size of shared memory is a multiple of this many bytes. */
export const PAGE_BYTES = 4_096;
/** Most bytes of one shared memory: 1 GiB. */
export const MOST_MEMORY_BYTES: number = 2 ** 30;

/** What a mapping of a range needs to know. */
export interface MappingInfo {
  /** The object's own memory. Whoever has it can read and write all of it. */
  readonly memory: SharedArrayBuffer;
  /** Where the range begins, in bytes. */
  readonly offset: number;
  /** Its bytes. */
  readonly length: number;
  /** READ and WRITE as far as the object allows anybody either. */
  readonly permissions: Rights;
}

/** Objects whose memory can be mapped. */
export interface MemoryMappingOps {
  /** False when no new mapping can be made. */
  readonly supportsMmap: boolean;
  /**
   * What it takes to map a range; changes nothing.
   *
   * @param length Bytes, at least 1; all from `offset` on when left out.
   * @throws {KernelError} INVALID_STATE when no new mapping can be made, OUT_OF_RANGE.
   */
  getMappingInfo(offset: number, length?: number): MappingInfo;
  /** A mapping of the object came into being. */
  onMapped(): void;
  /** One is gone. */
  onUnmapped(): void;
}

/** Shared memory. */
export interface SharedMemoryObject extends MemoryMappingOps {
  /** Bytes, a multiple of 4,096. */
  readonly size: number;
  /** Bytes that it can grow to; `size` when it can't. */
  readonly maxSize: number;
  /** READ and WRITE as far as the object allows anybody either. */
  readonly permissions: Rights;
  /** False once new mappings are refused. */
  readonly isValid: boolean;
  /** Mappings alive, private snapshots included. */
  readonly mappingCount: number;
  /**
   * Copies bytes out.
   *
   * @returns How many: as many as the buffer has.
   * @throws {KernelError} OUT_OF_RANGE when they are not all in the memory.
   */
  read(offset: number, into: Uint8Array): number;
  /**
   * Copies bytes in.
   *
   * @returns How many: all of them.
   * @throws {KernelError} OUT_OF_RANGE when they don't all fit.
   */
  write(offset: number, bytes: Uint8Array): number;
  /**
   * Lets the memory grow; what is new is 0.
   *
   * @throws {KernelError} OUT_OF_RANGE when it would shrink or pass `maxSize`.
   */
  resize(size: number): void;
  /** Refuses new mappings from now on; those that are there stay. */
  invalidate(): void;
}
