/**
 * Pipes as programs hold them.
 *
 * @module
 */
import { inContext, KernelError } from "../../capabilities/errors.ts";
import { checkBuffer, partOf, readArray, type WaitOptions } from "../arguments.ts";
import { SYSCALLS } from "../table.ts";
import type { PeerStatus, PipeStatus } from "../table/streams.ts";
import { done, doorOf, Handle } from "./handle.ts";
import { MappedReader } from "./mapped_reader.ts";
import { MappedWriter } from "./mapped_writer.ts";
import { PipeIterator } from "./pipe_iterator.ts";
import { readableOf, writableOf } from "./pipe_streams.ts";
import { mayTakeSeat, takeSeat } from "./take_seat.ts";
import { ThreadRing } from "./thread_ring.ts";
import { LOST } from "./wait_line.ts";

/** What every end of a stream between programs tells. */
export interface StreamEnd {
  /** True while the other end is there. */
  readonly isConnected: boolean;
  /** How many handles name the other end. */
  readonly peerCount: number;
  /** One line for people. */
  readonly description: string;
}

/** What both ends of a pipe tell; needs READ, WRITE or INSPECT. */
export interface PipeEnd extends StreamEnd {
  /** True for the end that is read from, whether or not anything is there. */
  readonly isReadable: boolean;
  /** True for the end that is written to, whether or not there is room. */
  readonly isWritable: boolean;
  /** The pipe's capacity in bytes. */
  readonly bufferSize: number;
  /** Bytes written and not yet read; in packet mode, the size of the next packet. */
  readonly availableBytes: number;
  /** True while a reader is left. */
  readonly hasReaders: boolean;
  /** True while a writer is left. */
  readonly hasWriters: boolean;
}

/** What both ends of a pipe have in common. */
export abstract class PipeHandle extends Handle implements PipeEnd {
  get isReadable(): boolean {
    return this.#status().isReadable;
  }
  get isWritable(): boolean {
    return this.#status().isWritable;
  }
  get bufferSize(): number {
    return this.#status().bufferSize;
  }
  get availableBytes(): number {
    return this.#status().availableBytes;
  }
  get hasReaders(): boolean {
    return this.#status().hasReaders;
  }
  get hasWriters(): boolean {
    return this.#status().hasWriters;
  }
  get isConnected(): boolean {
    return this.#peers().isConnected;
  }
  get peerCount(): number {
    return this.#peers().peerCount;
  }
  get description(): string {
    return this.#peers().description;
  }

  #status(): PipeStatus {
    return done(doorOf(this).call(SYSCALLS.pipeStatus, this.number));
  }

  #peers(): PeerStatus {
    return done(doorOf(this).call(SYSCALLS.peerStatus, this.number));
  }
}

/**
 * The end of a pipe that bytes come out of. Reading needs READ.
 *
 * In a worker a handle with MAP reads in the task's own thread, out of memory that it shares with
 * who writes; the kernel is called only where something else than bytes comes. So it is with
 * {@linkcode PipeWriter}.
 *
 * @example
 * ```ts
 * import { Kernel } from "@carmine/kernel";
 *
 * await using kernel = new Kernel();
 * const { reader, writer } = kernel.init.createPipe();
 * await writer.write(new TextEncoder().encode("hello"));
 * writer.close();
 * const buffer = new Uint8Array(16);
 * console.log(await reader.read(buffer), await reader.read(buffer)); // 5 0
 * ```
 */
export class PipeReader extends PipeHandle implements AsyncIterable<Uint8Array<ArrayBuffer>> {
  /**
   * Undefined: a seat may be had. Null: the kernel has to be called; each call looks for this itself,
   * because a getter or `#seat` in its place adds 3 ns.
   */
  #mapped: MappedReader | null | undefined = mayTakeSeat(this) ? undefined : null;
  /** True when it was the kernel that showed the bytes that may be consumed. */
  #isShownByKernel = false;
  #readable: ReadableStream<Uint8Array<ArrayBuffer>> | undefined = undefined;

  /**
   * Waits for bytes and reads what is there, up to the buffer's length.
   *
   * @param into Where the bytes go; on a plain buffer that stays attached until the call ends.
   * @returns The number of bytes; 0 at the end of the stream.
   * @throws {KernelError} ACCESS_DENIED without READ, BROKEN_PIPE when the writer gave the stream
   * up, BUFFER_TOO_SMALL (packet mode), WOULD_BLOCK (nonblocking handle), TIMED_OUT, CANCELED.
   */
  read(into: Uint8Array, options?: WaitOptions): Promise<number> {
    const mapped = this.#mapped === null ? null : this.#seat();
    if (mapped !== null) return mapped.read(into, options);
    return doorOf(this).wait(SYSCALLS.streamRead, options, this.number, into);
  }

