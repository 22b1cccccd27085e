/**
 * The kernel's clock: the real one, and one that tests move by hand.
 *
 * @module
 */

/** A source of time, and of calls at a time. */
export interface Clock {
  /** Milliseconds; only differences and order mean anything. */
  now(): number;
  /**
   * Calls `wake` once, at `atMs` or soon after.
   *
   * @returns Cancels the call; does nothing once it was made.
   */
  schedule(atMs: number, wake: () => void): () => void;
}

/** The longest delay that timers of the platform take. */
const LONGEST_DELAY_MS = 2 ** 31 - 1;

/** The real clock: monotonic, milliseconds since the Unix epoch at the time the isolate started. */
export class SystemClock implements Clock {
  /** Read once: it never changes, and the platform's getter costs a third of `now`. */
  readonly #originMs = performance.timeOrigin;

  now(): number {
    return this.#originMs + performance.now();
  }

  schedule(atMs: number, wake: () => void): () => void {
    let timer: ReturnType<typeof setTimeout>;
    const arm = (delayMs: number): void => {
      timer = setTimeout(check, Math.min(Math.max(0, Math.ceil(delayMs)), LONGEST_DELAY_MS));
    };
    // The platform may call a little early, and longer delays than its longest come in pieces.
    const check = (): void => {
      const leftMs = atMs - this.now();
      if (leftMs > 0) arm(leftMs);
      else wake();
    };
    arm(atMs - this.now());
    return () => clearTimeout(timer);
  }
}

/**
 * A clock that stands still until it is moved: time-outs, back-off and timers become exact.
 *
 * @example
 * ```ts
 * import { Kernel, ManualClock } from "@carmine/kernel";
 *
 * const clock = new ManualClock();
 * await using kernel = new Kernel({ clock });
 * const counter = kernel.init.createCounter();
 * const waiting = counter.take({ timeoutMs: 60_000 });
 * clock.advance(60_000);
 * await waiting.catch((error) => console.log(error.code)); // "TIMED_OUT", at once
 * ```
 */
export class ManualClock implements Clock {
  #nowMs = 0;
  #nextOrder = 0;
  readonly #calls = new Set<{ atMs: number; order: number; wake: () => void }>();

  /** Milliseconds since the clock was made. */
  now(): number {
    return this.#nowMs;
  }

  /** Calls `wake` when {@linkcode ManualClock.advance} reaches `atMs`; returns how to cancel. */
  schedule(atMs: number, wake: () => void): () => void {
    if (Number.isNaN(atMs)) throw new RangeError("A call can't be scheduled at NaN");
    const call = { atMs, order: this.#nextOrder++, wake };
    this.#calls.add(call);
    return () => this.#calls.delete(call);
  }

  /**
   * Moves the clock. Calls that fall due are made in order, each at its own time, those that they
   * schedule included. When some of them throw, the others are made all the same, and the first
   * error is thrown in the end.
   *
   * @param ms How far; finite, ≥ 0.
   */
  advance(ms: number): void {
    if (!(ms >= 0 && ms < Infinity)) throw new RangeError(`A clock can't be advanced by ${ms} ms`);
    const endMs = this.#nowMs + ms;
    const errors: unknown[] = [];
    for (let call = this.#earliest(endMs); call !== undefined; call = this.#earliest(endMs)) {
      this.#calls.delete(call);
      this.#nowMs = Math.max(this.#nowMs, call.atMs);
      try {
        call.wake();
      } catch (error) {
        errors.push(error);
      }
    }
    this.#nowMs = Math.max(this.#nowMs, endMs); // a call may have advanced the clock further
    if (errors.length > 0) throw errors[0];
  }

  #earliest(untilMs: number): { atMs: number; order: number; wake: () => void } | undefined {
    let earliest: { atMs: number; order: number; wake: () => void } | undefined;
    for (const call of this.#calls) {
      if (call.atMs > untilMs) continue;
      const isEarlier = earliest === undefined || call.atMs < earliest.atMs ||
        (call.atMs === earliest.atMs && call.order < earliest.order);
      if (isEarlier) earliest = call;
    }
    return earliest;
  }
}
