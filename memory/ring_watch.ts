/**
 * What the kernel's isolate waits for at a ring that threads map: the other side, and a lock.
 *
 * @module
 */
import { compareExchange, load, waitAsync } from "./atomics.ts";
import {
  ATTENTION,
  CONTENDED,
  FREE,
  HEADER_WORDS,
  HELD,
  READER_LOCK,
  READER_SLEEPS,
  READERS_WAKE,
  WRITER_LOCK,
  WRITER_SLEEPS,
  WRITERS_WAKE,
} from "./ring_layout.ts";
import { SleepWatch } from "./sleep_watch.ts";
import { SLICE_MS, type WaitPace } from "./wait_word.ts";

/** Waits for something to read. */
export function watchForBytes(memory: SharedArrayBuffer): SleepWatch {
  const at = { attentionIndex: ATTENTION, bit: READER_SLEEPS, wakeIndex: READERS_WAKE };
  return new SleepWatch(memory, at);
}

/** Waits for room. */
export function watchForRoom(memory: SharedArrayBuffer): SleepWatch {
  const at = { attentionIndex: ATTENTION, bit: WRITER_SLEEPS, wakeIndex: WRITERS_WAKE };
  return new SleepWatch(memory, at);
}

/**
 * Resolves when the lock of a side may be free, to true; or to false when one thread has held it for
 * so long that it may never let go.
 *
 * @param pace That of the attempts in the same loop: a hostile thread may change the lock all the time.
 */
export async function lockFreed(
  memory: SharedArrayBuffer,
  side: "reader" | "writer",
  pace: WaitPace,
): Promise<boolean> {
  const words = new Int32Array(memory, 0, HEADER_WORDS);
  const index = side === "reader" ? READER_LOCK : WRITER_LOCK;
  const held = compareExchange(words, index, HELD, CONTENDED);
  // A hostile thread may have put anything there: then that is what has to change.
  const value = held === HELD ? CONTENDED : held;
  const wait = held === FREE ? undefined : waitAsync(words, index, value, SLICE_MS);
  if (wait?.async !== true) {
    await pace.endedAtOnce();
    return true;
  }
  const outcome = await wait.value;
  pace.slept();
  // Whoever releases a lock that somebody waits for says so, whoever takes it next.
  return outcome === "ok" || load(words, index) === FREE;
}
