/**
 * Reading a pipe whose ring this thread works on itself.
 *
 * @module
 */
import { PipeError } from "../../capabilities/errors.ts";
import { WOULD_BLOCK } from "../../capabilities/stream_ops.ts";
import { lengthOf } from "../../memory/atomics.ts";
import type { MappedRing } from "../../memory/mapped_ring.ts";
import { BUSY, packetBytesNeeded } from "../../memory/ring.ts";
import type { WaitOptions } from "../arguments.ts";
import { SYSCALLS } from "../table.ts";
import { MappedHandle, type MappedOperation, type SeatedHandle } from "./mapped_handle.ts";
import type { ThreadRing } from "./thread_ring.ts";
import { type LineWait, LOST, PENDING, type WaitLine } from "./wait_line.ts";

const { streamRead, pipeConsume } = SYSCALLS;

/** Reads through one handle. */
export class MappedReader extends MappedHandle {
  readonly #thread: ThreadRing;
  readonly #ring: MappedRing;
  readonly #line: WaitLine;
  /** Bytes that the last peek showed and that were not consumed yet; -1 when nothing was shown. */
  #shownBytes = -1;
  /** Reads of this thread when they were shown. */
  #shownAt = 0;

  constructor(at: SeatedHandle, thread: ThreadRing) {
    super(at);
    this.#thread = thread;
    this.#ring = thread.ring;
    this.#line = thread.reads;
  }

  tryRead(into: Uint8Array): number {
    const length = this.lengthOf(into, streamRead);
    if (this.#line.isEmpty) {
      const read = this.#ring.read(into, 0, length);
      if (read > 0) return this.#done(read);
      if (read === 0 && length > 0 && !this.#ring.ring.writeIsClosed) return WOULD_BLOCK;
    }
    const read = this.tryOnce(this.#reading(into, length));
    if (read === PENDING) return WOULD_BLOCK;
    if (read !== LOST) return read;
    return this.at.door.call(streamRead, this.at.number, into);
  }

  readSync(into: Uint8Array, options?: WaitOptions): number {
    const length = this.lengthOf(into, streamRead);
    if (options === undefined && this.#line.isEmpty) {
      const read = this.#ring.read(into, 0, length);
      if (read > 0) return this.#done(read);
    }
    return this.#readBlocking(into, length, options);
  }

  #readBlocking(into: Uint8Array, length: number, options?: WaitOptions): number {
    if (options === undefined && this.#line.isEmpty) {
      for (let left = this.#line.glances; left > 0; left--) {
        const read = this.#ring.read(into, 0, length);
        if (read > 0) return this.#done(read);
        if (read < 0) break;
      }
    }
    const wait = this.waitOptions(streamRead, options);
    const read = this.knowsTime(wait.timeoutMs)
      ? this.block(this.#reading(into, length), wait)
      : LOST;
    if (read !== LOST) return read;
    return this.at.door.block(streamRead, options, this.at.number, into);
  }

  async read(into: Uint8Array, options?: WaitOptions): Promise<number> {
    const length = this.lengthOf(into, streamRead);
    if (this.#line.isEmpty && options === undefined) {
      const read = this.#ring.read(into, 0, length);
      if (read > 0) return this.#done(read);
    }
    const wait = this.waitOptions(streamRead, options);
    const { door, number } = this.at;
    if (!this.knowsTime(wait.timeoutMs)) return door.wait(streamRead, options, number, into);
    const read = await this.wait(this.#reading(into, length), wait);
    return read === LOST ? door.wait(streamRead, options, number, into) : read;
  }

  /** {@linkcode LOST} where the kernel has to be asked, and then to be told what is consumed. */
  peek(): Uint8Array | typeof LOST {
    const bytes = this.#line.isEmpty ? this.#ring.peek() : new Uint8Array(0);
    if (this.#ring.isLost || this.#ring.ring.condition !== 0) return this.#lost();
    this.#shownBytes = bytes.length;
    // The ring knows of one peek, whichever handle it was made through: others' end here.
    this.#shownAt = ++this.#thread.readCount;
    return bytes;
  }

  consume(bytes: number): void {
    this.worded(pipeConsume, () => {
      pipeConsume.args[1]?.check(bytes, "bytes");
      this.#consume(bytes);
    });
  }

  #consume(bytes: number): void {
    if (this.#shownBytes < 0 || this.#shownAt !== this.#thread.readCount) {
      throw new PipeError("INVALID_STATE", "the bytes were not peeked at, or were read since");
    }
    if (bytes > this.#shownBytes) {
      const why = `${bytes} bytes are more than the ${this.#shownBytes} that were peeked at`;
      throw new PipeError("OUT_OF_RANGE", why);
    }
    if (bytes === 0) return;
    if (this.#thread.isPacket && bytes !== this.#shownBytes) {
      const why = `a packet of ${this.#shownBytes} bytes is taken whole`;
      throw new PipeError("INVALID_ARGUMENT", why);
    }
    let consumed = this.#ring.consume(bytes);
    // A thread that shares the side is in the middle of a read, which ends, or the kernel ends it.
    while (consumed === BUSY) {
      this.#ring.waitReadableSync(Infinity, this.at.door.seats?.killed);
      consumed = this.#ring.consume(bytes);
    }
    if (consumed !== bytes) {
      this.#shownBytes = -1;
      if (this.#ring.isLost) {
        this.#lost();
        this.at.door.call(pipeConsume, this.at.number, 0); // says why
      }
      throw new PipeError("INVALID_STATE", "the bytes that were peeked at were read since");
    }
    this.#shownAt = ++this.#thread.readCount;
    this.#shownBytes -= bytes;
  }

  #reading(into: Uint8Array, length: number): MappedOperation<number> {
    const attempt = (wait: LineWait<number>) => this.#attempt(wait, into, length);
    return { syscall: streamRead, line: this.#line, needed: 1, attempt };
  }

  #attempt(
    wait: LineWait<number>,
    into: Uint8Array,
    length: number,
  ): number | typeof PENDING | typeof LOST {
    if (lengthOf(into) !== length) {
      throw new PipeError("INVALID_ARGUMENT", "its buffer was detached while the call waited");
    }
    const read = this.#ring.read(into, 0, length);
    if (read > 0) return this.#done(read);
    if (read === BUSY) return PENDING;
    const needed = packetBytesNeeded(read);
    if (needed > 0) {
      const why = `the next packet has ${needed} bytes and the buffer ${length}`;
      throw new PipeError("BUFFER_TOO_SMALL", why, { needed });
    }
    if (read < 0) return this.#lost();
    if (length === 0) return 0;
    if (!this.#ring.ring.writeIsClosed || wait.closedIsFalse) return PENDING;
    return this.#readAtEnd(wait, into, length);
  }

  /** The ring says that no writer is left; if that is so, what it holds now is all there will be. */
  #readAtEnd(
    wait: LineWait<number>,
    into: Uint8Array,
    length: number,
  ): number | typeof PENDING | typeof LOST {
    wait.closedIsFalse = !this.#thread.askWriteIsClosed();
    if (this.#ring.isLost) return this.#lost();
    const read = this.#ring.read(into, 0, length);
    if (read > 0) return this.#done(read);
    return read === 0 && !wait.closedIsFalse ? 0 : PENDING;
  }

  #done(read: number): number {
    this.#thread.readCount++;
    return read;
  }

  #lost(): typeof LOST {
    this.at.onLost();
    return LOST;
  }
}
