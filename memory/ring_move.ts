/**
 * How the kernel takes a ring's memory back without waiting for anyone: it moves what is in it
 * to fresh memory, and whoever still holds a handle follows.
 *
 * Only the kernel's isolate runs this. The others may be anywhere in an operation meanwhile, for
 * ever, or be hostile. What holds for honest ones: a publication that the cut lacks was made after
 * the generation word was set, so the participant's own look at that word, which follows each
 * publication, tells it; and it publishes nothing after that. So after step 1 each side
 * publishes at most once.
 *
 * @module
 */
import { add, copyBytes, exchange, load, notify } from "./atomics.ts";
import {
  allocateRing,
  type Cut,
  dataBytes,
  HEAD,
  HEADER_BYTES,
  HEADER_WORDS,
  LEFT_BEHIND,
  READER_LOCK,
  TAIL,
  WRITER_LOCK,
} from "./ring_layout.ts";
import { wakeAll } from "./ring_side.ts";

/** A participant's generation word; the move adds 1 to it. */
export interface GenerationWord {
  readonly word: Int32Array;
  readonly index: number;
}

/** What a move made. */
export interface MovedRing {
  /** The new generation's memory: the same capacity and mode, and the indices go on from the cut. */
  readonly memory: SharedArrayBuffer;
  /** What counts of the old generation. Kept for each participant that still holds it, until it asks. */
  readonly cut: Cut;
}

/**
 * Among honest participants the second attempt succeeds: each reason to begin again means that
 * a write was published after step 1, and there is only one such.
 */
const ATTEMPTS = 2;

/**
 * Moves what is in a ring to fresh memory. Afterwards the kernel hands out the new memory only.
 *
 * @param participants The generation words of all who map the old memory, also of those who lose it.
 * @returns The new generation; undefined if somebody garbled the old one, and the pipe ends. In both
 * cases the sleepers of the old one are awake.
 */
export function moveRing(
  old: SharedArrayBuffer,
  capacityBytes: number,
  packet: boolean,
  participants: readonly GenerationWord[],
): MovedRing | undefined {
  // 1. Before any look at the indices: see the head comment.
  for (const { word, index } of participants) add(word, index, 1);
  const moved = copyUnread(old, capacityBytes, packet);
  releaseSleepers(headerOf(old));
  return moved;
}

/** Takes a ring from all who map it, and what is in it away. */
export function abandonRing(
  memory: SharedArrayBuffer,
  participants: readonly GenerationWord[],
): void {
  for (const { word, index } of participants) add(word, index, 1);
  releaseSleepers(headerOf(memory));
}

function headerOf(memory: SharedArrayBuffer): Int32Array {
  return new Int32Array(memory, 0, HEADER_WORDS);
}

function copyUnread(
  old: SharedArrayBuffer,
  capacityBytes: number,
  packet: boolean,
): MovedRing | undefined {
  const size = dataBytes(capacityBytes, packet);
  const words = headerOf(old);
  const from = new Uint8Array(old, HEADER_BYTES, size);
  const memory = allocateRing(capacityBytes, packet);
  const to = new Uint8Array(memory, HEADER_BYTES, size);
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    // 2. A true look at both: the tail was this while the head was read. (Two plain looks would
    // not do: if after the first a whole ring's worth was written and read, an empty ring would seem
    // to be a full one, because indices count modulo two rings.)
    const tail = load(words, TAIL) >>> 0;
    const head = load(words, HEAD) >>> 0;
    if (load(words, TAIL) >>> 0 !== tail) continue;
    const unread = distance(head, tail, size);
    if (unread === undefined) return undefined;
    copyRound(to, from, head, unread, size);
    // 3. What was read while we copied stays read: a writer may have written over it since.
    const headNow = load(words, HEAD) >>> 0;
    const consumed = distance(head, headNow, size);
    // 4. If the head passed the tail that we saw, so did a write that counts: begin again.
    if (consumed === undefined || consumed > unread) continue;
    // 5.
    const into = headerOf(memory);
    exchange(into, HEAD, headNow);
    exchange(into, TAIL, tail);
    return { memory, cut: { head: headNow, tail } };
  }
  return undefined;
}

/** Bytes from one index to another, or undefined if no honest ring has these. */
function distance(from: number, to: number, size: number): number | undefined {
  const wrap = size * 2;
  if (from >= wrap || to >= wrap) return undefined;
  const bytes = to >= from ? to - from : to - from + wrap;
  return bytes <= size ? bytes : undefined;
}

/** Copies bytes to the same place of another ring of the same size. */
function copyRound(
  to: Uint8Array,
  from: Uint8Array,
  index: number,
  count: number,
  size: number,
): void {
  const position = index >= size ? index - size : index;
  const first = Math.min(count, size - position);
  copyBytes(to, position, from, position, first);
  if (first < count) copyBytes(to, 0, from, 0, count - first);
}

function releaseSleepers(words: Int32Array): void {
  wakeAll(words);
  for (const lock of [WRITER_LOCK, READER_LOCK]) {
    // Whoever is about to sleep on it finds that it holds something else.
    exchange(words, lock, LEFT_BEHIND);
    notify(words, lock);
  }
}
