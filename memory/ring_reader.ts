/**
 * The reading side of a ring.
 *
 * Every operation: take the lock if other threads read too; read the indices; copy the bytes
 * out; publish by storing the new head; look whether the ring moved, and whether anybody sleeps.
 */
import { add, and, load, loadByte, notify, or, sliceView, store } from "./atomics.ts";
import {
  ATTENTION,
  GARBLED,
  HEAD,
  MOVED,
  READ_COUNT,
  READER_LOCK,
  READER_SLEEPS,
  READERS_WAKE,
  type RingSeat,
  STALE,
  TAIL,
  TOO_SMALL,
  WRITE_CLOSED,
  WRITER_SLEEPS,
  WRITERS_WAKE,
} from "./ring_layout.ts";
import { RingSide } from "./ring_side.ts";

/** The reading side of a ring, as one participant uses it. */
export class RingReader extends RingSide {
  /** Where the next byte is. Alone: the truth. Shared: true while the lock is held. */
  head: number;
  /** A tail that the memory once held; the true one is this or further on. */
  #tailSeen: number;
  /** What the last peek on a shared side showed, and how many reads there had been. */
  #peekedBytes = 0;
  #peekedCount = 0;

  constructor(memory: SharedArrayBuffer, capacityBytes: number, seat: Partial<RingSeat>) {
    super(memory, capacityBytes, seat, seat.soleReader ?? true, READER_LOCK);
    this.head = this.loadIndex(HEAD);
    this.#tailSeen = this.loadIndex(TAIL);
    if (this.alone && this.distance(this.head, this.#tailSeen) < 0) this.end(GARBLED);
  }

  /** Reads one packet, or bytes: what is there, at most `end - start`. */
  read(into: Uint8Array, start: number, end: number): number {
    const wanted = end - start;
    let available = this.#tailSeen - this.head;
    if (available < 0) available += this.wrap;
    // Most reads; few instructions, so that the engine puts them into the caller's code.
    if (wanted > 0 && wanted <= this.plainBytes && wanted <= available) {
      this.copyOut(this.head, into, start, wanted);
      return this.#publish(wanted, wanted, 0);
    }
    return this.alone ? this.#read(into, start, end) : this.#readLocked(into, start, end);
  }

  /** What is there: the ring's own memory up to the wrap when alone, else a private copy of all. */
  peek(): Uint8Array {
    if (this.alone) return this.#peek();
    if (this.#enter() < 0) return new Uint8Array(0);
    try {
      if (this.#garbledOr0() < 0) return new Uint8Array(0);
      const bytes = this.#peek();
      this.#peekedBytes = bytes.length;
      this.#peekedCount = load(this.words, READ_COUNT);
      return bytes;
    } finally {
      this.unlock();
    }
  }

  /** Takes bytes (or the packet) that peek showed. */
  consume(bytes: number): number {
    if (this.alone) return this.#consume(bytes);
    const refusal = this.#enter();
    if (refusal < 0) return refusal;
    try {
      if (this.#garbledOr0() < 0) return this.condition;
      // Another reader was here: what we were shown is no longer first.
      if (load(this.words, READ_COUNT) !== this.#peekedCount) return STALE;
      if (!(bytes <= this.#peekedBytes)) return STALE;
      const answer = this.#consume(bytes);
      if (answer > 0) {
        this.#peekedBytes -= bytes;
        this.#peekedCount = (this.#peekedCount + 1) | 0;
      }
      return answer;
    } finally {
      this.unlock();
    }
  }

  /** The size of the packet at `head` of those in `available` bytes, or GARBLED. */
  packetBytes(head: number, available: number): number {
    let length = 0;
    for (let i = this.headerBytes - 1; i >= 0; i--) {
      length = length * 256 + loadByte(this.data, this.position(this.after(head, i)));
    }
    // A length that a hostile writer put there mustn't take us out of the committed bytes.
    return length > 0 && length + this.headerBytes <= available ? length : GARBLED;
  }

  /**
   * Announces a sleeper that waits for something to read, and looks again. True: sleep on
   * `sleepIndex` while it holds `sleepValue`. False: try again at once.
   */
  announce(closedIsFalse: boolean): boolean {
    // The order and its argument are those of `RingWriter.announce`.
    this.sleepIndex = READERS_WAKE;
    this.sleepValue = load(this.words, READERS_WAKE);
    const attention = or(this.words, ATTENTION, READER_SLEEPS);
    if (this.condition !== 0 || this.hasMoved()) return false;
    if ((attention & WRITE_CLOSED) !== 0 && !closedIsFalse) return false;
    const head = this.alone ? this.head : this.loadIndex(HEAD);
    if (this.loadIndex(TAIL) === head) return true;
    return this.alone ? false : this.announceAtLock();
  }

  /** @throws {Error} if an invariant doesn't hold; see `Ring.assertInvariants`. */
  assertInvariants(): void {
    if (this.condition !== 0 || !this.alone) return;
    if (this.distance(this.head, this.#tailSeen) < 0) {
      throw new Error("Broken ring: the indices seen make no sense");
    }
    if (this.loadIndex(HEAD) !== this.head) {
      throw new Error("Broken ring: the head is not what it was set to");
    }
  }

  override end(condition: number): number {
    // Nothing there as far as we know, so that the common path needs no look at the condition.
    if (this.head < 0) this.head = 0;
    this.#tailSeen = this.head;
    return super.end(condition);
  }

  #enter(): number {
    const refusal = this.lock();
    if (refusal < 0) return refusal;
    // Only who holds the lock stores the head, so it is this until we store it.
    this.head = this.loadIndex(HEAD);
    this.#tailSeen = this.loadIndex(TAIL);
    return 0;
  }

  #garbledOr0(): number {
    return this.distance(this.head, this.#tailSeen) < 0 ? this.#garbled() : 0;
  }

  #readLocked(into: Uint8Array, start: number, end: number): number {
    const refusal = this.#enter();
    if (refusal < 0) return refusal;
    try {
      return this.#garbledOr0() || this.#read(into, start, end);
    } finally {
      this.unlock();
    }
  }

  #read(into: Uint8Array, start: number, end: number): number {
    const wanted = end - start;
    if (this.headerBytes > 0) return this.#readPacket(into, start, wanted);
    let available = this.#tailSeen - this.head;
    if (available < 0) available += this.wrap;
    if (available < wanted) {
      available = this.#look();
      if (available <= 0) return available < 0 ? available : this.nothing();
    }
    if (!(wanted > 0)) return this.nothing();
    const count = wanted < available ? wanted : available;
    if (count > this.sliceBytes) return this.#readSlices(into, start, count);
    this.copyOut(this.head, into, start, count);
    return this.#publish(count, count, 0);
  }

  #readSlices(into: Uint8Array, start: number, count: number): number {
    let done = 0;
    while (done < count) {
      const slice = Math.min(this.sliceBytes, count - done);
      this.copyOut(this.head, into, start + done, slice);
      if (this.#publish(slice, done + slice, done) === MOVED) return MOVED;
      done += slice;
    }
    return done;
  }

  #readPacket(into: Uint8Array, start: number, wanted: number): number {
    const available = this.#look();
    if (available <= 0) return available < 0 ? available : this.nothing();
    const length = this.packetBytes(this.head, available);
    if (length < 0) return this.#garbled();
    if (length > wanted) return this.nothing() || TOO_SMALL - length;
    this.copyOut(this.after(this.head, this.headerBytes), into, start, length);
    return this.#publish(this.headerBytes + length, length, 0);
  }

  #peek(): Uint8Array {
    const available = this.#look();
    if (this.nothing() < 0 || available <= 0) return new Uint8Array(0);
    const length = this.headerBytes > 0 ? this.packetBytes(this.head, available) : available;
    if (length < 0) {
      this.#garbled();
      return new Uint8Array(0);
    }
    const first = this.after(this.head, this.headerBytes);
    const position = this.position(first);
    const upToWrap = Math.min(length, this.size - position);
    if (this.alone && (this.headerBytes === 0 || upToWrap === length)) {
      return sliceView(this.data, position, upToWrap);
    }
    const copy = new Uint8Array(length);
    this.copyOut(first, copy, 0, length);
    return copy;
  }

  #consume(bytes: number): number {
    const available = this.#look();
    if (available < 0) return available;
    if (bytes === 0) return this.nothing();
    if (this.headerBytes === 0) {
      const isThere = bytes > 0 && bytes <= available;
      return isThere ? this.#publish(bytes, bytes, 0) : this.nothing() || STALE;
    }
    if (available === 0) return this.nothing() || STALE;
    const length = this.packetBytes(this.head, available);
    if (length < 0) return this.#garbled();
    if (!(bytes > 0 && bytes <= length)) return this.nothing() || STALE;
    return this.#publish(this.headerBytes + length, bytes, 0);
  }

  /** Bytes there are after a fresh look at the tail, or a negative answer. */
  #look(): number {
    if (this.condition !== 0) return this.condition;
    const tail = this.loadIndex(TAIL);
    const available = this.distance(this.head, tail);
    if (available < 0) return this.#garbled();
    this.#tailSeen = tail;
    return available;
  }

  /** A garbled old generation is the kernel's business: only the one that counts can be garbled. */
  #garbled(): number {
    return this.nothing() || this.end(GARBLED);
  }

  /** Gives `span` bytes of the ring back; `done` and `otherwise` as for `settle`. */
  #publish(span: number, done: number, otherwise: number): number {
    const from = this.head;
    const next = this.after(from, span);
    this.head = next;
    if (!this.alone) add(this.words, READ_COUNT, 1);
    // Release: a writer that loads this head writes over bytes that were copied out before.
    store(this.words, HEAD, next);
    // Sequentially consistent after the store: a kernel that read the head before it had set the
    // generation word before that, so a read that the cut lacks is always noticed here.
    if (this.hasMoved()) return this.unsettled(from, span, done, otherwise);
    // Likewise: a writer that looked at the head before the store had announced itself before.
    if (this.watched && (this.hints() & WRITER_SLEEPS) !== 0) this.#wakeWriters();
    return done;
  }

  #wakeWriters(): void {
    // In this order; see `announce`.
    and(this.words, ATTENTION, ~WRITER_SLEEPS);
    add(this.words, WRITERS_WAKE, 1);
    notify(this.words, WRITERS_WAKE);
  }
}
