/**
 * The ring of a pipe: bytes in shared memory and two indices into it, as one participant (one
 * thread) uses one generation of it. Kernel and workers run this same code.
 *
 * Invariants, as long as every participant is honest:
 * - indices count modulo 2 × size, unsigned, and `0 ≤ tail − head ≤ size` modulo that;
 * - the bytes in `[head, tail)` are committed and unread;
 * - only a reader stores the head, only a writer the tail, each the thread that is alone on its
 *   side or holds the side's lock;
 * - a hostile participant can garble this ring's bytes and indices, and nothing else: whatever it stores, an
 *   operation reads and writes inside the data, and answers.
 *
 * Operations answer with a number of bytes, 0 for "nothing there" or "no room", or one of
 * BUSY, MOVED, GARBLED and STALE.
 *
 * @module
 */
import { lengthOf, load, or } from "./atomics.ts";
import {
  ATTENTION,
  checkCapacity,
  type Cut,
  GARBLED,
  HEAD,
  LARGEST_ATOMIC_WRITE_BYTES,
  READ_CLOSED,
  type RingSeat,
  TAIL,
  type WatchedWord,
  WRITE_CLOSED,
} from "./ring_layout.ts";
import { RingReader } from "./ring_reader.ts";
import { RingWriter } from "./ring_writer.ts";
import { wakeAll } from "./ring_side.ts";
import type { WaitOutcome } from "./wait_word.ts";

export {
  allocateRing,
  BUSY,
  type Cut,
  GARBLED,
  MOVED,
  packetBytesNeeded,
  type RingSeat,
  STALE,
  TOO_SMALL,
  type WatchedWord,
} from "./ring_layout.ts";

/** How often an unlocked look at two moving indices is repeated until it makes sense. */
const LOOKS = 8;

/** One participant's seat at one generation of a pipe's ring. */
export class Ring {
  /** The most bytes that it holds; in packet mode, the longest packet that an empty one takes. */
  readonly capacityBytes: number;
  /** Writes of at most this many bytes are never split: min(4096, capacity). */
  readonly atomicBytes: number;
  readonly #reader: RingReader;
  readonly #writer: RingWriter;

  /**
   * @param memory What `allocateRing` or `moveRing` made for this capacity and mode.
   * @throws {RangeError} if the capacity isn't a whole number from 1 to 1 GiB, or the memory is too small.
   */
  constructor(memory: SharedArrayBuffer, capacityBytes: number, seat: Partial<RingSeat> = {}) {
    checkCapacity(capacityBytes);
    this.capacityBytes = capacityBytes;
    this.atomicBytes = Math.min(LARGEST_ATOMIC_WRITE_BYTES, capacityBytes);
    this.#reader = new RingReader(memory, capacityBytes, seat);
    this.#writer = new RingWriter(memory, capacityBytes, seat);
    this.#reader.partner = this.#writer;
    this.#writer.partner = this.#reader;
    if (this.condition !== 0) this.#reader.end(this.#writer.end(this.condition));
  }

  /** The memory of this generation. */
  get memory(): SharedArrayBuffer {
    return this.#reader.memory;
  }

  /** Committed, unread bytes; in packet mode the size of the next packet. 0 if the ring is garbled. */
  get availableBytes(): number {
    const reader = this.#reader;
    const head = reader.alone ? reader.head : reader.loadIndex(HEAD);
    const used = this.#used();
    if (used <= 0 || reader.headerBytes === 0) return Math.max(used, 0);
    return Math.max(reader.packetBytes(head, used), 0);
  }

