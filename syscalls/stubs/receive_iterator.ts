/**
 * What a receiver gives, one after the other.
 *
 * @module
 */
import { KernelError } from "../../capabilities/errors.ts";
import type { WaitOptions } from "../arguments.ts";

/** Whatever waits for one thing and takes it. */
export type Receive<T> = (options: WaitOptions) => Promise<T>;

/**
 * Receives one by one until the peer is gone. Leaving early takes back the receive that is under
 * way, so nothing is lost, and leaves the handle open.
 */
export class ReceiveIterator<T> implements AsyncIterableIterator<T, undefined> {
  readonly #receive: Receive<T>;
  readonly #abort = new AbortController();

  /** @param receive Throws PEER_CLOSED where the iteration is to end. */
  constructor(receive: Receive<T>) {
    this.#receive = receive;
  }

  async next(): Promise<IteratorResult<T, undefined>> {
    const { signal } = this.#abort;
    if (signal.aborted) return { done: true, value: undefined };
    try {
      return { done: false, value: await this.#receive({ signal }) };
    } catch (error) {
      const isOver = error instanceof KernelError &&
        (error.code === "PEER_CLOSED" || (error.code === "CANCELED" && signal.aborted));
      if (!isOver) throw error;
      return { done: true, value: undefined };
    }
  }

  return(): Promise<IteratorResult<T, undefined>> {
    this.#abort.abort();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
