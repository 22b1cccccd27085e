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
import { type ErrorCode, KernelError, rebuildError } from "../../capabilities/errors.ts";

const Tag = Object.freeze({
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

/** How deep values may be nested. */
const MAX_DEPTH = 16;
/** How many values there may be in one. An empty map is five bytes here and 200 in memory. */
const MAX_VALUES = 2 ** 18;
/** Hexadecimal digits that a bigint may have. */
const MAX_DIGITS = 64;

/** Bytes that grow as values are written. */
class Output {
  bytes: Uint8Array<ArrayBuffer> = new Uint8Array(256);
  view: DataView = new DataView(this.bytes.buffer);
  length = 0;
  /** Values written so far. */
  values = 0;

  /** Room for so many more; returns where it begins. */
  take(count: number): number {
    const start = this.length;
    this.length += count;
    if (this.length > this.bytes.length) {
      const grown = new Uint8Array(Math.max(this.length, this.bytes.length * 2));
      grown.set(this.bytes);
      this.bytes = grown;
      this.view = new DataView(grown.buffer);
    }
    return start;
  }

  uint8(value: number): void {
    this.bytes[this.take(1)] = value;
  }

  uint32(value: number): void {
    const at = this.take(4);
    this.view.setUint32(at, value, true);
  }

  float64(value: number): void {
    const at = this.take(8);
    this.view.setFloat64(at, value, true);
  }

  raw(bytes: Uint8Array): void {
    this.uint32(bytes.length);
    const at = this.take(bytes.length);
    this.bytes.set(bytes, at);
  }
}

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * A value as bytes.
 *
 * @throws {KernelError} NOT_SUPPORTED for a function, a symbol, an object that is no plain data,
 * for values nested too deeply, too many values, and those that throw when they are read.
 */
export function encode(value: unknown): Uint8Array<ArrayBuffer> {
  const output = new Output();
  try {
    write(output, value, 0);
  } catch (cause) {
    if (cause instanceof KernelError && cause.code === "NOT_SUPPORTED") throw cause;
    // A getter or a proxy of the program's.
    throw new KernelError("NOT_SUPPORTED", "a value that can't be read can't leave its thread", {
      cause,
    });
  }
  return output.bytes.subarray(0, output.length);
}

function write(output: Output, value: unknown, depth: number): void {
  if (++output.values > MAX_VALUES) {
    throw new KernelError("NOT_SUPPORTED", `more than ${MAX_VALUES} values can't cross together`);
  }
  switch (typeof value) {
    case "undefined":
      return output.uint8(Tag.UNDEFINED);
    case "boolean":
      return output.uint8(value ? Tag.TRUE : Tag.FALSE);
    case "number":
      output.uint8(Tag.NUMBER);
      return output.float64(value);
    case "bigint":
      if (BigInt.asIntN(4 * MAX_DIGITS, value) !== value) {
        throw new KernelError(
          "NOT_SUPPORTED",
          `a bigint of over ${4 * MAX_DIGITS} bits can't cross`,
        );
      }
      output.uint8(Tag.BIGINT);
      return output.raw(encoder.encode(value.toString(16)));
    case "string":
      output.uint8(value.isWellFormed() ? Tag.STRING : Tag.UTF16);
      return output.raw(value.isWellFormed() ? encoder.encode(value) : utf16(value));
    case "object":
      return writeObject(output, value, depth);
    default:
      throw new KernelError("NOT_SUPPORTED", `a ${typeof value} can't leave its thread`);
  }
}

function writeObject(output: Output, value: object | null, depth: number): void {
  if (value === null) return output.uint8(Tag.NULL);
  if (depth >= MAX_DEPTH) {
    throw new KernelError("NOT_SUPPORTED", `values nested deeper than ${MAX_DEPTH} can't cross`);
  }
  if (value instanceof Uint8Array) {
    output.uint8(Tag.BYTES);
    return output.raw(value);
  }
  if (value instanceof URL) return write(output, value.href, depth);
  if (Array.isArray(value)) {
    const elements = [...value]; // read once: a getter may change the length
    output.uint8(Tag.ARRAY);
    output.uint32(elements.length);
    for (const element of elements) write(output, element, depth + 1);
    return;
  }
  if (value instanceof Map) {
    output.uint8(Tag.MAP);
    return writePairs(output, [...value], depth);
  }
  if (value instanceof Error) {
    output.uint8(Tag.ERROR);
    return writePairs(output, errorFacts(value), depth);
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  // What it has from its class would be lost silently.
  if (prototype !== null && prototype !== Object.prototype) {
    throw new KernelError(
      "NOT_SUPPORTED",
      "an object that is no plain data can't leave its thread",
    );
  }
  output.uint8(Tag.OBJECT);
  writePairs(output, Object.entries(value), depth);
}

/** What an error says; its cause may be anything, so that stays behind. */
function errorFacts(error: Error): [string, unknown][] {
  const { name, message, stack } = error;
  const facts: [string, unknown][] = [["name", name], ["message", message], ["stack", stack]];
  if (!(error instanceof KernelError)) return facts.map(([key, fact]) => [key, String(fact ?? "")]);
  const { code, syscall, needed, transferred } = error;
  facts.push(["code", code], ["syscall", syscall], ["needed", needed]);
  return [...facts, ["transferred", transferred]];
}

/** A string's code units, two bytes each. */
function utf16(text: string): Uint8Array {
  const bytes = new Uint8Array(2 * text.length);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < text.length; i++) view.setUint16(2 * i, text.charCodeAt(i), true);
  return bytes;
}

function writePairs(output: Output, pairs: readonly [unknown, unknown][], depth: number): void {
  output.uint32(pairs.length);
  for (const [key, value] of pairs) {
    write(output, key, depth + 1);
    write(output, value, depth + 1);
  }
}

/** Bytes that are read once, from front to back. */
class Input {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;
  /** Values read so far. */
  #values = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  /** Another value begins. */
  countValue(): void {
    if (++this.#values > MAX_VALUES) throw malformed("it has too many values");
  }

  uint8(): number {
    return this.#view.getUint8(this.#take(1));
  }

  uint32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }

  float64(): number {
    return this.#view.getFloat64(this.#take(8), true);
  }

  raw(): Uint8Array {
    const length = this.uint32();
    const at = this.#take(length);
    return this.#bytes.subarray(at, at + length);
  }

  #take(count: number): number {
    if (count > this.left) throw malformed("it ends too early");
    const at = this.#at;
    this.#at += count;
    return at;
  }
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
  if (input.left > 0) throw malformed("bytes are left over");
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
      return decoder.decode(input.raw());
    case Tag.BYTES:
      return input.raw().slice();
    case Tag.ARRAY:
      return Array.from({ length: countOf(input, 1) }, () => read(input, depth + 1));
    case Tag.MAP:
      return new Map(readPairs(input, depth));
    case Tag.OBJECT:
      return readObject(input, depth);
    case Tag.UTF16:
      return readUtf16(input.raw());
    case Tag.ERROR:
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

function readPairs(input: Input, depth: number): [unknown, unknown][] {
  return Array.from(
    { length: countOf(input, 2) },
    () => [read(input, depth + 1), read(input, depth + 1)],
  );
}

function readObject(input: Input, depth: number): Record<string, unknown> {
  const object: Record<string, unknown> = {};
  for (const [key, value] of readPairs(input, depth)) {
    if (typeof key !== "string") throw malformed("a property's name is no string");
    // Defined, not assigned: `__proto__` is a name like any other.
    Object.defineProperty(object, key, {
      value,
      enumerable: true,
      writable: true,
      configurable: true,
    });
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
  let text = "";
  for (let i = 0; i < bytes.length; i += 2) text += String.fromCharCode(view.getUint16(i, true));
  return text;
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
