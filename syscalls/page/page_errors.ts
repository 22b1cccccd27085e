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
} from "../../capabilities/errors.ts";
import type { SyscallSpec } from "../door.ts";

/** What `make` gives; a refusal is told in the words of the call. */
export function inWordsOf<Result>(spec: SyscallSpec | undefined, make: () => Result): Result {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof KernelError) || spec === undefined) throw error;
    throw inContext(error, spec.name, spec.verb);
  }
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
    ...(error.syscall === undefined ? {} : { syscall: error.syscall }),
  });
}

/** The error of every call from the task's end on. */
export function taskDead(): KernelError {
  return new KernelError("TASK_DEAD", "The task has ended");
}

/** The error of a call whose signal was aborted; `from` is what the kernel said, if it was asked. */
export function canceled(
  syscall: string,
  { reason }: AbortSignal,
  from?: KernelError,
): KernelError {
  return new KernelError("CANCELED", from?.message ?? `Cannot wait: its signal was aborted`, {
    syscall,
    cause: reason,
    ...(from?.transferred === undefined ? {} : { transferred: from.transferred }),
  });
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
  return rebuildError(name, code, message, {
    ...(syscall === undefined ? {} : { syscall }),
    ...(needed === undefined ? {} : { needed }),
    ...(transferred === undefined ? {} : { transferred }),
    ...(cause === undefined ? {} : { cause }),
  });
}

/** The error of a write that had moved so many bytes before the part that failed. */
export function withTransferred(error: unknown, before: number): unknown {
  if (!(error instanceof KernelError) || before === 0) return error;
  return rebuildError(error.name, error.code, error.message, {
    transferred: before + (error.transferred ?? 0),
    ...(error.syscall === undefined ? {} : { syscall: error.syscall }),
    ...(error.cause === undefined ? {} : { cause: error.cause }),
  });
}
