/**
 * Errors of a door on a page: what the kernel said, as errors of the task's thread.
 *
 * @module
 */
import {
  type ErrorCode,
  inContext,
  IpcError,
  KernelError,
  rebuildError,
  retold,
} from "../../capabilities/errors.ts";
import { notANumber } from "../../capabilities/handle_table.ts";
import { ArgumentForm } from "../argument_kinds.ts";
import { abortReason } from "../arguments.ts";
import type { SyscallSpec } from "../door.ts";

/**
 * What `make` gives; a refusal is told in the words of the call, as the kernel tells its own.
 *
 * @param typeOf What a handle names; undefined where there is no such handle.
 */
export function inWordsOf<Result>(
  spec: SyscallSpec | undefined,
  args: readonly unknown[],
  typeOf: (handle: number) => string | undefined,
  make: () => Result,
): Result {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof KernelError) || spec === undefined) throw error;
    const first = args[0];
    if (spec.args[0]?.form !== ArgumentForm.HANDLE) throw inContext(error, spec.name, spec.verb);
    if (typeof first !== "number") throw inContext(error, spec.name, `${spec.verb} a handle`);
    const type = typeOf(first);
    const handle = type === undefined ? `handle ${first}` : `handle ${first} (${type})`;
    throw inContext(error, spec.name, `${spec.verb} ${handle}`);
  }
}

/**
 * Copies of arguments that can't leave their thread as they are, such as options of a class of the
 * program's. What the kernel would refuse is refused here, in its words.
 */
export function plainArguments(spec: SyscallSpec, args: readonly unknown[]): unknown[] {
  return args.map((given, i) => {
    const argument = spec.args[i];
    if (argument?.form === ArgumentForm.HANDLE && typeof given !== "number") {
      throw notANumber(given);
    }
    return argument?.form === ArgumentForm.VALUE ? argument.check(given, argument.name) : given;
  });
}

/** Throws the error of a request that no frame holds. */
export function tooLong(length: number): never {
  throw new KernelError("MESSAGE_TOO_LONG", `${length} bytes don't go through a task's page`);
}

/**
 * The error of a message that fits into the task's buffer, but not into the kernel's copy of it,
 * which has so many bytes. BUFFER_TOO_SMALL would send its reader round in circles.
 */
export function tooLongForBuffer(error: KernelError, bytes: number): KernelError {
  if (error.code !== "BUFFER_TOO_SMALL") return error;
  const most = `no more than ${bytes} go into one through a task's page`;
  return new IpcError("MESSAGE_TOO_LONG", `${error.message}; ${most}, but receive() takes it`, {
    syscall: error.syscall,
  });
}

/** The error of every call from the task's end on. */
export function taskDead(): KernelError {
  return new KernelError("TASK_DEAD", "The task has ended");
}

/** The reason of a call whose signal was aborted. */
export function canceled(signal: AbortSignal): KernelError {
  return new KernelError("CANCELED", "its signal was aborted", { cause: abortReason(signal) });
}

/** What the kernel said of a call; if that was canceled, with the reason, which it doesn't know. */
export function withReason(error: unknown, signal: AbortSignal | undefined): unknown {
  if (signal === undefined || !(error instanceof KernelError)) return error;
  return error.code === "CANCELED" ? retold(error, { cause: abortReason(signal) }) : error;
}

/** The kernel's error as one of this thread. */
export function asError(value: unknown): KernelError {
  const { name, code, message, syscall, needed, transferred, cause } = value as {
    readonly name: string;
    readonly code: ErrorCode;
    readonly message: string;
    readonly syscall?: string;
    readonly needed?: number;
    readonly transferred?: number;
    readonly cause?: unknown;
  };
  return rebuildError(name, code, message, { syscall, needed, transferred, cause });
}

/** The error of a write that had moved so many bytes before the part that failed. */
export function withMovedBefore(error: unknown, before: number): unknown {
  if (!(error instanceof KernelError) || before === 0) return error;
  return retold(error, { transferred: before + (error.transferred ?? 0) });
}
