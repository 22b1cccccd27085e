/**
 * Who makes a syscall, and what a handler is.
 *
 * @module
 */
import type { HandleEntry } from "../capabilities/handle.ts";
import type { Selectable } from "../capabilities/selectable.ts";
import type { Signals } from "../capabilities/signals.ts";
import type { WouldBlock } from "../capabilities/stream_ops.ts";
import type { KernelCore } from "../kernel/kernel.ts";
import type { TaskObject } from "../kernel/task.ts";
import type { HandlerArgs, Syscall } from "./door.ts";

/** The task that calls, and the kernel that it calls. */
export interface Caller {
  readonly kernel: KernelCore;
  readonly task: TaskObject;
}

/** Where a call is parked while it waits. */
export interface ParkingPlace {
  /** The handle whose end ends the wait. */
  readonly entry: HandleEntry;
  /** What to wait on. @default the handle's object */
  readonly object?: Selectable;
  readonly signals: Signals;
  /** True when going on consumes what the signals announce. */
  readonly operation: boolean;
}

/**
 * Carries out one syscall on checked arguments: the caller first, then a checked entry for each
 * handle and a checked copy of each value. It never waits: it returns WOULD_BLOCK, and is called
 * again when something changed. A refusal throws a KernelError whose message is the reason alone;
 * the dispatcher adds what was attempted.
 */
export type HandlerFunction<Args extends readonly unknown[], Result> = (
  caller: Caller,
  ...args: HandlerArgs<Args>
) => Result | WouldBlock;

/** A handler whose call waits elsewhere than on its handle arguments' signals. */
export interface ParkingHandler<Args extends readonly unknown[], Result> {
  readonly run: HandlerFunction<Args, Result>;
  /** Asked again after each try that would block: a call may go on to wait elsewhere. */
  readonly park: (caller: Caller, ...args: HandlerArgs<Args>) => ParkingPlace[];
  /** The call has ended without a result. */
  readonly abandon?: (caller: Caller, ...args: HandlerArgs<Args>) => void;
}

/** The handler of a syscall. */
export type Handler<S> = S extends Syscall<infer Args, infer Result>
  ? HandlerFunction<Args, Result> | ParkingHandler<Args, Result>
  : never;

/** Handlers for a part of the table; a missing one is a type error. */
export type Handlers<Calls> = { readonly [Name in keyof Calls]: Handler<Calls[Name]> };
