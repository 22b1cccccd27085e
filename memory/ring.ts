/**
 * The ring of a pipe: bytes in a shared buffer, and two indices into it.
 *
 * Invariants: indices count modulo 2 × size, unsigned; `0 ≤ tail − head ≤ size` modulo that; bytes
 * in `[head, tail)` are committed and unread; only a reader moves the head, only a writer the tail.
 *
 * @module
 */
import { copyBytes, lengthOf, load, sliceView, store } from "./atomics.ts";

/** Words of the header, each on a cache line of its own. */
const TAIL = 0;
const HEAD = 16;
/** Bytes of the header. */
const HEADER_BYTES = 256;
/** Bytes in front of a packet that say how long it is. */
const PACKET_HEADER_BYTES = 4;
/** Most bytes that a write puts in whole. */
const PIPE_BUF = 4_096;

/** What one participant knows about its place at the ring. */
export interface RingSeat {
  /** This thread is the only one that reads. */
  readonly soleReader: boolean;
  /** This thread is the only one that writes. */
  readonly soleWriter: boolean;
  /** Packet mode. */
  readonly packet: boolean;
}

function sizeOf(capacityBytes: number, packet: boolean): number {
  return packet ? capacityBytes + PACKET_HEADER_BYTES : capacityBytes;
}

/** A fresh, empty ring's memory. */
export function allocateRing(capacityBytes: number, packet = false): SharedArrayBuffer {
  return new SharedArrayBuffer(HEADER_BYTES + sizeOf(capacityBytes, packet));
}

/** One participant's seat at the ring. */
export class Ring {
  readonly capacityBytes: number;
  /** Writes of at most this many bytes are whole. */
  readonly atomicBytes: number;
  readonly #size: number;
  readonly #wrap: number;
  readonly #words: Int32Array;
  readonly #bytes: Uint8Array;
  readonly #isPacket: boolean;
  #reserved: { readonly scratch: Uint8Array | undefined; readonly bytes: number } | undefined;

  constructor(memory: SharedArrayBuffer, capacityBytes: number, seat: Partial<RingSeat> = {}) {
    this.#isPacket = seat.packet ?? false;
    this.capacityBytes = capacityBytes;
    this.atomicBytes = Math.min(PIPE_BUF, capacityBytes);
    this.#size = sizeOf(capacityBytes, this.#isPacket);
    this.#wrap = 2 * this.#size;
    this.#words = new Int32Array(memory, 0, HEADER_BYTES / 4);
    this.#bytes = new Uint8Array(memory, HEADER_BYTES, this.#size);
  }

  /** Bytes committed and unread; in packet mode the size of the next packet. */
  get availableBytes(): number {
    const used = this.#used();
    return this.#isPacket && used > 0 ? this.#packetLength() : used;
  }

  /** Bytes of room; in packet mode the size of the largest packet that fits now. */
  get freeBytes(): number {
    const free = this.#size - this.#used();
    return this.#isPacket ? Math.max(0, free - PACKET_HEADER_BYTES) : free;
  }

