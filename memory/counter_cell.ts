/**
 * A counter (as of eventfd) in shared memory: one 64-bit cell that several threads add to and
 * take from, with no kernel in between.
 *
 * Invariants, as long as every participant is honest:
 * - the cell holds 0 … 2⁶⁴ − 2, or CUT for ever after the kernel moved the counter;
 * - what was added was taken at most once, or is still in the cell, or went on with the move;
 * - whatever a hostile participant stores, each operation ends: it answers, and touches nothing else.
 *
 * @module
 */
import { add, and, compareExchange64, exchange64, load, load64, notify, or } from "./atomics.ts";
import type { WatchedWord } from "./ring_layout.ts";
import { type WaitOutcome, WaitPace, waitWhile, waitWhileSync } from "./wait_word.ts";

/** What the cell holds once the kernel has moved the counter: more than any counter can. */
export const CUT = 2n ** 64n - 1n;
/** The most that a counter holds. */
export const LARGEST_COUNT = CUT - 1n;

/** The cell is the first 8 bytes; the hints have a cache line of their own. */
const CELL = 0;
const ATTENTION = 16;
const TAKERS_WAKE = 17;
const ADDERS_WAKE = 18;
const BYTES = 128;

/** Attention: somebody waits for a count to take. */
const TAKER_SLEEPS = 1;
/** Attention: somebody waits for room to add. */
const ADDER_SLEEPS = 2;

/** How those who wait for a count are announced and woken. */
export const TAKERS = {
  attentionIndex: ATTENTION,
  bit: TAKER_SLEEPS,
  wakeIndex: TAKERS_WAKE,
} as const;
/** The same for those who wait for room. */
export const ADDERS = {
  attentionIndex: ATTENTION,
  bit: ADDER_SLEEPS,
  wakeIndex: ADDERS_WAKE,
} as const;

/**
 * How often an operation begins again because another thread changed the cell meanwhile. Each
 * time that other made progress; a hostile one could go on for ever.
 */
const ATTEMPTS = 1000;

/** Memory for a counter. */
export function allocateCounter(initial = 0n): SharedArrayBuffer {
  const memory = new SharedArrayBuffer(BYTES);
  exchange64(new BigUint64Array(memory), CELL, initial);
  return memory;
}

/** How one participant takes part in one generation of a counter. */
export interface CounterSeat {
  /** Taking takes 1 instead of all. @default false */
  readonly semaphore: boolean;
  /** Changes when the kernel moved the counter. The kernel's own isolate has none: it just knows. */
  readonly generation?: WatchedWord;
}

/** One participant's seat at one generation of a counter. */
export class CounterCell {
  /** Taking takes 1 instead of all. */
  readonly isSemaphore: boolean;
  readonly #cells: BigUint64Array;
  readonly #words: Int32Array;
  readonly #generation: WatchedWord | undefined;
  readonly #pace = new WaitPace();

  /** @param memory What `allocateCounter` or `moveCounter` made. */
  constructor(memory: SharedArrayBuffer, seat: Partial<CounterSeat> = {}) {
    this.isSemaphore = seat.semaphore ?? false;
    this.#cells = new BigUint64Array(memory, 0, 1);
    this.#words = new Int32Array(memory, 0, BYTES / 4);
    this.#generation = seat.generation;
  }

  /** The count; CUT if it went on into another cell. */
  get value(): bigint {
    return this.#count();
  }

  /** Whether the kernel moved the counter: ask it for the new cell, and do there what wasn't done here. */
  get hasMoved(): boolean {
    return this.#isCut();
  }

