/**
 * Looks after those who wait in the kernel while threads of tasks change what they wait for.
 *
 * Threads work on an object's memory without a word to the kernel, so nobody calls `wake` there. As
 * long as somebody waits, an attendant is announced in that memory as a sleeper like any other.
 *
 * @module
 */
import type { WaitQueue } from "../../capabilities/selectable.ts";
import type { SleepWatch } from "../../memory/sleep_watch.ts";

/** Attends to one queue, for one kind of change. */
export class Attendant {
  readonly #waiters: WaitQueue;
  readonly #memory: () => SharedArrayBuffer | undefined;
  readonly #watchFor: (memory: SharedArrayBuffer) => SleepWatch;
  #isAttending = false;

  /**
   * @param memory What threads work on now; undefined when they do no more. Whoever moves it wakes
   * the sleepers of the old one.
   */
  constructor(
    waiters: WaitQueue,
    memory: () => SharedArrayBuffer | undefined,
    watchFor: (memory: SharedArrayBuffer) => SleepWatch,
  ) {
    this.#waiters = waiters;
    this.#memory = memory;
    this.#watchFor = watchFor;
  }

  /** Attends until nobody waits any more, or no thread works on the object. */
  attend(): void {
    if (!this.#isAttending && !this.#waiters.isEmpty) void this.#attend();
  }

  async #attend(): Promise<void> {
    this.#isAttending = true;
    await undefined; // whoever waits may still be in the middle of being parked
    let watched: SharedArrayBuffer | undefined;
    let watch: SleepWatch | undefined;
    while (!this.#waiters.isEmpty) {
      const memory = this.#memory();
      if (memory === undefined) break;
      if (watch === undefined || memory !== watched) watch = this.#watchFor(memory);
      watched = memory;
      watch.announce();
      this.#waiters.wake();
      if (this.#waiters.isEmpty || this.#memory() !== watched) continue;
      await watch.rest();
      this.#waiters.mayHaveFallen();
    }
    this.#isAttending = false;
  }
}
