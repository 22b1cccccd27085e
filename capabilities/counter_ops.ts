/**
 * Counters: an unsigned 64-bit number that is added to and taken from.
 *
 * @module
 */
import type { WouldBlock } from "./stream_ops.ts";

/** The most that a counter holds, 2⁶⁴ − 2: what eventfd keeps, too. */
export const LARGEST_COUNT: bigint = 2n ** 64n - 2n;

/** What a counter's control commands are numbered. */
export interface CounterCommandTable {
  /** Argument 1 turns semaphore mode on, 0 turns it off; answers the mode before. */
  readonly SET_SEMAPHORE: number;
}

/**
 * A counter's control commands, for the syscall `handle_control`.
 *
 * @example
 * ```ts
 * import { CounterCommand, Kernel } from "@carmine/kernel";
 *
 * await using kernel = new Kernel();
 * const counter = kernel.init.createCounter({ initial: 3 });
 * kernel.init.syscall(110, counter.number, CounterCommand.SET_SEMAPHORE, 1);
 * console.log(counter.isSemaphore, counter.tryTake()); // true 1n
 * ```
 */
export const CounterCommand: CounterCommandTable = Object.freeze({ SET_SEMAPHORE: 1 });

/** Counters. Neither operation ever waits. */
export interface CounterOps {
  /** The count now, 0 … 2⁶⁴ − 2. */
  readonly value: bigint;
  /** True when taking takes 1 instead of all. */
  readonly isSemaphore: boolean;
  /**
   * Adds to the count.
   *
   * @param amount 0 … 2⁶⁴ − 2.
   * @returns False, and nothing was added, when the sum would pass 2⁶⁴ − 2.
   */
  tryAdd(amount: bigint): boolean;
  /**
   * Takes the whole count, or 1 in semaphore mode.
   *
   * @returns What was taken, WOULD_BLOCK when the count is 0.
   */
  tryTake(): bigint | WouldBlock;
}
