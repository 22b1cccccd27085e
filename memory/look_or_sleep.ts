/**
 * Whether a thread that waits for a short answer should look for it or sleep.
 *
 * On two processors an answer that takes a microsecond is seen within that time, and a sleeper
 * wakes 30 µs later. On one, whoever looks keeps the answerer from the processor, and a sleeper
 * gives it up at once. Which of the two holds changes with the load; so both are tried, and the
 * one whose waits were shorter is chosen.
 *
 * Invariant: a choice that turned out worse is tried again after {@linkcode TRIAL_AFTER} waits.
 *
 * @module
 */

/** Waits by the better choice before the other one is tried again. */
const TRIAL_AFTER = 64;
/** A wait that took longer, in milliseconds, waited for something else than an answer. */
const LONGEST_MS = 0.2;
/** How much of what was known a new wait leaves. */
const MEMORY = 7 / 8;

/** Learns from how long waits take. */
export class LookOrSleep {
  /** The smoothed time of waits that looked, in milliseconds; 0 before the first. */
  #lookingMs = 0;
  /** The same of waits that slept. */
  #sleepingMs = 0;
  #sinceTrial = 0;

  /** Whether the next wait is to look first. */
  get looks(): boolean {
    const isBetter = this.#lookingMs <= this.#sleepingMs;
    return this.#sinceTrial < TRIAL_AFTER ? isBetter : !isBetter;
  }

  /** A wait that looked, or slept, took so long. */
  took(looked: boolean, ms: number): void {
    this.#sinceTrial = this.#sinceTrial < TRIAL_AFTER ? this.#sinceTrial + 1 : 0;
    if (ms > LONGEST_MS) return;
    if (looked) this.#lookingMs = smoothed(this.#lookingMs, ms);
    else this.#sleepingMs = smoothed(this.#sleepingMs, ms);
  }
}

function smoothed(before: number, now: number): number {
  return before === 0 ? now : before * MEMORY + now * (1 - MEMORY);
}
