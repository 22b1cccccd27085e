/**
 * One direction of a socket: what one end has put in and the other has not taken out.
 *
 * Invariants:
 * - what comes out went in, once and in order, handles among bytes in their places;
 * - a lane that is shut for reading holds nothing; handles that nobody receives are closed;
 * - a lane is among the kernel's carriers exactly while handles are in flight in it.
 *
 * @module
 */
import { sliceView } from "../../memory/atomics.ts";
import { allocateRing, Ring } from "../../memory/ring.ts";
import type { Carrier } from "../handle_transfer.ts";
import { Fifo } from "./fifo.ts";
import type { Parcel } from "./parcel.ts";

/** Most messages, or handles in a stream, that are in flight in one direction. */
const MOST_PARCELS = 1_024;

/** Where a read of the whole sequence would stop if no handle were in it. */
const NEVER = Infinity;

/** What both kinds of lanes have. */
export abstract class SocketLane implements Carrier {
  readonly capacityBytes: number;
  /** True once the writing end gave the direction up or is gone: no more comes. */
  isWriteShut = false;
  /** True once the reading end gave the direction up or is gone: nothing is kept. */
  isReadShut = false;
  /** Set when the writing end gave up with a reason: readers get it instead of the end. */
  failure: { readonly reason: unknown } | undefined = undefined;
  protected readonly parcels: Fifo<Parcel> = new Fifo();
  readonly #carriers: Set<Carrier>;
  #handlesInFlight = 0;

  constructor(capacityBytes: number, carriers: Set<Carrier>) {
    this.capacityBytes = capacityBytes;
    this.#carriers = carriers;
  }

  /** Bytes that were put in and not taken out. */
  abstract readonly usedBytes: number;
  /** True when something of the smallest size fits. */
  abstract readonly hasRoom: boolean;
  /** True when bytes, or a message, are next. */
  abstract readonly hasNext: boolean;
  /** True when a handle is next among the bytes. */
  abstract readonly hasHandleNext: boolean;

  /** True when nothing is left to take. */
  get isEmpty(): boolean {
    return this.usedBytes === 0 && this.parcels.length === 0;
  }

  /** True when no more can be put in. */
  get isBroken(): boolean {
    return this.isWriteShut || this.isReadShut;
  }

  /** True when all that there will ever be has been taken. */
  get isAtEnd(): boolean {
    return this.isReadShut || (this.isWriteShut && this.isEmpty);
  }

  /** Gives the direction up on the reading side: what is unread is dropped. */
  shutRead(): void {
    this.isReadShut = true;
    this.drain();
  }

  drain(): void {
    this.dropBytes();
    const dropped: Parcel[] = [];
    for (let parcel = this.takeParcel(); parcel !== undefined; parcel = this.takeParcel()) {
      dropped.push(parcel);
    }
    // Dropping closes handles, which runs other calls: by now the lane is as they are to find it.
    for (const parcel of dropped) parcel.drop();
  }

  /** Throws when an invariant is broken; for tests. */
  assertInvariants(): void {
    this.parcels.assertInvariants();
    if (this.isReadShut && !this.isEmpty) throw new Error("a lane that nobody reads holds bytes");
    if (this.usedBytes > this.capacityBytes) throw new Error("a lane is over its capacity");
    if (this.parcels.length > MOST_PARCELS) throw new Error("a lane holds too many parcels");
    if (this.#carriers.has(this) !== this.#handlesInFlight > 0) {
      throw new Error("a lane is a carrier exactly while handles are in flight in it");
    }
  }

  protected abstract dropBytes(): void;

