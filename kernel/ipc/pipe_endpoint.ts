/**
 * What both ends of a pipe have in common.
 *
 * @module
 */
import { Capability } from "../../capabilities/capability.ts";
import { PipeError } from "../../capabilities/errors.ts";
import type { Rights } from "../../capabilities/rights.ts";
import type { SeatHost, SeatOps } from "../../capabilities/seat_ops.ts";
import type { PipeObject } from "../../capabilities/stream_ops.ts";
import type { Ring } from "../../memory/ring.ts";
import { KernelObject } from "../kernel_object.ts";
import type { RingSharing } from "./ring_sharing.ts";

const byteLengthGetter = Object.getOwnPropertyDescriptor(
  Object.getPrototypeOf(Uint8Array.prototype),
  "byteLength",
)?.get as (this: Uint8Array) => number;

/**
 * A view's true length: an own property of that name is a hostile caller's. Memory's `lengthOf` does
 * the same, and a short write or read through a handle took 1 to 2 ns longer with it.
 */
export function byteLengthOf(view: Uint8Array): number {
  return byteLengthGetter.call(view);
}

/** What the ends share. */
export interface PipeCore {
  /** The kernel's own seat at the ring. */
  readonly ring: Ring;
  /** Set while threads of tasks work on the ring too. */
  readonly sharing: RingSharing | undefined;
  readonly isPacket: boolean;
  readonly reader: PipeEndpoint;
  readonly writer: PipeEndpoint;
  /** Set when a writer gave the stream up: readers get it instead of the end. */
  failure: { readonly reason: unknown } | undefined;
  /** Bytes changed, or an end did: whoever can go on does. */
  changed(): void;
  /** What threads have seats at. */
  seatHost(): SeatHost;
}

/** The view of a window that needs none. */
export const NOTHING: Uint8Array = new Uint8Array(0);

/**
 * What a zero-copy operation handed out through one handle and still expects back. One for each
 * handle that ever began one, used again and again: these operations are to allocate nothing.
 */
export class Window {
  /** The room to be filled; {@linkcode NOTHING} where bytes were shown, which nobody gives back. */
  view: Uint8Array = NOTHING;
  /** Bytes of the view that may still be taken or published. */
  bytes = 0;
  /** True when the view is the ring's own memory. */
  isDirect = false;
  /** Operations of the end when the view was handed out; -1 when nothing is out. */
  operations = -1;

  /** The view is out. */
  open(view: Uint8Array, bytes: number, isDirect: boolean, operations: number): void {
    this.view = view;
    this.bytes = bytes;
    this.isDirect = isDirect;
    this.operations = operations;
  }

  /** Nothing is out any more. */
  close(): void {
    this.open(NOTHING, 0, false, -1);
  }
}

/** One end of a pipe; however many handles name it, it is one object. */
export abstract class PipeEndpoint extends KernelObject implements PipeObject, SeatOps {
  readonly capabilities: number = Capability.STREAM | Capability.STREAM_IPC | Capability.PIPE |
    Capability.SEATS;
  readonly pipe: PipeCore;
  /** True from the close of the last handle on. */
  isClosed = false;
  /** Operations on this side so far: tells whether a window is still what it was. */
  operations = 0;
  /** What each handle that began a zero-copy operation was given. */
  readonly #windows: Map<unknown, Window> = new Map();
  /** The last one of these that was asked for; `#lastHandle` is undefined when there is none. */
  #lastWindow = new Window();
  #lastHandle: unknown = undefined;

  constructor(pipe: PipeCore) {
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
    return this.side === "reader";
  }

  get isWritable(): boolean {
    return this.side === "writer";
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

  seatHost(): SeatHost {
    return this.pipe.seatHost();
  }

  /** Somebody waits here: threads of tasks change the ring without a word to the kernel. */
  onAwaited(): void {
    this.pipe.sharing?.awaited(this.side);
  }

  abstract readonly seatRights: Rights;
  /** Which of the ring's sides this end works on. */
  protected abstract readonly side: "reader" | "writer";
  abstract get peerCount(): number;
  abstract tryRead(into: Uint8Array): number;
  abstract tryWrite(bytes: Uint8Array, start?: number): number;

  /** The window of one handle. */
  protected windowOf(handle: unknown): Window {
    if (handle === this.#lastHandle) return this.#lastWindow;
    let window = this.#windows.get(handle);
    if (window === undefined) {
      window = new Window();
      this.#windows.set(handle, window);
    }
    this.#lastHandle = handle;
    this.#lastWindow = window;
    return window;
  }

  /**
   * Who had the ring mapped wrote nonsense into it: the pipe is over for everybody, and nothing
   * but the pipe. To be thrown by the operation that noticed.
   */
  garbled(): PipeError {
    this.pipe.sharing?.garbled();
    this.pipe.changed();
    return new PipeError("INVALID_STATE", "somebody who had its memory mapped has garbled it");
  }

  override handleClosed(handle: object): void {
    this.#windows.delete(handle);
    if (this.#lastHandle === handle) this.#lastHandle = undefined;
    super.handleClosed(handle);
  }

  protected override onLastHandleClosed(): void {
    this.isClosed = true;
    this.#windows.clear();
    this.#lastHandle = undefined;
    this.pipe.sharing?.endClosed();
    this.pipe.changed();
  }

  override assertInvariants(): void {
    super.assertInvariants();
    const available = this.availableBytes;
    if (available < 0 || available > this.bufferSize) throw new Error("available is out of range");
    for (const { operations, bytes, view } of this.#windows.values()) {
      if (operations > this.operations) throw new Error("a window is from the future");
      if (view !== NOTHING && bytes > view.length) {
        throw new Error("a window is wider than its view");
      }
    }
  }
}

/** What a reader gets after `fail`. */
export function failed(failure: { readonly reason: unknown }): PipeError {
  return new PipeError("BROKEN_PIPE", "the writer gave the stream up", { cause: failure.reason });
}
