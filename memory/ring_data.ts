/**
 * The data of a ring: where its indices lie, and copies in and out.
 */
import {
  bufferOf,
  BY_HAND_BYTES,
  copyByHand,
  copyBytes,
  copyFrom,
  lengthOf,
  offsetOf,
} from "./atomics.ts";
import { GARBLED, HEADER_BYTES } from "./ring_layout.ts";

const NO_WORDS = new BigUint64Array(0);

/** The data of a ring in shared memory. Plain fields: this is the data path. */
export class RingData {
  /** The data. Never handed out: a view that a caller holds is another object. */
  readonly data: Uint8Array;
  /** Bytes of data. */
  readonly size: number;
  /** Indices count modulo this, twice the size, so that full and empty differ. */
  readonly wrap: number;
  readonly memory: SharedArrayBuffer;
  readonly #dataWords: BigUint64Array;
  /** The buffer of the last small copy, and its bytes as words once it came twice in a row. */
  #lastBytes: Uint8Array | undefined = undefined;
  #lastWords: BigUint64Array = NO_WORDS;

  constructor(memory: SharedArrayBuffer, size: number) {
    this.memory = memory;
    this.data = new Uint8Array(memory, HEADER_BYTES, size);
    this.size = size;
    this.wrap = size * 2;
    this.#dataWords = new BigUint64Array(memory, HEADER_BYTES, size >> 3);
  }

  /** Bytes from `head` to `tail`, or GARBLED if honest participants couldn't have brought them there. */
  distance(head: number, tail: number): number {
    if (head < 0 || tail < 0) return GARBLED;
    const bytes = tail >= head ? tail - head : tail - head + this.wrap;
    return bytes <= this.size ? bytes : GARBLED;
  }

  /** The index `span` bytes on. */
  after(index: number, span: number): number {
    const next = index + span;
    return next >= this.wrap ? next - this.wrap : next;
  }

  /** Where an index lies in the data. */
  position(index: number): number {
    return index >= this.size ? index - this.size : index;
  }

  /** Copies into the ring at an index, going round at the end. */
  copyIn(index: number, source: Uint8Array, start: number, count: number): void {
    const position = this.position(index);
    const first = this.size - position;
    if (count <= BY_HAND_BYTES && count <= first) {
      const words = source === this.#lastBytes ? this.#lastWords : NO_WORDS;
      if (((position | start) & 7) === 0 && start + count >> 3 <= words.length) {
        copyByHand(this.data, this.#dataWords, position, source, words, start, count);
        return;
      }
      this.#remember(source);
    }
    if (count <= first) copyBytes(this.data, position, source, start, count);
    else {
      copyBytes(this.data, position, source, start, first);
      copyBytes(this.data, 0, source, start + first, count - first);
    }
  }

  /** Copies out of the ring at an index, going round at the end. */
  copyOut(index: number, target: Uint8Array, start: number, count: number): void {
    const position = this.position(index);
    const first = this.size - position;
    if (count <= BY_HAND_BYTES && count <= first) {
      const words = target === this.#lastBytes ? this.#lastWords : NO_WORDS;
      if (((position | start) & 7) === 0 && start + count >> 3 <= words.length) {
        copyByHand(target, words, start, this.data, this.#dataWords, position, count);
        return;
      }
      this.#remember(target);
    }
    if (count <= first) copyFrom(target, start, this.memory, HEADER_BYTES + position, count);
    else {
      copyFrom(target, start, this.memory, HEADER_BYTES + position, first);
      copyFrom(target, start + first, this.memory, HEADER_BYTES, count - first);
    }
  }

  /**
   * Makes words of a buffer that came twice in a row: making the view costs more than it gains once.
   * A buffer longer than the ring isn't kept: it may be of many times the memory that somebody pays
   * for.
   */
  #remember(bytes: Uint8Array): void {
    if (bytes !== this.#lastBytes) {
      if (lengthOf(bytes) > this.size) return;
      this.#lastBytes = bytes;
      this.#lastWords = NO_WORDS;
    } else if (this.#lastWords === NO_WORDS && (offsetOf(bytes) & 7) === 0) {
      this.#lastWords = new BigUint64Array(bufferOf(bytes), offsetOf(bytes), lengthOf(bytes) >> 3);
    }
  }
}
