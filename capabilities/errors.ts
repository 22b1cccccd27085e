/**
 * Error codes and the `KernelError` family.
 *
 * Invariants: a code's `errno` is part of the ABI and never changes or gets a new meaning; every
 * error a syscall raises is a {@linkcode KernelError} with one of these codes.
 *
 * @module
 */

/** Every error code with its number: the ABI. New codes go to the end. */
export const ERRNO = {
  BAD_HANDLE: 1,
  WRONG_TYPE: 2,
  ACCESS_DENIED: 3,
  INVALID_ARGUMENT: 4,
  OUT_OF_RANGE: 5,
  NOT_SUPPORTED: 6,
  NO_SUCH_SYSCALL: 7,
  WOULD_BLOCK: 8,
  TIMED_OUT: 9,
  INTERRUPTED: 10,
  CANCELED: 11,
  PEER_CLOSED: 12,
  BROKEN_PIPE: 13,
  END_OF_STREAM: 14,
  CHANNEL_FULL: 15,
  CHANNEL_EMPTY: 16,
  BUFFER_TOO_SMALL: 17,
  MESSAGE_TOO_LONG: 18,
  NO_SPACE: 19,
  TOO_MANY_HANDLES: 20,
  LIMIT_EXCEEDED: 21,
  TARGET_NOT_FOUND: 22,
  CHANNEL_NOT_FOUND: 23,
  GROUP_NOT_FOUND: 24,
  ADDRESS_IN_USE: 25,
  CONNECTION_REFUSED: 26,
  ALREADY_EXISTS: 27,
  INVALID_STATE: 28,
  REVOKED: 29,
  TASK_DEAD: 30,
  DELIVERY_FAILED: 31,
  BUFFER_FULL: 32,
  INVALID_CONFIGURATION: 33,
  PERMISSION_DENIED: 34,
} as const;

/** A stable name for what went wrong, such as `"BAD_HANDLE"`. */
export type ErrorCode = keyof typeof ERRNO;

/**
 * The stable number of an error code.
 *
 * @example
 * ```ts
 * import { errnoOf } from "@carmine/kernel";
 * console.log(errnoOf("BAD_HANDLE")); // 1
 * ```
 */
export function errnoOf(code: ErrorCode): number {
  return ERRNO[code];
}

/** The code with this number, or undefined. */
export function codeOfErrno(errno: number): ErrorCode | undefined {
  for (const [code, number] of Object.entries(ERRNO)) {
    if (number === errno) return code as ErrorCode;
  }
  return undefined;
}

/** What an error carries beyond its code and message. */
export interface KernelErrorDetails {
  /** The syscall that failed, by its name in the syscall table. */
  syscall?: string | undefined;
  /** For BUFFER_TOO_SMALL: the size in bytes that would have been enough. */
  needed?: number | undefined;
  /** Bytes that a long write had already moved when its wait ended. */
  transferred?: number | undefined;
  /** What led to this error: an abort's reason, a hostile getter's exception. */
  cause?: unknown;
}

/**
 * Any failure of a syscall.
 *
 * A failed call changes nothing, with one exception that POSIX shares: a write of
 * more than 4,096 bytes that ends early has moved {@linkcode KernelError.transferred} bytes.
 *
 * @example
 * ```ts
 * import { Kernel, KernelError } from "@carmine/kernel";
 *
 * await using kernel = new Kernel();
 * const { reader } = kernel.init.createPipe();
 * reader.close();
 * try {
 *   reader.tryRead(new Uint8Array(1));
 * } catch (error) {
 *   if (error instanceof KernelError) console.log(error.code); // "BAD_HANDLE"
 * }
 * ```
 */
export class KernelError extends Error {
  /** What went wrong, stable across versions. */
  readonly code: ErrorCode;
  /** The code's number, stable across versions. */
  readonly errno: number;
  /** The syscall that failed, if one did. */
  declare readonly syscall?: string;
  /** BUFFER_TOO_SMALL: bytes needed. */
  declare readonly needed?: number;
  /** Bytes that a long write had moved before its wait ended. */
  declare readonly transferred?: number;

  /** Makes an error with a code and a message in plain words. */
  constructor(code: ErrorCode, message: string, details: KernelErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = new.target.name;
    this.code = code;
    this.errno = ERRNO[code];
    if (details.syscall !== undefined) this.syscall = details.syscall;
    if (details.needed !== undefined) this.needed = details.needed;
    if (details.transferred !== undefined) this.transferred = details.transferred;
  }
}

