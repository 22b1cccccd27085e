/**
 * Waits of one isolate on words of one shared memory, beside those of other threads.
 *
 * Whoever waits here also stands in the platform's own list of the word, so another thread's
 * `Atomics.notify` reaches it. That list knows neither time-outs on another clock nor aborts: a
 * place in it, once taken, stays until a notification meets it. Three rules follow from that:
 * - a place belongs to no wait: whichever place is met, the oldest wait of this isolate goes on;
 * - a place that is met while nobody waits here passes the notification on, so none is lost;
 * - a new wait takes over a place that is left over, so there are never more places on a word than
 *   there were waits on it at the same time.
 *
 * Notifications from this isolate serve its own waits directly. The platform would do that only at
 * the next turn of an event loop, which in an isolate with nothing else to do may never come.
 *
 * Invariants: on each word, waits ≤ places; a word without places has no entry.
 *
 * @module
 */
import { load, notify, waitAsync } from "./atomics.ts";

/** Somebody who waits on a word. */
interface WordWait {
  /** Called once, when a notification ends the wait. */
  readonly woken: () => void;
}

/** A place in the platform's list. */
interface Place {
  /** Set when a notification of this isolate met it: what the platform tells later is old news. */
  isSpent: boolean;
}

/** One word that somebody here waits on, or waited on. */
interface Word {
  /** First come, first served. */
  readonly waits: Set<WordWait>;
  readonly places: Set<Place>;
}

/** Waits on the words of one memory. */
export class WordWaits {
  readonly #memory: Int32Array;
  readonly #words: Map<number, Word> = new Map();

  /** @param memory All of the memory's words. */
  constructor(memory: Int32Array) {
    this.#memory = memory;
  }

  /**
   * Begins a wait.
   *
   * @param woken Called once, when a notification ends the wait.
   * @returns What ends it early; undefined when the word holds something else than `value`.
   */
  wait(index: number, value: number, woken: () => void): (() => void) | undefined {
    const word: Word = this.#words.get(index) ?? { waits: new Set(), places: new Set() };
    if (word.places.size > word.waits.size) {
      // Whoever changes the word after this look meets the place that is there already.
      if (load(this.#memory, index) !== value) return undefined;
    } else if (!this.#takePlace(word, index, value)) return undefined;
    this.#words.set(index, word);
    const wait = { woken };
    word.waits.add(wait);
    return () => void word.waits.delete(wait);
  }

  /**
   * Ends waits, this isolate's first, then other threads'.
   *
   * @param count How many at most; Infinity for all.
   * @returns How many.
   */
  notify(index: number, count: number): number {
    const word = this.#words.get(index);
    if (word === undefined) return notify(this.#memory, index, count);
    const served: WordWait[] = [];
    for (const wait of word.waits) {
      if (served.length >= count) break;
      word.waits.delete(wait);
      served.push(wait);
    }
    const rest = count - served.length;
    const others = rest > 0 ? this.#notifyOthers(index, word, rest) : 0;
    for (const { woken } of served) woken();
    return served.length + others;
  }

  /** Throws when an invariant is broken; for tests. */
  assertInvariants(): void {
    for (const { waits, places } of this.#words.values()) {
      if (waits.size > places.size) throw new Error("a wait has no place");
      if (places.size === 0) throw new Error("a word without places is kept");
    }
  }

  #takePlace(word: Word, index: number, value: number): boolean {
    const waiting = waitAsync(this.#memory, index, value);
    if (!waiting.async) return false;
    const place = { isSpent: false };
    word.places.add(place);
    waiting.value.then(() => this.#met(word, index, place));
    return true;
  }

  /** Another thread's notification, or one that nobody here was served by, met a place. */
  #met(word: Word, index: number, place: Place): void {
    if (place.isSpent) return;
    this.#release(word, index, place);
    const [first] = word.waits;
    if (first === undefined) {
      notify(this.#memory, index, 1);
      return;
    }
    word.waits.delete(first);
    first.woken();
  }

  /** Nobody here waits: the places left are met too, and don't count. */
  #notifyOthers(index: number, word: Word, count: number): number {
    const asked = count + word.places.size;
    const met = notify(this.#memory, index, asked);
    // As many as asked for: some places may not have been met. They stay, and pass on what they get.
    if (met === asked) return count;
    const others = met - word.places.size;
    for (const place of [...word.places]) {
      place.isSpent = true;
      this.#release(word, index, place);
    }
    return others;
  }

  #release(word: Word, index: number, place: Place): void {
    word.places.delete(place);
    if (word.places.size === 0) this.#words.delete(index);
  }
}
