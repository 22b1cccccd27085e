/**
 * What a task asks for through its page: data from a hostile thread, checked once.
 *
 * @module
 */
import { KernelError } from "../../capabilities/errors.ts";
import { ArgumentForm } from "../argument_kinds.ts";
import type { CompiledSyscall } from "../compiled_syscall.ts";

/** What a request says, once its frame is decoded and its parts have the right types. */
export interface Request {
  readonly id: number;
  readonly mode: number;
  readonly number: number;
  readonly args: readonly unknown[];
  readonly timeoutMs: number;
}

/**
 * The request in a decoded frame.
 *
 * @throws {RangeError} When it is none: the task broke the protocol.
 */
export function parseRequest(value: unknown): Request {
  if (!Array.isArray(value)) throw new RangeError("A request on a task's page is no list");
  const [id, mode, number, args, timeoutMs]: unknown[] = value;
  if (typeof id !== "number" || typeof mode !== "number" || typeof number !== "number") {
    throw new RangeError("A request on a task's page has no id, mode or number");
  }
  if (!Array.isArray(args) || typeof timeoutMs !== "number") {
    throw new RangeError("A request on a task's page has no arguments or time-out");
  }
  return { id, mode, number, args, timeoutMs };
}

/** Bytes of a request with an argument that the kernel keeps, and charges to nobody. */
const MAX_KEPT_BYTES = 16 * 1_024;

/** The arguments of a request of so many bytes; an error stands for what is too much to be kept. */
export function keepable(
  call: CompiledSyscall | undefined,
  args: readonly unknown[],
  bytes: number,
): readonly unknown[] {
  if (call?.spec.keeps !== true || bytes <= MAX_KEPT_BYTES) return args;
  const why = `${bytes} bytes are too many for the kernel to keep`;
  return [args[0], new KernelError("MESSAGE_TOO_LONG", why)];
}

/** Outputs that are shorter than the task's buffers that they stand for. */
const cutOutputs = new WeakSet<Uint8Array>();

/** The argument, or memory of the kernel's own where the call is to write into the task's. */
export function withOutput(
  call: CompiledSyscall | undefined,
  given: unknown,
  position: number,
  most: number,
  outputs: Uint8Array[],
): unknown {
  const spec = call?.args[position];
  if (spec?.form !== ArgumentForm.BUFFER || spec.isOutput !== true) return given;
  // A number stands for a buffer of so many bytes; anything else fails the argument's check.
  if (typeof given !== "number" || !Number.isSafeInteger(given) || given < 0) return given;
  const output = new Uint8Array(Math.min(given, most));
  if (given > most) cutOutputs.add(output);
  outputs.push(output);
  return output;
}

/** True when an output is shorter than the task's buffer that it stands for. */
export function isCut(output: Uint8Array): boolean {
  return cutOutputs.has(output);
}
