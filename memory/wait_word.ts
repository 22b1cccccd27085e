/**
 * Waiting on a word that a hostile thread may spoil.
 *
 * Whoever waits has announced itself and looked again (see `RingWriter.announce`), so an honest
 * other side either changes the word first, and the wait doesn't begin, or sees the
 * announcement and notifies. A hostile one may do neither: so no wait lasts longer than
 * a slice without a look at the words that only the kernel writes (generation, kill).
 */
import { load, wait, waitAsync } from "./atomics.ts";
import type { WatchedWord } from "./ring_layout.ts";

/** The longest time between two looks at the watched words. */
export const SLICE_MS = 50;

/**
 * How a wait ended. "changed": the word holds something else, or somebody notified: look
 * again. "stopped": a watched word holds something else. "timed-out": neither, in time.
 */
export type WaitOutcome = "changed" | "stopped" | "timed-out";

/** Whether one of the words no longer holds its value. */
export function hasChanged(watched: readonly WatchedWord[]): boolean {
  for (let i = 0; i < watched.length; i++) {
    const it = watched[i];
    if (it !== undefined && load(it.word, it.index) !== it.value) return true;
  }
  return false;
}

/** How many waits may end at once in a row before the next one pauses. */
const MOST_IN_VAIN = 16;
/** How long that pause is: a hostile thread buys 16 rounds of ours for a millisecond of its own. */
const PAUSE_MS = 1;
/** A word that nobody changes, to pause on. */
const NEVER = new Int32Array(new SharedArrayBuffer(4));

/**
 * Keeps waits in a loop from becoming a spin, or in an event loop a storm of microtasks, where a hostile
 * thread makes each of them end at once.
 */
export class WaitPace {
  #inVain = 0;

  /** A wait ended at once. */
  endedAtOnceSync(): void {
    if (++this.#inVain % MOST_IN_VAIN === 0) wait(NEVER, 0, 0, PAUSE_MS);
  }

  /** The same without blocking the thread. */
  async endedAtOnce(): Promise<void> {
    if (++this.#inVain % MOST_IN_VAIN !== 0) return;
    const pause = waitAsync(NEVER, 0, 0, PAUSE_MS);
    if (pause.async) await pause.value;
  }

  /** A wait slept. */
  slept(): void {
    this.#inVain = 0;
  }
}

/**
 * Blocks this thread while the word holds `value`.
 *
 * @param timeoutMs The whole time, in milliseconds; Infinity for ever.
 * @param pace That of the waits in the same loop.
 */
export function waitWhileSync(
  words: Int32Array,
  index: number,
  value: number,
  timeoutMs: number,
  watched: readonly WatchedWord[],
  pace: WaitPace,
): WaitOutcome {
  // Counting slices instead of reading a clock is enough: only full slices come round again.
  for (let leftMs = timeoutMs;; leftMs -= SLICE_MS) {
    if (hasChanged(watched)) return "stopped";
    if (leftMs <= 0) return "timed-out";
    const outcome = wait(words, index, value, Math.min(leftMs, SLICE_MS));
    if (outcome === "not-equal") pace.endedAtOnceSync();
    else pace.slept();
    if (outcome !== "timed-out") return "changed";
  }
}

/** {@linkcode waitWhileSync} without blocking the thread. */
export async function waitWhile(
  words: Int32Array,
  index: number,
  value: number,
  timeoutMs: number,
  watched: readonly WatchedWord[],
  pace: WaitPace,
): Promise<WaitOutcome> {
  for (let leftMs = timeoutMs;; leftMs -= SLICE_MS) {
    if (hasChanged(watched)) return "stopped";
    if (leftMs <= 0) return "timed-out";
    const slice = waitAsync(words, index, value, Math.min(leftMs, SLICE_MS));
    const outcome = slice.async ? await slice.value : slice.value;
    if (outcome === "not-equal") await pace.endedAtOnce();
    else pace.slept();
    if (outcome !== "timed-out") return "changed";
  }
}
