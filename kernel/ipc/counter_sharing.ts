/**
 * A counter's cell while threads of tasks work on it directly.
 *
 * Additions and takings are single exchanges of the cell, so nobody ever takes a lock and all are
 * equal. The cell moves to fresh memory when a thread loses a handle through which it took part, and
 * when the counter's mode changes, which each participant has a copy of.
 *
 * Invariants: the kernel's cell is at `memory`; once the sharing is over no seat is left.
 *
 * @module
 */
import type { SeatHolder, SeatHost, SeatTerms } from "../../capabilities/seat_ops.ts";
import type { WaitQueue } from "../../capabilities/selectable.ts";
import { Signals } from "../../capabilities/signals.ts";
import { CounterCell, CUT, moveCounter } from "../../memory/counter_cell.ts";
import { watchForAddition, watchForCount } from "../../memory/counter_watch.ts";
import { Attendant } from "./attendant.ts";

/** The counter, as this looks at it. */
export interface SharedCounter {
  readonly waiters: WaitQueue;
  readonly isSemaphore: boolean;
  /** The counter goes on in this memory; in none if somebody garbled what it held. */
  continueIn(memory: SharedArrayBuffer | undefined): void;
  /** No thread takes part any more. */
  sharingEnded(): void;
}

/** What threads have seats at: a counter. */
export class CounterSharing implements SeatHost {
  readonly #counter: SharedCounter;
  readonly #seats: Set<SeatHolder> = new Set();
  #memory: SharedArrayBuffer;
  #isOver = false;
  readonly #attendants: readonly Attendant[];

  constructor(counter: SharedCounter, memory: SharedArrayBuffer) {
    this.#counter = counter;
    this.#memory = memory;
    const memoryNow = () => this.#isOver ? undefined : this.#memory;
    const { waiters } = counter;
    this.#attendants = [
      new Attendant(waiters, Signals.READABLE, memoryNow, watchForCount),
      new Attendant(waiters, Signals.WRITABLE, memoryNow, watchForAddition),
    ];
  }

  get memory(): SharedArrayBuffer {
    return this.#memory;
  }

  terms(): SeatTerms {
    return { kind: "counter", semaphore: this.#counter.isSemaphore };
  }

  join(holder: SeatHolder): void {
    this.#seats.add(holder);
    this.awaited(); // who waits since before there was anything to attend to
  }

  leave(holder: SeatHolder): void {
    if (!this.#seats.delete(holder)) return;
    this.#move(holder);
    holder.lose();
    if (!this.#isOver && this.#seats.size === 0) this.#end();
  }

  suspend(): void {
    this.#move();
  }

  /** Only the kernel's move puts the cut into a cell: who finds it there without one was lied to. */
  inspect(): void {
    if (new CounterCell(this.#memory).value === CUT) this.#move();
  }

  /** The counter's mode has changed. */
  modeChanged(): void {
    this.#move();
  }

  /** Takes the counter from all threads at once; what it holds stays. */
  dissolve(): void {
    this.#move();
    if (!this.#isOver) this.#end();
  }

  /** Somebody in the kernel waits for what threads do. */
  awaited(): void {
    for (const attendant of this.#attendants) attendant.attend();
  }

  /** @param leaving Who takes part no more, and holds the old memory all the same. */
  #move(leaving?: SeatHolder): void {
    if (this.#isOver) return;
    const seats = [...this.#seats, ...(leaving === undefined ? [] : [leaving])];
    const moved = moveCounter(this.#memory, seats);
    for (const seat of seats) seat.moved(undefined);
    this.#counter.continueIn(moved?.memory);
    if (moved === undefined) this.#end();
    else this.#memory = moved.memory;
  }

  #end(): void {
    this.#isOver = true;
    const seats = [...this.#seats];
    this.#seats.clear();
    for (const seat of seats) seat.lose();
    this.#counter.sharingEnded();
  }
}
