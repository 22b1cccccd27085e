/**
 * The end of a pipe that bytes come out of.
 *
 * Invariant: it sees the end of the stream only when no writer is left and the ring is empty.
 *
 * @module
 */
import { PipeError } from "../../capabilities/errors.ts";
import { Rights } from "../../capabilities/rights.ts";
import { Signals } from "../../capabilities/signals.ts";
import { WOULD_BLOCK } from "../../capabilities/stream_ops.ts";
import { BUSY, packetBytesNeeded } from "../../memory/ring.ts";
import { byteLengthOf, failed, NOTHING, PipeEndpoint } from "./pipe_endpoint.ts";

/** The end that bytes come out of. */
export class PipeReaderEnd extends PipeEndpoint {
  readonly type = "pipe reader";
  readonly seatRights: Rights = Rights.READ;
  protected readonly side = "reader";

  get peerCount(): number {
    return this.pipe.writer.users;
  }

  tryRead(into: Uint8Array): number {
    const { pipe } = this;
    pipe.sharing?.enter("reader");
    const read = pipe.isPacket ? this.#readPacket(into) : pipe.ring.read(into);
    if (read > 0) {
      this.operations++;
      pipe.changed();
      return read;
    }
    if (read === BUSY) {
      pipe.sharing?.metLock("reader");
      return WOULD_BLOCK;
    }
    if (pipe.ring.condition !== 0) throw this.garbled();
    if (pipe.failure !== undefined) throw failed(pipe.failure);
    if (byteLengthOf(into) === 0 || pipe.writer.isClosed) return 0;
    return WOULD_BLOCK;
  }

  tryWrite(): number {
    throw new PipeError("NOT_SUPPORTED", "a pipe's reader can't be written to");
  }

  /**
   * What is there, up to the wrap, or the next packet; `consume` takes it.
   *
   * @param by Whose peek it is; a second one replaces the first.
   * @param direct True when the view may be the ring's own memory.
   */
  peek(by: unknown, direct: boolean): Uint8Array {
    const { pipe } = this;
    if (pipe.failure !== undefined) throw failed(pipe.failure);
    pipe.sharing?.enter("reader");
    const bytes = pipe.ring.peek();
    if (pipe.ring.condition !== 0) throw this.garbled();
    // Nobody waits here, but who looks again must not find a dead thread's lock for ever.
    if (bytes.length === 0 && pipe.ring.availableBytes > 0) pipe.sharing?.metLock("reader");
    // Among threads the ring knows of one peek of the kernel's: those through other handles end here.
    if (pipe.sharing !== undefined) this.operations++;
    const isDirect = direct && this.users === 1;
    // Without the view: each handle would hold a copy of all that is in the pipe.
    this.windowOf(by).open(NOTHING, bytes.length, isDirect, this.operations);
    return isDirect ? bytes : Uint8Array.from(bytes);
  }

  /** Takes bytes that the last `peek` of the same handle showed; of a packet, all or none. */
  consume(by: unknown, bytes: number): void {
    const window = this.windowOf(by);
    if (window.operations !== this.operations) {
      window.close();
      throw new PipeError("INVALID_STATE", "the bytes were not peeked at, or were read since");
    }
    if (bytes > window.bytes) {
      throw new PipeError(
        "OUT_OF_RANGE",
        `${bytes} bytes are more than the ${window.bytes} that were peeked at`,
      );
    }
    if (bytes === 0) return;
    if (this.pipe.isPacket && bytes !== window.bytes) {
      throw new PipeError("INVALID_ARGUMENT", `a packet of ${window.bytes} bytes is taken whole`);
    }
    this.#consume(bytes);
    this.operations++;
    window.bytes -= bytes;
    window.operations = this.operations;
    this.pipe.changed();
  }

  protected ownSignals(): number {
    const { pipe } = this;
    let signals = pipe.ring.availableBytes > 0 ? Signals.READABLE : 0;
    if (pipe.writer.isClosed) signals |= Signals.READABLE | Signals.PEER_CLOSED;
    if (pipe.failure !== undefined || pipe.ring.condition !== 0) signals |= Signals.READABLE;
    return signals;
  }

  #consume(bytes: number): void {
    const { ring, sharing } = this.pipe;
    const consumed = ring.consume(bytes);
    if (consumed === bytes) return;
    if (consumed === BUSY) sharing?.metLock("reader");
    if (ring.condition !== 0) throw this.garbled();
    // Threads read here too: what was shown may be theirs by now.
    throw new PipeError("INVALID_STATE", "another thread reads, or read since");
  }

  #readPacket(into: Uint8Array): number {
    const { ring } = this.pipe;
    const room = byteLengthOf(into);
    if (room === 0) return 0;
    const read = ring.readPacket(into);
    const needed = packetBytesNeeded(read);
    if (needed === 0) return read;
    throw new PipeError(
      "BUFFER_TOO_SMALL",
      `the next packet has ${needed} bytes and the buffer ${room}`,
      { needed },
    );
  }
}
