/**
 * A pipe's ring as this thread works on it, through however many handles.
 *
 * @module
 */
import type { WatchedWord } from "../../memory/ring.ts";
import { MappedRing, type NextGeneration } from "../../memory/mapped_ring.ts";
import { KernelError } from "../../capabilities/errors.ts";
import type { SeatNews } from "../door.ts";
import { WaitLine } from "./wait_line.ts";

/** One thread's seat at a pipe. */
export class ThreadRing {
  readonly ring: MappedRing;
  /** Those who wait for bytes, and those who wait for room. */
  readonly reads: WaitLine;
  readonly writes: WaitLine;
  readonly isPacket: boolean;
  /** Operations so far, peeks and reservations too: tells whether what was peeked at or reserved is still what it was. */
  readCount = 0;
  writeCount = 0;
  readonly #ask: () => SeatNews;
  /** What the ring holds, until the next news. */
  #memory: SharedArrayBuffer;
  #writeIsClosed: boolean;

  constructor(first: SeatNews, ask: () => SeatNews, killed: WatchedWord) {
    const { terms, memory, generation } = first;
    if (terms?.kind !== "ring" || memory === undefined) throw noSeat();
    this.#ask = ask;
    this.#memory = memory;
    this.#writeIsClosed = terms.writeIsClosed;
    this.isPacket = terms.packet;
    const seat = { ...terms, generation };
    this.ring = new MappedRing(memory, terms.capacityBytes, seat, () => this.#follow());
    const { ring } = this;
    this.reads = new WaitLine({
      sync: ({ closedIsFalse }, ms) => ring.waitReadableSync(ms, killed, closedIsFalse),
      async: ({ closedIsFalse }) => ring.waitReadable(Infinity, killed, closedIsFalse),
    }, killed);
    // A hint that no reader is left is always false: then the kernel takes the ring from its writers.
    this.writes = new WaitLine({
      sync: ({ needed }, ms) => ring.waitWritableSync(Number(needed), ms, killed, true),
      async: ({ needed }) => ring.waitWritable(Number(needed), Infinity, killed, true),
    }, killed);
  }

  /** Asks the kernel whether a writer is left; the ring's own word about that is a hint. */
  askWriteIsClosed(): boolean {
    this.ring.refresh();
    return this.#writeIsClosed;
  }

  #follow(): NextGeneration {
    const { terms, cut, memory, generation } = this.#ask();
    if (terms?.kind !== "ring") return { cut, memory: undefined, seat: {} };
    this.#memory = memory ?? this.#memory;
    this.#writeIsClosed = terms.writeIsClosed;
    return { cut, memory: this.#memory, seat: { ...terms, generation } };
  }
}

/** The object was garbled, or the handle closed, just when the thread took its seat. */
export function noSeat(): KernelError {
  return new KernelError("NOT_SUPPORTED", "there is no memory to work on");
}
