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
import { MappedCounts, ThreadCounter } from "./mapped_counter.ts";
import { mayTakeSeat, takeSeat } from "./take_seat.ts";

/**
 * A number 0 … 2⁶⁴ − 2 that tasks add to and take from: an event counter, or, in semaphore mode, so
 * many permits.
 *
 * Adders are served in the order in which they came, and so are takers: a large amount that waits
 * is not overtaken by small ones. READABLE is up while there is something to take, WRITABLE while
 * an addition of 1 would fit. In a worker a handle with MAP, READ and WRITE counts in the task's own
 * thread, with no call into the kernel. Through the syscalls `stream_read` and `stream_write` a
 * counter moves records of 8 bytes, little-endian: a read takes, a write adds each of its records.
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
  /** Undefined: a seat may be had. Null: the kernel has to be called. */
  #mapped: MappedCounts | null | undefined = mayTakeSeat(this) ? undefined : null;

  /**
   * Adds, waiting while the sum would pass 2⁶⁴ − 2. Needs WRITE.
   *
   * @param n 0 … 2⁶⁴ − 2, as a bigint or a safe integer.
   * @throws {KernelError} INVALID_ARGUMENT for any other amount, ACCESS_DENIED without WRITE,
   * TIMED_OUT, CANCELED.
   */
  add(n: bigint | number, options?: WaitOptions): Promise<void> {
    const mapped = this.#mapped === null ? null : this.#seat();
    if (mapped !== null) return mapped.add(n, options);
    return doorOf(this).wait(SYSCALLS.counterAdd, options, this.number, n);
  }

  /** As {@linkcode Counter.add}, but blocks the thread. Only in workers. */
  addSync(n: bigint | number, options?: WaitOptions): void {
    const mapped = this.#mapped === null ? null : this.#seat();
    if (mapped !== null) mapped.addSync(n, options);
    else doorOf(this).block(SYSCALLS.counterAdd, options, this.number, n);
  }

  /**
   * As {@linkcode Counter.add}, but never waits.
   *
   * @returns False, and nothing was added, where that would wait: there is no room, or others
   * wait for room already.
   */
  tryAdd(n: bigint | number): boolean {
    const mapped = this.#mapped === null ? null : this.#seat();
    if (mapped !== null) return mapped.tryAdd(n);
    return doorOf(this).call(SYSCALLS.counterAdd, this.number, n) !== WOULD_BLOCK;
  }

  /**
   * Takes all that is there, or 1 in semaphore mode, waiting while there is nothing. Needs READ.
   *
   * @returns What was taken, at least 1.
   * @throws {KernelError} ACCESS_DENIED without READ, TIMED_OUT, CANCELED.
   */
  take(options?: WaitOptions): Promise<bigint> {
    const mapped = this.#mapped === null ? null : this.#seat();
    if (mapped !== null) return mapped.take(options);
    return doorOf(this).wait(SYSCALLS.counterTake, options, this.number);
  }

  /** As {@linkcode Counter.take}, but blocks the thread. Only in workers. */
  takeSync(options?: WaitOptions): bigint {
    const mapped = this.#mapped === null ? null : this.#seat();
    if (mapped !== null) return mapped.takeSync(options);
    return doorOf(this).block(SYSCALLS.counterTake, options, this.number);
  }

  /** As {@linkcode Counter.take}, but never waits: undefined where that would. */
  tryTake(): bigint | undefined {
    const mapped = this.#mapped === null ? null : this.#seat();
    if (mapped !== null) return mapped.tryTake();
    const taken = doorOf(this).call(SYSCALLS.counterTake, this.number);
    return taken === WOULD_BLOCK ? undefined : taken as bigint;
  }

  /** The count now. Needs READ, WRITE or INSPECT. */
  get value(): bigint {
    return this.#mapped?.value ?? this.#status().value;
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

  #seat(): MappedCounts | null {
    if (this.#mapped !== undefined) return this.#mapped;
    this.#mapped = takeSeat(
      this,
      (first, ask, killed) => new ThreadCounter(first, ask, killed),
      (at, seat: ThreadCounter) => new MappedCounts(at, seat),
      () => this.#mapped = undefined,
    );
    return this.#mapped;
  }
}
