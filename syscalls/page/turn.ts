/**
 * Turns: how much of one task's requests is served before everybody else in the isolate goes on.
 *
 * @module
 */

/** Requests served in one turn. */
const REQUESTS = 256;
/** Bytes of them: the task may fill its ring again as fast as it is emptied. */
const BYTES = 1_024 * 1_024;
/** Milliseconds, from the second request on: some make the kernel copy a gigabyte. */
const MILLISECONDS = 8;

/** A turn that goes on. */
export class Turn {
  #requests = 0;
  #bytes = 0;
  /** When the second request came. */
  #sinceMs = 0;

  /** Whether everybody else goes on now. */
  get isOver(): boolean {
    return this.#requests >= REQUESTS || this.#bytes >= BYTES ||
      // One request alone, which most turns are, costs no look at the clock.
      (this.#requests > 1 && performance.now() - this.#sinceMs > MILLISECONDS);
  }

  get isFirstRequest(): boolean {
    return this.#requests === 1;
  }

  /** Another turn begins. */
  begin(): void {
    this.#requests = 0;
    this.#bytes = 0;
  }

  /** Another request, of so many bytes, is about to be served. */
  count(bytes: number): void {
    this.#bytes += bytes;
    if (++this.#requests === 2) this.#sinceMs = performance.now();
  }
}

/** Deno, Node and Bun have it, and it takes microseconds where a timer takes a millisecond or two. */
const { setImmediate = (call: () => void): unknown => setTimeout(call, 0) } = globalThis as {
  setImmediate?: (call: () => void) => unknown;
};

/** Lets everything else in the isolate have its turn. */
export function othersTurn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}
