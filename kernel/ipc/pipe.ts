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
import { Capability } from "../../capabilities/capability.ts";
import { PipeError } from "../../capabilities/errors.ts";
import { Signals } from "../../capabilities/signals.ts";
import { type PipeObject, WOULD_BLOCK } from "../../capabilities/stream_ops.ts";
import { allocateRing, Ring } from "../../memory/ring.ts";
import { KernelObject } from "../kernel_object.ts";

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

const byteLengthOf = Object.getOwnPropertyDescriptor(
  Object.getPrototypeOf(Uint8Array.prototype),
  "byteLength",
)?.get as (this: Uint8Array) => number;

/** A pipe: the ring, and the two ends that handles name. */
export class UnidirectionalPipe {
  readonly ring: Ring;
  readonly isPacket: boolean;
  readonly reader: PipeReaderEnd;
  readonly writer: PipeWriterEnd;
  /** Set when a writer gave the stream up: readers get it instead of the end. */
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

  /** Bytes changed, or an end did: whoever can go on does. */
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

/** What a zero-copy operation handed out and still expects back. */
interface Window {
  readonly view: Uint8Array;
  /** True when the view is the ring's own memory. */
  readonly isDirect: boolean;
  /** Operations of the end when the view was handed out. */
  readonly operations: number;
}

/** One end of a pipe; however many handles name it, it is one object. */
export abstract class PipeEndpoint extends KernelObject implements PipeObject {
  readonly capabilities: number = Capability.STREAM | Capability.STREAM_IPC | Capability.PIPE;
  readonly pipe: UnidirectionalPipe;
  /** True from the close of the last handle on. */
  isClosed = false;
  /** Operations on this side so far: tells whether a window is still what it was. */
  protected operations = 0;
  /** What each handle that began a zero-copy operation was given. */
  protected readonly windows: Map<unknown, Window> = new Map();

  constructor(pipe: UnidirectionalPipe) {
    super();
    this.pipe = pipe;
  }

  /** How many name this end: its handles, or the creator of a pipe used without handles. */
  get users(): number {
    return this.isClosed ? 0 : Math.max(1, this.handleCount);
  }

  get hasReaders(): boolean {
    return !this.pipe.reader.isClosed;
  }

  get hasWriters(): boolean {
    return !this.pipe.writer.isClosed;
  }

  get isReadable(): boolean {
    return this.availableBytes > 0 || !this.hasWriters;
  }

  get isWritable(): boolean {
    return this.hasReaders && this.pipe.ring.freeBytes > 0;
  }

  get bufferSize(): number {
    return this.pipe.ring.capacityBytes;
  }

  get availableBytes(): number {
    return this.pipe.ring.availableBytes;
  }

  get isConnected(): boolean {
    return this.peerCount > 0;
  }

  get description(): string {
    const peers = this.peerCount === 1 ? "1 peer" : `${this.peerCount} peers`;
    return `${this.type}, ${this.availableBytes} of ${this.bufferSize} bytes, ${peers}`;
  }

  abstract get peerCount(): number;
  abstract tryRead(into: Uint8Array): number;
  abstract tryWrite(bytes: Uint8Array, start?: number): number;

  override handleClosed(handle: object): void {
    this.windows.delete(handle);
    super.handleClosed(handle);
  }

  protected override onLastHandleClosed(): void {
    this.isClosed = true;
    this.windows.clear();
    this.pipe.changed();
  }

  override assertInvariants(): void {
    super.assertInvariants();
    const available = this.pipe.isPacket ? 0 : this.availableBytes;
    if (available < 0 || available > this.bufferSize) throw new Error("available is out of range");
  }
}

/** The end that bytes come out of. */
export class PipeReaderEnd extends PipeEndpoint {
  readonly type = "pipe reader";

  get peerCount(): number {
    return this.pipe.writer.users;
  }

  tryRead(into: Uint8Array): number {
    const { pipe } = this;
    const read = pipe.isPacket ? this.#readPacket(into) : pipe.ring.read(into);
    if (read > 0) {
      this.operations++;
      pipe.changed();
      return read;
    }
    if (pipe.failure !== undefined) throw this.#failed();
    if (byteLengthOf.call(into) === 0 || pipe.writer.isClosed) return 0;
    return WOULD_BLOCK;
  }

  tryWrite(): number {
    throw new PipeError("NOT_SUPPORTED", "a pipe's reader can't be written to");
  }

  /**
   * What is there, up to the wrap; `consume` takes it.
   *
   * @param by Whose peek it is.
   * @param direct True when the view may be the ring's own memory.
   */
  peek(by: unknown, direct: boolean): Uint8Array {
    if (this.pipe.failure !== undefined) throw this.#failed();
    const view = this.pipe.ring.peek();
    const isDirect = direct && this.users === 1;
    const window = { view: isDirect ? view : view.slice(), isDirect, operations: this.operations };
    this.windows.set(by, window);
    return window.view;
  }

  /** Takes bytes that the last `peek` of the same handle showed. */
  consume(by: unknown, bytes: number): void {
    const window = this.windows.get(by);
    if (window === undefined || window.operations !== this.operations) {
      this.windows.delete(by);
      throw new PipeError("INVALID_STATE", "the bytes were not peeked at, or were read since");
    }
    if (bytes > window.view.length) {
      throw new PipeError(
        "OUT_OF_RANGE",
        `${bytes} bytes are more than the ${window.view.length} that were peeked at`,
      );
    }
    if (bytes === 0) return;
    this.pipe.ring.consume(bytes);
    this.operations++;
    const rest = window.view.subarray(bytes);
    this.windows.set(by, { ...window, view: rest, operations: this.operations });
    this.pipe.changed();
  }