/** Codes that message queues, sockets and other IPC objects raise. */
export type IpcErrorCode =
  | "PEER_CLOSED"
  | "CHANNEL_FULL"
  | "CHANNEL_EMPTY"
  | "INVALID_STATE"
  | "NOT_SUPPORTED"
  | "BUFFER_TOO_SMALL"
  | "MESSAGE_TOO_LONG"
  | "TOO_MANY_HANDLES"
  | "OUT_OF_RANGE"
  | "INVALID_ARGUMENT"
  | "ADDRESS_IN_USE"
  | "CONNECTION_REFUSED"
  | "PERMISSION_DENIED"
  | "REVOKED";

/** A failure of an IPC object: a message queue, a socket, a listener. */
export class IpcError extends KernelError {
  /** What went wrong. */
  declare readonly code: IpcErrorCode;
  /** Makes an error with one of the IPC codes. */
  constructor(code: IpcErrorCode, message: string, details?: KernelErrorDetails) {
    super(code, message, details);
  }
}

/** Codes that reading and writing a stream raise. */
export type StreamErrorCode =
  | "END_OF_STREAM"
  | "BROKEN_PIPE"
  | "WOULD_BLOCK"
  | "NOT_SUPPORTED"
  | "BUFFER_TOO_SMALL"
  | "MESSAGE_TOO_LONG"
  | "INVALID_ARGUMENT"
  | "INVALID_STATE"
  | "CANCELED";

/** A failure of a byte stream that is not a pipe. */
export class StreamError extends KernelError {
  /** What went wrong. */
  declare readonly code: StreamErrorCode;
  /** Makes an error with one of the stream codes. */
  constructor(code: StreamErrorCode, message: string, details?: KernelErrorDetails) {
    super(code, message, details);
  }
}

/** Codes that pipes raise. */
export type PipeErrorCode = StreamErrorCode | "OUT_OF_RANGE" | "NO_SPACE" | "PEER_CLOSED";

/** A failure of a pipe. */
export class PipeError extends KernelError {
  /** What went wrong. */
  declare readonly code: PipeErrorCode;
  /** Makes an error with one of the pipe codes. */
  constructor(code: PipeErrorCode, message: string, details?: KernelErrorDetails) {
    super(code, message, details);
  }
}

/** Codes that events raise. */
export type EventErrorCode =
  | "TARGET_NOT_FOUND"
  | "CHANNEL_NOT_FOUND"
  | "GROUP_NOT_FOUND"
  | "DELIVERY_FAILED"
  | "BUFFER_FULL"
  | "INVALID_CONFIGURATION"
  | "INVALID_ARGUMENT"
  | "INVALID_STATE"
  | "PERMISSION_DENIED"
  | "ALREADY_EXISTS"
  | "LIMIT_EXCEEDED"
  | "BUFFER_TOO_SMALL"
  | "NOT_SUPPORTED"
  | "PEER_CLOSED"
  | "TASK_DEAD";

/** A failure of event delivery. */
export class EventError extends KernelError {
  /** What went wrong. */
  declare readonly code: EventErrorCode;
  /** Makes an error with one of the event codes. */
  constructor(code: EventErrorCode, message: string, details?: KernelErrorDetails) {
    super(code, message, details);
  }
}

/** What a program threw, as an error; it may be anything, a hostile proxy too. */
export function asError(thrown: unknown): Error {
  let text = `a ${typeof thrown}`;
  try {
    if (thrown instanceof Error) return thrown;
    text = String(thrown);
  } catch {
    // Its own code threw again; its type has to do.
  }
  return new Error(`The task threw ${text}`, { cause: thrown });
}

/** The classes by name, for an error that has to cross a thread. */
const FAMILIES = { KernelError, IpcError, StreamError, PipeError, EventError } as const;

/**
 * The same error told from the caller's side: with the syscall's name and a message that says what
 * could not be done.
 */
export function inContext(error: KernelError, syscall: string, attempt: string): KernelError {
  return retold(error, { message: `Cannot ${attempt}: ${error.message}`, syscall });
}

/** The same error of the same family, with other details, or in other words. */
export function retold(
  error: KernelError,
  { message = error.message, ...changes }: KernelErrorDetails & { message?: string },
): KernelError {
  const { name, code, syscall, needed, transferred, cause } = error;
  return rebuildError(name, code, message, { syscall, needed, transferred, cause, ...changes });
}

/** An error of the named family (KernelError if the name is none of ours). */
export function rebuildError(
  family: string,
  code: ErrorCode,
  message: string,
  details: KernelErrorDetails,
): KernelError {
  const Family = Object.hasOwn(FAMILIES, family)
    ? FAMILIES[family as keyof typeof FAMILIES]
    : KernelError;
  return new (Family as typeof KernelError)(code, message, details);
}
