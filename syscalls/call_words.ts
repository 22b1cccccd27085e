/**
 * What is said of a call: what it attempted, for its errors, and its line in a trace.
 *
 * Nothing here looks into what the caller passed: it may be hostile, and the call is over.
 *
 * @module
 */
import type { HandleEntry } from "../capabilities/handle.ts";
import { WOULD_BLOCK } from "../capabilities/stream_ops.ts";
import { ArgumentForm } from "./argument_kinds.ts";
import { describe } from "./arguments.ts";
import type { Caller } from "./caller.ts";
import type { CompiledSyscall } from "./compiled_syscall.ts";

/** One line of a trace. */
export interface TraceRecord {
  /** The task that called. */
  readonly taskId: number;
  /** "stream_read(7, into) = 12" */
  readonly text: string;
}

/**
 * "read from handle 7 (pipe reader)".
 *
 * @param first What the caller passed as the first argument.
 * @param target What that named when the call began, where it has waited since.
 */
export function attemptOf(
  call: CompiledSyscall,
  { task }: Caller,
  first: unknown,
  target: HandleEntry | undefined,
): string {
  if (call.form !== ArgumentForm.HANDLE) return call.spec.verb;
  const entry = target ?? task.table.find(first);
  const subject = entry === undefined
    ? typeof first === "number" ? `handle ${first}` : "a handle"
    : `handle ${first} (${entry.object.type})`;
  return `${call.spec.verb} ${subject}`;
}

/** "stream_read(7, into) = 12" */
export function traceText(call: CompiledSyscall, first: unknown, result: unknown): string {
  const args = call.args.map((argument, i) => i === 0 ? describe(first) : argument.name);
  return `${call.spec.name}(${args.join(", ")}) = ${answerText(result)}`;
}

function answerText(result: unknown): string {
  if (result === WOULD_BLOCK) return "would block";
  if (result === undefined) return "done";
  return typeof result === "object" ? "…" : describe(result);
}
