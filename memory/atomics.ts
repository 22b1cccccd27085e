/**
 * The seam: every access to shared memory goes through one of these names, and no
 * other file says `Atomics` or copies shared bytes.
 *
 * They are plain constants, captured when the module loads, for three reasons:
 * V8 treats an imported `const` that holds a builtin as the builtin itself (a seam
 * object with replaceable methods cost 1–2 ns a call); a task that later replaces
 * `Atomics.load` or `Uint8Array.prototype.set` changes nothing here; and the explorer
 * in tests/memory/explorer needs no hook in shipped code, because it rewrites each call
 * of a name imported from this file into a scheduling point.
 *
 * Order: all of these are sequentially consistent except the copies and hints, which are plain.
 * A copy is ordered by the load before it and the store after it: what a store publishes
 * was copied in before, and whoever loads that value sees the bytes.
 */

/** Loads a word. */
export const load: (words: Int32Array, index: number) => number = Atomics.load;
/** Stores a word. */
export const store: (words: Int32Array, index: number, value: number) => number = Atomics.store;
/** Adds to a word and returns what it held. */
export const add: (words: Int32Array, index: number, value: number) => number = Atomics.add;
/** Sets bits of a word and returns what it held. */
export const or: (words: Int32Array, index: number, value: number) => number = Atomics.or;
/** Keeps bits of a word and returns what it held. */
export const and: (words: Int32Array, index: number, value: number) => number = Atomics.and;
/** Stores a word and returns what it held. */
export const exchange: (words: Int32Array, index: number, value: number) => number =
  Atomics.exchange;
/** Stores `value` if the word holds `expected`; returns what it held. */
export const compareExchange: (
  words: Int32Array,
  index: number,
  expected: number,
  value: number,
) => number = Atomics.compareExchange;
/** Blocks this thread while the word holds `value`. */
export const wait: (
  words: Int32Array,
  index: number,
  value: number,
  timeoutMs?: number,
) => "ok" | "not-equal" | "timed-out" = Atomics.wait;
/** What `waitAsync` answers. */
export type WaitAsyncResult =
  | { async: false; value: "not-equal" | "timed-out" }
  | { async: true; value: Promise<"ok" | "timed-out"> };
/** Waits, without blocking the thread, while the word holds `value`. */
export const waitAsync: (
  words: Int32Array,
  index: number,
  value: number,
  timeoutMs?: number,
) => WaitAsyncResult = Atomics.waitAsync;
/** Wakes those who wait on the word. */
export const notify: (words: Int32Array, index: number, count?: number) => number = Atomics.notify;

/** Loads a 64-bit cell. */
export const load64: (cells: BigUint64Array, index: number) => bigint = Atomics.load;
/** Stores a 64-bit cell and returns what it held. */
export const exchange64: (cells: BigUint64Array, index: number, value: bigint) => bigint =
  Atomics.exchange;
/** Stores `value` if the cell holds `expected`; returns what it held. */
export const compareExchange64: (
  cells: BigUint64Array,
  index: number,
  expected: bigint,
  value: bigint,
) => bigint = Atomics.compareExchange;

/** Where copying by hand and by `set` cost the same: some 20 ns. Measured with Deno 2.9. */
export const BY_HAND_BYTES = 256;

const Bytes = Uint8Array;
const TypedArrayPrototype = Object.getPrototypeOf(Uint8Array.prototype) as Uint8Array;

/** `Function.prototype.call` bound to a method: calls it on any value, looking nothing up on it. */
function uncurryThis<This, Arguments extends unknown[], Result>(
  method: (this: This, ...rest: Arguments) => Result,
): (self: This, ...rest: Arguments) => Result {
  return Function.prototype.call.bind(method) as (self: This, ...rest: Arguments) => Result;
}

function getterOf<Result>(name: "length" | "buffer" | "byteOffset"): (view: Uint8Array) => Result {
  const getter = Object.getOwnPropertyDescriptor(TypedArrayPrototype, name)?.get;
  if (getter === undefined) throw new TypeError(`Cannot find the getter of ${name}`);
  return uncurryThis<Uint8Array, [], Result>(getter as (this: Uint8Array) => Result);
}

