/**
 * Plain values to bytes: what a page's sender does.
 *
 * @module
 */
import { KernelError } from "../../capabilities/errors.ts";
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

/** What an encoder keeps for the next value; more is given back. */
const KEPT_BYTES = 256 * 1_024;
/** Strings up to this length are written by hand while they are ASCII: the encoder's call costs more. */
const SHORT = 48;

/** Bytes that grow as values are written. */
class Output {
  bytes: Uint8Array<ArrayBuffer> = new Uint8Array(1_024);
  view: DataView = new DataView(this.bytes.buffer);
  length = 0;
  /** What was written so far. */
  values = 0;
  numberKeys = 0;
  errors = 0;

  /** Another value begins, behind so many bytes that stay free. */
  begin(reserved: number): void {
    this.length = reserved;
    this.values = this.numberKeys = this.errors = 0;
  }

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
    const at = this.take(1); // first: it may put another array in the place of this one
    this.bytes[at] = value;
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

  /** Zeroes up to a whole word: what was written there before is nobody's business. */
  fillWord(): void {
    const at = this.take(-this.length & (WORD_BYTES - 1));
    this.bytes.fill(0, at, this.length);
  }

  /** A short string; false, and nothing written, when it is not ASCII. */
  ascii(text: string): boolean {
    const start = this.length;
    this.uint8(Tag.STRING);
    this.uint32(text.length);
    const at = this.take(text.length);
    const { bytes } = this;
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      if (unit > 127) {
        this.length = start;
        return false;
      }
      bytes[at + i] = unit;
    }
    return true;
  }
}

const encoder = new TextEncoder();
/** For the next value; undefined while one is written: reading it may run code that encodes another. */
let spare: Output | undefined = undefined;

/**
 * A value as bytes.
 *
 * @param reserved Bytes to leave free before them, for who sends them.
 * @returns The bytes, those included, filled up to whole words; they are the encoder's own, and stay as they are until it is called again.
 * @throws {KernelError} NOT_SUPPORTED for a function, a symbol, an object that is no plain data,
 * for values nested too deeply, too many values, and those that throw when they are read.
 */
export function encode(value: unknown, reserved = 0): Uint8Array<ArrayBuffer> {
  const output = spare ?? new Output();
  spare = undefined;
  output.begin(reserved);
  try {
    write(output, value, 0);
    output.fillWord();
  } catch (cause) {
    if (cause instanceof KernelError && cause.code === "NOT_SUPPORTED") throw cause;
    // A getter or a proxy of the program's.
    throw new KernelError("NOT_SUPPORTED", "a value that can't be read can't leave its thread", {
      cause,
    });
  }
  if (output.bytes.length <= KEPT_BYTES) spare = output;
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
      return writeText(output, value);
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
    const elements = value.slice(); // read once: a getter may change the length
    output.uint8(Tag.ARRAY);
    output.uint32(elements.length);
    for (let i = 0; i < elements.length; i++) write(output, elements[i], depth + 1);
    return;
  }
  if (value instanceof Map) {
    const pairs = [...value];
    countKeys(output, pairs);
    output.uint8(Tag.MAP);
    return writePairs(output, pairs, depth);
  }
  if (value instanceof Error) {
    if (++output.errors > MAX_ERRORS) {
      throw new KernelError("NOT_SUPPORTED", `more than ${MAX_ERRORS} errors can't cross together`);
    }
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
  const keys = Object.keys(value);
  output.uint32(keys.length);
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i] as string;
    write(output, key, depth + 1);
    write(output, (value as Record<string, unknown>)[key], depth + 1);
  }
}

/** What the other side counts, for the reason given there. */
function countKeys(output: Output, pairs: readonly [unknown, unknown][]): void {
  for (const [key] of pairs) {
    if (isNumberKey(key)) output.numberKeys++;
  }
  if (output.numberKeys > MAX_NUMBER_KEYS) {
    const most = `more than ${MAX_NUMBER_KEYS} numbers as keys of maps`;
    throw new KernelError("NOT_SUPPORTED", `${most} can't cross together; arrays of pairs can`);
  }
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

function writeText(output: Output, text: string): void {
  if (text.length <= SHORT && output.ascii(text)) return;
  const isWellFormed = text.isWellFormed();
  output.uint8(isWellFormed ? Tag.STRING : Tag.UTF16);
  output.raw(isWellFormed ? encoder.encode(text) : utf16(text));
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
