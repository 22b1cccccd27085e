/**
 * Timers: one-shot and periodic, on the kernel's clock.
 *
 * Expirations are counted when they are taken: between the first one and the take, the clock is left
 * alone, so a fast timer that nobody looks at costs nothing.
 *
 * Invariants: `hasExpired` exactly while SIGNALED is up; a call of the clock is scheduled exactly
 * while the timer is set and has not expired; a timer that was cancelled, or whose last handle is
 * closed, is not set.
 *
 * @module
 */
import { Capability } from "../../capabilities/capability.ts";
import { Signals } from "../../capabilities/signals.ts";
import { WOULD_BLOCK, type WouldBlock } from "../../capabilities/stream_ops.ts";
import type { TimerOps, TimerSettings } from "../../capabilities/timer_ops.ts";
import type { Clock } from "../clock.ts";
import { KernelObject } from "../kernel_object.ts";

/** One timer. */
export class TimerObject extends KernelObject implements TimerOps {
  readonly type = "timer";
  readonly capabilities: number = Capability.TIMER;
  readonly #clock: Clock;
  /** When the first expiration that nobody took is due; undefined when the timer is not set. */
  #dueMs: number | undefined = undefined;
  #periodMs = 0;
  #hasExpired = false;
  #unschedule: (() => void) | undefined = undefined;

  constructor(clock: Clock) {
    super();
    this.#clock = clock;
  }

  /** True from `set` to `cancel`, for one-shot timers to the take of their expiration. */
  get isSet(): boolean {
    return this.#dueMs !== undefined;
  }

  set({ delayMs, periodMs }: TimerSettings): void {
    this.#disarm();
    this.#periodMs = periodMs;
    this.#dueMs = this.#clock.now() + delayMs;
    if (delayMs === 0) this.#hasExpired = true;
    else this.#schedule(this.#dueMs);
    this.waiters.wake();
  }

  cancel(): void {
    this.#disarm();
    this.waiters.wake();
  }

  tryTake(): number | WouldBlock {
    if (!this.#hasExpired || this.#dueMs === undefined) return WOULD_BLOCK;
    this.#hasExpired = false;
    let count = 1;
    if (this.#periodMs === 0) {
      this.#dueMs = undefined;
    } else {
      // The platform's timers may call a little early; one expiration has happened all the same.
      const lateMs = Math.max(0, this.#clock.now() - this.#dueMs);
      count = 1 + Math.floor(lateMs / this.#periodMs);
      this.#dueMs += count * this.#periodMs;
      this.#schedule(this.#dueMs);
    }
    this.waiters.wake(); // SIGNALED fell
    return count;
  }

  protected override onLastHandleClosed(): void {
    this.#disarm();
  }

  protected ownSignals(): number {
    return this.#hasExpired ? Signals.SIGNALED : 0;
  }

  override assertInvariants(): void {
    super.assertInvariants();
    const isScheduled = this.#unschedule !== undefined;
    if (isScheduled !== (this.isSet && !this.#hasExpired)) throw new Error("the schedule is off");
    if (this.#hasExpired && !this.isSet) throw new Error("a timer that is not set has expired");
  }

  #schedule(atMs: number): void {
    this.#unschedule = this.#clock.schedule(atMs, () => {
      this.#unschedule = undefined;
      this.#hasExpired = true;
      this.waiters.wake();
    });
  }

  #disarm(): void {
    this.#unschedule?.();
    this.#unschedule = undefined;
    this.#dueMs = undefined;
    this.#hasExpired = false;
  }
}