  /** As {@linkcode PipeReader.read}, but blocks the thread. Only in workers. */
  readSync(into: Uint8Array, options?: WaitOptions): number {
    const mapped = this.#mapped === null ? null : this.#seat();
    if (mapped !== null) return mapped.readSync(into, options);
    return doorOf(this).block(SYSCALLS.streamRead, options, this.number, into);
  }

  /** As {@linkcode PipeReader.read}, but never waits: -1 where that would. */
  tryRead(into: Uint8Array): number {
    const mapped = this.#mapped === null ? null : this.#seat();
    if (mapped !== null) return mapped.tryRead(into);
    return doorOf(this).call(SYSCALLS.streamRead, this.number, into);
  }

  /**
   * What is there, without taking it: maybe nothing, maybe only up to the ring's wrap. Valid until
   * {@linkcode PipeReader.consume}. With MAP, and as the pipe's only reader, it is the ring's own
   * memory; otherwise a copy. In packet mode, the next packet.
   *
   * @throws {KernelError} ACCESS_DENIED without READ, BROKEN_PIPE when the writer gave the stream
   * up.
   */
  peek(): Uint8Array {
    const mapped = this.#mapped === null ? null : this.#seat();
    const bytes = mapped === null ? LOST : mapped.peek();
    this.#isShownByKernel = bytes === LOST;
    if (bytes !== LOST) return bytes;
    return done(doorOf(this).call(SYSCALLS.pipePeek, this.number));
  }

  /**
   * Takes bytes that the last {@linkcode PipeReader.peek} showed; of a packet, all or none.
   *
   * @throws {KernelError} OUT_OF_RANGE for more than were shown, INVALID_STATE when nothing was or
   * somebody read since, INVALID_ARGUMENT for a part of a packet.
   */
  consume(bytes: number): void {
    const mapped = this.#mapped === null || this.#isShownByKernel ? null : this.#seat();
    if (mapped !== null) mapped.consume(bytes);
    else doorOf(this).call(SYSCALLS.pipeConsume, this.number, bytes);
  }

  /**
   * What comes out of the pipe as a byte stream (BYOB readers included); the same stream each time.
   * It holds no bytes of its own, so the pipe's capacity is what holds back the writers. From here
   * on the handle is the stream's: cancelling it, its end and an error close the handle.
   *
   * @throws {KernelError} NOT_SUPPORTED for a nonblocking handle, BAD_HANDLE.
   */
  get readable(): ReadableStream<Uint8Array<ArrayBuffer>> {
    return this.#readable ??= readableOf(this);
  }

  /**
   * The bytes chunk by chunk until the end of the stream. Leaving early neither closes the handle
   * nor loses bytes; each chunk is the consumer's own.
   */
  [Symbol.asyncIterator](): AsyncIterator<Uint8Array<ArrayBuffer>> {
    return new PipeIterator(this);
  }

  #seat(): MappedReader | null {
    if (this.#mapped !== undefined) return this.#mapped;
    const use = (...of: ConstructorParameters<typeof MappedReader>) => new MappedReader(...of);
    this.#mapped = takeSeat(this, threadRing, use, () => this.#mapped = undefined);
    return this.#mapped;
  }
}

/**
 * The end of a pipe that bytes go into. Writing needs WRITE.
 *
 * Up to 4,096 bytes (or the capacity, if that is less) are written whole, never between another
 * writer's bytes and never in part.
 *
 * @example
 * ```ts
 * import { Kernel } from "@carmine/kernel";
 *
 * await using kernel = new Kernel();
 * const { reader, writer } = kernel.init.createPipe({ capacity: 16 });
 * console.log(writer.tryWrite(new Uint8Array(10))); // 10
 * console.log(writer.tryWrite(new Uint8Array(10))); // -1: it would not be whole
 * reader.close();
 * await writer.write(new Uint8Array(1)).catch((error) => console.log(error.code)); // BROKEN_PIPE
 * ```
 */
export class PipeWriter extends PipeHandle {
  /** Undefined: a seat may be had. Null: the kernel has to be called. */
  #mapped: MappedWriter | null | undefined = mayTakeSeat(this) ? undefined : null;
  #writable: WritableStream<Uint8Array> | undefined = undefined;
  /** What was reserved, where it is a copy that the kernel doesn't see being filled. */
  #reserved: Uint8Array | undefined = undefined;