  /** Bytes of room; in packet mode the size of the longest packet that fits. 0 if the ring is garbled. */
  get freeBytes(): number {
    const used = this.#used();
    return used < 0 ? 0 : Math.max(this.#writer.size - used - this.#writer.headerBytes, 0);
  }

  /** 0, or the MOVED or GARBLED that ended this seat. */
  get condition(): number {
    return this.#reader.condition || this.#writer.condition;
  }

  /** A hint that no reader is left. */
  get readIsClosed(): boolean {
    return (load(this.#reader.words, ATTENTION) & READ_CLOSED) !== 0;
  }

  /** A hint that no writer is left. If confirmed, look once more for bytes before the end. */
  get writeIsClosed(): boolean {
    return (load(this.#reader.words, ATTENTION) & WRITE_CLOSED) !== 0;
  }

  /**
   * Copies out what is there, as much as fits; in packet mode see {@linkcode readPacket}.
   *
   * @returns The number of bytes; 0 if there are none; BUSY, MOVED or GARBLED.
   */
  read(into: Uint8Array, start = 0, end: number = lengthOf(into)): number {
    return this.#reader.read(into, start, end);
  }

  /**
   * Copies `[start, end)` in: if it is at most `atomicBytes` long, all or nothing; else what fits.
   *
   * @returns The number of bytes; 0 if there is no room; BUSY, MOVED or GARBLED.
   */
  write(bytes: Uint8Array, start: number, end: number): number {
    return this.#writer.write(bytes, start, end);
  }

  /**
   * Copies the next packet out, whole.
   *
   * @returns Its size; 0 if there is none; if `into` is too small, a number of which
   * `packetBytesNeeded` tells the size needed, and the packet stays; BUSY, MOVED or GARBLED.
   */
  readPacket(into: Uint8Array, start = 0, end: number = lengthOf(into)): number {
    return this.#reader.read(into, start, end);
  }

  /**
   * Copies a packet in, whole.
   *
   * @returns Its size; 0 if there is no room; BUSY, MOVED or GARBLED.
   */
  writePacket(bytes: Uint8Array, start = 0, end: number = lengthOf(bytes)): number {
    return this.#writer.write(bytes, start, end);
  }

  /**
   * What is there: alone on the side the ring's own memory up to the wrap, else a private copy; in packet
   * mode the next packet. Empty if nothing is there or the side is busy, moved or garbled.
   */
  peek(): Uint8Array {
    return this.#reader.peek();
  }

  /**
   * Takes bytes that `peek` showed; in packet mode the packet. On a shared side STALE if another
   * reader was there since; alone on it, who else reads is known to the caller.
   *
   * @returns The number of bytes; STALE, BUSY, MOVED or GARBLED.
   */
  consume(bytes: number): number {
    return this.#reader.consume(bytes);
  }

  /**
   * Room for exactly `bytes`; undefined if that much isn't free. The ring's own memory if alone on
   * the side and it doesn't wrap there, else scratch memory. A second reservation replaces the first.
   */
  reserve(bytes: number): Uint8Array | undefined {
    return this.#writer.reserve(bytes);
  }

  /**
   * Publishes the first bytes of the reservation, in one piece.
   *
   * @returns The number of bytes; 0 if others took the room; STALE if nothing of the kind is reserved
   * or this side wrote since; BUSY, MOVED or GARBLED. Unless it is the number, nothing was written.
   */
  commit(bytes: number): number {
    return this.#writer.commit(bytes);
  }

  /**
   * What a read or consume that answered MOVED comes to, now that the kernel told the cut: its bytes, or 0
   * if it is to be done again on the new generation.
   */
  settleRead(cut: Cut): number {
    return this.#reader.settle(cut.head);
  }

  /** The same for a write or commit. */
  settleWrite(cut: Cut): number {
    return this.#writer.settle(cut.tail);
  }

  /**
   * Blocks this thread until there may be something to read (or the lock may be free).
   *
   * @param kill A word that ends the wait when it changes.
   * @param closedIsFalse Whether the hint `writeIsClosed` was found to be false: then it doesn't end the wait
   * at once, but after a slice.
   */
  waitReadableSync(timeoutMs: number, kill?: WatchedWord, closedIsFalse = false): WaitOutcome {
    const isAsleep = this.#reader.announce(closedIsFalse);
    return this.#reader.sleepSync(isAsleep, timeoutMs, kill, closedIsFalse);
  }

  /** Blocks this thread until a write of `bytes` may have room (or the lock may be free). */
  waitWritableSync(
    bytes: number,
    timeoutMs: number,
    kill?: WatchedWord,
    closedIsFalse = false,
  ): WaitOutcome {
    const isAsleep = this.#writer.announce(bytes, closedIsFalse);
    return this.#writer.sleepSync(isAsleep, timeoutMs, kill, closedIsFalse);
  }

  /** {@linkcode waitReadableSync} without blocking the thread. */
  waitReadable(
    timeoutMs: number,
    kill?: WatchedWord,
    closedIsFalse = false,
  ): Promise<WaitOutcome> {
    const isAsleep = this.#reader.announce(closedIsFalse);
    return this.#reader.sleep(isAsleep, timeoutMs, kill, closedIsFalse);
  }

  /** {@linkcode waitWritableSync} without blocking the thread. */
  waitWritable(
    bytes: number,
    timeoutMs: number,
    kill?: WatchedWord,
    closedIsFalse = false,
  ): Promise<WaitOutcome> {
    const isAsleep = this.#writer.announce(bytes, closedIsFalse);
    return this.#writer.sleep(isAsleep, timeoutMs, kill, closedIsFalse);
  }

  /** Tells all who map the ring that no reader is left. For the kernel, which knows. */
  closeRead(): void {
    this.#close(READ_CLOSED);
  }

  /** Tells all who map the ring that no writer is left. For the kernel, which knows. */
  closeWrite(): void {
    this.#close(WRITE_CLOSED);
  }

  /** Ends this seat as if the ring were garbled: there is no memory that it could go on in. */
  ruin(): void {
    this.#reader.end(GARBLED);
    this.#writer.end(GARBLED);
  }

  /**
   * For tests, while nobody is in the middle of an operation.
   *
   * @throws {Error} if an invariant of this seat doesn't hold.
   */
  assertInvariants(): void {
    this.#reader.assertInvariants();
    this.#writer.assertInvariants();
    if (this.condition === 0 && this.#used() < 0) {
      throw new Error("Broken ring: the distance from head to tail is not 0 … size");
    }
  }

  #close(bit: number): void {
    const { words } = this.#reader;
    // First the bit, then the counts: a sleeper that looked before the bit was set waits on a
    // count that is changed after it.
    or(words, ATTENTION, bit);
    wakeAll(words);
  }

  /** Committed, unread bytes as far as this seat can tell, or GARBLED. */
  #used(): number {
    const reader = this.#reader;
    const writer = this.#writer;
    // An index that only this thread moves can't change meanwhile, so one look is a true one.
    if (reader.alone) {
      return reader.distance(reader.head, writer.alone ? writer.tail : reader.loadIndex(TAIL));
    }
    if (writer.alone) return writer.distance(writer.loadIndex(HEAD), writer.tail);
    for (let look = 1; look < LOOKS; look++) {
      const head = reader.loadIndex(HEAD);
      const tail = reader.loadIndex(TAIL);
      if (reader.loadIndex(HEAD) === head) return reader.distance(head, tail);
    }
    return reader.distance(reader.loadIndex(HEAD), reader.loadIndex(TAIL));
  }
}
