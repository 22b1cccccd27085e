/**
 * Mapped memory as programs use it: with no kernel in between, but for waiting.
 *
 * @module
 */
import { inContext, KernelError } from "../../capabilities/errors.ts";
import { add, compareExchange, load, store } from "../../memory/atomics.ts";
import { describe, type WaitOptions } from "../arguments.ts";
import type { Door } from "../door.ts";
import { SYSCALLS } from "../table.ts";
import type { MappedMemory } from "../table/memory.ts";
import { done, rejecting } from "./handle.ts";

/** What makes a view; only the package's own code can make one of these. */
class ViewOrigin {
  readonly door: Door;
  readonly mapped: MappedMemory;

  constructor(door: Door, mapped: MappedMemory) {
    this.door = door;
    this.mapped = mapped;
  }
}

/** A view of what the kernel mapped. */
export function makeView(door: Door, mapped: MappedMemory): MemoryView {
  return new (MemoryView as unknown as new (origin: ViewOrigin) => MemoryView)(
    new ViewOrigin(door, mapped),
  );
}

/**
 * A range of shared memory, mapped; or, without WRITE, a private snapshot of it.
 *
 * `load`, `store`, `add` and `compareExchange` work on the view's 32-bit words and are atomic and
 * sequentially consistent between all tasks and threads. `wait` and `notify` work together with the
 * platform's own, on the same words, in any thread. On a snapshot `load` sees the snapshot and
 * `wait` waits on the memory itself; what would change the memory is ACCESS_DENIED.
 *
 * Every use after {@linkcode MemoryView.unmap} throws INVALID_STATE. An array that was taken out of
 * the view before goes on working: JavaScript has no way to take one back.
 *
 * @example
 * ```ts
 * import { Kernel, SharedMemory } from "@carmine/kernel";
 *
 * await using kernel = new Kernel();
 * const memory = kernel.init.createSharedMemory(4096);
 * using view = memory.map();
 * const child = kernel.init.spawn((task) => {
 *   const view = task.handle("memory", SharedMemory).map();
 *   view.store(0, 7);
 *   view.notify(0);
 * }, { handles: { memory: memory.duplicate() } });
 * await view.wait(0, 0);
 * console.log(view.load(0)); // 7
 * await child.wait();
 * ```
 */
export class MemoryView implements Disposable {
  readonly #door: Door;
  readonly #mapping: number;
  /** Where the view begins in its buffer. */
  readonly #start: number;
  /** Where it begins in the shared memory. */
  readonly #offset: number;
  readonly #length: number;
  readonly #isWritable: boolean;
  readonly #memory: ArrayBufferLike;
  // Each of these is made at its first use.
  #bytes: Uint8Array | undefined = undefined;
  #int32: Int32Array | undefined = undefined;
  #bigInt64: BigInt64Array | undefined = undefined;
  #isUnmapped = false;

  /** Throws for anybody but the kernel: {@linkcode SharedMemory.map} gives views. */
  constructor(...origin: never[]);
  constructor(origin: unknown) {
    if (!(origin instanceof ViewOrigin)) {
      throw new TypeError("MemoryView can't be constructed; SharedMemory.map gives views");
    }
    const { mapping, offset, length, isWritable, memory } = origin.mapped;
    this.#door = origin.door;
    this.#mapping = mapping;
    this.#start = isWritable ? offset : 0;
    this.#offset = offset;
    this.#length = length;
    this.#isWritable = isWritable;
    this.#memory = memory;
  }

  /** The bytes: of the memory itself, `byteOffset` being the view's offset; or of the snapshot. */
  get bytes(): Uint8Array {
    this.#requireMapped();
    return this.#bytes ??= new Uint8Array(this.#memory, this.#start, this.#length);
  }

  /**
   * The view's whole 32-bit words.
   *
   * @throws {KernelError} INVALID_ARGUMENT when the view's offset is no multiple of 4.
   */
  get int32(): Int32Array {
    this.#requireMapped();
    return this.#int32 ??= this.#makeWords();
  }

