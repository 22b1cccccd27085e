/**
 * How a ring lies in shared memory, and what its operations answer.
 *
 * A header of words, each on a cache line of its own so that a word that one side stores
 * doesn't slow the other side's words down, then the data, 64-byte aligned. Capacity and mode are
 * *not* in the memory: the kernel tells each participant, because a hostile one could
 * change them.
 *
 * @module
 */

/** What processors hand to each other as a whole. */
export const LINE_BYTES = 64;
const WORDS_PER_LINE = LINE_BYTES / 4;

/** Bytes ever written, modulo 2 × the ring's size. Stored by writers. */
export const TAIL = 0 * WORDS_PER_LINE;
/** Bytes ever read, modulo 2 × the ring's size. Stored by readers. */
export const HEAD = 1 * WORDS_PER_LINE;
/** Hints: who sleeps, what was closed. Changed with or/and, never stored. */
export const ATTENTION = 2 * WORDS_PER_LINE;
/** Counts wake-ups of readers; sleeping readers wait for it to change. */
export const READERS_WAKE = ATTENTION + 1;
/** Counts wake-ups of writers; sleeping writers wait for it to change. */
export const WRITERS_WAKE = ATTENTION + 2;
/** FREE, HELD, CONTENDED or LEFT_BEHIND. Used only while several threads write. */
export const WRITER_LOCK = 3 * WORDS_PER_LINE;
/** FREE, HELD, CONTENDED or LEFT_BEHIND. Used only while several threads read. */
export const READER_LOCK = 4 * WORDS_PER_LINE;
/** Publications by readers that share their side: tells a `consume` whether its `peek` still holds. */
export const READ_COUNT = READER_LOCK + 1;
/** Words of the header; the data follows. */
export const HEADER_WORDS = 5 * WORDS_PER_LINE;
/** Bytes of the header; the data follows. */
export const HEADER_BYTES = HEADER_WORDS * 4;

/** Attention: a reader waits for something to read. */
export const READER_SLEEPS = 1;
/** Attention: a writer waits for room. */
export const WRITER_SLEEPS = 2;
/** Attention: no reader is left (to be confirmed). */
export const READ_CLOSED = 4;
/** Attention: no writer is left (to be confirmed). */
export const WRITE_CLOSED = 8;

/** Lock: nobody holds it. */
export const FREE = 0;
/** Lock: held, and nobody waits for it. */
export const HELD = 1;
/** Lock: held, and whoever releases it must notify. */
export const CONTENDED = 2;
/** Lock: nobody will release it, the ring moved. Nobody takes it or sleeps on it either. */
export const LEFT_BEHIND = 3;

/** Answer: another thread of this side is in the middle of an operation; park on the lock. */
export const BUSY = -1;
/** Answer: the kernel moved the ring; ask for the cut and follow (`settleRead`, `settleWrite`). */
export const MOVED = -2;
/** Answer: the words in the ring make no sense: somebody garbled it. */
export const GARBLED = -3;
/** Answer of consume and commit: what was peeked or reserved isn't there any more. */
export const STALE = -4;
/** Answers at or below this say that the packet needs `packetBytesNeeded(answer)` bytes. */
export const TOO_SMALL = -16;

/** The bytes that the next packet needs, from readPacket's answer; 0 if it wasn't refused for its size. */
export function packetBytesNeeded(answer: number): number {
  return answer < TOO_SMALL ? TOO_SMALL - answer : 0;
}

/** The longest write that is never split, if the ring holds that much (POSIX calls it PIPE_BUF). */
export const LARGEST_ATOMIC_WRITE_BYTES = 4096;
/**
 * The most bytes that are published together by a write or read that may be split: with
 * slices, both sides of a long transfer copy at the same time.
 */
export const SLICE_BYTES = 16 * 1024;
/** The largest capacity: 1 GiB. */
export const LARGEST_CAPACITY_BYTES = 2 ** 30;
/** In packet mode each packet is preceded by its length. */
export const PACKET_HEADER_BYTES = 4;

/** A word of the participant's own page that somebody it trusts (the kernel) changes. */
export interface WatchedWord {
  readonly word: Int32Array;
  readonly index: number;
  /** What it holds as long as nothing happened. */
  readonly value: number;
}

/**
 * How one participant (one thread) takes part in one generation of a pipe. It is fixed for a `Ring`'s life: who
 * takes another seat at the same memory makes another `Ring`.
 */
export interface RingSeat {
  /** This thread is the only one that reads, so it takes no lock. @default true */
  readonly soleReader: boolean;
  /** This thread is the only one that writes, so it takes no lock. @default true */
  readonly soleWriter: boolean;
  /** The ring carries packets, each with its length. @default false */
  readonly packet: boolean;
  /** Differs between generations when others may have read in the meantime. @default undefined */
  readonly reads?: number;
  /** Changes when the kernel moved the pipe. The kernel's own isolate has none: it just knows. */
  readonly generation?: WatchedWord;
}

/** Where a move cut an old generation off: what lies before `head` was read, what lies before `tail` written. */
export interface Cut {
  /** The index of the first byte that goes on into the new generation. */
  readonly head: number;
  /** The index after the last one. */
  readonly tail: number;
}

/** The bytes of data that a ring needs: its capacity, and room for one header in packet mode. */
export function dataBytes(capacityBytes: number, packet: boolean): number {
  return packet ? capacityBytes + PACKET_HEADER_BYTES : capacityBytes;
}

/**
 * Memory for a ring, empty, nobody asleep, nothing closed.
 *
 * @throws {RangeError} if the capacity isn't a whole number from 1 to 1 GiB.
 */
export function allocateRing(capacityBytes: number, packet = false): SharedArrayBuffer {
  checkCapacity(capacityBytes);
  // Whole words, so that the memory can be looked at as words from end to end.
  const data = Math.ceil(dataBytes(capacityBytes, packet) / 8) * 8;
  return new SharedArrayBuffer(HEADER_BYTES + data);
}

/** @throws {RangeError} if the capacity isn't a whole number from 1 to 1 GiB. */
export function checkCapacity(capacityBytes: number): void {
  if (
    !Number.isInteger(capacityBytes) || capacityBytes < 1 ||
    capacityBytes > LARGEST_CAPACITY_BYTES
  ) {
    throw new RangeError(
      `Cannot make a ring of ${capacityBytes} bytes: the capacity must be a whole number from 1 to ${LARGEST_CAPACITY_BYTES}`,
    );
  }
}