/** A view's true length: an own property `length` that a hostile caller defined isn't seen. */
export const lengthOf: (view: Uint8Array) => number = getterOf<number>("length");
/** A view's true buffer. */
export const bufferOf: (view: Uint8Array) => ArrayBufferLike = getterOf<ArrayBufferLike>("buffer");
/** A view's true offset in its buffer. */
export const offsetOf: (view: Uint8Array) => number = getterOf<number>("byteOffset");

const set = uncurryThis<Uint8Array, [source: Uint8Array, offset: number], void>(
  TypedArrayPrototype.set as (this: Uint8Array, source: Uint8Array, offset: number) => void,
);

/** `count` bytes of `view` from `start`, without asking the view (no species, no own properties). */
export function sliceView(view: Uint8Array, start: number, count: number): Uint8Array {
  return new Bytes(bufferOf(view), offsetOf(view) + start, count);
}

/** Copies `count` bytes of `source` from `start` into `target`, which is shared, at `offset`. */
export function copyBytes(
  target: Uint8Array,
  offset: number,
  source: Uint8Array,
  start: number,
  count: number,
): void {
  if (count >= DETOUR_BYTES) {
    const from = offsetOf(source) + start;
    const to = offsetOf(target) + offset;
    if (((to - from) & 7) !== 0) return detour(target, offset, bufferOf(source), from, count, to);
  }
  const whole = start === 0 && count === lengthOf(source);
  set(target, whole ? source : sliceView(source, start, count), offset);
}

/** Copies `count` bytes of `source`, which is shared, from `start` into `target` at `offset`. */
export function copyFrom(
  target: Uint8Array,
  offset: number,
  source: ArrayBufferLike,
  start: number,
  count: number,
): void {
  if (count >= DETOUR_BYTES && ((offsetOf(target) + offset - start) & 7) !== 0) {
    detour(target, offset, source, start, count, start);
  } else set(target, new Bytes(source, start, count), offset);
}

/**
 * Between shared and private memory `set` goes word by word where both places are alike modulo 8,
 * and otherwise byte by byte, at a tenth of the speed. From so many bytes on, two copies by way of
 * private memory that is alike take less time than one of those.
 */
const DETOUR_BYTES = 384;
/** What goes that way at once. */
const PIECE_BYTES = 16 * 1_024;
const halfway = new Bytes(PIECE_BYTES + 7);

/** @param shared Where in its buffer the shared one of the two places is. */
function detour(
  target: Uint8Array,
  offset: number,
  source: ArrayBufferLike,
  start: number,
  count: number,
  shared: number,
): void {
  const lead = shared & 7;
  for (let done = 0; done < count; done += PIECE_BYTES) {
    const piece = Math.min(PIECE_BYTES, count - done);
    set(halfway, new Bytes(source, start + done, piece), lead);
    set(target, sliceView(halfway, lead, piece), offset + done);
  }
}

/**
 * Copies by hand, word by word, between bytes that are aligned to words and of which there are
 * views as such. Up to some {@linkcode BY_HAND_BYTES} that is faster, because `set` wants a view of
 * exactly the bytes. (Words of 64 bits go twice as fast as those of 32: no bigint is ever made.)
 */
export function copyByHand(
  target: Uint8Array,
  targetWords: BigUint64Array,
  offset: number,
  source: Uint8Array,
  sourceWords: BigUint64Array,
  start: number,
  count: number,
): void {
  let to = offset >> 3;
  let from = start >> 3;
  const end = to + (count >> 3);
  // Counting both up is twice as fast in V8 as adding one index to two bases.
  while (to < end) targetWords[to++] = sourceWords[from++] as bigint;
  for (let i = count & ~7; i < count; i++) target[offset + i] = source[start + i] ?? 0;
}

/**
 * Loads a hint, plainly: 1 ns where an atomic load is a call of 7. Only right after an atomic load,
 * which keeps the processor from doing this one before it.
 */
export function loadHint(words: Int32Array, index: number): number {
  return words[index] ?? 0;
}

/** Loads a byte, plainly. */
export function loadByte(bytes: Uint8Array, index: number): number {
  return bytes[index] ?? 0;
}

/** Stores a byte, plainly. */
export function storeByte(bytes: Uint8Array, index: number, value: number): void {
  bytes[index] = value;
}