  protected ownSignals(): number {
    const { pipe } = this;
    let signals = pipe.ring.availableBytes > 0 ? Signals.READABLE : 0;
    if (pipe.writer.isClosed) signals |= Signals.READABLE | Signals.PEER_CLOSED;
    if (pipe.failure !== undefined) signals |= Signals.READABLE;
    return signals;
  }

  #readPacket(into: Uint8Array): number {
    const { ring } = this.pipe;
    const needed = ring.availableBytes;
    const room = byteLengthOf.call(into);
    if (needed > room && room > 0) {
      throw new PipeError(
        "BUFFER_TOO_SMALL",
        `the next packet has ${needed} bytes and the buffer ${room}`,
        { needed },
      );
    }
    return room === 0 ? 0 : ring.readPacket(into);
  }

  #failed(): PipeError {
    return new PipeError("BROKEN_PIPE", "the writer gave the stream up", {
      cause: this.pipe.failure?.reason,
    });
  }
}

/** The end that bytes go into. */
export class PipeWriterEnd extends PipeEndpoint {
  readonly type = "pipe writer";

  get peerCount(): number {
    return this.pipe.reader.users;
  }

  tryRead(): number {
    throw new PipeError("NOT_SUPPORTED", "a pipe's writer can't be read from");
  }

  tryWrite(bytes: Uint8Array, start = 0): number {
    const { pipe } = this;
    const end = byteLengthOf.call(bytes);
    if (start >= end) return 0;
    if (pipe.reader.isClosed) throw new PipeError("BROKEN_PIPE", "no reader is left");
    if (pipe.failure !== undefined) throw new PipeError("BROKEN_PIPE", "the stream was given up");
    const written = pipe.isPacket
      ? this.#writePacket(bytes, end)
      : pipe.ring.write(bytes, start, end);
    if (written <= 0) return WOULD_BLOCK;
    this.operations++;
    pipe.changed();
    return written;
  }

  /**
   * Room for exactly `bytes`, to be filled and committed; undefined when there is less.
   *
   * @param by Whose reservation it is; a second one replaces the first.
   * @param direct True when the view may be the ring's own memory.
   */
  reserve(by: unknown, bytes: number, direct: boolean): Uint8Array | undefined {
    const { pipe } = this;
    if (pipe.reader.isClosed) throw new PipeError("BROKEN_PIPE", "no reader is left");
    const most = pipe.isPacket ? pipe.ring.atomicBytes : pipe.ring.capacityBytes;
    if (bytes > most) {
      throw new PipeError("OUT_OF_RANGE", `${bytes} bytes never fit, the most is ${most}`);
    }
    if (pipe.ring.freeBytes < bytes) return undefined;
    const isDirect = direct && this.users === 1 && !pipe.isPacket;
    const view = isDirect ? pipe.ring.reserve(bytes) : new Uint8Array(bytes);
    if (view === undefined) return undefined;
    this.windows.set(by, { view, isDirect, operations: this.operations });
    return view;
  }

  /** Publishes the first bytes of the handle's reservation. */
  commit(by: unknown, bytes: number): void {
    const { pipe } = this;
    const window = this.windows.get(by);
    if (window === undefined) throw new PipeError("INVALID_STATE", "nothing is reserved");
    if (bytes > window.view.length) {
      throw new PipeError("OUT_OF_RANGE", `only ${window.view.length} bytes are reserved`);
    }
    this.windows.delete(by);
    if (pipe.reader.isClosed) throw new PipeError("BROKEN_PIPE", "no reader is left");
    if (window.isDirect && window.operations !== this.operations) {
      throw new PipeError("INVALID_STATE", "the pipe was written to since the reservation");
    }
    if (bytes === 0) return;
    if (window.isDirect) pipe.ring.commit(bytes);
    else this.#commitCopy(window.view.subarray(0, bytes));
    this.operations++;
    pipe.changed();
  }

  /** Gives the stream up: readers get the reason instead of what is left in the pipe. */
  fail(reason: unknown): void {
    const { pipe } = this;
    if (pipe.failure !== undefined) return;
    pipe.failure = { reason };
    for (let rest = pipe.ring.peek(); rest.length > 0; rest = pipe.ring.peek()) {
      pipe.ring.consume(rest.length);
    }
    pipe.changed();
  }

  protected ownSignals(): number {
    const { pipe } = this;
    if (pipe.reader.isClosed) return Signals.WRITABLE | Signals.PEER_CLOSED;
    return pipe.ring.freeBytes > 0 ? Signals.WRITABLE : 0;
  }

  #commitCopy(bytes: Uint8Array): void {
    const { pipe } = this;
    if (pipe.isPacket) {
      if (this.#writePacket(bytes, bytes.length) > 0) return;
      throw new PipeError("INVALID_STATE", "the reserved room is gone");
    }
    if (pipe.ring.freeBytes < bytes.length) {
      throw new PipeError("INVALID_STATE", "the reserved room is gone");
    }
    for (let done = 0; done < bytes.length;) done += pipe.ring.write(bytes, done, bytes.length);
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
}