  /**
   * Writes all of the bytes, waiting for room as often as needed.
   *
   * @returns How many bytes there were.
   * @throws {KernelError} ACCESS_DENIED without WRITE, BROKEN_PIPE when no reader is left,
   * MESSAGE_TOO_LONG (packet mode), WOULD_BLOCK (nonblocking handle), TIMED_OUT, CANCELED; where
   * part of a long write had been written, `transferred` says how much.
   */
  write(bytes: Uint8Array, options?: WaitOptions): Promise<number> {
    const mapped = this.#mapped === null ? null : this.#seat();
    if (mapped !== null) return mapped.write(bytes, options);
    return doorOf(this).wait(SYSCALLS.streamWrite, options, this.number, bytes);
  }

  /** As {@linkcode PipeWriter.write}, but blocks the thread. Only in workers. */
  writeSync(bytes: Uint8Array, options?: WaitOptions): number {
    const mapped = this.#mapped === null ? null : this.#seat();
    if (mapped !== null) return mapped.writeSync(bytes, options);
    return doorOf(this).block(SYSCALLS.streamWrite, options, this.number, bytes);
  }

  /** Writes what fits now: all of at most 4,096 bytes, or part of more. -1 when nothing fits. */
  tryWrite(bytes: Uint8Array): number {
    const mapped = this.#mapped === null ? null : this.#seat();
    if (mapped !== null) return mapped.tryWrite(bytes);
    return doorOf(this).call(SYSCALLS.streamWrite, this.number, bytes);
  }

  /**
   * Writes several parts one after the other; together they are whole if they have at most 4,096
   * bytes.
   *
   * @returns How many bytes there were.
   */
  writev(parts: Uint8Array[], options?: WaitOptions): Promise<number> {
    try {
      return this.write(joined(parts), options);
    } catch (error) {
      const { name, verb } = SYSCALLS.streamWrite;
      return Promise.reject(
        error instanceof KernelError ? inContext(error, name, `${verb} parts`) : error,
      );
    }
  }

  /**
   * Room for exactly `bytes`, to be filled and then committed; undefined where there is less. With
   * MAP, and as the pipe's only writer, it is the ring's own memory; otherwise, and where it would
   * wrap, `commit` copies it in.
   *
   * @throws {KernelError} OUT_OF_RANGE when so much never fits, BROKEN_PIPE.
   */
  reserve(bytes: number): Uint8Array | undefined {
    const mapped = this.#mapped === null ? null : this.#seat();
    const mappedRoom = mapped === null ? LOST : mapped.reserve(bytes);
    if (mappedRoom !== LOST) {
      if (mappedRoom !== undefined) this.#reserved = undefined;
      return mappedRoom;
    }
    const door = doorOf(this);
    const room = done(door.call(SYSCALLS.pipeReserve, this.number, bytes));
    if (!door.sharesMemory && room !== undefined) this.#reserved = room;
    return room;
  }

  /**
   * Publishes the first bytes of what {@linkcode PipeWriter.reserve} gave.
   *
   * @throws {KernelError} INVALID_STATE when nothing is reserved or somebody wrote since,
   * OUT_OF_RANGE, BROKEN_PIPE.
   */
  commit(bytes: number): void {
    const isKernels = this.#mapped === null || this.#reserved !== undefined;
    const mapped = isKernels ? null : this.#seat();
    if (mapped !== null) return mapped.commit(bytes);
    const content = this.#reserved?.subarray(0, bytes);
    doorOf(this).call(SYSCALLS.pipeCommit, this.number, bytes, content);
    this.#reserved = undefined;
  }

  /**
   * A stream whose chunks go into the pipe; the same stream each time. From here on the handle is
   * the stream's: closing it, aborting it and an error close the handle. Readers of an aborted one
   * get BROKEN_PIPE with the abort's reason as `cause`. When the last reader goes the stream errors
   * with BROKEN_PIPE, at once if the handle has WAIT, else at its next write.
   *
   * @throws {KernelError} NOT_SUPPORTED for a nonblocking handle, BAD_HANDLE.
   */
  get writable(): WritableStream<Uint8Array> {
    return this.#writable ??= writableOf(this);
  }

  #seat(): MappedWriter | null {
    if (this.#mapped !== undefined) return this.#mapped;
    const use = (...of: ConstructorParameters<typeof MappedWriter>) => new MappedWriter(...of);
    this.#mapped = takeSeat(this, threadRing, use, () => this.#mapped = undefined);
    return this.#mapped;
  }
}

const threadRing = (...news: ConstructorParameters<typeof ThreadRing>) => new ThreadRing(...news);

/** One array of all the parts' bytes. */
function joined(given: unknown): Uint8Array {
  const parts = readArray(given, "parts", Infinity)
    .map((part, i) => partOf(checkBuffer(part, `parts[${i}]`), 0));
  const all = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    all.set(part, offset);
    offset += part.length;
  }
  return all;
}
