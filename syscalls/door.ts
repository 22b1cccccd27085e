/**
 * The door: the only way from a program into the kernel.
 *
 * A program's stubs call it with a syscall of the table, handle numbers and plain values. Behind
 * it may be a dispatcher in the same isolate, or a page of shared memory and another thread.
 *
 * @module
 */
import type { IpcErrorCode } from "../capabilities/errors.ts";
import type { HandleEntry } from "../capabilities/handle.ts";
import type { SeatReport } from "../capabilities/seat_ops.ts";
import type { WouldBlock } from "../capabilities/stream_ops.ts";
import type { WatchedWord } from "../memory/ring.ts";
import type { ArgumentSpec, HandleRef } from "./argument_kinds.ts";
import type { WaitOptions } from "./arguments.ts";

/** One syscall as the table declares it. */
export interface SyscallSpec {
  /** Its number, the ABI. */
  readonly number: number;
  /** Its name in errors, traces and on the reference page. */
  readonly name: string;
  /** What it does to its first argument, for messages: "Cannot ‹verb› handle 7". */
  readonly verb: string;
  /** One sentence for the reference page. */
  readonly summary: string;
  /** Its arguments, in order. */
  readonly args: readonly ArgumentSpec[];
  /** Rights that depend on an argument's value, for the reference page. */
  readonly rightsNote?: string;
  /** What it waits for where no argument's signals say it, for the reference page. */
  readonly waitsNote?: string;
  /**
   * Error codes it may raise beside those of its arguments, for the reference page: the code alone,
   * or "CODE: when it comes".
   */
  readonly errors?: readonly string[];
  /**
   * True when the waiting form goes on until all of its second argument's bytes have been moved;
   * the handler then takes the position to go on from as its last argument.
   */
  readonly movesAll?: boolean;
  /** What a plain call on a nonblocking handle throws. @default WOULD_BLOCK */
  readonly wouldBlock?: IpcErrorCode;
  /** True when the call goes through although the task is stopped: giving up is always allowed. */
  readonly whileStopped?: boolean;
  /**
   * True when the call has an effect before it waits: it is parked before its first try, so that
   * whatever refuses the wait does so while nothing has changed.
   */
  readonly parksFirst?: boolean;
  /** True when the kernel keeps the second argument, and charges it to nobody. */
  readonly keeps?: boolean;
  /** True when the call may wait. */
  readonly mayWait: boolean;
}

/** A syscall with the types of its arguments and of its result. */
export interface Syscall<Args extends readonly unknown[], Result> extends SyscallSpec {
  /** Only there for the types; never set. */
  readonly types?: (...args: Args) => Result;
}

/** What a caller passes: a number for each handle. */
export type CallerArgs<Args extends readonly unknown[]> = {
  [I in keyof Args]: Args[I] extends HandleRef ? number : Args[I];
};

/** What a handler gets: the checked entry for each handle. */
export type HandlerArgs<Args extends readonly unknown[]> = {
  [I in keyof Args]: HandleRef extends Args[I] ? HandleEntry : Args[I];
};

/** What a task's thread is told about one of its seats. */
export interface SeatNews extends SeatReport {
  /** Changes when this is no longer true. */
  readonly generation: WatchedWord;
}

/** The seats of a task's own thread: what it works on itself, with no kernel in between. */
export interface ThreadSeats {
  /** Changes when the task has ended. */
  readonly killed: WatchedWord;
  /** True when the kernel's clock is the system's, so that the thread may measure time itself. */
  readonly hasSystemClock: boolean;
  /**
   * A seat at what the handle names; the same one for all handles that name it.
   *
   * @param make Makes the seat from the first news; later ones come from `ask`.
   * @throws {KernelError} as `seat_take` does: then the kernel has to be called for each operation.
   */
  take<Seat extends object>(
    handle: number,
    make: (first: SeatNews, ask: () => SeatNews) => Seat,
  ): { readonly seat: Seat; readonly nonblocking: boolean };
}

/** Syscalls of one task. */
export interface Door {
  /** Undefined where the task runs in the kernel's isolate: there the objects are at hand. */
  readonly seats: ThreadSeats | undefined;
  /** True when memory that a result names is the kernel's own; false when it is a copy. */
  readonly sharesMemory: boolean;
  /** Tries once; {@linkcode WouldBlock} where the call would have to wait. */
  call<Args extends readonly unknown[], Result>(
    syscall: Syscall<Args, Result>,
    ...args: CallerArgs<Args>
  ): Result | WouldBlock;
  /** Waits until the call is done. */
  wait<Args extends readonly unknown[], Result>(
    syscall: Syscall<Args, Result>,
    options: WaitOptions | undefined,
    ...args: CallerArgs<Args>
  ): Promise<Result>;
  /** Blocks the thread until the call is done; NOT_SUPPORTED where the kernel runs in it. */
  block<Args extends readonly unknown[], Result>(
    syscall: Syscall<Args, Result>,
    options: WaitOptions | undefined,
    ...args: CallerArgs<Args>
  ): Result;
  /** True while the number is one of the task's open handles. */
  isOpen(handle: number): boolean;
  /** The call with this number, whatever it is; a promise where it may wait. */
  raw(number: number, args: readonly unknown[]): unknown;
}
