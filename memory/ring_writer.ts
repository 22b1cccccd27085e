/**
 * The writing side of a ring.
 *
 * Every operation: take the lock if other threads write too; read the indices; copy the bytes
 * in; publish by storing the new tail; look whether the ring moved, and whether anybody sleeps.
 */
import { add, and, lengthOf, load, notify, or, sliceView, store, storeByte } from "./atomics.ts";
import {
  ATTENTION,
  GARBLED,
  HEAD,
  LARGEST_ATOMIC_WRITE_BYTES,
  LINE_BYTES,
  MOVED,
  READ_CLOSED,
  READER_SLEEPS,
  READERS_WAKE,
  type RingSeat,
  STALE,
  TAIL,
  WRITER_LOCK,
  WRITER_SLEEPS,
  WRITERS_WAKE,
} from "./ring_layout.ts";
import { RingSide } from "./ring_side.ts";

/** Writes of at most this many bytes have lines taken ahead of them. */
const SHORT_BYTES = 128;
/** How many bytes' lines are taken at a time; a power of two. */
const AHEAD_BYTES = 512;

/** The writing side of a ring, as one participant uses it. */
export class RingWriter extends RingSide {
  /** Where the next byte goes. Alone: the truth. Shared: true while the lock is held. */
  tail: number;
  /** A head that the memory once held; the true one is this or further on. */
  #headSeen: number;
  /** Writes of at most this many bytes are never split. */
  readonly #wholeBytes: number;
  /** The last reservation: at which tail, of how many bytes, in which scratch memory if any. */
  #reservedTail = 0;
  #reservedBytes = 0;
  #scratch: Uint8Array | undefined = undefined;

