/**
 * The seats of one task's thread: which objects' memory it works on itself.
 *
 * Each seat has a word in memory that the kernel and the thread alone know. The kernel adds to it
 * when the object has moved; that word alone tells the thread, because what lies in the object's
 * memory somebody else could garble. Words are used again: they only ever count up, so whoever holds
 * an old value sees that it has changed.
 *
 * Invariants: a host has at most one seat here that isn't lost; a seat keeps the first cut since the
 * thread last asked, for it is the generation that the thread holds; lost seats are kept until the
 * thread asks, the newest {@linkcode MOST_LOST} of them.
 *
 * @module
 */
import { KernelError } from "../capabilities/errors.ts";
import type { HandleEntry } from "../capabilities/handle.ts";
import type {
  SeatCut,
  SeatHolder,
  SeatHost,
  SeatOps,
  SeatReport,
  TakenSeat,
} from "../capabilities/seat_ops.ts";
import { load } from "../memory/atomics.ts";

/** Lost seats whose cut is kept: a thread that is in the middle of an operation asks at once. */
const MOST_LOST = 4_096;

/** The seats of one thread. */
export class Seats {
  readonly #words: Int32Array;
  /** Words that no seat uses. */
  readonly #free: number[];
  readonly #seats: Map<number, Seat> = new Map();
  readonly #byHost: Map<SeatHost, Seat> = new Map();
  readonly #lost: Set<Seat> = new Set();
  #nextNumber = 1;

  /** @param words Known to the kernel and the thread alone; a word for each seat. */
  constructor(words: Int32Array) {
    this.#words = words;
    this.#free = Array.from(words, (_, index) => words.length - 1 - index);
  }

  /** Seats that are not lost. */
  get size(): number {
    return this.#byHost.size;
  }

  /**
   * Takes part in the object that the handle names; ends with the first such handle.
   *
   * @throws {KernelError} NOT_SUPPORTED when the object can't be shared so now, LIMIT_EXCEEDED when
   * the thread has a seat at too many.
   */
  take(entry: HandleEntry): TakenSeat {
    const host = (entry.object as unknown as SeatOps).seatHost();
    const known = this.#byHost.get(host);
    const seat = known ?? this.#make(host);
    if (!seat.entries.has(entry)) {
      seat.entries.add(entry);
      host.join(seat, entry.object);
      // What it was before was about a seat that is lost.
      entry.onLeave = () => host.leave(seat);
    }
    return { seat: seat.number, isKnown: known !== undefined };
  }

  /**
   * What became of a seat.
   *
   * @param hasMemory False when the thread has no memory of it: at first, or because it let go.
   * @throws {KernelError} INVALID_STATE when the thread has, and had lately, no such seat.
   */
  follow(number: number, hasMemory: boolean): SeatReport {
    const seat = this.#seats.get(number);
    if (seat === undefined) {
      throw new KernelError("INVALID_STATE", `the task has no seat ${number}, or no more`);
    }
    seat.host?.inspect?.();
    const report = seat.report(hasMemory);
    if (report.terms === undefined) this.#forget(seat);
    return report;
  }

  /** The task was stopped: its thread comes to rest where it next looks at one of its words. */
  suspend(): void {
    for (const host of [...this.#byHost.keys()]) host.suspend();
  }

  /** Throws when an invariant is broken; for tests. */
  assertInvariants(): void {
    for (const [host, seat] of this.#byHost) {
      if (seat.host !== host) throw new Error("a lost seat is filed under its host");
      if (this.#seats.get(seat.number) !== seat) throw new Error("a seat is not in the list");
    }
    if (this.#free.length + this.#byHost.size !== this.#words.length) {
      throw new Error("a word is lost, or used twice");
    }
    if (this.#lost.size > MOST_LOST) throw new Error("too many lost seats are kept");
  }

  #make(host: SeatHost): Seat {
    const index = this.#free.pop();
    if (index === undefined) {
      throw new KernelError(
        "LIMIT_EXCEEDED",
        `its thread works on the memory of ${this.#words.length} objects already`,
      );
    }
    const seat = new Seat(this.#nextNumber++, host, this.#words, index, () => this.#lose(seat));
    this.#seats.set(seat.number, seat);
    this.#byHost.set(host, seat);
    return seat;
  }

  #lose(seat: Seat): void {
    const { host } = seat;
    if (host === undefined) return;
    this.#byHost.delete(host);
    this.#free.push(seat.index);
    this.#lost.add(seat);
    const [oldest] = this.#lost;
    if (this.#lost.size > MOST_LOST && oldest !== undefined) this.#forget(oldest);
  }

  #forget(seat: Seat): void {
    this.#lost.delete(seat);
    this.#seats.delete(seat.number);
  }
}

/** One thread's part in one object. */
class Seat implements SeatHolder {
  readonly number: number;
  readonly word: Int32Array;
  readonly index: number;
  /** Undefined once it is lost. */
  host: SeatHost | undefined;
  /** The handles through which the thread takes part. */
  readonly entries: WeakSet<HandleEntry> = new WeakSet();
  readonly #onLose: () => void;
  /** What counts of the generation that the thread holds, once that has moved. */
  #cut: SeatCut | undefined = undefined;
  #hasMoved = false;
  /** The memory that the thread was last given. */
  #given: SharedArrayBuffer | undefined = undefined;

  constructor(
    number: number,
    host: SeatHost,
    word: Int32Array,
    index: number,
    onLose: () => void,
  ) {
    this.number = number;
    this.host = host;
    this.word = word;
    this.index = index;
    this.#onLose = onLose;
  }

  moved(cut: SeatCut | undefined): void {
    // Before it was given any memory the thread holds none that could have moved.
    if (this.#hasMoved || this.#given === undefined) return;
    this.#hasMoved = true;
    this.#cut = cut;
  }

  lose(): void {
    this.#onLose();
    this.host = undefined;
    this.#given = undefined; // the thread's own business from now on
  }

  /** What the thread has to know; from then on it does. */
  report(hasMemory: boolean): SeatReport {
    const { host, word, index } = this;
    const cut = hasMemory ? this.#cut : undefined;
    this.#cut = undefined;
    this.#hasMoved = false;
    const isNews = !hasMemory || host?.memory !== this.#given;
    const memory = isNews ? host?.memory : undefined;
    this.#given = host?.memory;
    return {
      wordIndex: index,
      wordValue: load(word, index),
      terms: host?.terms(this),
      cut,
      memory,
    };
  }
}
