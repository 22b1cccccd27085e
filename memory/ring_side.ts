/**
 * What the two sides of a ring have in common: the memory, the lock of a shared side, the
 * generation word, and how an operation that met a move is settled afterwards.
 */
import { add, compareExchange, exchange, load, loadHint, notify } from "./atomics.ts";
import {
  ATTENTION,
  BUSY,
  CONTENDED,
  dataBytes,
  FREE,
  GARBLED,
  HEADER_WORDS,
  HELD,
  MOVED,
  READERS_WAKE,
  type RingSeat,
  SLICE_BYTES,
  type WatchedWord,
  WRITERS_WAKE,
} from "./ring_layout.ts";
import { RingData } from "./ring_data.ts";
import {
  hasChanged,
  SLICE_MS,
  type WaitOutcome,
  WaitPace,
  waitWhile,
  waitWhileSync,
} from "./wait_word.ts";

/** One side of a ring, as one participant uses it. Plain fields: this is the data path. */
export abstract class RingSide extends RingData {
  /** The header. */
  readonly words: Int32Array;
  /** Packets are preceded by this many bytes; 0 if the ring carries plain bytes. */
  readonly headerBytes: number;
  /** No other thread works on this side. */
  readonly alone: boolean;
  /** Somebody else may work on this ring, or sleep on it. */
  readonly watched: boolean;
  /** Longer operations are published in slices of this many bytes, so that both sides copy at a time. */
  readonly sliceBytes: number;
  /** Operations of at most this many bytes need no lock, no packet header and no slices. */
  readonly plainBytes: number;
  /** Where a move is told, or undefined where moves aren't met (in the kernel's isolate). */
  readonly generation: Int32Array | undefined;
  readonly generationIndex: number;
  readonly generationValue: number;
  readonly #generation: WatchedWord | undefined;
  readonly #lockIndex: number;
  readonly #pace = new WaitPace();
  /** 0, or the MOVED or GARBLED that ended this seat. */
  condition = 0;
  /** The same seat's other side. Set once both sides are there. */
  partner: RingSide | undefined = undefined;
  /** The word to sleep on, and what it holds meanwhile. Set by the sides' `announce…`. */
  sleepIndex = 0;
  sleepValue = 0;
  /** The last publication that met a move: from where, over how many bytes of the ring, … */
  #unsettledFrom = 0;
  #unsettledSpan = 0;
  /** … what the operation answers if that publication counts, and if it doesn't. */
  #answerIfDone = 0;
  #answerIfNot = 0;

  constructor(
    memory: SharedArrayBuffer,
    capacityBytes: number,
    seat: Partial<RingSeat>,
    alone: boolean,
    lockIndex: number,
  ) {
    const packet = seat.packet ?? false;
    super(memory, dataBytes(capacityBytes, packet));
    this.headerBytes = this.size - capacityBytes;
    this.words = new Int32Array(memory, 0, HEADER_WORDS);
    this.alone = alone;
    const worksAlone = (seat.soleReader ?? true) && (seat.soleWriter ?? true);
    // Where the ring is mapped the kernel may sleep on it for its callers, and so may this thread.
    this.watched = !worksAlone || seat.generation !== undefined;
    this.sliceBytes = this.watched ? SLICE_BYTES : capacityBytes;
    this.plainBytes = alone && !packet ? this.sliceBytes : 0;
    this.#generation = seat.generation;
    this.generation = seat.generation?.word;
    this.generationIndex = seat.generation?.index ?? 0;
    this.generationValue = seat.generation?.value ?? 0;
    this.#lockIndex = lockIndex;
  }

  /** An index from the memory: unsigned, and GARBLED unless below the wrap. */
  loadIndex(word: number): number {
    // Acquire: the bytes that the other side copied before it stored this are there to be seen.
    const index = load(this.words, word) >>> 0;
    return index < this.wrap ? index : GARBLED;
  }

  /** Whether the kernel moved the pipe: the participant's own word alone decides. */
  hasMoved(): boolean {
    const word = this.generation;
    return word !== undefined && load(word, this.generationIndex) !== this.generationValue;
  }

  /** The hints in the ring, after a publication that met no move. */
  hints(): number {
    // The look at the generation word was an atomic load after the publication's store, and orders
    // this after that store as well as a load of its own would. The kernel has no such word.
    return this.generation === undefined
      ? load(this.words, ATTENTION)
      : loadHint(this.words, ATTENTION);
  }

  /** What an operation answers that found nothing to do: 0, unless a move explains it. */
  nothing(): number {
    if (this.condition !== 0) return this.condition;
    return this.hasMoved() ? this.unsettled(0, 0, 0, 0) : 0;
  }

  /** Ends this side of the seat, and if the ring is garbled the other: all answers are `condition` now. */
  end(condition: number): number {
    this.condition = condition;
    if (condition === GARBLED && this.partner?.condition === 0) this.partner.end(GARBLED);
    return condition;
  }

