/**
 * The chunks of a pipe, one after the other.
 *
 * @module
 */
import { KernelError } from "../../capabilities/errors.ts";
import { CHUNK_BYTES, type ReadingHandle } from "./pipe_streams.ts";

type Chunk = Uint8Array<ArrayBuffer>;

/**
 * Reads a pipe chunk by chunk. Every chunk is its consumer's own. Leaving early takes back the
 * read that is under way, so no bytes are lost, and leaves the handle open.
 */
export class PipeIterator implements AsyncIterator<Chunk, undefined> {
  readonly #reader: ReadingHandle;
  readonly #abort = new AbortController();
  /** A buffer for the next read; undefined while one is under way. */
  #spare: Chunk | undefined = undefined;

  constructor(reader: ReadingHandle) {
    this.#reader = reader;
  }

  async next(): Promise<IteratorResult<Chunk, undefined>> {
    const { signal } = this.#abort;
    if (signal.aborted) return { done: true, value: undefined };
    const buffer = this.#spare ?? new Uint8Array(CHUNK_BYTES);
    this.#spare = undefined;
    try {
      const length = await this.#reader.read(buffer, { signal });
      if (length === 0) return { done: true, value: undefined };
      return { done: false, value: this.#chunk(buffer, length) };
    } catch (error) {
      const isOver = error instanceof KernelError && error.code === "CANCELED";
      if (!isOver || !signal.aborted) throw error;
      return { done: true, value: undefined };
    }
  }

  return(): Promise<IteratorResult<Chunk, undefined>> {
    this.#abort.abort();
    return Promise.resolve({ done: true, value: undefined });
  }

  /** A small chunk is copied out and the buffer kept; a large one is handed over as it is. */
  #chunk(buffer: Chunk, length: number): Chunk {
    if (length > CHUNK_BYTES / 2) return buffer.subarray(0, length);
    this.#spare = buffer;
    return buffer.slice(0, length);
  }
}
