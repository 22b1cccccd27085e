/**
 * Timers as programs hold them.
 *
 * @module
 */
import type { WaitOptions } from "../arguments.ts";
import { SYSCALLS } from "../table.ts";
import type { TimerOptions } from "../table/timers.ts";
import { doorOf, Handle } from "./handle.ts";

/**
 * A timer on the kernel's clock, one-shot or periodic. It is a handle like any other: it can be
 * waited on beside others, sent to another task, lent and taken back.
 *
 * @example
 * ```ts
 * import { Kernel, ManualClock } from "@carmine/kernel";
 *
 * const clock = new ManualClock();
 * await using kernel = new Kernel({ clock });
 * using timer = kernel.init.createTimer();
 * timer.set({ delayMs: 100, periodMs: 50 });
 * clock.advance(210);
 * console.log(await timer.wait()); // 3: at 100, 150 and 200
 * ```
 */
export class Timer extends Handle {
  /**
   * Starts the timer. What it was set to before is replaced, expirations that nobody waited for
   * included. Needs WRITE.
   *
   * @throws {KernelError} ACCESS_DENIED, OUT_OF_RANGE for negative times and periods below 1 ms.
   */
  set(options: TimerOptions): void {
    doorOf(this).call(SYSCALLS.timerSet, this.number, options);
  }

  /** Stops the timer and forgets the expirations that nobody waited for. Needs WRITE. */
  cancel(): void {
    doorOf(this).call(SYSCALLS.timerCancel, this.number);
  }

  /**
   * Waits until the timer has expired, and lowers SIGNALED. While the timer is not set, or is
   * cancelled, this waits. Needs READ.
   *
   * @returns How often it expired since the last wait, at least once.
   * @throws {KernelError} ACCESS_DENIED, TIMED_OUT, CANCELED.
   */
  wait(options?: WaitOptions): Promise<number> {
    return doorOf(this).wait(SYSCALLS.timerWait, options, this.number);
  }

  /** As {@linkcode Timer.wait}, but blocks the thread. Only in workers. */
  waitSync(options?: WaitOptions): number {
    return doorOf(this).block(SYSCALLS.timerWait, options, this.number);
  }
}
