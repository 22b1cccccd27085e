/**
 * The end of a pipe that bytes go into.
 *
 * Invariant: what one call of `tryWrite`, `commit` or a transfer puts in stays together.
 *
 * @module
 */
import { PipeError } from "../../capabilities/errors.ts";
import { Rights } from "../../capabilities/rights.ts";
import { Signals } from "../../capabilities/signals.ts";
import { WOULD_BLOCK } from "../../capabilities/stream_ops.ts";
import { BUSY } from "../../memory/ring.ts";
import { byteLengthOf, PipeEndpoint, type Window } from "./pipe_endpoint.ts";

/** The end that bytes go into. */
export class PipeWriterEnd extends PipeEndpoint {
  readonly type = "pipe writer";
  readonly seatRights: Rights = Rights.WRITE;
  protected readonly side = "writer";

  get peerCount(): number {
    return this.pipe.reader.users;
  }

  tryRead(): number {
    throw new PipeError("NOT_SUPPORTED", "a pipe's writer can't be read from");
  }

  tryWrite(bytes: Uint8Array, start = 0): number {
    const { pipe } = this;
    const end = byteLengthOf(bytes);
    if (start >= end) return 0;
    if (pipe.reader.isClosed || pipe.failure !== undefined) throw this.#broken();
    pipe.sharing?.enter("writer");
    const written = pipe.isPacket
      ? this.#writePacket(bytes, end)
      : pipe.ring.write(bytes, start, end);
    if (written <= 0) {
      if (pipe.ring.condition !== 0) throw this.garbled();
      if (written === BUSY) pipe.sharing?.metLock("writer");
      return WOULD_BLOCK;
    }
    this.operations++;
    pipe.changed();
    return written;
  }

  /** Throws BROKEN_PIPE when nothing that is written could ever be read. */
  requireUnbroken(): void {
    const { pipe } = this;
    if (pipe.reader.isClosed || pipe.failure !== undefined) throw this.#broken();
  }

  /**
   * Room for exactly `bytes`, to be filled and committed; undefined when there is less.
   *
   * @param by Whose reservation it is; a second one replaces the first.
   * @param direct True when the view may be the ring's own memory.
   */
  reserve(by: unknown, bytes: number, direct: boolean): Uint8Array | undefined {
    const { pipe } = this;
    this.requireUnbroken();
    const most = pipe.isPacket ? pipe.ring.atomicBytes : pipe.ring.capacityBytes;
    if (bytes > most) {
      throw new PipeError("OUT_OF_RANGE", `${bytes} bytes never fit, the most is ${most}`);
    }
    pipe.sharing?.enter("writer");
    if (pipe.ring.freeBytes < bytes) return undefined;
    const isDirect = direct && this.users === 1;
    const view = isDirect ? pipe.ring.reserve(bytes) : new Uint8Array(bytes);
    if (view === undefined) return undefined;
    this.windowOf(by).open(view, bytes, isDirect, this.operations);
    return view;
  }

  /**
   * Publishes the first bytes of the handle's reservation.
   *
   * @param content What they are, where the room itself could not be filled.
   */
  commit(by: unknown, bytes: number, content?: Uint8Array): void {
    const window = this.windowOf(by);
    if (window.operations === -1) throw new PipeError("INVALID_STATE", "nothing is reserved");
    if (bytes > window.bytes) {
      throw new PipeError("OUT_OF_RANGE", `only ${window.bytes} bytes are reserved`);
    }
    if (content !== undefined && content.length !== bytes) {
      throw new PipeError("INVALID_ARGUMENT", `${content.length} bytes are no ${bytes} to commit`);
    }
    try {
      this.requireUnbroken();
      if (bytes === 0) return;
      this.#publish(window, bytes, content);
    } finally {
      window.close();
    }
    this.operations++;
    this.pipe.changed();
  }

  /** Gives the stream up: readers get the reason instead of what is left in the pipe. */
  fail(reason: unknown): void {
    const { pipe } = this;
    if (pipe.failure !== undefined) return;
    pipe.failure = { reason };
    pipe.sharing?.dissolve();
    for (let rest = pipe.ring.peek(); rest.length > 0; rest = pipe.ring.peek()) {
      pipe.ring.consume(rest.length);
    }
    pipe.reader.operations++; // what was peeked at is gone
    pipe.changed();
  }

  protected ownSignals(): number {
    const { pipe } = this;
    if (pipe.reader.isClosed) return Signals.WRITABLE | Signals.PEER_CLOSED;
    if (pipe.failure !== undefined || pipe.ring.condition !== 0) return Signals.WRITABLE;
    return pipe.ring.freeBytes > 0 ? Signals.WRITABLE : 0;
  }

  #publish(window: Window, bytes: number, content: Uint8Array | undefined): void {
    const { pipe } = this;
    if (window.isDirect) {
      if (window.operations !== this.operations) {
        throw new PipeError("INVALID_STATE", "the pipe was written to since the reservation");
      }
      if (content !== undefined) window.view.set(content);
    } else {
      pipe.sharing?.enter("writer");
      const room = pipe.ring.reserve(bytes);
      if (room === undefined) throw new PipeError("INVALID_STATE", "the reserved room is gone");
      room.set(content ?? window.view.subarray(0, bytes));
    }
    const committed = pipe.ring.commit(bytes);
    if (committed === bytes) return;
    if (committed === BUSY) pipe.sharing?.metLock("writer");
    if (pipe.ring.condition !== 0) throw this.garbled();
    // Threads of tasks have a part in the ring, or one had: it isn't the one that was reserved in.
    throw new PipeError("INVALID_STATE", "the reserved room is gone");
  }

  #writePacket(bytes: Uint8Array, length: number): number {
    const { ring } = this.pipe;
    if (length > ring.atomicBytes) {
      throw new PipeError(
        "MESSAGE_TOO_LONG",
        `a packet of ${length} bytes is longer than the pipe's ${ring.atomicBytes}`,
      );
    }
    return ring.writePacket(bytes);
  }

  #broken(): PipeError {
    const why = this.pipe.reader.isClosed ? "no reader is left" : "the stream was given up";
    return new PipeError("BROKEN_PIPE", why);
  }
}
