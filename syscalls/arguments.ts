/**
 * Values from a program: how each becomes one that the kernel can use.
 *
 * Everything a program passes is data. A check looks at a value once, copies what it needs, and
 * hands on the copy; nothing that a getter, a proxy or another thread does afterwards matters. A
 * check that refuses a value throws INVALID_ARGUMENT or OUT_OF_RANGE, and nothing has changed.
 *
 * @module
 */
import { KernelError } from "../capabilities/errors.ts";
import { ALL_SIGNALS, type Signals } from "../capabilities/signals.ts";

/** Bigints beyond this are not written out: the digits of a huge one take minutes. */
const LARGEST_SHOWN = 2n ** 64n;

/** What a value is, for a message; never calls into the value. */
export function describe(value: unknown): string {
  if (value === null) return "null";
  switch (typeof value) {
    case "bigint":
      return value > LARGEST_SHOWN || value < -LARGEST_SHOWN ? "a huge bigint" : `${value}n`;
    case "number":
    case "boolean":
    case "undefined":
      return String(value);
    case "string":
      return value.length > 40 ? "a long string" : JSON.stringify(value);
    case "object":
      return isArray(value) ? "an array" : "an object";
    default:
      return `a ${typeof value}`;
  }
}

/** The error of a call by a number that no syscall has; it may be no number at all. */
export function noSuchSyscall(number: unknown): KernelError {
  return new KernelError("NO_SUCH_SYSCALL", `No syscall has the number ${describe(number)}`, {
    syscall: "unknown",
  });
}

/** As `Array.isArray`, which throws for a revoked proxy. */
function isArray(value: unknown): value is unknown[] {
  try {
    return Array.isArray(value);
  } catch {
    return false;
  }
}
/** The error of a value that is of another kind. */
export function invalid(name: string, expected: string, given: unknown): KernelError {
  return new KernelError("INVALID_ARGUMENT", `${name} must be ${expected}, not ${describe(given)}`);
}
/** Throws OUT_OF_RANGE for more units than are allowed. */
export function requireLength(length: number, name: string, unit: string, most: number): void {
  if (length <= most) return;
  throw new KernelError("OUT_OF_RANGE", `${name} has ${length} ${unit}, at most ${most} go`);
}

/** Reads one property of a value that may be hostile. */
export function readField(from: unknown, field: string, name: string): unknown {
  if (typeof from !== "object" || from === null) throw invalid(name, "an object", from);
  try {
    return (from as Record<string, unknown>)[field];
  } catch (cause) {
    throw unreadable(`${name}.${field}`, cause);
  }
}

/** The elements of an array that may be hostile, copied once. */
export function readArray(from: unknown, name: string, most: number): unknown[] {
  if (!isArray(from)) throw invalid(name, "an array", from);
  const length = reading(name, () => from.length);
  if (typeof length !== "number" || !(length <= most)) { // a proxy's may be anything
    throw new KernelError(
      "OUT_OF_RANGE",
      `${name} has ${describe(length)} elements, at most ${most} go`,
    );
  }
  return reading(name, () => {
    const copy: unknown[] = [];
    for (let i = 0; i < length; i++) copy.push(from[i]);
    return copy;
  });
}

/** An object's own properties by name, each read once; the object may be hostile. */
export function readEntries(from: unknown, name: string, most: number): [string, unknown][] {
  if (typeof from !== "object" || from === null) throw invalid(name, "an object", from);
  const keys = reading(name, () => Object.keys(from));
  requireLength(keys.length, name, "entries", most);
  return keys.map((key) => [key, readField(from, key, name)]);
}

const sizeOfMap = getter(Map.prototype, "size");
const forEachInMap = Map.prototype.forEach;

/** The entries of a true `Map`, copied without calling anything of its owner's. */
export function readMap(from: unknown, name: string, most: number): [unknown, unknown][] {
  let size: number;
  try {
    size = sizeOfMap.call(from) as number;
  } catch {
    throw invalid(name, "a Map", from);
  }
  requireLength(size, name, "entries", most);
  const copy: [unknown, unknown][] = [];
  forEachInMap.call(from as Map<unknown, unknown>, (value, key) => copy.push([key, value]));
  return copy;
}

/** What reading a value gives; what its owner's code throws meanwhile is the caller's mistake. */
function reading<T>(name: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw unreadable(name, cause);
  }
}

function unreadable(name: string, cause: unknown): KernelError {
  return new KernelError("INVALID_ARGUMENT", `${name} can't be read`, { cause });
}

/** A set of signals out of those allowed. */
export function checkSignals(
  given: unknown,
  name: string,
  allowed: Signals = ALL_SIGNALS,
  least = 1,
): Signals {
  if (typeof given !== "number" || !Number.isInteger(given) || given < least) {
    throw invalid(name, "a set of signals", given);
  }
  if ((given & ~allowed) !== 0 || given > allowed) {
    throw new KernelError("INVALID_ARGUMENT", `${name} has signals that don't belong here`);
  }
  return given + 0;
}

