/**
 * How the kernel's isolate waits for what other threads do to memory that they map.
 *
 * It never blocks, and it holds no place that a thread could be kept waiting for. The order is that
 * of every sleeper here: announce, look (the caller does), rest. A change after the announcement
 * adds to the count that `rest` waits on; one before it is there to be seen by the look.
 *
 * @module
 */
import { load, or, waitAsync } from "./atomics.ts";
import { WaitPace } from "./wait_word.ts";

/** The words by which one kind of sleeper is announced and woken. */
export interface SleepWords {
  /** Hints about who sleeps. */
  readonly attentionIndex: number;
  /** The bit among them that announces this kind of sleeper. */
  readonly bit: number;
  /** Counts the wake-ups of this kind of sleeper. */
  readonly wakeIndex: number;
}

/** One kind of sleeper of one memory, as the kernel's isolate is one. */
export class SleepWatch {
  readonly #words: Int32Array;
  readonly #at: SleepWords;
  readonly #pace = new WaitPace();
  #count = 0;

  constructor(memory: SharedArrayBuffer, at: SleepWords) {
    this.#words = new Int32Array(memory, 0, Math.max(at.attentionIndex, at.wakeIndex) + 1);
    this.#at = at;
  }

  /** Says that somebody sleeps; look after this, and before {@linkcode SleepWatch.rest}. */
  announce(): void {
    this.#count = load(this.#words, this.#at.wakeIndex);
    or(this.#words, this.#at.attentionIndex, this.#at.bit);
  }

  /**
   * Resolves when somebody was woken since the announcement.
   *
   * @param isInVain True when the last wake-up let nobody go on: after some of these comes a pause.
   */
  async rest(isInVain: boolean): Promise<void> {
    const wait = waitAsync(this.#words, this.#at.wakeIndex, this.#count);
    if (wait.async) await wait.value;
    if (isInVain || !wait.async) await this.#pace.endedAtOnce();
    else this.#pace.slept();
  }
}
