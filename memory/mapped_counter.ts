/**
 * A counter as a task in a worker maps it: the cell's own operations, and following the kernel
 * when it moves the counter.
 *
 * Invariant: an addition or a taking counts exactly if it succeeded on some generation's cell; it is
 * tried again only where it did not.
 */
import { CounterCell, type CounterSeat } from "./counter_cell.ts";
import type { WatchedWord } from "./ring_layout.ts";
import type { WaitOutcome } from "./wait_word.ts";

/** What the kernel tells a participant whose generation word changed. */
export interface NextCell {
  /** The newest cell's memory; undefined if this participant lost its mapping. */
  readonly memory: SharedArrayBuffer | undefined;
  /** How this participant takes part in it. */
  readonly seat: Partial<CounterSeat>;
}

/** A counter, whichever its generation. */
export class MappedCounter {
  readonly #ask: () => NextCell;
  #cell: CounterCell;
  #isLost = false;

  /** @param ask A system call: what became of the counter. */
  constructor(memory: SharedArrayBuffer, seat: Partial<CounterSeat>, ask: () => NextCell) {
    this.#cell = new CounterCell(memory, seat);
    this.#ask = ask;
  }

  /** Whether this participant no longer maps the counter. */
  get isLost(): boolean {
    return this.#isLost;
  }

  /** Taking takes 1 instead of all. */
  get isSemaphore(): boolean {
    this.#followIfMoved();
    return this.#cell.isSemaphore;
  }

  /** The count; meaningless if the mapping was lost. */
  get value(): bigint {
    for (;;) {
      const { value } = this.#cell;
      if (!this.#followIfMoved()) return value;
    }
  }

  /** As `CounterCell.tryAdd`; false if the mapping was lost, too, and nothing was added. */
  tryAdd(amount: bigint): boolean {
    do {
      if (this.#cell.tryAdd(amount)) return true;
    } while (this.#followIfMoved());
    return false;
  }

  /** As `CounterCell.tryTake`; undefined if the mapping was lost, too, and nothing was taken. */
  tryTake(): bigint | undefined {
    do {
      const taken = this.#cell.tryTake();
      if (taken !== undefined) return taken;
    } while (this.#followIfMoved());
    return undefined;
  }

  /** As `CounterCell.waitTakeableSync`. */
  waitTakeableSync(timeoutMs: number, kill?: WatchedWord): WaitOutcome {
    return this.#cell.waitTakeableSync(timeoutMs, kill);
  }

  /** As `CounterCell.waitTakeable`. */
  waitTakeable(timeoutMs: number, kill?: WatchedWord): Promise<WaitOutcome> {
    return this.#cell.waitTakeable(timeoutMs, kill);
  }

  /** As `CounterCell.waitAddableSync`. */
  waitAddableSync(amount: bigint, timeoutMs: number, kill?: WatchedWord): WaitOutcome {
    return this.#cell.waitAddableSync(amount, timeoutMs, kill);
  }

  /** As `CounterCell.waitAddable`. */
  waitAddable(amount: bigint, timeoutMs: number, kill?: WatchedWord): Promise<WaitOutcome> {
    return this.#cell.waitAddable(amount, timeoutMs, kill);
  }

  /** Takes the next generation if there is one; false if there is none for this participant. */
  #followIfMoved(): boolean {
    if (this.#isLost || !this.#cell.hasMoved) return false;
    const { memory, seat } = this.#ask();
    if (memory === undefined) this.#isLost = true;
    else this.#cell = new CounterCell(memory, seat);
    return memory !== undefined;
  }
}
