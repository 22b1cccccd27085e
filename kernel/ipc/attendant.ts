/**
 * Looks after those who wait in the kernel while threads of tasks change what they wait for.
 *
 * Threads work on an object's memory without a word to the kernel, so nobody calls `wake` there. As
 * long as somebody waits, an attendant is announced in that memory as a sleeper like any other.
 *
 * @module
 */
import type { WaitQueue } from "../../capabilities/selectable.ts";
import type { Signals } from "../../capabilities/signals.ts";
import type { SleepWatch } from "../../memory/sleep_watch.ts";

/** Attends to one queue, for one kind of change. */
export class Attendant {
  readonly #waiters: WaitQueue;
  readonly #signals: Signals;
  readonly #memory: () => SharedArrayBuffer | undefined;
  readonly #watchFor: (memory: SharedArrayBuffer) => SleepWatch;
  #isAttending = false;

  /**
   * @param signals What threads can raise: whoever waits for others needs no attendant.
   * @param memory What threads work on now; undefined when they do no more. Whoever moves it wakes
   * the sleepers of the old one.
   */
  constructor(
    waiters: WaitQueue,
    signals: Signals,
    memory: () => SharedArrayBuffer | undefined,
    watchFor: (memory: SharedArrayBuffer) => SleepWatch,
  ) {
    this.#waiters = waiters;
    this.#signals = signals;
    this.#memory = memory;
    this.#watchFor = watchFor;
  }

  get #isNeeded(): boolean {
    return (this.#waiters.awaited & this.#signals) !== 0;
  }

  /** Attends until nobody waits any more, or no thread works on the object. */
  attend(): void {
    if (!this.#isAttending && this.#isNeeded) void this.#attend();
  }

  async #attend(): Promise<void> {
    this.#isAttending = true;
    this.#waiters.attended(true);
    await undefined; // whoever waits may still be in the middle of being parked
    let watched: SharedArrayBuffer | undefined;
    let watch: SleepWatch | undefined;
    while (this.#isNeeded) {
      const memory = this.#memory();
      if (memory === undefined) break;
      if (watch === undefined || memory !== watched) watch = this.#watchFor(memory);
      watched = memory;
      watch.announce();
      const { departures } = this.#waiters;
      this.#waiters.wake();
      if (!this.#isNeeded || this.#memory() !== watched) continue;
      await watch.rest(departures === this.#waiters.departures);
      this.#waiters.mayHaveFallen();
    }
    this.#isAttending = false;
    this.#waiters.attended(false);
  }
}
