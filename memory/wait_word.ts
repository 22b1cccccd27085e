/**
 * Waiting on a word that a hostile thread may spoil.
 *
 * Whoever waits has announced itself and looked again (see `ring_sleep.ts`), so an honest
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

/**
 * Blocks this thread while the word holds `value`.
 *
 * @param timeoutMs The whole time, in milliseconds; Infinity for ever.
 */
export function waitWhileSync(
  words: Int32Array,
  index: number,
  value: number,
  timeoutMs: number,
  watched: readonly WatchedWord[],
): WaitOutcome {
  // Counting slices instead of reading a clock is enough: only full slices come round again.
  for (let leftMs = timeoutMs;; leftMs -= SLICE_MS) {
    if (hasChanged(watched)) return "stopped";
    if (leftMs <= 0) return "timed-out";
    if (wait(words, index, value, Math.min(leftMs, SLICE_MS)) !== "timed-out") return "changed";
  }
}

/** As {@linkcode waitWhileSync}, without blocking the thread. */
export async function waitWhile(
  words: Int32Array,
  index: number,
  value: number,
  timeoutMs: number,
  watched: readonly WatchedWord[],
): Promise<WaitOutcome> {
  for (let leftMs = timeoutMs;; leftMs -= SLICE_MS) {
    if (hasChanged(watched)) return "stopped";
    if (leftMs <= 0) return "timed-out";
    const slice = waitAsync(words, index, value, Math.min(leftMs, SLICE_MS));
    const outcome = slice.async ? await slice.value : slice.value;
    if (outcome !== "timed-out") return "changed";
  }
}