  protected addParcel(parcel: Parcel): void {
    this.parcels.push(parcel);
    this.#handlesInFlight += parcel.inFlight.length;
    if (this.#handlesInFlight > 0) this.#carriers.add(this);
  }

  /** Takes the first parcel out; what becomes of it is the caller's business. */
  protected takeParcel(): Parcel | undefined {
    const parcel = this.parcels.shift();
    if (parcel === undefined) return undefined;
    this.#handlesInFlight -= parcel.inFlight.length;
    if (this.#handlesInFlight === 0) this.#carriers.delete(this);
    return parcel;
  }
}

/** One sequence of bytes, with handles at places in it. */
export class StreamLane extends SocketLane {
  readonly #ring: Ring;
  /** Where in the sequence each of the parcels is: how many bytes come before it. */
  readonly #places: Fifo<number> = new Fifo();
  /** Bytes ever put in, and ever taken out. */
  #written = 0;
  #read = 0;

  constructor(capacityBytes: number, carriers: Set<Carrier>) {
    super(capacityBytes, carriers);
    this.#ring = new Ring(allocateRing(capacityBytes), capacityBytes, {
      soleReader: true,
      soleWriter: true,
    });
  }

  get usedBytes(): number {
    return this.#written - this.#read;
  }

  get hasRoom(): boolean {
    return this.usedBytes < this.capacityBytes;
  }

  get hasRoomForHandle(): boolean {
    return this.parcels.length < MOST_PARCELS;
  }

  get hasNext(): boolean {
    return this.usedBytes > 0 && !this.hasHandleNext;
  }

  get hasHandleNext(): boolean {
    return this.#places.peek() === this.#read;
  }

  /** Takes bytes up to the buffer's length or the next handle; 0 when there are none. */
  read(into: Uint8Array, length: number): number {
    const untilHandle = (this.#places.peek() ?? NEVER) - this.#read;
    const window = untilHandle < length ? sliceView(into, 0, untilHandle) : into;
    const read = this.#ring.read(window);
    this.#read += read;
    return read;
  }

  /** Puts bytes in by the pipe's rules; 0 when they don't fit. */
  write(bytes: Uint8Array, start: number, end: number): number {
    const written = this.#ring.write(bytes, start, end);
    this.#written += written;
    return written;
  }

  addHandle(parcel: Parcel): void {
    this.#places.push(this.#written);
    this.addParcel(parcel);
  }

  /** The handle that is next; it stays until `takeHandle`. */
  get nextHandle(): Parcel | undefined {
    return this.hasHandleNext ? this.parcels.peek() : undefined;
  }

  takeHandle(): void {
    this.#places.shift();
    this.takeParcel();
  }

  override assertInvariants(): void {
    super.assertInvariants();
    this.#ring.assertInvariants();
    if (this.#ring.availableBytes !== this.usedBytes) throw new Error("the ring and counts differ");
    if (this.#places.length !== this.parcels.length) throw new Error("a handle has no place");
    const next = this.#places.peek();
    if (next !== undefined && (next < this.#read || next > this.#written)) {
      throw new Error("the next handle's place is outside the sequence");
    }
  }

  protected dropBytes(): void {
    for (let rest = this.#ring.peek(); rest.length > 0; rest = this.#ring.peek()) {
      this.#ring.consume(rest.length);
    }
    this.#read = this.#written;
    while (this.#places.shift() !== undefined) { /* the parcels go next */ }
  }
}

/** Whole messages, one after the other. */
export class MessageLane extends SocketLane {
  #usedBytes = 0;
  readonly hasHandleNext = false;

  get usedBytes(): number {
    return this.#usedBytes;
  }

  get hasRoom(): boolean {
    return this.#usedBytes < this.capacityBytes && this.parcels.length < MOST_PARCELS;
  }

  get hasNext(): boolean {
    return this.parcels.length > 0;
  }

  /** True when a message of so many bytes fits now. */
  fits(bytes: number): boolean {
    return this.#usedBytes + bytes <= this.capacityBytes && this.parcels.length < MOST_PARCELS;
  }

  add(parcel: Parcel): void {
    this.#usedBytes += parcel.bytes.length;
    this.addParcel(parcel);
  }

  /** The first message; it stays until `take`. */
  get first(): Parcel | undefined {
    return this.parcels.peek();
  }

  take(): void {
    this.#usedBytes -= this.takeParcel()?.bytes.length ?? 0;
  }

  protected dropBytes(): void {
    this.#usedBytes = 0;
  }
}
