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

/** How often a thread that blocks looks at the count before it sleeps: about 50 µs. */
const LOOKS_BEFORE_BLOCKING = 6_000;

/** One of the bells of a page. */
export class Doorbell {
  readonly #words: Int32Array;
  readonly #index: number;
  readonly #choice = new LookOrSleep();

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
   * @param mostMs How long it sleeps at most.
   */
  block(seen: number, isCrowded: boolean, mostMs = Infinity): void {
    if (isCrowded) return void wait(this.#words, this.#index, seen, mostMs);
    if (this.#choice.looks) {
      const hasSeen = this.#isSeenToChange(seen);
      this.#choice.looked(hasSeen);
      if (hasSeen) return;
    } else this.#choice.slept();
    wait(this.#words, this.#index, seen, mostMs);
  }

  #isSeenToChange(seen: number): boolean {
    for (let i = 0; i < LOOKS_BEFORE_BLOCKING; i++) if (this.count !== seen) return true;
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
