/**
 * A ring as a task in a worker maps it: the ring's own operations, and following the kernel
 * when it moves the pipe.
 *
 * Invariant: an operation that met a move is done exactly once, on the old generation if the
 * cut has it, else on the new one.
 */
import { lengthOf } from "./atomics.ts";
import { type Cut, MOVED, type RingSeat, STALE, type WatchedWord } from "./ring_layout.ts";
import { Ring } from "./ring.ts";
import type { WaitOutcome } from "./wait_word.ts";

/** What the kernel tells a participant whose generation word changed. */
export interface NextGeneration {
  /** Where the generation that this participant held was cut off; undefined if the pipe ended garbled. */
  readonly cut: Cut | undefined;
  /**
   * The newest generation's memory, which is the one that this participant holds if nothing has
   * moved; undefined if it lost its mapping.
   */
  readonly memory: SharedArrayBuffer | undefined;
  /** How this participant takes part in the newest generation. */
  readonly seat: Partial<RingSeat>;
}

/** A pipe's ring, whichever its generation. */
export class MappedRing {
  /** The most bytes that it holds. */
  readonly capacityBytes: number;
  readonly #ask: () => NextGeneration;
  #memory: SharedArrayBuffer;
  #ring: Ring;
  #seat: Partial<RingSeat>;
  #isLost = false;
  /** Where the last peek looked, and how this thread took part there. */
  #shownBy: Ring;
  #shownSeat: Partial<RingSeat>;

  /** @param ask A system call: what became of the pipe. The kernel answers when its move is complete. */
  constructor(
    memory: SharedArrayBuffer,
    capacityBytes: number,
    seat: Partial<RingSeat>,
    ask: () => NextGeneration,
  ) {
    this.capacityBytes = capacityBytes;
    this.#memory = memory;
    this.#ring = new Ring(memory, capacityBytes, seat);
    this.#seat = seat;
    this.#ask = ask;
    this.#shownBy = this.#ring;
    this.#shownSeat = seat;
  }

  /** The present generation, for what needs no following. */
  get ring(): Ring {
    return this.#ring;
  }

  /** Whether this participant no longer maps the pipe. */
  get isLost(): boolean {
    return this.#isLost;
  }

  /** As `Ring.read` and `Ring.readPacket`. MOVED only if the mapping was lost, and nothing was read. */
  read(into: Uint8Array, start = 0, end: number = lengthOf(into)): number {
    const answer = this.#ring.read(into, start, end);
    return answer === MOVED ? this.#readAfterMove(into, start, end) : answer;
  }

  /** As `Ring.write` and `Ring.writePacket`. MOVED only if the mapping was lost, and nothing was written. */
  write(bytes: Uint8Array, start: number, end: number): number {
    const answer = this.#ring.write(bytes, start, end);
    return answer === MOVED ? this.#writeAfterMove(bytes, start, end) : answer;
  }

  /** As `Ring.peek`. */
  peek(): Uint8Array {
    for (;;) {
      const bytes = this.#ring.peek();
      this.#shownBy = this.#ring;
      this.#shownSeat = this.#seat;
      if (this.#ring.condition !== MOVED || this.#isLost) return bytes;
      this.#followRead();
    }
  }

  /**
   * As `Ring.consume`; goes on in a new generation if this thread was alone on its side all the time,
   * else STALE.
   */
  consume(bytes: number): number {
    for (;;) {
      if (!this.#isShown && !this.#isLost) return STALE;
      const answer = this.#ring.consume(bytes);
      if (answer !== MOVED || this.#isLost) return answer;
      const done = this.#followRead();
      if (done > 0 || this.#isLost) return done || MOVED;
    }
  }

  /** As `Ring.reserve`. */
  reserve(bytes: number): Uint8Array | undefined {
    for (;;) {
      const room = this.#ring.reserve(bytes);
      if (this.#ring.condition !== MOVED || this.#isLost) return room;
      this.#followWrite();
    }
  }

  /** As `Ring.commit`; STALE, and nothing was written, if the pipe moved since the reservation. */
  commit(bytes: number): number {
    const answer = this.#ring.commit(bytes);
    if (answer !== MOVED || this.#isLost) return answer;
    return this.#followWrite() || STALE;
  }

  /** Asks the kernel, though no operation met a move: it knows more than the ring's hints say. */
  refresh(): void {
    if (!this.#isLost) this.#take(this.#ask());
  }

  /** As `Ring.waitReadableSync`. */
  waitReadableSync(timeoutMs: number, kill?: WatchedWord, closedIsFalse = false): WaitOutcome {
    return this.#ring.waitReadableSync(timeoutMs, kill, closedIsFalse);
  }

  /** As `Ring.waitWritableSync`. */
  waitWritableSync(
    bytes: number,
    timeoutMs: number,
    kill?: WatchedWord,
    closedIsFalse = false,
  ): WaitOutcome {
    return this.#ring.waitWritableSync(bytes, timeoutMs, kill, closedIsFalse);
  }

  /** As `Ring.waitReadable`. */
  waitReadable(timeoutMs: number, kill?: WatchedWord, closedIsFalse = false): Promise<WaitOutcome> {
    return this.#ring.waitReadable(timeoutMs, kill, closedIsFalse);
  }

  /** As `Ring.waitWritable`. */
  waitWritable(
    bytes: number,
    timeoutMs: number,
    kill?: WatchedWord,
    closedIsFalse = false,
  ): Promise<WaitOutcome> {
    return this.#ring.waitWritable(bytes, timeoutMs, kill, closedIsFalse);
  }

  /**
   * Whether what the last peek showed is still first, unless this generation of the ring knows better.
   * This thread may have followed several moves since, and not have been alone in between.
   */
  get #isShown(): boolean {
    const [then, now] = [this.#shownSeat, this.#seat];
    if (this.#ring === this.#shownBy) return true;
    return then.soleReader !== false && now.soleReader !== false && then.reads === now.reads;
  }

  #readAfterMove(into: Uint8Array, start: number, end: number): number {
    let answer = MOVED;
    while (answer === MOVED && !this.#isLost) {
      answer = this.#followRead() || this.#ring.read(into, start, end);
    }
    return answer;
  }

  #writeAfterMove(bytes: Uint8Array, start: number, end: number): number {
    let answer = MOVED;
    while (answer === MOVED && !this.#isLost) {
      answer = this.#followWrite() || this.#ring.write(bytes, start, end);
    }
    return answer;
  }

  /** Takes the next generation; what the reading operation that met the move comes to. */
  #followRead(): number {
    const old = this.#ring;
    const next = this.#ask();
    this.#take(next);
    return next.cut === undefined ? 0 : old.settleRead(next.cut);
  }

  /** The same for a writing operation. */
  #followWrite(): number {
    const old = this.#ring;
    const next = this.#ask();
    this.#take(next);
    return next.cut === undefined ? 0 : old.settleWrite(next.cut);
  }

  #take({ memory, seat }: NextGeneration): void {
    if (memory === undefined) this.#isLost = true;
    if (memory === undefined || memory === this.#memory) return;
    this.#memory = memory;
    this.#seat = seat;
    this.#ring = new Ring(memory, this.capacityBytes, seat);
  }
}
