/**
 * Plain values as bytes: what crosses a page.
 *
 * Takes undefined, null, booleans, numbers, bigints, strings, `Uint8Array`, URLs (as strings),
 * errors (without their causes), arrays, maps, and plain objects' own enumerable properties; refuses
 * everything else. Decoding takes any bytes at all: it gives a value or throws, and reads nothing
 * beyond them; what it makes is a few hundred bytes for each value, and those are counted.
 *
 * @module
 */
/** The first byte of each value. */
export const Tag = Object.freeze({
  UNDEFINED: 0,
  NULL: 1,
  FALSE: 2,
  TRUE: 3,
  NUMBER: 4,
  BIGINT: 5,
  STRING: 6,
  BYTES: 7,
  ARRAY: 8,
  MAP: 9,
  OBJECT: 10,
  /** A string with half a surrogate pair in it, which UTF-8 can't say. */
  UTF16: 11,
  ERROR: 12,
});

/**
 * Values are filled up to whole words of so many bytes, so that all frames of a ring begin on one: only
 * then does the engine copy them in and out by words.
 */
export const WORD_BYTES = 8;
/** How deep values may be nested. */
export const MAX_DEPTH = 16;
/** How many values there may be in one. An empty map is five bytes here and 200 in memory. */
export const MAX_VALUES = 2 ** 18;
/** Hexadecimal digits that a bigint may have. */
export const MAX_DIGITS = 64;
/**
 * How many keys of maps may be numbers. V8 hashes those without a secret, so that somebody can pick
 * them all for one bucket, and then each one costs a walk past all before it.
 */
export const MAX_NUMBER_KEYS = 4_096;
/** The longest string that V8 takes for the index of an array: 2³² − 2. */
const INDEX_DIGITS = 10;
/** Code units of the digits' ends. */
const ZERO = 0x30;
const NINE = 0x39;
/** How many errors there may be: each has the stack of where it was made collected for it. */
export const MAX_ERRORS = 1_024;

/** Whether V8 hashes the key of a map without a secret: numbers, and strings that are an array's index. */
export function isNumberKey(key: unknown): boolean {
  if (typeof key !== "string") return typeof key === "number" || typeof key === "bigint";
  if (key.length === 0 || key.length > INDEX_DIGITS) return false;
  for (let i = 0; i < key.length; i++) {
    const unit = key.charCodeAt(i);
    if (unit < ZERO || unit > NINE) return false;
  }
  return true;
}
