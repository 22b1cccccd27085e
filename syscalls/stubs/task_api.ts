/**
 * A task as its own program sees it: the interface, for every way to run.
 *
 * @module
 */
import type { Limits } from "../../capabilities/limits.ts";
import type { Signals } from "../../capabilities/signals.ts";
import type { WaitOptions } from "../arguments.ts";
import type { PipeOptions } from "../table/streams.ts";
import type { Handle } from "./handle.ts";
import type { PipeReader, PipeWriter } from "./pipe.ts";
import type { TaskHandle } from "./task_handle.ts";

/** What runs as a task: a function runs in this isolate, a URL in a worker. */
export type Program = ((task: Task) => unknown | Promise<unknown>) | URL | string;

/** How to spawn a task. */
export interface SpawnOptions {
  /** For people; the function's name or the URL's file by default. */
  name?: string;
  /** Strings for the program. */
  args?: string[];
  /** Handles that move to the child, by the names it finds them under. TRANSFER on each. */
  handles?: Record<string, Handle>;
  /** What the child may use, at most what its parent may; the parent's own by default. */
  limits?: Partial<Limits>;
  /**
   * URLs or URL prefixes that a worker's modules may import beyond the folder of the entry module
   * and Carmine. @default none
   */
  imports?: string[];
}

/** One source of {@linkcode Task.waitMany}. */
export interface WaitSource {
  /** What to wait on; needs WAIT. */
  handle: Handle;
  /** Any of these. */
  signals: Signals;
}

/**
 * The kernel as one task sees it: what it was given, what it can create, what it can wait for.
 *
 * @example
 * ```ts
 * import { Kernel, PipeReader } from "@carmine/kernel";
 *
 * await using kernel = new Kernel();
 * const { reader, writer } = kernel.init.createPipe();
 * const child = kernel.init.spawn(async (task) => {
 *   const input = task.handle("input", PipeReader);
 *   const buffer = new Uint8Array(4096);
 *   let total = 0;
 *   for (let n; (n = await input.read(buffer)) > 0;) total += n;
 *   return total;
 * }, { handles: { input: reader } });
 * await writer.write(new TextEncoder().encode("hello"));
 * writer.close();
 * console.log(await child.wait()); // { state: "exited", code: 0, value: 5 }
 * ```
 */
export interface Task {
  /** Unique in its kernel, never reused. */
  readonly id: number;
  /** For people. */
  readonly name: string;
  /** The strings given at spawn. */
  readonly args: readonly string[];
  /** Names of the handles given at spawn. */
  readonly handles: readonly string[];
  /**
   * A handle given at spawn; the same object each time.
   *
   * @param name The name it was given under.
   * @param type The class that it must have.
   * @throws {KernelError} INVALID_ARGUMENT for an unknown name, WRONG_TYPE for another class.
   */
  handle<H extends Handle>(name: string, type?: new (...args: never[]) => H): H;
  /** Aborted by terminate and interrupt, and when the task is killed. */
  readonly signal: AbortSignal;
  /** What the task may use. */
  readonly limits: Readonly<Limits>;
  /**
   * Makes a pipe.
   *
   * @throws {KernelError} OUT_OF_RANGE, TOO_MANY_HANDLES, LIMIT_EXCEEDED, NO_SPACE.
   */
  createPipe(options?: PipeOptions): { reader: PipeReader; writer: PipeWriter };
  /**
   * Starts a program as a child. The given handles move to it, all or none.
   *
   * @throws {KernelError} ACCESS_DENIED when a handle lacks TRANSFER, NOT_SUPPORTED when no driver
   * runs such a program, LIMIT_EXCEEDED, TOO_MANY_HANDLES.
   */
  spawn(program: Program, options?: SpawnOptions): TaskHandle;
  /**
   * Waits until any of several handles has one of its signals up, or (mode "all") all of them do
   * at the same time.
   *
   * @returns Those that are ready, in the order given, each with its signals that are up.
   */
  waitMany(
    items: WaitSource[],
    options?: WaitOptions & { mode?: "any" | "all" },
  ): Promise<WaitSource[]>;
  /** As {@linkcode Task.waitMany}, but blocks the thread. Only in workers. */
  waitManySync(
    items: WaitSource[],
    options?: WaitOptions & { mode?: "any" | "all" },
  ): WaitSource[];
  /**
   * Ends this task. Does not return.
   *
   * @param code 0 for success. @default 0
   * @param value What the parent gets beside the code.
   */
  exit(code?: number, value?: unknown): never;
  /**
   * The raw door: a syscall by number, with handle numbers and plain values. Fails as the typed
   * call would; gives a promise where the call may wait, and then takes wait options last.
   */
  syscall(number: number, ...args: unknown[]): unknown;
}
