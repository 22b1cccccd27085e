/**
 * A doorbell: a counter in shared memory that one side adds to and the other waits on.
 *
 * Whoever waits has read the count before it looked for work, so a ring in between makes the wait
 * return at once: no wake-up is lost. Only the two sides of one page map the word.
 *
 * @module
 */
import { add, load, notify, store, wait, waitAsync } from "./atomics.ts";
import { LookOrSleep } from "./look_or_sleep.ts";

const now: () => number = performance.now.bind(performance);

/** How often a thread that blocks looks at the count before it sleeps: about 50 µs. */
const LOOKS_BEFORE_BLOCKING = 6_000;
/** How often it does so without blocking the thread: about 7 µs, in which nothing else runs there. */
const LOOKS_BEFORE_AWAITING = 1_000;
/** After so many looks in vain in a row … */
const MOST_IN_VAIN = 8;
/** … so many waits sleep without a look, and then one looks again. */
const SLEEPERS = 31;

/** One of the bells of a page. */
export class Doorbell {
  readonly #words: Int32Array;
  readonly #index: number;
  readonly #choice = new LookOrSleep();
  /** Looks in vain since the last one with success. */
  #inVain = 0;
  /** How many waits are still to sleep without a look. */
  #sleepersLeft = 0;

  /**
   * @param words The page's words.
   * @param index The bell's word.
   */
  constructor(words: Int32Array, index: number) {
    this.#words = words;
    this.#index = index;
  }

  /** How often it was rung, modulo 2³². */
  get count(): number {
    // Sequentially consistent: what was written before the ring is seen after this load.
    return load(this.#words, this.#index);
  }

  /** Rings it. */
  ring(): void {
    add(this.#words, this.#index, 1);
    notify(this.#words, this.#index);
  }

  /** Resolves when the count is no longer `seen`. */
  async changed(seen: number): Promise<void> {
    const wait = waitAsync(this.#words, this.#index, seen);
    if (wait.async) await wait.value;
  }

  /**
   * Blocks the thread until the count is no longer `seen`.
   *
   * @param isCrowded Whether others want the processor: then it sleeps at once, and doesn't look for
   * a while before it does, as it may else.
   */
  block(seen: number, isCrowded: boolean): void {
    if (isCrowded) return void wait(this.#words, this.#index, seen);
    const { looks } = this.#choice;
    const start = now();
    if (!looks || !this.#isSeenToChange(seen)) wait(this.#words, this.#index, seen);
    this.#choice.took(looks, now() - start);
  }

  #isSeenToChange(seen: number): boolean {
    for (let i = 0; i < LOOKS_BEFORE_BLOCKING; i++) if (this.count !== seen) return true;
    return false;
  }

  /**
   * True when the count changes within some microseconds, in which it is looked at: for a waiter
   * that has just answered somebody who may ring again at once. When the last looks were in vain,
   * most are left out: they hold up everything else in the isolate.
   */
  isRungSoon(seen: number): boolean {
    if (this.#sleepersLeft > 0) {
      this.#sleepersLeft--;
      return this.count !== seen;
    }
    for (let i = 0; i < LOOKS_BEFORE_AWAITING; i++) {
      if (this.count === seen) continue;
      this.#inVain = 0;
      return true;
    }
    if (++this.#inVain >= MOST_IN_VAIN) this.#sleepersLeft = SLEEPERS;
    return false;
  }
}

/** A word that one side raises and lowers, and the other looks at. */
export class Flag {
  readonly #words: Int32Array;
  readonly #index: number;

  /**
   * @param words The page's words.
   * @param index The flag's word.
   */
  constructor(words: Int32Array, index: number) {
    this.#words = words;
    this.#index = index;
  }

  get isUp(): boolean {
    return load(this.#words, this.#index) !== 0;
  }

  raise(): void {
    store(this.#words, this.#index, 1);
  }

  lower(): void {
    store(this.#words, this.#index, 0);
  }
}
