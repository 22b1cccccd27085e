/**
 * Shared memory as programs hold it.
 *
 * @module
 */
import { SYSCALLS } from "../table.ts";
import type { MapOptions, SharedMemoryStatus } from "../table/memory.ts";
import { done, doorOf, Handle } from "./handle.ts";
import { makeView, type MemoryView } from "./memory_view.ts";

/**
 * Memory that tasks share: whole pages of bytes, all 0 at first.
 *
 * A holder with MAP, READ and WRITE maps the memory itself, in a worker too. JavaScript has no view
 * of shared memory that can be read and not written, so whoever lacks WRITE maps a private snapshot
 * of it, and the kernel reads and writes for whoever lacks MAP. A mapping stays when the handle it
 * was made through is closed. When that handle is revoked, the kernel ends the mapping too; the
 * buffer itself can't be taken from a program that has it, so lend MAP and WRITE together to those
 * you trust with it.
 *
 * @example
 * ```ts
 * import { Kernel, Rights } from "@carmine/kernel";
 *
 * await using kernel = new Kernel();
 * const memory = kernel.init.createSharedMemory(1000);
 * console.log(memory.size); // 4096
 * using view = memory.map();
 * view.add(0, 41);
 * view.add(0, 1);
 * const reader = memory.duplicate(Rights.READ | Rights.MAP);
 * const copy = reader.map({ length: 4 });
 * console.log(copy.load(0), copy.bytes.buffer instanceof SharedArrayBuffer); // 42 false
 * ```
 */
export class SharedMemory extends Handle {
  /** Bytes, a multiple of 4,096. Needs READ, WRITE or INSPECT, like all that is told here. */
  get size(): number {
    return this.#status().size;
  }

  /** Bytes that {@linkcode SharedMemory.resize} can reach. */
  get maxSize(): number {
    return this.#status().maxSize;
  }

  /** False once {@linkcode SharedMemory.invalidate} was called. */
  get isValid(): boolean {
    return this.#status().isValid;
  }

  /** Views of all tasks that were mapped and not yet unmapped, snapshots included. */
  get mappingCount(): number {
    return this.#status().mappingCount;
  }

  /**
   * Maps a range: the memory itself, or, for READ without WRITE, a private snapshot. Needs MAP and
   * READ, and WRITE where that is asked for.
   *
   * @throws {KernelError} ACCESS_DENIED when one of these rights is missing (READ too: a view that
   * can be written can be read), OUT_OF_RANGE when the range is not inside the memory, INVALID_STATE
   * when the memory was invalidated, INVALID_ARGUMENT, LIMIT_EXCEEDED, NO_SPACE.
   */
  map(options: MapOptions = {}): MemoryView {
    const door = doorOf(this);
    return makeView(door, done(door.call(SYSCALLS.memoryMap, this.number, options)));
  }

  /**
   * Copies bytes out of the memory. Needs READ.
   *
   * @param offset Where they begin, in bytes.
   * @param into Where they go; it says how many.
   * @returns How many there were.
   * @throws {KernelError} OUT_OF_RANGE, and nothing is copied, when they are not all inside the
   * memory; ACCESS_DENIED without READ.
   */
  read(offset: number, into: Uint8Array): number {
    return done(doorOf(this).call(SYSCALLS.memoryRead, this.number, offset, into));
  }

  /**
   * Copies bytes into the memory. Needs WRITE.
   *
   * @param offset Where they go, in bytes.
   * @returns How many there were.
   * @throws {KernelError} OUT_OF_RANGE, and nothing is copied, when they are not all inside the
   * memory; ACCESS_DENIED without WRITE.
   */
  write(offset: number, bytes: Uint8Array): number {
    return done(doorOf(this).call(SYSCALLS.memoryWrite, this.number, offset, bytes));
  }

  /**
   * Lets the memory grow; it never shrinks. Views keep their length. Needs CONTROL.
   *
   * @param size Bytes, rounded up to whole pages.
   * @throws {KernelError} OUT_OF_RANGE when it would shrink or grow beyond `maxSize`, NO_SPACE.
   */
  resize(size: number): void {
    doorOf(this).call(SYSCALLS.memoryResize, this.number, size);
  }

  /**
   * Refuses new mappings from now on. Those that are there stay, and so do
   * {@linkcode SharedMemory.read} and {@linkcode SharedMemory.write}. Needs CONTROL.
   */
  invalidate(): void {
    doorOf(this).call(SYSCALLS.memoryInvalidate, this.number);
  }

  #status(): SharedMemoryStatus {
    return done(doorOf(this).call(SYSCALLS.sharedMemoryStatus, this.number));
  }
}
