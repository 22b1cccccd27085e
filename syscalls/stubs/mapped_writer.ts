/**
 * Writing to a pipe whose ring this thread works on itself.
 *
 * Whoever closes the last reader takes the ring from its writers, so a writer that still has it has
 * readers.
 *
 * @module
 */
import { PipeError } from "../../capabilities/errors.ts";
import { WOULD_BLOCK } from "../../capabilities/stream_ops.ts";
import { lengthOf } from "../../memory/atomics.ts";
import type { MappedRing } from "../../memory/mapped_ring.ts";
import { BUSY } from "../../memory/ring.ts";
import { partOf, type WaitOptions } from "../arguments.ts";
import { withMovedBefore } from "../page/page_errors.ts";
import { SYSCALLS } from "../table.ts";
import { MappedHandle, type MappedOperation, type SeatedHandle } from "./mapped_handle.ts";
import type { ThreadRing } from "./thread_ring.ts";
import { type LineWait, LOST, PENDING, type WaitLine } from "./wait_line.ts";

const { streamWrite, pipeReserve, pipeCommit } = SYSCALLS;

/** A write that is under way. */
interface Writing extends MappedOperation<number> {
  readonly moved: () => number;
}

/** Writes through one handle. */
export class MappedWriter extends MappedHandle {
  readonly #thread: ThreadRing;
  readonly #ring: MappedRing;
  readonly #line: WaitLine;
  /** Writes of at most this many bytes are never split. */
  readonly #wholeBytes: number;
  /** Bytes of the last reservation; -1 when there is none. */
  #reservedBytes = -1;
  /** Writes of this thread when it was made. */
  #reservedAt = 0;

  constructor(at: SeatedHandle, thread: ThreadRing) {
    super(at);
    this.#thread = thread;
    this.#ring = thread.ring;
    this.#line = thread.writes;
    this.#wholeBytes = thread.ring.ring.atomicBytes;
  }

  tryWrite(bytes: Uint8Array): number {
    const length = this.lengthOf(bytes, streamWrite);
    if (this.#line.isEmpty) {
      const written = this.#ring.write(bytes, 0, length);
      if (written > 0) return this.#done(written);
    }
    const written = this.tryOnce(this.#writing(bytes, length, false));
    if (written === PENDING) return WOULD_BLOCK;
    if (written !== LOST) return written;
    return this.at.door.call(streamWrite, this.at.number, bytes);
  }

  writeSync(bytes: Uint8Array, options?: WaitOptions): number {
    const length = this.lengthOf(bytes, streamWrite);
    if (options === undefined && length <= this.#wholeBytes && this.#line.isEmpty) {
      const written = this.#ring.write(bytes, 0, length);
      if (written > 0) return this.#done(written);
    }
    return this.#writeBlocking(bytes, length, options);
  }

  #writeBlocking(bytes: Uint8Array, length: number, options?: WaitOptions): number {
    if (options === undefined && length <= this.#wholeBytes && this.#line.isEmpty) {
      for (let left = this.#line.glances; left > 0; left--) {
        const written = this.#ring.write(bytes, 0, length);
        if (written > 0) return this.#done(written);
        if (written < 0) break;
      }
    }
    const wait = this.waitOptions(streamWrite, options);
    const writing = this.#writing(bytes, length, true);
    const written = this.knowsTime(wait.timeoutMs) ? this.block(writing, wait) : LOST;
    if (written !== LOST) return written;
    const moved = writing.moved();
    try {
      return moved + this.at.door.block(streamWrite, options, this.at.number, rest(bytes, moved));
    } catch (error) {
      throw withMovedBefore(error, moved);
    }
  }

  async write(bytes: Uint8Array, options?: WaitOptions): Promise<number> {
    const length = this.lengthOf(bytes, streamWrite);
    if (options === undefined && length <= this.#wholeBytes && this.#line.isEmpty) {
      const written = this.#ring.write(bytes, 0, length);
      if (written > 0) return this.#done(written);
    }
    const wait = this.waitOptions(streamWrite, options);
    const writing = this.#writing(bytes, length, true);
    const written = this.knowsTime(wait.timeoutMs) ? await this.wait(writing, wait) : LOST;
    if (written !== LOST) return written;
    const moved = writing.moved();
    const { door, number } = this.at;
    try {
      return moved + await door.wait(streamWrite, options, number, rest(bytes, moved));
    } catch (error) {
      throw withMovedBefore(error, moved);
    }
  }

