/**
 * `FakeTime` of `@std/testing/time`, on the npm package `@sinonjs/fake-timers`. It replaces `Date`,
 * the four timer functions and `AbortSignal.timeout`, and nothing else.
 *
 * @module
 */

import { type Clock, withGlobal } from "@sinonjs/fake-timers";
import type { DelayOptions } from "./async.d.ts";

const { createClock } = withGlobal(globalThis);
const real = {
  Date: globalThis.Date,
  setTimeout: globalThis.setTimeout,
  clearTimeout: globalThis.clearTimeout,
  setInterval: globalThis.setInterval,
  clearInterval: globalThis.clearInterval,
};
const realSignalTimeout = AbortSignal.timeout;

/** Thrown when fake time is used while time is not faked, or faked twice. */
export class TimeError extends Error {
  override readonly name = "TimeError";
}

/** Options of {@linkcode FakeTime}. */
export interface FakeTimeOptions {
  /** Fake milliseconds per real millisecond. 0: only calls move the time. */
  advanceRate: number;
  /**
   * Real milliseconds between two steps when `advanceRate` is set.
   *
   * @default {10}
   */
  advanceFrequency?: number;
}

/** The instance that is in force, from its construction to its `restore()`. At most one is. */
let active: FakeTime | undefined;

/**
 * Time that only moves when the test says so.
 *
 * @example
 * ```ts
 * import { FakeTime } from "@std/testing/time";
 * import { assert } from "@std/assert";
 *
 * using time = new FakeTime();
 * let rang = false;
 * setTimeout(() => rang = true, 60_000);
 * time.tick(60_000);
 * assert(rang);
 * ```
 */
export class FakeTime implements Disposable {
  readonly #start: number;
  readonly #clock: Clock;
  /** Set exactly when `advanceRate` is above 0. */
  readonly #advance: ReturnType<typeof setInterval> | undefined;

  constructor(start?: number | string | Date | null, options?: FakeTimeOptions) {
    if (active) throw new TimeError("Cannot construct FakeTime: time is already faked");
    this.#start = Math.floor(new Date(start ?? Date.now()).valueOf());
    if (Number.isNaN(this.#start)) {
      throw new TypeError(`Cannot construct FakeTime: invalid start time ${start}`);
    }
    this.#clock = createClock(this.#start, Number.MAX_SAFE_INTEGER);
    this.#fakeGlobals();
    active = this;
    const rate = Math.max(0, options?.advanceRate ?? 0);
    const frequency = Math.max(0, options?.advanceFrequency ?? 10);
    if (rate > 0) {
      this.#advance = real.setInterval(() => this.tick(rate * frequency), frequency);
    }
  }

  /** Restores real time. */
  static restore(): void {
    if (!active) throw new TimeError("Cannot restore time: time is already restored");
    active.restore();
  }

  /** Restores real time until `callback` has returned and its promise is settled. */
  static async restoreFor<T, A extends unknown[]>(
    callback: (...args: A) => Promise<T> | T,
    ...args: A
  ): Promise<T> {
    const time = active;
    if (!time) throw new TimeError("Cannot restore time: time is not faked");
    restoreGlobals();
    try {
      const result = callback(...args);
      return result instanceof Promise ? await result : result;
    } finally {
      if (active === time) time.#fakeGlobals();
    }
  }

  /** Milliseconds since 1970 in fake time. Setting it runs the timers that come due on the way. */
  get now(): number {
    return this.#clock.now;
  }
  set now(value: number) {
    if (value < this.now) {
      throw new RangeError(
        `Cannot set current time in the past, time must be >= ${this.now}: received ${value}`,
      );
    }
    this.#clock.tick(value - this.now);
  }

  /** The fake time at construction. */
  get start(): number {
    return this.#start;
  }

  /** Resolves after `ms` milliseconds of real time. */
  delay(ms: number, options: DelayOptions = {}): Promise<void> {
    const { signal } = options;
    const aborted = () => new DOMException("Delay was aborted.", "AbortError");
    if (signal?.aborted) return Promise.reject(aborted());
    return new Promise((resolve, reject) => {
      const abort = () => {
        real.clearTimeout(timer);
        reject(aborted());
      };
      const timer = real.setTimeout(() => {
        signal?.removeEventListener("abort", abort);
        resolve();
      }, ms);
      signal?.addEventListener("abort", abort, { once: true });
    });
  }

  /** Lets all pending microtasks run. */
  runMicrotasks(): Promise<void> {
    return this.delay(0);
  }

  /** Moves the time on by `ms` and runs the timers that come due. */
  tick(ms = 0): void {
    this.now += ms;
  }

  /** Runs pending microtasks, then does as `tick`. */
  async tickAsync(ms = 0): Promise<void> {
    await this.runMicrotasks();
    this.tick(ms);
  }

  /** Moves the time to the next timer and runs all that are due then. False if there is none. */
  next(): boolean {
    if (this.#clock.countTimers() === 0) return false;
    this.#clock.next();
    this.#clock.tick(0);
    return true;
  }

  /** Runs pending microtasks, then does as `next`. */
  async nextAsync(): Promise<boolean> {
    await this.runMicrotasks();
    return this.next();
  }

  /** Runs timers until none is left. Never returns while an interval is set. */
  runAll(): void {
    while (this.next());
  }

  /** Does as `runAll`, with pending microtasks run before each timer. */
  async runAllAsync(): Promise<void> {
    while (this.#clock.countTimers() > 0) await this.nextAsync();
  }

  /** Puts the real functions back. Timers that are still pending never run. */
  restore(): void {
    if (active !== this) throw new TimeError("Cannot restore time: time is already restored");
    active = undefined;
    restoreGlobals();
    real.clearInterval(this.#advance);
  }

  [Symbol.dispose](): void {
    this.restore();
  }

  #fakeGlobals(): void {
    const { Date, setTimeout, clearTimeout, setInterval, clearInterval } = this.#clock;
    Object.assign(globalThis, { Date, setTimeout, clearTimeout, setInterval, clearInterval });
    AbortSignal.timeout = (ms) => {
      const controller = new AbortController();
      const expire = () => controller.abort(new DOMException("Signal timed out.", "TimeoutError"));
      setTimeout(expire, ms);
      return controller.signal;
    };
  }
}

function restoreGlobals(): void {
  Object.assign(globalThis, real);
  AbortSignal.timeout = realSignalTimeout;
}