  /**
   * Adds 0 … 2⁶⁴ − 2.
   *
   * @returns Whether it did; false if the sum would pass 2⁶⁴ − 2, or the counter moved.
   */
  tryAdd(amount: bigint): boolean {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      if (this.#isCut()) return false;
      const count = this.#count();
      if (count + amount > LARGEST_COUNT) return false;
      // Exactly one of this and the kernel's exchange for CUT comes first. If this does, the sum moves; if not,
      // this fails. So an addition counts exactly if it succeeded, and no cut has to be asked for.
      if (compareExchange64(this.#cells, CELL, count, count + amount) === count) {
        if (amount > 0n) this.#wake(TAKER_SLEEPS, TAKERS_WAKE);
        return true;
      }
    }
    return false;
  }

  /**
   * Takes all, or 1 of a semaphore.
   *
   * @returns What it took; undefined if there is nothing, or the counter moved.
   */
  tryTake(): bigint | undefined {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      if (this.#isCut()) return undefined;
      const count = this.#count();
      if (count === 0n || count === CUT) return undefined;
      const amount = this.isSemaphore ? 1n : count;
      if (compareExchange64(this.#cells, CELL, count, count - amount) === count) {
        this.#wake(ADDER_SLEEPS, ADDERS_WAKE);
        return amount;
      }
    }
    return undefined;
  }

  /**
   * Blocks this thread until there may be something to take.
   *
   * @param kill A word that ends the wait when it changes.
   */
  waitTakeableSync(timeoutMs: number, kill?: WatchedWord): WaitOutcome {
    const count = this.#announce(TAKER_SLEEPS, TAKERS_WAKE);
    const isThere = this.#isCut() || this.#count() !== 0n;
    return this.#sleepSync(isThere, TAKERS_WAKE, count, timeoutMs, kill);
  }

  /** {@linkcode waitTakeableSync} without blocking the thread. */
  waitTakeable(timeoutMs: number, kill?: WatchedWord): Promise<WaitOutcome> {
    const count = this.#announce(TAKER_SLEEPS, TAKERS_WAKE);
    const isThere = this.#isCut() || this.#count() !== 0n;
    return this.#sleep(isThere, TAKERS_WAKE, count, timeoutMs, kill);
  }

  /** Blocks this thread until `amount` may be added. */
  waitAddableSync(amount: bigint, timeoutMs: number, kill?: WatchedWord): WaitOutcome {
    const count = this.#announce(ADDER_SLEEPS, ADDERS_WAKE);
    const isRoom = this.#isCut() || this.#count() + amount <= LARGEST_COUNT;
    return this.#sleepSync(isRoom, ADDERS_WAKE, count, timeoutMs, kill);
  }

  /** {@linkcode waitAddableSync} without blocking the thread. */
  waitAddable(amount: bigint, timeoutMs: number, kill?: WatchedWord): Promise<WaitOutcome> {
    const count = this.#announce(ADDER_SLEEPS, ADDERS_WAKE);
    const isRoom = this.#isCut() || this.#count() + amount <= LARGEST_COUNT;
    return this.#sleep(isRoom, ADDERS_WAKE, count, timeoutMs, kill);
  }

  /**
   * For tests.
   *
   * @throws {Error} if an invariant of this seat doesn't hold.
   */
  assertInvariants(): void {
    if (this.#count() > LARGEST_COUNT && !this.#isCut()) {
      throw new Error("Broken counter: it holds the cut's mark but did not move");
    }
  }

  #count(): bigint {
    return load64(this.#cells, CELL);
  }

  #isCut(): boolean {
    const it = this.#generation;
    return (it !== undefined && load(it.word, it.index) !== it.value) || this.#count() === CUT;
  }

  #sleepSync(
    isOver: boolean,
    wakeIndex: number,
    count: number,
    timeoutMs: number,
    kill: WatchedWord | undefined,
  ): WaitOutcome {
    if (isOver) {
      this.#pace.endedAtOnceSync();
      return "changed";
    }
    const watched = this.#watched(kill);
    return waitWhileSync(this.#words, wakeIndex, count, timeoutMs, watched, this.#pace);
  }

  async #sleep(
    isOver: boolean,
    wakeIndex: number,
    count: number,
    timeoutMs: number,
    kill: WatchedWord | undefined,
  ): Promise<WaitOutcome> {
    if (isOver) {
      await this.#pace.endedAtOnce();
      return "changed";
    }
    const watched = this.#watched(kill);
    return await waitWhile(this.#words, wakeIndex, count, timeoutMs, watched, this.#pace);
  }

  /** Announces a sleeper and returns the count to sleep on; the caller looks again after this. */
  #announce(bit: number, wakeIndex: number): number {
    // Count, then bit, then the look: the argument is that of the ring's `announce`.
    const count = load(this.#words, wakeIndex);
    or(this.#words, ATTENTION, bit);
    return count;
  }

  #wake(bit: number, wakeIndex: number): void {
    // After the exchange of the cell, so a sleeper that missed it is seen here.
    if ((load(this.#words, ATTENTION) & bit) === 0) return;
    and(this.#words, ATTENTION, ~bit);
    add(this.#words, wakeIndex, 1);
    notify(this.#words, wakeIndex);
  }

  #watched(kill: WatchedWord | undefined): WatchedWord[] {
    return [this.#generation, kill].filter((word) => word !== undefined);
  }
}

/**
 * Moves a counter to fresh memory. Afterwards the kernel hands out the new memory only.
 *
 * @param participants The generation words of all who map the old memory; 1 is added to each.
 * @returns The new memory and the count in it; undefined if somebody garbled the old cell.
 */
export function moveCounter(
  old: SharedArrayBuffer,
  participants: readonly { readonly word: Int32Array; readonly index: number }[],
): { readonly memory: SharedArrayBuffer; readonly value: bigint } | undefined {
  for (const { word, index } of participants) add(word, index, 1);
  const value = exchange64(new BigUint64Array(old, 0, 1), CELL, CUT);
  const words = new Int32Array(old, 0, BYTES / 4);
  for (const index of [TAKERS_WAKE, ADDERS_WAKE]) {
    add(words, index, 1);
    notify(words, index);
  }
  return value === CUT ? undefined : { memory: allocateCounter(value), value };
}