  /** Takes the side's lock: 0, or why not. Waits for nobody. */
  lock(): number {
    if (this.condition !== 0) return this.condition;
    // Acquire: what the last holder stored is seen after this.
    if (compareExchange(this.words, this.#lockIndex, FREE, HELD) === FREE) return 0;
    // A lock that was left behind in an old generation stays busy for ever: look there first.
    return this.nothing() || BUSY;
  }

  /** Ends a locked operation. After a move the lock is left as it is: nobody looks there again. */
  unlock(): void {
    if (this.condition === MOVED) return;
    // Release: comes after the publication, or the next holder would work from the old index.
    if (exchange(this.words, this.#lockIndex, FREE) === CONTENDED) {
      notify(this.words, this.#lockIndex);
    }
  }

  /** Announces a sleeper at the side's lock. False: it is free, try again. */
  announceAtLock(): boolean {
    // The holder's exchange comes either before this, which then sees FREE, or after it and sees
    // CONTENDED and notifies; a wait that begins after that finds the word changed.
    const lock = compareExchange(this.words, this.#lockIndex, HELD, CONTENDED);
    this.sleepIndex = this.#lockIndex;
    // A hostile thread may have put anything there: then sleep on that, don't spin.
    this.sleepValue = lock === HELD ? CONTENDED : lock;
    return lock !== FREE;
  }

  /**
   * Blocks this thread after an `announce…`. "stopped" if the kill word changed, "changed" if the ring moved.
   *
   * @param isAsleep What the announcement answered.
   * @param atMostASlice Then the wait ends as if something had changed, because something of which no
   * word tells may have.
   */
  sleepSync(
    isAsleep: boolean,
    timeoutMs: number,
    kill: WatchedWord | undefined,
    atMostASlice: boolean,
  ): WaitOutcome {
    if (!isAsleep) {
      this.#pace.endedAtOnceSync();
      return "changed";
    }
    const { words, sleepIndex, sleepValue } = this;
    const ms = atMostASlice ? Math.min(timeoutMs, SLICE_MS) : timeoutMs;
    const watched = this.#watchedWords(kill);
    const outcome = waitWhileSync(words, sleepIndex, sleepValue, ms, watched, this.#pace);
    return this.#afterSleep(outcome, timeoutMs > ms, kill);
  }

  /** The same without blocking the thread. */
  async sleep(
    isAsleep: boolean,
    timeoutMs: number,
    kill: WatchedWord | undefined,
    atMostASlice: boolean,
  ): Promise<WaitOutcome> {
    if (!isAsleep) {
      await this.#pace.endedAtOnce();
      return "changed";
    }
    const { words, sleepIndex, sleepValue } = this;
    const ms = atMostASlice ? Math.min(timeoutMs, SLICE_MS) : timeoutMs;
    const watched = this.#watchedWords(kill);
    const outcome = await waitWhile(words, sleepIndex, sleepValue, ms, watched, this.#pace);
    return this.#afterSleep(outcome, timeoutMs > ms, kill);
  }

  #afterSleep(
    outcome: WaitOutcome,
    hasTimeLeft: boolean,
    kill: WatchedWord | undefined,
  ): WaitOutcome {
    if (outcome === "timed-out" && hasTimeLeft) return "changed";
    if (outcome === "stopped" && this.hasMoved()) {
      return kill !== undefined && hasChanged([kill]) ? "stopped" : "changed";
    }
    return outcome;
  }

  #watchedWords(kill: WatchedWord | undefined): WatchedWord[] {
    return [this.#generation, kill].filter((word) => word !== undefined);
  }

  /** Remembers a publication that met a move; `settle` tells it apart. */
  unsettled(from: number, span: number, done: number, otherwise: number): number {
    this.#unsettledFrom = from;
    this.#unsettledSpan = span;
    this.#answerIfDone = done;
    this.#answerIfNot = otherwise;
    return this.end(MOVED);
  }

  /**
   * What the operation that answered MOVED has to answer, now that the cut is known: the bytes
   * that count; or 0 if it is to be done again, whole, on the new generation.
   *
   * @param cutIndex The cut's index of this side: tail for a writer, head for a reader.
   */
  settle(cutIndex: number): number {
    let passed = cutIndex - this.#unsettledFrom;
    if (passed < 0) passed += this.wrap;
    return passed >= this.#unsettledSpan ? this.#answerIfDone : this.#answerIfNot;
  }
}

/** Wakes all who sleep on a ring, whatever a hostile thread did to the hints. */
export function wakeAll(words: Int32Array): void {
  add(words, READERS_WAKE, 1);
  add(words, WRITERS_WAKE, 1);
  notify(words, READERS_WAKE);
  notify(words, WRITERS_WAKE);
}