  /**
   * The view's whole 64-bit words.
   *
   * @throws {KernelError} INVALID_ARGUMENT when the view's offset is no multiple of 8.
   */
  get bigInt64(): BigInt64Array {
    this.#requireMapped();
    if (this.#bigInt64 === undefined) {
      this.#requireAligned(8);
      const length = Math.floor(this.#length / 8);
      this.#bigInt64 = new BigInt64Array(this.#memory, this.#start, length);
    }
    return this.#bigInt64;
  }

  /**
   * What a word holds.
   *
   * @param index The word's, in {@linkcode MemoryView.int32}.
   * @throws {KernelError} OUT_OF_RANGE, INVALID_ARGUMENT when the view is not aligned to words.
   */
  load(index: number): number {
    return load(this.#wordsAt(index), index);
  }

  /**
   * Stores a word.
   *
   * @returns The value.
   * @throws {KernelError} ACCESS_DENIED on a snapshot; as {@linkcode MemoryView.load}.
   */
  store(index: number, value: number): number {
    return store(this.#writableAt(index, value), index, value);
  }

  /**
   * Adds to a word, modulo 2³².
   *
   * @returns What it held before.
   * @throws {KernelError} ACCESS_DENIED on a snapshot; as {@linkcode MemoryView.load}.
   */
  add(index: number, value: number): number {
    return add(this.#writableAt(index, value), index, value);
  }

  /**
   * Stores a word if it holds `expected`.
   *
   * @returns What it held before.
   * @throws {KernelError} ACCESS_DENIED on a snapshot; as {@linkcode MemoryView.load}.
   */
  compareExchange(index: number, expected: number, value: number): number {
    requireInt32(expected);
    return compareExchange(this.#writableAt(index, value), index, expected, value);
  }

  /**
   * Waits until somebody notifies the word, if it holds `value`.
   *
   * @returns "ok" when somebody did, "not-equal" when it held something else to begin with.
   * @throws {KernelError} TIMED_OUT, CANCELED, INVALID_STATE when the view is unmapped meanwhile;
   * as {@linkcode MemoryView.load}.
   */
  wait(index: number, value: number, options?: WaitOptions): Promise<"ok" | "not-equal"> {
    return rejecting(() => {
      this.#requireMapped();
      return this.#door.wait(SYSCALLS.memoryWait, options, this.#mapping, { index, value });
    });
  }

  /**
   * Ends waits on a word, in whatever task or thread.
   *
   * @param count How many at most. @default all
   * @returns How many.
   * @throws {KernelError} ACCESS_DENIED on a snapshot; as {@linkcode MemoryView.load}.
   */
  notify(index: number, count: number = Infinity): number {
    this.#requireMapped();
    const most = count === Infinity ? undefined : count;
    return done(this.#door.call(SYSCALLS.memoryNotify, this.#mapping, index, most));
  }

  /** Gives the mapping back. Every later use throws INVALID_STATE, but for this one. */
  unmap(): void {
    if (this.#isUnmapped) return;
    this.#isUnmapped = true;
    this.#bytes = this.#int32 = this.#bigInt64 = undefined;
    try {
      this.#door.call(SYSCALLS.memoryUnmap, this.#mapping);
    } catch (error) {
      // The kernel may have ended the mapping itself: its lender revoked it, or its task has ended.
      const isOver = error instanceof KernelError &&
        (error.code === "INVALID_STATE" || error.code === "TASK_DEAD");
      if (!isOver) throw error;
    }
  }

  /** Gives the mapping back. */
  [Symbol.dispose](): void {
    this.unmap();
  }

  /** The view's words; throws unless `index` is one of them. */
  #wordsAt(index: number): Int32Array {
    // Undefined after `unmap`, too: then the slow way tells.
    const words = this.#int32 ?? this.int32;
    if (typeof index === "number" && index >>> 0 === index && index < words.length) return words;
    throw this.#notAWord(index);
  }

  #writableAt(index: number, value: number): Int32Array {
    const words = this.#wordsAt(index);
    if (!this.#isWritable) {
      throw refused("ACCESS_DENIED", "write to mapped memory", "the view is a snapshot");
    }
    requireInt32(value);
    return words;
  }

  #makeWords(): Int32Array {
    this.#requireAligned(4);
    return new Int32Array(this.#memory, this.#start, Math.floor(this.#length / 4));
  }

  #requireMapped(): void {
    if (this.#isUnmapped) {
      throw refused("INVALID_STATE", "use mapped memory", "the view was unmapped");
    }
  }

  #requireAligned(bytes: number): void {
    if (this.#offset % bytes === 0) return;
    throw refused(
      "INVALID_ARGUMENT",
      "use mapped memory",
      `words of ${bytes} bytes are aligned to ${bytes}, and the view begins at ${this.#offset}`,
    );
  }

  #notAWord(index: unknown): KernelError {
    const isInteger = typeof index === "number" && Number.isSafeInteger(index);
    return refused(
      isInteger ? "OUT_OF_RANGE" : "INVALID_ARGUMENT",
      "use mapped memory",
      isInteger
        ? `word ${index} is not one of the view's ${this.int32.length}`
        : `a word's index is an integer, not ${describe(index)}`,
    );
  }
}

/** Refuses what would be stored as another value than was given. */
function requireInt32(value: number): void {
  // The type first: the operator would call a hostile object's valueOf.
  if (typeof value === "number" && (value | 0) === value) return;
  const isInteger = typeof value === "number" && Number.isSafeInteger(value);
  throw refused(
    isInteger ? "OUT_OF_RANGE" : "INVALID_ARGUMENT",
    "use mapped memory",
    `a word holds an integer −2³¹ … 2³¹ − 1, not ${describe(value)}`,
  );
}

function refused(
  code: "ACCESS_DENIED" | "INVALID_STATE" | "INVALID_ARGUMENT" | "OUT_OF_RANGE",
  attempt: string,
  reason: string,
): KernelError {
  return inContext(new KernelError(code, reason), "memory_map", attempt);
}
