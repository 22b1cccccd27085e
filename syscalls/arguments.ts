/**
 * Kinds of syscall arguments: how a value from a program becomes one that the kernel can use.
 *
 * Everything a program passes is data. A check looks at a value once, copies what it needs, and
 * hands on the copy; nothing that a getter, a proxy or another thread does afterwards matters. A
 * check that refuses a value throws INVALID_ARGUMENT or OUT_OF_RANGE, and nothing has changed.
 *
 * @module
 */
import { type Capabilities, Capability } from "../capabilities/capability.ts";
import { KernelError } from "../capabilities/errors.ts";
import { MOST_HANDLES_IN_MESSAGE } from "../capabilities/message_ops.ts";
import { isRights, Rights } from "../capabilities/rights.ts";
import { ALL_SIGNALS, Signals } from "../capabilities/signals.ts";

/** How the dispatcher treats an argument; BUFFER and HANDLE have a fast path of their own. */
export const ArgumentForm = Object.freeze({ HANDLE: 0, BUFFER: 1, VALUE: 2 });

/** One argument of a syscall. */
export interface ArgumentSpec {
  /** Its name in messages and on the reference page. */
  readonly name: string;
  /** Its kind, in words, for the reference page. */
  readonly kind: string;
  /** {@linkcode ArgumentForm} */
  readonly form: number;
  /** True when checking it runs no code of the caller's: no getter, no proxy's trap. */
  readonly isScalar?: boolean;
  /** Checks and copies the value; for BUFFER and HANDLE the dispatcher does. */
  readonly check: (value: unknown, name: string) => unknown;
  /** BUFFER: true when the call writes into it and doesn't read it. */
  readonly isOutput?: boolean;
  /** HANDLE: the capability asked of the object. */
  readonly capability: Capabilities;
  /** HANDLE: rights of which all are needed. */
  readonly rights: Rights;
  /** HANDLE: rights of which one is needed; 0 where none is. */
  readonly anyRight: Rights;
  /** HANDLE: signals on which the call waits when it would block. */
  readonly waits: Signals;
}

/** Marks a handle among a syscall's argument types: a number outside, an entry inside. */
export interface HandleRef {
  readonly handle: unique symbol;
}

function value(
  name: string,
  kind: string,
  check: (value: unknown, name: string) => unknown,
  form: number = ArgumentForm.VALUE,
): ArgumentSpec {
  return { name, kind, form, check, capability: 0, rights: 0, anyRight: 0, waits: 0 };
}

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

/** A kind whose check runs no code of the caller's: the value is no object, or isn't looked into. */
function scalar(
  name: string,
  kind: string,
  check: (value: unknown, name: string) => unknown,
): ArgumentSpec {
  return { ...value(name, kind, check), isScalar: true };
}

function invalid(name: string, expected: string, given: unknown): KernelError {
  return new KernelError("INVALID_ARGUMENT", `${name} must be ${expected}, not ${describe(given)}`);
}

/** What a handle argument asks for. */
export interface HandleNeeds {
  readonly capability?: Capabilities;
  readonly rights?: Rights;
  readonly anyRight?: Rights;
  readonly waits?: Signals;
}

/** A handle of the calling task. */
export function handle(needs: HandleNeeds = {}, name = "handle"): ArgumentSpec {
  return {
    ...value(name, "handle", (given) => given, ArgumentForm.HANDLE),
    capability: needs.capability ?? Capability.ANY,
    rights: needs.rights ?? Rights.NONE,
    anyRight: needs.anyRight ?? Rights.NONE,
    waits: needs.waits ?? 0,
  };
}

/** A handle to an end that is received from: needs READ, and waits for more or for the end. */
export function receivingEnd(capability: Capabilities, name?: string): ArgumentSpec {
  const waits = Signals.READABLE | Signals.PEER_CLOSED;
  return handle({ capability, rights: Rights.READ, waits }, name);
}

/** A handle to an end that is sent through: needs WRITE, and waits for room or for the end. */
export function sendingEnd(capability: Capabilities, name?: string): ArgumentSpec {
  const waits = Signals.WRITABLE | Signals.PEER_CLOSED;
  return handle({ capability, rights: Rights.WRITE, waits }, name);
}

/** Bytes to read from or to write into: a `Uint8Array` on a plain, attached buffer. */
export function buffer(name: string): ArgumentSpec {
  return value(name, "Uint8Array", checkBuffer, ArgumentForm.BUFFER);
}

