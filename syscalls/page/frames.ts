/**
 * Frames: whole messages through a ring of bytes that may be shorter than they are.
 *
 * A frame is its length in four bytes, then so many bytes. Neither side ever waits here: what
 * doesn't fit stays with the sender, what isn't complete with the receiver.
 *
 * @module
 */
import type { Ring } from "../../memory/ring.ts";
import { MAX_FRAME_BYTES } from "./page.ts";

const HEADER_BYTES = 4;
/** What a receiver takes from the ring at once. */
const PIECE_BYTES = 16 * 1_024;

/** The sending end of a ring of frames. */
export class FrameSender {
  readonly #ring: Ring;
  /** Frames that the ring had no room for, the first from `#sent` on. */
  #backlog: Uint8Array[] = [];
  #sent = 0;
  /** Bytes in the backlog. */
  #backlogBytes = 0;

  constructor(ring: Ring) {
    this.#ring = ring;
  }

  /** Bytes that wait for room. */
  get backlogBytes(): number {
    return this.#backlogBytes;
  }

  /** Sends a frame, or keeps what doesn't fit. */
  send(payload: Uint8Array): void {
    const frame = new Uint8Array(HEADER_BYTES + payload.length);
    new DataView(frame.buffer).setUint32(0, payload.length, true);
    frame.set(payload, HEADER_BYTES);
    this.#backlog.push(frame);
    this.#backlogBytes += frame.length;
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
    return moved;
  }
}

/** The receiving end of a ring of frames. What it is told by the ring is not to be believed. */
export class FrameReceiver {
  readonly #ring: Ring;
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

  constructor(ring: Ring) {
    this.#ring = ring;
  }

  /**
   * Whether bytes were taken since this was last asked: the sender may wait for their room, also
   * when they were no whole frame.
   */
  takeHasMadeRoom(): boolean {
    const hasMadeRoom = this.#hasMadeRoom;
    this.#hasMadeRoom = false;
    return hasMadeRoom;
  }

  /**
   * The next complete frame, or undefined.
   *
   * @throws {RangeError} When the other side broke the protocol.
   */
  receive(): Uint8Array<ArrayBuffer> | undefined {
    while (this.#from < this.#to || this.#fill()) {
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

  #takeHeader(): Uint8Array<ArrayBuffer> | undefined {
    this.#header[this.#headerBytes++] = this.#piece[this.#from++] as number;
    if (this.#headerBytes < HEADER_BYTES) return undefined;
    this.#headerBytes = 0;
    const length = new DataView(this.#header.buffer).getUint32(0, true);
    if (length === 0 || length > MAX_FRAME_BYTES) {
      throw new RangeError(`A frame on a task's page can't have ${length} bytes`);
    }
    this.#length = length;
    this.#received = 0;
    // Not all at once: whoever only announces a long frame makes nobody hold its memory.
    this.#frame = new Uint8Array(Math.min(length, PIECE_BYTES));
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
}