  /** {@linkcode LOST} where the kernel has to be asked, and then to be told what is committed. */
  reserve(bytes: number): Uint8Array | undefined | typeof LOST {
    return this.worded(pipeReserve, () => {
      pipeReserve.args[1]?.check(bytes, "bytes");
      const { ring } = this.#ring;
      const most = this.#thread.isPacket ? ring.atomicBytes : ring.capacityBytes;
      if (bytes > most) {
        throw new PipeError("OUT_OF_RANGE", `${bytes} bytes never fit, the most is ${most}`);
      }
      const room = this.#line.isEmpty ? this.#ring.reserve(bytes) : undefined;
      if (this.#ring.isLost || this.#ring.ring.condition !== 0) {
        this.at.onLost();
        return LOST;
      }
      if (room === undefined) return undefined;
      this.#reservedBytes = bytes;
      // The thread has one reservation, whichever handle it was made through: others' end here.
      this.#reservedAt = ++this.#thread.writeCount;
      return room;
    });
  }

  commit(bytes: number): void {
    this.worded(pipeCommit, () => {
      pipeCommit.args[1]?.check(bytes, "bytes");
      this.#commit(bytes);
    });
  }

  #commit(bytes: number): void {
    const reserved = this.#reservedBytes;
    if (reserved < 0) throw new PipeError("INVALID_STATE", "nothing is reserved");
    if (bytes > reserved) {
      throw new PipeError("OUT_OF_RANGE", `only ${reserved} bytes are reserved`);
    }
    this.#reservedBytes = -1;
    if (this.#reservedAt !== this.#thread.writeCount) {
      throw new PipeError(
        "INVALID_STATE",
        "the pipe was written to, or reserved in, since the reservation",
      );
    }
    if (bytes === 0) return;
    let committed = this.#ring.commit(bytes);
    // A thread that shares the side is in the middle of a write, which ends, or the kernel ends it.
    while (committed === BUSY) {
      this.#ring.waitWritableSync(bytes, Infinity, this.at.door.seats?.killed);
      committed = this.#ring.commit(bytes);
    }
    // Also where the seat was lost just then: what was published before counts.
    if (committed === bytes) {
      this.#thread.writeCount++;
      return;
    }
    if (this.#ring.isLost) {
      this.at.onLost();
      this.at.door.call(pipeCommit, this.at.number, 0, undefined); // says why
    }
    throw new PipeError("INVALID_STATE", "the reserved room is gone");
  }

  /** @param all True when all bytes are to be written, false when as many as fit. */
  #writing(bytes: Uint8Array, length: number, all: boolean): Writing {
    let moved = 0;
    const attempt = (wait: LineWait<number>): number | typeof PENDING | typeof LOST => {
      if (lengthOf(bytes) !== length) {
        throw new PipeError("INVALID_ARGUMENT", "its buffer was detached while the call waited");
      }
      this.#requirePacketFits(length);
      while (moved < length) {
        const written = this.#ring.write(bytes, moved, length);
        if (written > 0) moved += this.#done(written);
        else if (written === 0 || written === BUSY) break;
        else {
          this.at.onLost();
          return LOST;
        }
        if (!all) break;
      }
      wait.needed = this.#roomFor(length - moved);
      return moved === length || (!all && moved > 0) ? moved : PENDING;
    };
    const needed = this.#roomFor(length);
    return { syscall: streamWrite, line: this.#line, needed, attempt, moved: () => moved };
  }

  /** Room that so many bytes wait for: what goes in whole needs room for all of it. */
  #roomFor(bytes: number): number {
    return bytes <= this.#ring.ring.atomicBytes ? bytes : 1;
  }

  #requirePacketFits(length: number): void {
    const { atomicBytes } = this.#ring.ring;
    if (!this.#thread.isPacket || length <= atomicBytes) return;
    const why = `a packet of ${length} bytes is longer than the pipe's ${atomicBytes}`;
    throw new PipeError("MESSAGE_TOO_LONG", why);
  }

  #done(written: number): number {
    this.#thread.writeCount++;
    return written;
  }
}

function rest(bytes: Uint8Array, moved: number): Uint8Array {
  return moved === 0 ? bytes : partOf(bytes, moved);
}
