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
import type { SeatHost } from "../../capabilities/seat_ops.ts";
import { allocateRing, Ring } from "../../memory/ring.ts";
import { failed, type PipeCore } from "./pipe_endpoint.ts";
import { PipeReaderEnd } from "./pipe_reader.ts";
import { PipeWriterEnd } from "./pipe_writer.ts";
import { RingSharing } from "./ring_sharing.ts";

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
  /** The kernel's own seat at the ring. */
  ring: Ring;
  sharing: RingSharing | undefined = undefined;
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

  seatHost(): SeatHost {
    if (this.failure !== undefined) {
      throw new PipeError("NOT_SUPPORTED", "threads can't work on a stream that was given up");
    }
    if (this.ring.condition !== 0) {
      throw new PipeError("NOT_SUPPORTED", "threads can't work on memory that was garbled");
    }
    if (this.reader.isClosed) {
      throw new PipeError("NOT_SUPPORTED", "threads can't work on a pipe without readers");
    }
    return this.sharing ??= new RingSharing(this);
  }

  changed(): void {
    this.reader.waiters.wake();
    this.writer.waiters.wake();
  }

  /** Throws when an invariant is broken; for tests. */
  assertInvariants(): void {
    this.ring.assertInvariants();
    this.sharing?.assertInvariants();
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
  const isAtEnd = source.writer.isClosed && source.ring.availableBytes === 0;
  if (Math.min(source.ring.availableBytes, target.ring.freeBytes) === 0) {
    if (source.ring.condition !== 0) throw from.garbled();
    if (target.ring.condition !== 0) throw to.garbled();
    return isAtEnd ? 0 : WOULD_BLOCK;
  }
  const moved = moveAlone(source, target, most, keep);
  if (moved === 0) return WOULD_BLOCK; // threads were there first, or a ring is garbled
  to.operations++;
  if (!keep) {
    from.operations++;
    source.changed();
  }
  target.changed();
  return moved;
}

/** What leaves the one ring must find room in the other: no thread may come in between. */
function moveAlone(source: PipeCore, target: PipeCore, most: number, keep: boolean): number {
  source.sharing?.takeAlone();
  target.sharing?.takeAlone();
  const count = Math.min(most, source.ring.availableBytes, target.ring.freeBytes);
  let moved = 0;
  while (moved < count) {
    const part = source.ring.peek();
    const length = target.ring.write(part, 0, Math.min(part.length, count - moved));
    if (length <= 0) break;
    if (!keep) source.ring.consume(length);
    moved += length;
    if (keep) break;
  }
  source.sharing?.giveBack();
  target.sharing?.giveBack();
  return moved;
}
