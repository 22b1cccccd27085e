/**
 * Limits on how long something may take, without timers that outlive it.
 *
 * @module
 */

/** An abort signal that fires after a time, unless disposed of before. */
export class TimeLimit implements Disposable {
  readonly #controller = new AbortController();
  readonly #timer: ReturnType<typeof setTimeout>;

  /** @param ms When the signal is aborted. */
  constructor(ms: number) {
    this.#timer = setTimeout(() => {
      this.#controller.abort(new Error(`It took longer than ${ms} ms`));
    }, ms);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }
}

/** True when the promise resolves within the time. */
export async function settlesWithin(promise: Promise<void>, ms: number): Promise<boolean> {
  const { promise: timeIsUp, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => resolve(false), ms);
  try {
    return await Promise.race([promise.then(() => true), timeIsUp]);
  } finally {
    clearTimeout(timer);
  }
}