const typedArray = Object.getPrototypeOf(Uint8Array.prototype) as object;

function getter(of: object, property: string | symbol): (this: unknown) => unknown {
  const get = Object.getOwnPropertyDescriptor(of, property)?.get;
  if (get === undefined) throw new TypeError(`The platform has no getter ${String(property)}`);
  return get;
}

// Read through the prototypes' own getters: a caller's array may carry properties of those names.
const tagOf = getter(typedArray, Symbol.toStringTag);
const bufferOf = getter(typedArray, "buffer");
const viewLengthOf = getter(typedArray, "byteLength") as (this: Uint8Array) => number;
const offsetOf = getter(typedArray, "byteOffset") as (this: Uint8Array) => number;
const isResizable = getter(ArrayBuffer.prototype, "resizable");
const isDetached = getter(ArrayBuffer.prototype, "detached");

/** Length of a view in bytes, whatever properties its owner put on it. */
export function byteLengthOf(view: Uint8Array): number {
  return viewLengthOf.call(view);
}

/** A part of a checked view, read without what its owner may have put on it. */
export function partOf(view: Uint8Array, from: number, to?: number): Uint8Array<ArrayBuffer> {
  const end = Math.min(to ?? Infinity, byteLengthOf(view));
  return new Uint8Array(bufferOf.call(view) as ArrayBuffer, offsetOf.call(view) + from, end - from);
}

/**
 * A `Uint8Array` on a plain buffer: attached, of fixed length, not shared. Another thread could
 * change a shared one while the kernel reads it, and the length of a resizable one moves.
 */
export function checkBuffer(given: unknown, name: string): Uint8Array {
  // A proxy is no view, and the tag's getter answers for true typed arrays only.
  if (!ArrayBuffer.isView(given) || tagOf.call(given) !== "Uint8Array") {
    throw invalid(name, "a Uint8Array", given);
  }
  const buffer = bufferOf.call(given);
  let resizable: unknown;
  try {
    resizable = isResizable.call(buffer);
  } catch {
    throw new KernelError("INVALID_ARGUMENT", `${name} is on a shared buffer; pass a copy`);
  }
  if (resizable === true) {
    throw new KernelError("INVALID_ARGUMENT", `${name} is on a resizable buffer`);
  }
  if (isDetached.call(buffer) === true) {
    throw new KernelError("INVALID_ARGUMENT", `${name} is on a detached buffer`);
  }
  return given as Uint8Array;
}

/** What a waiting call may be given beside its arguments. */
export interface WaitOptions {
  /** Ends the wait with CANCELED; an aborted one wins over data that is there. */
  signal?: AbortSignal;
  /** Milliseconds on the kernel's clock; 0 tries once. Then TIMED_OUT. @default no time-out */
  timeoutMs?: number;
}

/** Options of a wait, each read once. */
export interface CheckedWaitOptions {
  readonly signal: AbortSignal | undefined;
  /** Infinity where there is no time-out. */
  readonly timeoutMs: number;
}

const NO_OPTIONS: CheckedWaitOptions = Object.freeze({ signal: undefined, timeoutMs: Infinity });
const isAborted = getter(AbortSignal.prototype, "aborted");

/** Checks and copies the options of a wait. */
export function checkWaitOptions(given: unknown): CheckedWaitOptions {
  if (given === undefined) return NO_OPTIONS;
  const signal = readField(given, "signal", "options");
  const timeoutMs = readField(given, "timeoutMs", "options");
  if (signal !== undefined) {
    try {
      isAborted.call(signal);
    } catch {
      throw invalid("options.signal", "an AbortSignal", signal);
    }
  }
  if (timeoutMs !== undefined && (typeof timeoutMs !== "number" || !(timeoutMs >= 0))) {
    throw invalid("options.timeoutMs", "a number of milliseconds, 0 or more", timeoutMs);
  }
  return { signal: signal as AbortSignal | undefined, timeoutMs: timeoutMs ?? Infinity };
}

// The signal's own methods, not the properties that its owner may have put on it: those would run
// in the middle of a call that is half parked.
const { addEventListener, removeEventListener } = AbortSignal.prototype;
const reasonOf = getter(AbortSignal.prototype, "reason");

/** True when the signal is aborted. */
export function hasAborted(signal: AbortSignal): boolean {
  return isAborted.call(signal) === true;
}

/** Why the signal was aborted. */
export function abortReason(signal: AbortSignal): unknown {
  return reasonOf.call(signal);
}

/** Calls the listener when the signal is aborted; returns how to stop listening. */
export function onAbort(signal: AbortSignal, listener: () => void): () => void {
  addEventListener.call(signal, "abort", listener, { once: true });
  return () => removeEventListener.call(signal, "abort", listener);
}