/** Bytes that the call writes; else as {@linkcode buffer}. */
export function outputBuffer(name: string): ArgumentSpec {
  return { ...buffer(name), isOutput: true };
}

/** A safe integer between two bounds, both allowed. */
export function integer(name: string, least: number, most: number): ArgumentSpec {
  return scalar(name, `integer ${least} … ${most}`, (given, name) => {
    if (typeof given !== "number" || !Number.isSafeInteger(given)) {
      throw invalid(name, "an integer", given);
    }
    if (given < least || given > most) {
      throw new KernelError("OUT_OF_RANGE", `${name} must be ${least} … ${most}, not ${given}`);
    }
    return given + 0; // -0 is 0
  });
}

/** A rights mask, or `Rights.SAME`. */
export function rights(name: string): ArgumentSpec {
  return scalar(name, "rights or SAME", (given, name) => {
    if (given === Rights.SAME || isRights(given)) return given + 0;
    throw invalid(name, "a set of rights", given);
  });
}

/** A set of signals, not empty. */
export function signals(name: string, allowed: Signals = ALL_SIGNALS, least = 1): ArgumentSpec {
  return scalar(name, "signals", (given, name) => checkSignals(given, name, allowed, least));
}

/** True or false. */
export function flag(name: string): ArgumentSpec {
  return scalar(name, "boolean", (given, name) => {
    if (typeof given === "boolean") return given;
    throw invalid(name, "true or false", given);
  });
}

/** A string of at most `most` characters. */
export function text(name: string, most: number, least = 0): ArgumentSpec {
  return scalar(name, `string of ${least} … ${most} characters`, (given, name) => {
    if (typeof given !== "string") throw invalid(name, "a string", given);
    if (given.length < least || given.length > most) {
      throw new KernelError(
        "OUT_OF_RANGE",
        `${name} must have ${least} … ${most} characters, not ${given.length}`,
      );
    }
    return given;
  });
}

/** One of the given strings. */
export function oneOf(name: string, choices: readonly string[]): ArgumentSpec {
  return scalar(name, choices.map((choice) => `"${choice}"`).join(" or "), (given, name) => {
    if (typeof given === "string" && choices.includes(given)) return given;
    throw invalid(name, `one of ${choices.join(", ")}`, given);
  });
}

/** Anything at all; handed on as it is, never looked into. */
export function anything(name: string): ArgumentSpec {
  return scalar(name, "any value", (given) => given);
}

/** A value of a kind of its own, with the check that knows it. */
export function custom(
  name: string,
  kind: string,
  check: (value: unknown, name: string) => unknown,
): ArgumentSpec {
  return value(name, kind, check);
}

/** Numbers of handles to send along; whether the task may is checked when they leave. */
export function handleList(name: string): ArgumentSpec {
  const kind = `handle[], at most ${MOST_HANDLES_IN_MESSAGE}`;
  return value(name, kind, (given) => readArray(given, name, MOST_HANDLES_IN_MESSAGE));
}

/** The argument, or undefined where it is left out. */
export function optional(spec: ArgumentSpec): ArgumentSpec {
  return {
    ...spec,
    kind: `${spec.kind}, optional`,
    check: (given, name) => given === undefined ? undefined : spec.check(given, name),
  };
}

/** An object of named fields, each read once; what it has beyond them is not looked at. */
export function record(name: string, fields: readonly ArgumentSpec[]): ArgumentSpec {
  const kind = `{ ${fields.map((field) => `${field.name}: ${field.kind}`).join("; ")} }`;
  return value(name, kind, (given, name) => {
    const copy: Record<string, unknown> = {};
    for (const field of fields) {
      const value = field.check(readField(given, field.name, name), `${name}.${field.name}`);
      if (value !== undefined) copy[field.name] = value;
    }
    return copy;
  });
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
  if (keys.length > most) {
    throw new KernelError("OUT_OF_RANGE", `${name} has ${keys.length} entries, at most ${most} go`);
  }
  return keys.map((key) => [key, readField(from, key, name)]);
}

const sizeOfMap = getter(Map.prototype, "size");
const forEachInMap = Map.prototype.forEach;

/** The entries of a true `Map`, copied without calling anything of its owner's. */
export function readMap(from: unknown, name: string, most: number): [unknown, unknown][] {
  let size: unknown;
  try {
    size = sizeOfMap.call(from);
  } catch {
    throw invalid(name, "a Map", from);
  }
  if ((size as number) > most) {
    throw new KernelError("OUT_OF_RANGE", `${name} has ${size} entries, at most ${most} go`);
  }
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
