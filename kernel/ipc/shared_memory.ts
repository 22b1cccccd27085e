/**
 * Shared memory: pages of bytes that tasks map, or have the kernel read and write for them.
 *
 * Invariants:
 * - `size` is a multiple of 4,096, never shrinks, and `size ≤ maxSize`;
 * - whoever holds a growable buffer can let it grow by itself, up to `maxSize`: that much is
 *   charged from the start, and nothing beyond `size` is read, written or mapped by the kernel;
 * - nobody reads or writes beyond the object's permissions: no handle has more rights than its
 *   creator's, which has those;
 * - `mappingCount` is the number of mappings alive; each keeps the object, and what was charged.
 *
 * @module
 */
import { Capability } from "../../capabilities/capability.ts";
import { IpcError, KernelError } from "../../capabilities/errors.ts";
import {
  type MappingInfo,
  MOST_MEMORY_BYTES,
  PAGE_BYTES,
  type SharedMemoryObject,
} from "../../capabilities/memory_mapping_ops.ts";
import { Rights } from "../../capabilities/rights.ts";
import { Signals } from "../../capabilities/signals.ts";
import { copyBytes, copyFrom, lengthOf } from "../../memory/atomics.ts";
import { WordWaits } from "../../memory/word_waits.ts";
import { KernelObject } from "../kernel_object.ts";

/** What shared memory is made from. */
export interface SharedMemorySettings {
  /** Bytes, 1 … 1 GiB; rounded up to pages. */
  readonly size: number;
  /** Bytes that it can grow to, rounded up to pages. @default it can't grow */
  readonly maxSize?: number;
  /** READ, WRITE or both. @default both */
  readonly permissions?: Rights;
}

/** A number of bytes, rounded up to whole pages. */
export function wholePages(bytes: number): number {
  return Math.ceil(bytes / PAGE_BYTES) * PAGE_BYTES;
}

/** Shared memory. */
export class SharedMemory extends KernelObject implements SharedMemoryObject {
  readonly type = "shared memory";
  readonly capabilities: number = Capability.MEMORY_MAPPING | Capability.SHARED_MEMORY;
  readonly permissions: Rights;
  readonly maxSize: number;
  /** The memory as words. */
  readonly words: Int32Array;
  /** The waits of the kernel's isolate on them. */
  readonly waits: WordWaits;
  readonly #memory: SharedArrayBuffer;
  /** All of the memory; longer than `size` when somebody let it grow by himself. */
  readonly #bytes: Uint8Array;
  #size: number;
  #isValid = true;
  #mappingCount = 0;

  /** @throws {KernelError} NO_SPACE when so much memory can't be had. */
  constructor(settings: SharedMemorySettings) {
    super();
    this.#size = wholePages(settings.size);
    this.maxSize = Math.max(this.#size, wholePages(settings.maxSize ?? 0));
    this.permissions = settings.permissions ?? Rights.READ | Rights.WRITE;
    this.#memory = allocate(this.#size, settings.maxSize === undefined ? undefined : this.maxSize);
    this.#bytes = new Uint8Array(this.#memory);
    this.words = new Int32Array(this.#memory);
    this.waits = new WordWaits(this.words);
  }

  get size(): number {
    return this.#size;
  }

  get isValid(): boolean {
    return this.#isValid;
  }

  get supportsMmap(): boolean {
    return this.#isValid;
  }

  get mappingCount(): number {
    return this.#mappingCount;
  }

  getMappingInfo(offset: number, length: number = this.#size - offset): MappingInfo {
    if (!this.#isValid) throw new IpcError("INVALID_STATE", "it was invalidated");
    if (length < 1) throw new IpcError("OUT_OF_RANGE", "a mapping has at least 1 byte");
    this.#requireInside(offset, length);
    return { memory: this.#memory, offset, length, permissions: this.permissions };
  }

  onMapped(): void {
    this.#mappingCount++;
  }

  onUnmapped(): void {
    this.#mappingCount--;
  }

  read(offset: number, into: Uint8Array): number {
    const length = lengthOf(into);
    this.#requireInside(offset, length);
    copyFrom(into, 0, this.#memory, offset, length);
    return length;
  }

  write(offset: number, bytes: Uint8Array): number {
    const length = lengthOf(bytes);
    this.#requireInside(offset, length);
    copyBytes(this.#bytes, offset, bytes, 0, length);
    return length;
  }

  resize(size: number): void {
    const pages = wholePages(size);
    if (pages < this.#size || pages > this.maxSize) {
      throw new IpcError(
        "OUT_OF_RANGE",
        `its ${this.#size} bytes can grow to ${this.maxSize} and never shrink; ${size} are asked for`,
      );
    }
    if (pages > this.#memory.byteLength) grow(this.#memory, pages);
    this.#size = pages;
  }

  invalidate(): void {
    this.#isValid = false;
  }

  override assertInvariants(): void {
    super.assertInvariants();
    this.waits.assertInvariants();
    if (this.#size % PAGE_BYTES !== 0 || this.#size < PAGE_BYTES) throw new Error("a page is cut");
    if (this.#size > this.#memory.byteLength) throw new Error("size is more than there is");
    if (this.maxSize > MOST_MEMORY_BYTES || this.#size > this.maxSize) {
      throw new Error("size is more than the maximum");
    }
    if (this.#mappingCount < 0) throw new Error("the count of mappings is negative");
    if (this.#mappingCount > this.handleCount) throw new Error("a mapping doesn't keep the object");
  }

  /** As a file's: reading and writing never wait. */
  protected ownSignals(): Signals {
    return Signals.READABLE | Signals.WRITABLE;
  }

  #requireInside(offset: number, length: number): void {
    if (offset + length <= this.#size) return;
    throw new IpcError(
      "OUT_OF_RANGE",
      `${length} bytes from ${offset} on are not all inside its ${this.#size}`,
    );
  }
}

function allocate(size: number, maxSize: number | undefined): SharedArrayBuffer {
  try {
    return maxSize === undefined
      ? new SharedArrayBuffer(size)
      : new SharedArrayBuffer(size, { maxByteLength: maxSize });
  } catch (cause) {
    throw new KernelError("NO_SPACE", `${size} bytes of memory can't be had`, { cause });
  }
}

function grow(memory: SharedArrayBuffer, size: number): void {
  try {
    memory.grow(size);
  } catch (cause) {
    throw new KernelError("NO_SPACE", `${size} bytes of memory can't be had`, { cause });
  }
}
