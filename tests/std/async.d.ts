/** The types of `@std/async`, for the names in `async.ts`. */

export interface DeadlineOptions {
  /** Ends the wait earlier, with the signal's reason. */
  signal?: AbortSignal;
}

export interface DelayOptions {
  /** Ends the wait earlier, with the signal's reason. */
  signal?: AbortSignal;
  /**
   * Whether the timer keeps the process alive.
   *
   * @default {true}
   */
  persistent?: boolean;
}

export interface RetryOptions {
  /** @default {2} */
  multiplier?: number;
  /** In milliseconds. @default {60000} */
  maxTimeout?: number;
  /** @default {5} */
  maxAttempts?: number;
  /** In milliseconds. @default {1000} */
  minTimeout?: number;
  /** 0 waits the computed time, 1 anything up to it. @default {1} */
  jitter?: number;
  /** Errors for which this is false are thrown at once. */
  isRetriable?: (err: unknown) => boolean;
  signal?: AbortSignal;
}

export class RetryError extends Error {
  constructor(cause: unknown, attempts: number);
}

export function abortable<T>(p: Promise<T>, signal: AbortSignal): Promise<T>;
export function abortable<T>(p: AsyncIterable<T>, signal: AbortSignal): AsyncGenerator<T>;

/** Rejects with a `DOMException` named `TimeoutError` when `p` takes longer than `ms`. */
export function deadline<T>(p: Promise<T>, ms: number, options?: DeadlineOptions): Promise<T>;
export function delay(ms: number, options?: DelayOptions): Promise<void>;
export function pooledMap<T, R>(
  poolLimit: number,
  array: Iterable<T> | AsyncIterable<T>,
  iteratorFn: (data: T) => Promise<R>,
): AsyncIterableIterator<R>;
export function retry<T>(
  fn: (() => Promise<T>) | (() => T),
  options?: RetryOptions,
): Promise<T>;
