/**
 * A thread as an object that it shares sees it.
 *
 * @module
 */
import type { SeatCut, SeatHolder } from "../../../capabilities/seat_ops.ts";

/** Remembers what the thread was told. */
export class Holder implements SeatHolder {
  readonly word: Int32Array = new Int32Array(1);
  readonly index = 0;
  /** One for each move. */
  readonly cuts: (SeatCut | undefined)[] = [];
  isLost = false;

  moved(cut: SeatCut | undefined): void {
    this.cuts.push(cut);
  }

  lose(): void {
    this.isLost = true;
  }
}
