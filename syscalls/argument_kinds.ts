/**
 * Kinds of syscall arguments: the words in which the table says what a call takes.
 *
 * A kind is data that both sides of the door read: its name on the reference page, how it is
 * checked, and, for a handle, what is asked of its object and of its rights. Its check does as
 * `arguments.ts` says: it looks once, copies, and refuses before anything has changed.
 *
 * @module
 */
import { type Capabilities, Capability } from "../capabilities/capability.ts";
import { KernelError } from "../capabilities/errors.ts";
import { MOST_HANDLES_IN_MESSAGE } from "../capabilities/message_ops.ts";
import { isRights, Rights } from "../capabilities/rights.ts";
import { ALL_SIGNALS, Signals } from "../capabilities/signals.ts";
import { checkBuffer, checkSignals, invalid, readArray, readField } from "./arguments.ts";

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
/** A value of a kind of its own, with the check that knows it. */
export function custom(
  name: string,
  kind: string,
  check: (value: unknown, name: string) => unknown,
): ArgumentSpec {
  const form = ArgumentForm.VALUE;
  return { name, kind, form, check, capability: 0, rights: 0, anyRight: 0, waits: 0 };
}

/** A kind whose check runs no code of the caller's: the value is no object, or isn't looked into. */
function scalar(
  name: string,
  kind: string,
  check: (value: unknown, name: string) => unknown,
): ArgumentSpec {
  return { ...custom(name, kind, check), isScalar: true };
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
    ...custom(name, "handle", (given) => given),
    form: ArgumentForm.HANDLE,
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
  return { ...custom(name, "Uint8Array", checkBuffer), form: ArgumentForm.BUFFER };
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

/** Numbers of handles to send along; whether the task may is checked when they leave. */
export function handleList(name: string): ArgumentSpec {
  const kind = `handle[], at most ${MOST_HANDLES_IN_MESSAGE}`;
  return custom(name, kind, (given) => readArray(given, name, MOST_HANDLES_IN_MESSAGE));
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
  return custom(name, kind, (given, name) => {
    const copy: Record<string, unknown> = {};
    for (const field of fields) {
      const value = field.check(readField(given, field.name, name), `${name}.${field.name}`);
      if (value !== undefined) copy[field.name] = value;
    }
    return copy;
  });
}