  constructor(memory: SharedArrayBuffer, capacityBytes: number, seat: Partial<RingSeat>) {
    super(memory, capacityBytes, seat, seat.soleWriter ?? true, WRITER_LOCK);
    this.#wholeBytes = this.headerBytes > 0
      ? Infinity
      : Math.min(LARGEST_ATOMIC_WRITE_BYTES, capacityBytes);
    this.tail = this.loadIndex(TAIL);
    this.#headSeen = this.loadIndex(HEAD);
    if (this.alone && this.distance(this.#headSeen, this.tail) < 0) this.end(GARBLED);
  }

  /** Writes a packet, or bytes: whole if `[start, end)` is short enough, else what fits. */
  write(bytes: Uint8Array, start: number, end: number): number {
    const wanted = end - start;
    let used = this.tail - this.#headSeen;
    if (used < 0) used += this.wrap;
    // Nearly all writes; few instructions, so that the engine puts them into the caller's code.
    if (wanted > 0 && wanted <= this.plainBytes && wanted <= this.size - used) {
      if (wanted <= SHORT_BYTES && (this.tail & (AHEAD_BYTES - 1)) < wanted) this.#takeLines(used);
      this.copyIn(this.tail, bytes, start, wanted);
      return this.#publish(wanted, wanted, 0);
    }
    return this.alone
      ? this.#write(bytes, start, end, this.#wholeBytes)
      : this.#writeLocked(bytes, start, end, this.#wholeBytes);
  }

  /** Room for exactly `bytes`, or undefined. */
  reserve(bytes: number): Uint8Array | undefined {
    // No lock is held until the commit, so a shared side's room is only likely to last.
    const tail = this.alone ? this.tail : this.loadIndex(TAIL);
    const head = this.loadIndex(HEAD);
    const used = this.distance(head, tail);
    if (used < 0 && this.alone) this.#garbled();
    if (this.nothing() < 0 || used < 0) return undefined;
    // The commit moves the tail on by this look's room, so the next write must not go by an older
    // look: a tail more than the size past a head that was seen is taken for one before it.
    if (this.alone) this.#headSeen = head;
    if (!(bytes > 0) || bytes + this.headerBytes > this.size - used) return undefined;
    const position = this.position(this.after(tail, this.headerBytes));
    const inRing = this.alone && position + bytes <= this.size;
    this.#scratch = inRing ? undefined : new Uint8Array(bytes);
    this.#reservedTail = tail;
    this.#reservedBytes = bytes;
    return this.#scratch ?? sliceView(this.data, position, bytes);
  }

  /** Publishes the first bytes of the reservation, in one piece. */
  commit(bytes: number): number {
    if (!(bytes >= 0 && bytes <= this.#reservedBytes)) return STALE;
    const scratch = this.#scratch;
    if (bytes === 0) {
      this.#reservedBytes = 0;
      return this.nothing();
    }
    if (scratch !== undefined) {
      // Whoever was given it may have detached it.
      if (lengthOf(scratch) < bytes) return STALE;
      const answer = this.alone
        ? this.#write(scratch, 0, bytes, Infinity)
        : this.#writeLocked(scratch, 0, bytes, Infinity);
      if (answer > 0) this.#reservedBytes = 0;
      return answer;
    }
    if (this.nothing() < 0) return this.condition;
    if (this.tail !== this.#reservedTail) return STALE;
    this.#reservedBytes = 0;
    if (this.headerBytes > 0) this.#putLength(bytes);
    return this.#publish(this.headerBytes + bytes, bytes, 0);
  }

  /**
   * Announces a sleeper that waits for room for a write of `bytes`, and looks again. True: sleep on
   * `sleepIndex` while it holds `sleepValue`. False: try again at once.
   */
  announce(bytes: number, closedIsFalse: boolean): boolean {
    // In this order: count, announce, look. A reader that moves the head after our look sees the
    // announcement; one that saw an older announcement and clears ours with it adds to the
    // count after that, so the count is no longer what we wait on.
    this.sleepIndex = WRITERS_WAKE;
    this.sleepValue = load(this.words, WRITERS_WAKE);
    const attention = or(this.words, ATTENTION, WRITER_SLEEPS);
    if (this.condition !== 0 || this.hasMoved()) return false;
    if ((attention & READ_CLOSED) !== 0 && !closedIsFalse) return false;
    const tail = this.alone ? this.tail : this.loadIndex(TAIL);
    const used = this.distance(this.loadIndex(HEAD), tail);
    if (used < 0) return false;
    const needed = bytes <= this.#wholeBytes ? bytes + this.headerBytes : 1;
    if (this.size - used < needed) return true;
    return this.alone ? false : this.announceAtLock();
  }

  /** @throws {Error} if an invariant doesn't hold; see `Ring.assertInvariants`. */
  assertInvariants(): void {
    if (this.condition !== 0 || !this.alone) return;
    if (this.distance(this.#headSeen, this.tail) < 0) {
      throw new Error("Broken ring: the indices seen make no sense");
    }
    if (this.loadIndex(TAIL) !== this.tail) {
      throw new Error("Broken ring: the tail is not what it was set to");
    }
  }

  override end(condition: number): number {
    // Leaves no room as far as we know, so that the common path needs no look at the condition.
    if (this.tail < 0) this.tail = 0;
    this.#headSeen = this.after(this.tail, this.size);
    return super.end(condition);
  }

  #writeLocked(bytes: Uint8Array, start: number, end: number, wholeBytes: number): number {
    const refusal = this.lock();
    if (refusal < 0) return refusal;
    try {
      // Only who holds the lock stores the tail, so it is this until we store it.
      this.tail = this.loadIndex(TAIL);
      this.#headSeen = this.loadIndex(HEAD);
      if (this.distance(this.#headSeen, this.tail) < 0) return this.#garbled();
      return this.#write(bytes, start, end, wholeBytes);
    } finally {
      this.unlock();
    }
  }

  #write(bytes: Uint8Array, start: number, end: number, wholeBytes: number): number {
    const wanted = end - start;
    const needed = wanted + this.headerBytes;
    let used = this.tail - this.#headSeen;
    if (used < 0) used += this.wrap;
    let free = this.size - used;
    if (free < needed) {
      free = this.#lookForRoom();
      if (free < 0) return free;
      if (free < needed) {
        if (free === 0 || wanted <= wholeBytes) return this.nothing();
        return this.#writeSlices(bytes, start, free);
      }
    }
    if (!(wanted > 0)) return this.nothing();
    if (wanted > this.sliceBytes && wanted > wholeBytes) {
      return this.#writeSlices(bytes, start, wanted);
    }
    if (this.headerBytes > 0) this.#putLength(wanted);
    this.copyIn(this.after(this.tail, this.headerBytes), bytes, start, wanted);
    return this.#publish(needed, wanted, 0);
  }

  /**
   * Stores something to each cache line of the next block, if that is free, so that this thread's
   * processor fetches all of them at once. Otherwise each short write waits for its own line, which the
   * reader's processor has, because the publication waits until the bytes are in: a quarter of its time.
   */
  #takeLines(used: number): void {
    if (!this.watched || this.size - used < 2 * AHEAD_BYTES) return;
    const first = (this.position(this.tail) | (AHEAD_BYTES - 1)) + 1;
    if (first + AHEAD_BYTES > this.size) return;
    for (let i = 0; i < AHEAD_BYTES; i += LINE_BYTES) storeByte(this.data, first + i, 0);
  }

  #writeSlices(bytes: Uint8Array, start: number, count: number): number {
    let done = 0;
    while (done < count) {
      const slice = Math.min(this.sliceBytes, count - done);
      this.copyIn(this.tail, bytes, start + done, slice);
      if (this.#publish(slice, done + slice, done) === MOVED) return MOVED;
      done += slice;
    }
    return done;
  }

  /** Bytes of room after a fresh look at the head, or a negative answer. */
  #lookForRoom(): number {
    if (this.condition !== 0) return this.condition;
    const head = this.loadIndex(HEAD);
    const used = this.distance(head, this.tail);
    if (used < 0) return this.#garbled();
    this.#headSeen = head;
    return this.size - used;
  }

  /** A garbled old generation is the kernel's business: only the one that counts can be garbled. */
  #garbled(): number {
    return this.nothing() || this.end(GARBLED);
  }

  #putLength(bytes: number): void {
    for (let i = 0; i < this.headerBytes; i++) {
      storeByte(this.data, this.position(this.after(this.tail, i)), bytes >>> (8 * i));
    }
  }

  /** Makes `span` bytes of the ring visible; `done` and `otherwise` as for `settle`. */
  #publish(span: number, done: number, otherwise: number): number {
    const from = this.tail;
    const next = this.after(from, span);
    this.tail = next;
    // Release: whoever loads this tail sees the bytes that were copied before it.
    store(this.words, TAIL, next);
    // Sequentially consistent after the store: a kernel that read the tail before it had set the
    // generation word before that, so a publication that the cut lacks is always noticed here.
    if (this.hasMoved()) return this.unsettled(from, span, done, otherwise);
    // Likewise: a reader that looked at the tail before the store had announced itself before.
    if (this.watched && (this.hints() & READER_SLEEPS) !== 0) this.#wakeReaders();
    return done;
  }

  #wakeReaders(): void {
    // In this order; see `announce`.
    and(this.words, ATTENTION, ~READER_SLEEPS);
    add(this.words, READERS_WAKE, 1);
    notify(this.words, READERS_WAKE);
  }
}