  /** Copies what is there, up to the buffer's length; 0 when there is nothing. */
  read(into: Uint8Array): number {
    const count = Math.min(this.#used(), lengthOf(into));
    if (count === 0) return 0;
    const head = this.#head();
    this.#copyOut(into, 0, head, count);
    store(this.#words, HEAD, this.#advance(head, count));
    return count;
  }

  /** Copies `[start, end)` in: whole if at most `atomicBytes`, else what fits; 0 if it doesn't. */
  write(bytes: Uint8Array, start: number, end: number): number {
    const wanted = end - start;
    const free = this.#size - this.#used();
    if (wanted > free && wanted <= this.atomicBytes) return 0;
    const count = Math.min(wanted, free);
    if (count === 0) return 0;
    const tail = this.#tail();
    this.#copyIn(tail, bytes, start, count);
    store(this.#words, TAIL, this.#advance(tail, count));
    return count;
  }

  /** Copies one packet out; the caller has seen that it fits. 0 when there is none. */
  readPacket(into: Uint8Array): number {
    if (this.#used() === 0) return 0;
    const length = this.#packetLength();
    if (length > lengthOf(into)) return ~length;
    const head = this.#head();
    this.#copyOut(into, 0, this.#advance(head, PACKET_HEADER_BYTES), length);
    store(this.#words, HEAD, this.#advance(head, PACKET_HEADER_BYTES + length));
    return length;
  }

  /** Puts one packet in, whole; 0 when it doesn't fit now. */
  writePacket(bytes: Uint8Array): number {
    const length = lengthOf(bytes);
    if (length + PACKET_HEADER_BYTES > this.#size - this.#used()) return 0;
    const tail = this.#tail();
    const header = new Uint8Array(PACKET_HEADER_BYTES);
    new DataView(header.buffer).setUint32(0, length, true);
    this.#copyIn(tail, header, 0, PACKET_HEADER_BYTES);
    this.#copyIn(this.#advance(tail, PACKET_HEADER_BYTES), bytes, 0, length);
    store(this.#words, TAIL, this.#advance(tail, PACKET_HEADER_BYTES + length));
    return length;
  }

  /** The ring's own memory from the head up to the wrap. */
  peek(): Uint8Array {
    const at = this.#head() % this.#size;
    return sliceView(this.#bytes, at, Math.min(this.#used(), this.#size - at));
  }

  /** Takes bytes that `peek` showed. */
  consume(bytes: number): void {
    store(this.#words, HEAD, this.#advance(this.#head(), bytes));
  }

  /** Exactly `bytes` of room, or undefined; scratch memory where it would wrap. */
  reserve(bytes: number): Uint8Array | undefined {
    if (this.#size - this.#used() < bytes) return undefined;
    const at = this.#tail() % this.#size;
    const scratch = at + bytes > this.#size ? new Uint8Array(bytes) : undefined;
    this.#reserved = { scratch, bytes };
    return scratch ?? sliceView(this.#bytes, at, bytes);
  }

  /** Publishes the first bytes of what was reserved. */
  commit(bytes: number): void {
    const tail = this.#tail();
    const scratch = this.#reserved?.scratch;
    if (scratch !== undefined) this.#copyIn(tail, scratch, 0, bytes);
    this.#reserved = undefined;
    store(this.#words, TAIL, this.#advance(tail, bytes));
  }

  /** Throws when an invariant is broken; for tests. */
  assertInvariants(): void {
    const used = this.#used();
    if (used < 0 || used > this.#size) throw new Error("the indices are out of range");
  }

  #head(): number {
    return load(this.#words, HEAD);
  }

  #tail(): number {
    return load(this.#words, TAIL);
  }

  #used(): number {
    const used = this.#tail() - this.#head();
    return used < 0 ? used + this.#wrap : used;
  }

  #advance(index: number, count: number): number {
    const next = index + count;
    return next >= this.#wrap ? next - this.#wrap : next;
  }

  #packetLength(): number {
    const header = new Uint8Array(PACKET_HEADER_BYTES);
    this.#copyOut(header, 0, this.#head(), PACKET_HEADER_BYTES);
    return new DataView(header.buffer).getUint32(0, true);
  }

  #copyIn(index: number, bytes: Uint8Array, start: number, count: number): void {
    const at = index % this.#size;
    const first = Math.min(count, this.#size - at);
    copyBytes(this.#bytes, at, bytes, start, first);
    if (first < count) copyBytes(this.#bytes, 0, bytes, start + first, count - first);
  }

  #copyOut(into: Uint8Array, offset: number, index: number, count: number): void {
    const at = index % this.#size;
    const first = Math.min(count, this.#size - at);
    copyBytes(into, offset, this.#bytes, at, first);
    if (first < count) copyBytes(into, offset + first, this.#bytes, 0, count - first);
  }
}
