/**
 * Frames: whole messages through a ring of bytes that may be shorter than they are.
 *
 * A frame is its length in four bytes, then so many bytes. Neither side ever waits here: what
 * doesn't fit stays with the sender, what isn't complete with the receiver.
 *
 * @module
 */
import type { Flag } from "../../memory/doorbell.ts";
import type { Ring } from "../../memory/ring.ts";

/** A frame's length. Who sends one leaves so many bytes free before it. */
export const HEADER_BYTES = 4;
/** What a receiver takes from the ring at once. */
const PIECE_BYTES = 128 * 1_024;
/** What it holds for a frame of which it has seen the announcement alone. */
const FIRST_BYTES = 128 * 1_024;

/** The sending end of a ring of frames. */
export class FrameSender {
  readonly #ring: Ring;
  /** Up exactly while there is a backlog. */
  readonly #waits: Flag;
  /** Frames that the ring had no room for, the first from `#sent` on. */
  #backlog: Uint8Array[] = [];
  #sent = 0;
  /** Bytes in the backlog. */
  #backlogBytes = 0;

  /** @param waits Tells the receiver that somebody waits for room. */
  constructor(ring: Ring, waits: Flag) {
    this.#ring = ring;
    this.#waits = waits;
  }

  /** Bytes that wait for room. */
  get backlogBytes(): number {
    return this.#backlogBytes;
  }

  /**
   * Sends a frame, or keeps what doesn't fit.
   *
   * @param frame Its bytes, after {@linkcode HEADER_BYTES} that are free; not kept.
   */
  send(frame: Uint8Array): void {
    let length = frame.length - HEADER_BYTES;
    for (let i = 0; i < HEADER_BYTES; i++, length >>>= 8) frame[i] = length & 0xff;
    let written = 0;
    if (this.#backlogBytes === 0) {
      written = Math.max(
        0,
        this.#ring.write(frame, 0, Math.min(frame.length, this.#ring.freeBytes)),
      );
      if (written === frame.length) return;
    }
    const rest = frame.slice(written);
    this.#backlog.push(rest);
    this.#backlogBytes += rest.length;
    // Raised before the last look at the room. So if that finds none, the receiver, which looks at
    // the flag after it made some, sees it up. (Both are sequentially consistent.)
    this.#waits.raise();
    this.flush();
  }

  /** Puts as much into the ring as fits; true when something went in. */
  flush(): boolean {
    let moved = false;
    for (let frame = this.#backlog[0]; frame !== undefined; frame = this.#backlog[0]) {
      // At most what is free: a short rest isn't held back until it fits whole.
      const end = Math.min(frame.length, this.#sent + this.#ring.freeBytes);
      const written = end > this.#sent ? this.#ring.write(frame, this.#sent, end) : 0;
      if (written <= 0) return moved;
      moved = true;
      this.#sent += written;
      this.#backlogBytes -= written;
      if (this.#sent < frame.length) continue;
      this.#backlog.shift();
      this.#sent = 0;
    }
    if (moved) this.#waits.lower();
    return moved;
  }
}

/** The receiving end of a ring of frames. What it is told by the ring is not to be believed. */
export class FrameReceiver {
  readonly #ring: Ring;
  readonly #waits: Flag;
  readonly #longest: number;
  readonly #piece = new Uint8Array(PIECE_BYTES);
  /** Bytes of `#piece` that are not looked at yet. */
  #from = 0;
  #to = 0;
  readonly #header = new Uint8Array(HEADER_BYTES);
  #headerBytes = 0;
  /** The frame being received; undefined between frames. It grows as its bytes arrive. */
  #frame: Uint8Array<ArrayBuffer> | undefined = undefined;
  #length = 0;
  #received = 0;
  #hasMadeRoom = false;

  /**
   * @param waits Up while the sender waits for room.
   * @param longest Bytes of the longest frame that is taken.
   */
  constructor(ring: Ring, waits: Flag, longest: number) {
    this.#ring = ring;
    this.#waits = waits;
    this.#longest = longest;
  }

  /**
   * Whether the sender waits for room and bytes were taken since this was last asked, also when
   * they were no whole frame.
   */
  takeHasMadeRoom(): boolean {
    const hasMadeRoom = this.#hasMadeRoom;
    this.#hasMadeRoom = false;
    return hasMadeRoom && this.#waits.isUp;
  }

  /**
   * The next complete frame, or undefined.
   *
   * @returns Its bytes: a view that stays as it is until this is called again.
   * @throws {RangeError} When the other side broke the protocol.
   */
  receive(): Uint8Array<ArrayBuffer> | undefined {
    while (this.#from < this.#to || this.#fill()) {
      const whole = this.#frame === undefined ? this.#takeWhole() : undefined;
      if (whole !== undefined) return whole;
      const frame = this.#frame === undefined ? this.#takeHeader() : this.#takeBody();
      if (frame !== undefined) return frame;
    }
    return undefined;
  }

  #fill(): boolean {
    const count = this.#ring.read(this.#piece);
    if (count < 0) throw new RangeError("The ring of a task's page is garbled");
    this.#from = 0;
    this.#to = count;
    if (count > 0) this.#hasMadeRoom = true;
    return count > 0;
  }

  /** A frame that lies in the piece as a whole, which most do: nothing is copied. */
  #takeWhole(): Uint8Array<ArrayBuffer> | undefined {
    const piece = this.#piece;
    const from = this.#from;
    const start = from + HEADER_BYTES;
    if (this.#headerBytes > 0 || start >= this.#to) return undefined;
    const length = this.#lengthAt(piece, from);
    if (start + length > this.#to) return undefined;
    this.#from = start + length;
    return piece.subarray(start, start + length);
  }

  #takeHeader(): Uint8Array<ArrayBuffer> | undefined {
    this.#header[this.#headerBytes++] = this.#piece[this.#from++] as number;
    if (this.#headerBytes < HEADER_BYTES) return undefined;
    this.#headerBytes = 0;
    const length = this.#lengthAt(this.#header, 0);
    this.#length = length;
    this.#received = 0;
    // Not all at once: whoever only announces a long frame makes nobody hold its memory.
    this.#frame = new Uint8Array(Math.min(length, FIRST_BYTES));
    return undefined;
  }

  #takeBody(): Uint8Array<ArrayBuffer> | undefined {
    let frame = this.#frame as Uint8Array<ArrayBuffer>;
    const count = Math.min(this.#to - this.#from, this.#length - this.#received);
    if (this.#received + count > frame.length) {
      frame = new Uint8Array(Math.min(this.#length, 2 * (this.#received + count)));
      frame.set((this.#frame as Uint8Array).subarray(0, this.#received));
      this.#frame = frame;
    }
    frame.set(this.#piece.subarray(this.#from, this.#from + count), this.#received);
    this.#from += count;
    this.#received += count;
    if (this.#received < this.#length) return undefined;
    this.#frame = undefined;
    return frame;
  }

  /** The length that a header says. */
  #lengthAt(bytes: Uint8Array, at: number): number {
    let length = 0;
    for (let i = HEADER_BYTES - 1; i >= 0; i--) length = length * 256 + (bytes[at + i] as number);
    if (length === 0 || length > this.#longest) {
      throw new RangeError(`A frame on a task's page can't have ${length} bytes`);
    }
    return length;
  }
}
