/**
 * What the kernel's isolate waits for at a counter that threads map.
 *
 * @module
 */
import { ADDERS, TAKERS } from "./counter_cell.ts";
import { SleepWatch } from "./sleep_watch.ts";

/** Waits for a count to take. */
export function watchForCount(memory: SharedArrayBuffer): SleepWatch {
  return new SleepWatch(memory, TAKERS);
}

/** Waits for room to add. */
export function watchForAddition(memory: SharedArrayBuffer): SleepWatch {
  return new SleepWatch(memory, ADDERS);
}
