/**
 * Counters as programs hold them.
 *
 * @module
 */
import { CounterCommand } from "../../capabilities/counter_ops.ts";
import { WOULD_BLOCK } from "../../capabilities/stream_ops.ts";
import type { WaitOptions } from "../arguments.ts";
import { SYSCALLS } from "../table.ts";
import type { CounterStatus } from "../table/counters.ts";
import { done, doorOf, Handle } from "./handle.ts";

/**
 * A number 0 … 2⁶⁴ − 2 that tasks add to and take from: an event counter, or, in semaphore mode, so
 * many permits.
 *
 * Adders are served in the order in which they came, and so are takers: a large amount that waits
 * is not overtaken by small ones. READABLE is up while there is something to take, WRITABLE while
 * an addition of 1 would fit. Through the syscalls `stream_read` and `stream_write` a counter moves
 * records of 8 bytes, little-endian: a read takes, a write adds each of its records.
 *
 * @example
 * ```ts
 * import { Kernel } from "@carmine/kernel";
 *
 * await using kernel = new Kernel();
 * const events = kernel.init.createCounter();
 * const taking = events.take(); // waits
 * await events.add(3);
 * console.log(await taking, events.value); // 3n 0n
 *
 * const permits = kernel.init.createCounter({ initial: 2, semaphore: true });
 * console.log(permits.tryTake(), permits.tryTake(), permits.tryTake()); // 1n 1n undefined
 * ```
 */
export class Counter extends Handle {
  /**
   * Adds, waiting while the sum would pass 2⁶⁴ − 2. Needs WRITE.
   *
   * @param n 0 … 2⁶⁴ − 2, as a bigint or a safe integer.
   * @throws {KernelError} INVALID_ARGUMENT for any other amount, ACCESS_DENIED without WRITE,
   * TIMED_OUT, CANCELED.
   */
  add(n: bigint | number, options?: WaitOptions): Promise<void> {
    return doorOf(this).wait(SYSCALLS.counterAdd, options, this.number, n);
  }

  /** As {@linkcode Counter.add}, but blocks the thread. Only in workers. */
  addSync(n: bigint | number, options?: WaitOptions): void {
    doorOf(this).block(SYSCALLS.counterAdd, options, this.number, n);
  }

  /**
   * As {@linkcode Counter.add}, but never waits.
   *
   * @returns False, and nothing was added, where that would wait: there is no room, or others
   * wait for room already.
   */
  tryAdd(n: bigint | number): boolean {
    return doorOf(this).call(SYSCALLS.counterAdd, this.number, n) !== WOULD_BLOCK;
  }

  /**
   * Takes all that is there, or 1 in semaphore mode, waiting while there is nothing. Needs READ.
   *
   * @returns What was taken, at least 1.
   * @throws {KernelError} ACCESS_DENIED without READ, TIMED_OUT, CANCELED.
   */
  take(options?: WaitOptions): Promise<bigint> {
    return doorOf(this).wait(SYSCALLS.counterTake, options, this.number);
  }

  /** As {@linkcode Counter.take}, but blocks the thread. Only in workers. */
  takeSync(options?: WaitOptions): bigint {
    return doorOf(this).block(SYSCALLS.counterTake, options, this.number);
  }

  /** As {@linkcode Counter.take}, but never waits: undefined where that would. */
  tryTake(): bigint | undefined {
    const taken = doorOf(this).call(SYSCALLS.counterTake, this.number);
    return taken === WOULD_BLOCK ? undefined : taken as bigint;
  }

  /** The count now. Needs READ, WRITE or INSPECT. */
  get value(): bigint {
    return this.#status().value;
  }

  /** True when taking takes 1 instead of all. Needs READ, WRITE or INSPECT. */
  get isSemaphore(): boolean {
    return this.#status().isSemaphore;
  }

  /**
   * Turns semaphore mode on or off; the count stays. Needs CONTROL.
   *
   * @throws {KernelError} ACCESS_DENIED without CONTROL.
   */
  setSemaphore(isSemaphore: boolean): void {
    const mode = isSemaphore ? 1 : 0;
    const command = CounterCommand.SET_SEMAPHORE;
    doorOf(this).call(SYSCALLS.handleControl, this.number, command, mode);
  }

  #status(): CounterStatus {
    return done(doorOf(this).call(SYSCALLS.counterStatus, this.number));
  }
}
