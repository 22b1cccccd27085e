/**
 * Web Streams over the ends of a pipe, and over sockets.
 *
 * The pipe is the only buffer: a stream asks the pipe for bytes when its consumer asks the stream,
 * and takes the next chunk when the pipe has taken the last one. A pipe's stream owns its handle:
 * however it ends, the handle is closed then. A socket's streams are a direction each.
 *
 * @module
 */
import { KernelError, PipeError } from "../../capabilities/errors.ts";
import { Rights } from "../../capabilities/rights.ts";
import { Signals } from "../../capabilities/signals.ts";
import type { WaitOptions } from "../arguments.ts";
import { SYSCALLS } from "../table.ts";
import { doorOf, type Handle } from "./handle.ts";

/** What a readable stream is made from. */
export interface ReadingHandle extends Handle {
  /** Waits for bytes; 0 at the end. */
  read(into: Uint8Array, options?: WaitOptions): Promise<number>;
}

/** What a writable stream is made from. */
export interface WritingHandle extends Handle {
  /** Writes all of the bytes. */
  write(bytes: Uint8Array, options?: WaitOptions): Promise<number>;
}

/** Most bytes of a chunk; every packet fits. */
export const CHUNK_BYTES = 65_536;
/** Most bytes of a packet. */
const PACKET_BYTES = 4_096;

/** What the ends of a readable stream mean for its handle; a pipe's close it. */
export interface ReadableEnds {
  /** All was read, or reading failed. */
  ended(): void;
  /** The consumer wants no more. */
  cancelled(): void;
}

/** What the ends of a writable stream mean for its handle; a pipe's close it. */
export interface WritableEnds {
  /**
   * True when an idle stream is to error as soon as the other end is gone. Otherwise a write finds
   * out: whoever is gone may have said all, and it may be unread yet.
   */
  readonly isWatched: boolean;
  /** The producer has written all, or nobody is left to read it. */
  closed(): void;
  /** The producer gave up. */
  failed(reason: unknown): void;
}

/** A byte stream of what comes out of a pipe. */
export function readableOf(
  reader: ReadingHandle,
  ends: ReadableEnds = { ended: () => reader.close(), cancelled: () => reader.close() },
): ReadableStream<Uint8Array<ArrayBuffer>> {
  requireBlocking(reader);
  return new ReadableStream({
    type: "bytes",
    autoAllocateChunkSize: CHUNK_BYTES,
    async pull(controller) {
      const request = controller.byobRequest; // autoAllocateChunkSize: for every reader
      const view = request?.view;
      if (!request || !(view instanceof Uint8Array)) return;
      try {
        const { into, length } = await readChunk(reader, view);
        if (length === 0) {
          ends.ended();
          controller.close();
        }
        if (into === view || length === 0) request.respond(length);
        else controller.enqueue(into.subarray(0, length));
      } catch (error) {
        ends.ended();
        throw error;
      }
    },
    cancel() {
      ends.cancelled();
    },
  });
}

/** Reads into the view, or, where a packet is longer than that, into a buffer of its own. */
async function readChunk(
  reader: ReadingHandle,
  view: Uint8Array,
): Promise<{ into: Uint8Array<ArrayBuffer>; length: number }> {
  try {
    return { into: view as Uint8Array<ArrayBuffer>, length: await reader.read(view) };
  } catch (error) {
    if (!(error instanceof KernelError) || error.code !== "BUFFER_TOO_SMALL") throw error;
    const into = new Uint8Array(PACKET_BYTES);
    return { into, length: await reader.read(into) };
  }
}

/** A stream whose chunks go into a pipe. */
export function writableOf(
  writer: WritingHandle,
  ends: WritableEnds = pipeEnds(writer),
): WritableStream<Uint8Array> {
  requireBlocking(writer);
  const sink = new StreamSink(writer, ends);
  return new WritableStream({
    start: (controller) => ends.isWatched ? sink.start(controller) : undefined,
    write: (chunk, controller) => sink.write(chunk, controller.signal),
    close: () => sink.close(),
    abort: (reason) => sink.abort(reason),
  });
}

/** Where a writable stream's chunks go. */
class StreamSink {
  readonly #writer: WritingHandle;
  readonly #ends: WritableEnds;
  /** True from the stream's own end on; what becomes of the handle then is no error. */
  #isOver = false;

  constructor(writer: WritingHandle, ends: WritableEnds) {
    this.#writer = writer;
    this.#ends = ends;
  }

  /** An idle stream, too, errors as soon as its last reader goes or its handle does. */
  start(controller: WritableStreamDefaultController): void {
    const writer = this.#writer;
    // Asked in two steps: without WAIT, or at the limit of waits, a write finds out instead.
    if ((writer.rights & Rights.WAIT) === 0) return;
    const watch = doorOf(writer).wait(
      SYSCALLS.objectWait,
      undefined,
      writer.number,
      Signals.PEER_CLOSED,
    );
    watch.then(
      () => {
        const why = `Cannot write to handle ${writer.number} (${writer.type}): no reader is left`;
        this.#error(controller, new PipeError("BROKEN_PIPE", why, { syscall: "stream_write" }));
      },
      (error) => {
        if (writer.closed) this.#error(controller, error);
      },
    );
  }

  async write(chunk: unknown, signal: AbortSignal): Promise<void> {
    const writer = this.#writer;
    const bytes = chunk as Uint8Array; // what it really is, the kernel checks
    try {
      await writer.write(bytes, { signal });
    } catch (error) {
      // Aborted: `abort` comes next and has the reason. Otherwise the stream ends here, and
      // readers must not take what they got for the whole.
      if (!signal.aborted) this.abort(error);
      throw error;
    }
  }

  close(): void {
    this.#isOver = true;
    this.#ends.closed();
  }

  abort(reason: unknown): void {
    this.#isOver = true;
    this.#ends.failed(reason);
  }

  #error(controller: WritableStreamDefaultController, error: unknown): void {
    if (this.#isOver) return;
    this.close();
    controller.error(error);
  }
}

/** The end of the stream is the end of the pipe's handle. */
function pipeEnds(writer: Handle): WritableEnds {
  return {
    isWatched: true,
    closed: () => writer.close(),
    failed(reason) {
      if (!writer.closed) failPipe(writer, reason);
      writer.close();
    },
  };
}

/** The stream fails also where its reason is nothing that can leave the thread, such as a function. */
function failPipe(writer: Handle, reason: unknown): void {
  const door = doorOf(writer);
  try {
    door.call(SYSCALLS.pipeFail, writer.number, reason);
  } catch (error) {
    if (!(error instanceof KernelError) || error.code !== "NOT_SUPPORTED") throw error;
    door.call(SYSCALLS.pipeFail, writer.number, undefined);
  }
}

/** A stream waits, and plain calls on a nonblocking handle never do. */
function requireBlocking(handle: Handle): void {
  if (!handle.query().nonblocking) return;
  throw new KernelError(
    "NOT_SUPPORTED",
    `Cannot make a stream of handle ${handle.number} (${handle.type}): it is nonblocking`,
  );
}
