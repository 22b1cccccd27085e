/**
 * The seats of a task's thread, asked for through its page.
 *
 * @module
 */
import { KernelError } from "../../capabilities/errors.ts";
import type { WatchedWord } from "../../memory/ring.ts";
import type { Door, SeatNews, ThreadSeats } from "../door.ts";
import { SYSCALLS } from "../table.ts";
import type { SeatAnswer } from "../table/seats.ts";
import type { Page } from "./page.ts";

/** What became of a seat that the kernel no longer knows. */
const LOST = { terms: undefined, cut: undefined, memory: undefined };

/** Takes seats and follows them. */
export class PageSeats implements ThreadSeats {
  readonly hasSystemClock: boolean;
  readonly killed: WatchedWord;
  readonly #door: Door;
  readonly #words: Int32Array;
  /** By their numbers. Held by who uses them: when nobody does, the memory may go. */
  readonly #seats = new Map<number, WeakRef<object>>();
  readonly #dropped = new FinalizationRegistry<number>((seat) => {
    if (this.#seats.get(seat)?.deref() === undefined) this.#seats.delete(seat);
  });

  constructor(door: Door, page: Page, hasSystemClock: boolean) {
    this.#door = door;
    this.#words = page.seats;
    this.killed = page.killedWord;
    this.hasSystemClock = hasSystemClock;
  }

  take<Seat extends object>(
    handle: number,
    make: (first: SeatNews, ask: () => SeatNews) => Seat,
  ): { readonly seat: Seat; readonly nonblocking: boolean } {
    const taken = this.#door.call(SYSCALLS.seatTake, handle) as SeatAnswer;
    const { seat: number, isKnown, nonblocking } = taken;
    // One number names one object, so it is of the kind that is asked for.
    const known = isKnown ? this.#seats.get(number)?.deref() as Seat | undefined : undefined;
    if (known !== undefined) return { seat: known, nonblocking };
    const seat = make(this.#follow(number, false), () => this.#follow(number, true));
    this.#seats.set(number, new WeakRef(seat));
    this.#dropped.register(seat, number);
    return { seat, nonblocking };
  }

  #follow(seat: number, hasMemory: boolean): SeatNews {
    try {
      const report = this.#door.block(SYSCALLS.seatFollow, undefined, seat, hasMemory);
      const { wordIndex: index, wordValue: value } = report;
      return { ...report, generation: { word: this.#words, index, value } };
    } catch (error) {
      if (!(error instanceof KernelError) || error.code !== "INVALID_STATE") throw error;
      const generation = { word: this.#words, index: 0, value: 0 };
      return { ...LOST, wordIndex: 0, wordValue: 0, generation };
    }
  }
}
