/**
 * Pipes: bytes from writers to readers, in order, through a bounded ring.
 *
 * Invariants:
 * - `0 ≤ availableBytes ≤ bufferSize`;
 * - bytes come out once, in the order they went in; a write of at most `PIPE_BUF` bytes is whole;
 * - a reader sees the end only when no writer is left and the ring is empty;
 * - whoever waits on an end is woken by the change that lets it go on.
 *
 * @module
 */
import { PipeError } from "../../capabilities/errors.ts";
import { WOULD_BLOCK } from "../../capabilities/stream_ops.ts";
import { allocateRing, Ring } from "../../memory/ring.ts";
import { failed, type PipeCore } from "./pipe_endpoint.ts";
import { PipeReaderEnd } from "./pipe_reader.ts";
import { PipeWriterEnd } from "./pipe_writer.ts";

export { PipeEndpoint } from "./pipe_endpoint.ts";
export { PipeReaderEnd, PipeWriterEnd };

/** Most bytes that a write puts into a pipe whole. */
export const PIPE_BUF = 4_096;
/** Default capacity of a pipe in bytes. */
export const DEFAULT_CAPACITY = 65_536;
/** Largest capacity of a pipe in bytes. */
export const MAX_CAPACITY = 2 ** 30;

/** What a pipe is made from. */
export interface PipeSettings {
  /** Bytes, 1 … 1 GiB. */
  readonly capacity?: number;
  /** True for packet mode: a read takes what one write put in. */
  readonly packet?: boolean;
}

/** A pipe: the ring, and the two ends that handles name. */
export class UnidirectionalPipe implements PipeCore {
  readonly ring: Ring;
  readonly isPacket: boolean;
  readonly reader: PipeReaderEnd;
  readonly writer: PipeWriterEnd;
  failure: { readonly reason: unknown } | undefined = undefined;

  constructor(settings: PipeSettings = {}) {
    const capacity = settings.capacity ?? DEFAULT_CAPACITY;
    this.isPacket = settings.packet ?? false;
    const memory = allocateRing(capacity, this.isPacket);
    this.ring = new Ring(memory, capacity, {
      soleReader: true,
      soleWriter: true,
      packet: this.isPacket,
    });
    this.reader = new PipeReaderEnd(this);
    this.writer = new PipeWriterEnd(this);
  }

  changed(): void {
    this.reader.waiters.wake();
    this.writer.waiters.wake();
  }

  /** Throws when an invariant is broken; for tests. */
  assertInvariants(): void {
    this.ring.assertInvariants();
    this.reader.assertInvariants();
    this.writer.assertInvariants();
  }
}

/**
 * Moves bytes from one pipe to another, ring to ring: what is there, what there is room for, at
 * most `most`. What one call moves stays together in the target. Packets have boundaries that
 * this doesn't know, so both pipes must be byte pipes.
 *
 * @param keep True leaves the bytes in the source (`tee`); then one call takes no more than up to
 * the wrap of the source's ring.
 * @returns The number of bytes; 0 at the source's end; WOULD_BLOCK.
 */
export function transfer(
  from: PipeReaderEnd,
  to: PipeWriterEnd,
  most: number,
  keep: boolean,
): number {
  const [source, target] = [from.pipe, to.pipe];
  if (source === target) {
    throw new PipeError("INVALID_ARGUMENT", "both handles are ends of the same pipe");
  }
  if (source.isPacket || target.isPacket) {
    throw new PipeError("NOT_SUPPORTED", "bytes can't be moved out of or into a pipe of packets");
  }
  if (most === 0) return 0;
  to.requireUnbroken();
  if (source.failure !== undefined) throw failed(source.failure);
  const count = Math.min(most, source.ring.availableBytes, target.ring.freeBytes);
  if (count === 0) {
    const isAtEnd = source.writer.isClosed && source.ring.availableBytes === 0;
    return isAtEnd ? 0 : WOULD_BLOCK;
  }
  let moved = 0;
  do {
    const part = source.ring.peek();
    const length = target.ring.write(part, 0, Math.min(part.length, count - moved));
    if (length <= 0) break; // only when a ring was garbled
    if (!keep) source.ring.consume(length);
    moved += length;
  } while (moved < count && !keep);
  to.operations++;
  if (!keep) {
    from.operations++;
    source.changed();
  }
  target.changed();
  return moved;
}
