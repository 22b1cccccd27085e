/**
 * Bytes to plain values: what a page's receiver does. The bytes are a hostile task's.
 *
 * @module
 */
import { type ErrorCode, KernelError, rebuildError } from "../../capabilities/errors.ts";
import {
  isNumberKey,
  MAX_DEPTH,
  MAX_DIGITS,
  MAX_ERRORS,
  MAX_NUMBER_KEYS,
  MAX_VALUES,
  Tag,
  WORD_BYTES,
} from "./codec.ts";

/** Code units that become characters at once: arguments of one call. */
const PIECE_UNITS = 4_096;

/** The largest buffer that is kept for its view. */
const KEPT_BYTES = 128 * 1_024;
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** Strings up to this length are read by hand while they are ASCII: the decoder's call costs more. */
const SHORT = 48;

/** Bytes that are read once, from front to back. */
class Input {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;
  /** What was read so far. */
  #values = 0;
  #numberKeys = 0;
  #errors = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = viewOf(bytes);
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  /** Another value begins. */
  countValue(): void {
    if (++this.#values > MAX_VALUES) throw malformed("it has too many values");
  }

  /** Another key of a map was read. */
  countKey(key: unknown): void {
    if (!isNumberKey(key)) return;
    if (++this.#numberKeys > MAX_NUMBER_KEYS) throw malformed("its maps have too many number keys");
  }

  /** Another error begins. */
  countError(): void {
    if (++this.#errors > MAX_ERRORS) throw malformed("it has too many errors");
  }

  uint8(): number {
    return this.#bytes[this.#take(1)] as number;
  }

  uint32(): number {
    return this.#view.getUint32(this.#bytes.byteOffset + this.#take(4), true);
  }

  float64(): number {
    return this.#view.getFloat64(this.#bytes.byteOffset + this.#take(8), true);
  }

  /** A property's name: mostly one of a few, so most were read before. */
  name(): string {
    const tag = this.uint8();
    if (tag === Tag.UTF16) return readUtf16(this.raw());
    if (tag !== Tag.STRING) throw malformed("a property's name is no string");
    const length = this.uint32();
    if (length === 0 || length > SHORT) return this.#textOf(length);
    const bytes = this.#bytes;
    const at = this.#at;
    if (length > this.left) throw malformed("it ends too early");
    const slot = (31 * length + 7 * (bytes[at] as number) + (bytes[at + length - 1] as number)) %
      NAMES;
    const known = names[slot];
    if (known?.length === length && isAt(bytes, at, known)) {
      this.#at += length;
      return known;
    }
    return names[slot] = this.#textOf(length);
  }

  /** Bytes that are their receiver's own. */
  copy(): Uint8Array {
    const length = this.uint32();
    const at = this.#take(length);
    return this.#bytes.slice(at, at + length);
  }

  raw(): Uint8Array {
    const length = this.uint32();
    const at = this.#take(length);
    return this.#bytes.subarray(at, at + length);
  }

  text(): string {
    return this.#textOf(this.uint32());
  }

  #textOf(length: number): string {
    const start = this.#take(length);
    const end = start + length;
    if (length > SHORT) return decoder.decode(this.#bytes.subarray(start, end));
    let text = "";
    for (let at = start; at < end; at++) {
      const byte = this.#bytes[at] as number;
      if (byte > 127) return decoder.decode(this.#bytes.subarray(start, end));
      text += String.fromCharCode(byte);
    }
    return text;
  }

  #take(count: number): number {
    if (count > this.left) throw malformed("it ends too early");
    const at = this.#at;
    this.#at += count;
    return at;
  }
}

/** How many names are remembered, and those that are. */
const NAMES = 256;
const names: (string | undefined)[] = new Array(NAMES).fill(undefined);

function isAt(bytes: Uint8Array, at: number, text: string): boolean {
  for (let i = 0; i < text.length; i++) if (bytes[at + i] !== text.charCodeAt(i)) return false;
  return true;
}

/** The last view that was made. Most bytes come out of one buffer: the receiver's. */
let lastView: DataView = new DataView(new ArrayBuffer(0));

/** A view of the whole buffer that the bytes are in. */
function viewOf({ buffer }: Uint8Array): DataView {
  if (lastView.buffer === buffer) return lastView;
  const view = new DataView(buffer);
  if (buffer.byteLength <= KEPT_BYTES) lastView = view;
  return view;
}

function malformed(why: string): KernelError {
  return new KernelError("INVALID_ARGUMENT", `a frame is malformed: ${why}`);
}

/**
 * The value that the bytes say. Its arrays of bytes are copies of their own.
 *
 * @throws {KernelError} INVALID_ARGUMENT when they say none.
 */
export function decode(bytes: Uint8Array): unknown {
  const input = new Input(bytes);
  const value = read(input, 0);
  if (input.left >= WORD_BYTES) throw malformed("bytes are left over");
  return value;
}

function read(input: Input, depth: number): unknown {
  if (depth > MAX_DEPTH) throw malformed("it is nested too deeply");
  input.countValue();
  const tag = input.uint8();
  switch (tag) {
    case Tag.UNDEFINED:
      return undefined;
    case Tag.NULL:
      return null;
    case Tag.FALSE:
      return false;
    case Tag.TRUE:
      return true;
    case Tag.NUMBER:
      return input.float64();
    case Tag.BIGINT:
      return readBigint(decoder.decode(input.raw()));
    case Tag.STRING:
      return input.text();
    case Tag.BYTES:
      return input.copy();
    case Tag.ARRAY:
      return readArray(input, depth);
    case Tag.MAP:
      return readMap(input, depth);
    case Tag.OBJECT:
      return readObject(input, depth);
    case Tag.UTF16:
      return readUtf16(input.raw());
    case Tag.ERROR:
      input.countError();
      return readError(readObject(input, depth));
    default:
      throw malformed(`no value has the tag ${tag}`);
  }
}

/** How many elements follow; each takes some bytes, so a lie is seen before anything is made. */
function countOf(input: Input, leastBytesEach: number): number {
  const count = input.uint32();
  if (count > MAX_VALUES || count * leastBytesEach > input.left) {
    throw malformed("it ends too early");
  }
  return count;
}

function readArray(input: Input, depth: number): unknown[] {
  const elements: unknown[] = [];
  for (let left = countOf(input, 1); left > 0; left--) elements.push(read(input, depth + 1));
  return elements;
}

function readPairs(input: Input, depth: number): [unknown, unknown][] {
  return Array.from(
    { length: countOf(input, 2) },
    () => [read(input, depth + 1), read(input, depth + 1)],
  );
}

function readMap(input: Input, depth: number): Map<unknown, unknown> {
  const pairs = readPairs(input, depth);
  for (const [key] of pairs) input.countKey(key); // before any is hashed
  return new Map(pairs);
}

function readObject(input: Input, depth: number): Record<string, unknown> {
  const object: Record<string, unknown> = {};
  for (let left = countOf(input, 2); left > 0; left--) {
    input.countValue();
    const key = input.name();
    const value = read(input, depth + 1);
    // A name that the object has or inherits is defined, not assigned: `__proto__` is a name like
    // any other, and nobody's setter is called.
    if (key in object) {
      Object.defineProperty(object, key, {
        value,
        enumerable: true,
        writable: true,
        configurable: true,
      });
    } else object[key] = value;
  }
  return object;
}

function readBigint(digits: string): bigint {
  const [, sign, hex] = /^(-?)([0-9a-f]+)$/.exec(digits) ?? [];
  if (hex === undefined || hex.length > MAX_DIGITS) {
    throw malformed("a bigint has no digits, or too many");
  }
  const value = BigInt(`0x${hex}`);
  return sign === "-" ? -value : value;
}

function readUtf16(bytes: Uint8Array): string {
  if (bytes.length % 2 !== 0) throw malformed("a string ends within a character");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  // In pieces: characters added one by one would take many times the string's memory.
  const pieces: string[] = [];
  for (let from = 0; from < bytes.length; from += 2 * PIECE_UNITS) {
    const count = Math.min(PIECE_UNITS, (bytes.length - from) / 2);
    const units = new Uint16Array(count);
    for (let i = 0; i < count; i++) units[i] = view.getUint16(from + 2 * i, true);
    pieces.push(Reflect.apply(String.fromCharCode, undefined, units));
  }
  return pieces.join("");
}

function readError(facts: Record<string, unknown>): Error {
  const { name, message, stack, code, syscall, needed, transferred } = facts;
  if (typeof name !== "string" || typeof message !== "string") throw malformed("an error is none");
  const error = typeof code !== "string"
    ? Object.assign(new Error(message), { name })
    : rebuildError(name, code as ErrorCode, message, {
      ...(typeof syscall === "string" ? { syscall } : {}),
      ...(typeof needed === "number" ? { needed } : {}),
      ...(typeof transferred === "number" ? { transferred } : {}),
    });
  if (typeof stack === "string") error.stack = stack;
  return error;
}
