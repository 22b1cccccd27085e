/**
 * Timers: objects that signal at a time.
 *
 * @module
 */
import type { WouldBlock } from "./stream_ops.ts";

/** The longest delay and period of a timer, in milliseconds: more than 200,000 years. */
export const LONGEST_DELAY_MS = Number.MAX_SAFE_INTEGER;
/** The shortest period of a periodic timer, in milliseconds. */
export const SHORTEST_PERIOD_MS = 1;

/** When a timer is to expire. */
export interface TimerSettings {
  /** Milliseconds from now to the first expiration; 0 expires at once. */
  readonly delayMs: number;
  /** Milliseconds between expirations; 0 for one expiration only. */
  readonly periodMs: number;
}

/** Timers, on the kernel's clock. */
export interface TimerOps {
  /** Starts the timer; what it was set to before is replaced. */
  set(settings: TimerSettings): void;
  /** Stops the timer and forgets expirations that nobody took. */
  cancel(): void;
  /** The expirations since the last call, ≥ 1, or WOULD_BLOCK; takes them. */
  tryTake(): number | WouldBlock;
}
