/**
 * Whether a thread that waits for a short answer should look for it or sleep.
 *
 * An answer that takes a microsecond is seen within that time by whoever looks, and a sleeper wakes
 * 35 µs later; so two threads that answer each other and both sleep are twenty times as slow as two
 * that look. But where there is no processor left for the answerer, whoever looks keeps it from
 * the only one. So a thread looks for a little longer than a wake-up takes, as long as that mostly
 * succeeds; each look in vain doubles the number of waits that sleep at once, up to a bound, and then
 * it looks again. Two threads that sleep for each other meet again in this way: the first that
 * looks sees the other's answer, and goes on looking.
 *
 * @module
 */

/** The most waits that sleep at once before one looks again. */
const MOST_SLEEPERS = 64;

/** Learns from whether looks succeed. */
export class LookOrSleep {
  /** Looks in vain since the last one that succeeded. */
  #inVain = 0;
  /** Waits that are to sleep at once before one looks again. */
  #sleepersLeft = 0;

  /** Whether the next wait is to look first. */
  get looks(): boolean {
    return this.#sleepersLeft === 0;
  }

  /** A wait looked and saw what it waited for, or looked in vain and slept. */
  looked(hasSeen: boolean): void {
    this.#inVain = hasSeen ? 0 : this.#inVain + 1;
    this.#sleepersLeft = hasSeen ? 0 : Math.min(2 ** this.#inVain, MOST_SLEEPERS);
  }

  /** A wait slept at once. */
  slept(): void {
    if (this.#sleepersLeft > 0) this.#sleepersLeft--;
  }
}
