/**
 * A task as its own program sees it: the interface, for every way to run.
 *
 * @module
 */
import type { Limits } from "../../capabilities/limits.ts";
import type { Signals } from "../../capabilities/signals.ts";
import type { WaitOptions } from "../arguments.ts";
import type { CounterOptions } from "../table/counters.ts";
import type { EventChannelOptions } from "../table/events.ts";
import type { GroupOptions } from "../table/groups.ts";
import type { SharedMemoryOptions } from "../table/memory.ts";
import type { MessageQueueOptions } from "../table/messages.ts";
import type { SocketPairOptions } from "../table/sockets.ts";
import type { PipeOptions } from "../table/streams.ts";
import type { Counter } from "./counter.ts";
import type { EventChannel, TaskEvents } from "./events.ts";
import type { Group } from "./group.ts";
import type { Handle } from "./handle.ts";
import type { MessageReceiver, MessageSender } from "./message_queue.ts";
import type { Namespace } from "./namespace.ts";
import type { PipeReader, PipeWriter } from "./pipe.ts";
import type { SharedMemory } from "./shared_memory.ts";
import type { Socket } from "./socket.ts";
import type { TaskHandle } from "./task_handle.ts";
import type { Timer } from "./timer.ts";
import type { WaitSet } from "./wait_set.ts";

/**
 * What runs as a task: a function runs in this isolate; a module, given by its absolute URL, in a
 * worker without permissions. Deno needs the unstable feature worker-options for that, and the host
 * leave to read the module's folder and Carmine's. The module may import what lies in or below its
 * folder, `@carmine/kernel`, `@carmine/kernel/task` and {@linkcode SpawnOptions.imports}. What it
 * prints goes to the handle that it was given under the name "stderr", or nowhere.
 */
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
  /** What is sent to this task: directly, through groups, by the kernel. */
  readonly events: TaskEvents;
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
   * Makes an event channel. The name is for people: it gives nobody access.
   *
   * @throws {KernelError} TOO_MANY_HANDLES, LIMIT_EXCEEDED, OUT_OF_RANGE.
   */
  createEventChannel(name: string, options?: EventChannelOptions): EventChannel;
  /**
   * Makes a group of tasks, without members.
   *
   * @throws {KernelError} TOO_MANY_HANDLES, LIMIT_EXCEEDED, OUT_OF_RANGE.
   */
  createGroup(name: string, options?: GroupOptions): Group;
  /**
   * Makes a counter.
   *
   * @throws {KernelError} INVALID_ARGUMENT, TOO_MANY_HANDLES, LIMIT_EXCEEDED.
   */
  createCounter(options?: CounterOptions): Counter;
  /**
   * Makes shared memory, all 0.
   *
   * @param size Bytes, 1 … 1 GiB; rounded up to whole pages of 4,096.
   * @throws {KernelError} OUT_OF_RANGE, INVALID_ARGUMENT for permissions other than READ and
   * WRITE, TOO_MANY_HANDLES, LIMIT_EXCEEDED, NO_SPACE.
   */
  createSharedMemory(size: number, options?: SharedMemoryOptions): SharedMemory;
  /**
   * Makes a message queue.
   *
   * @throws {KernelError} OUT_OF_RANGE, TOO_MANY_HANDLES, LIMIT_EXCEEDED.
   */
  createMessageQueue(
    options?: MessageQueueOptions,
  ): { sender: MessageSender; receiver: MessageReceiver };
  /**
   * Makes two connected sockets.
   *
   * @throws {KernelError} OUT_OF_RANGE, TOO_MANY_HANDLES, LIMIT_EXCEEDED, NO_SPACE.
   */
  createSocketPair(options?: SocketPairOptions): [Socket, Socket];
  /**
   * Makes a namespace, in which tasks that hold it find each other by name.
   *
   * @throws {KernelError} TOO_MANY_HANDLES, LIMIT_EXCEEDED.
   */
  createNamespace(): Namespace;
  /**
   * Makes a timer, not set yet.
   *
   * @throws {KernelError} TOO_MANY_HANDLES, LIMIT_EXCEEDED.
   */
  createTimer(): Timer;
  /**
   * Makes an empty wait set.
   *
   * @throws {KernelError} TOO_MANY_HANDLES, LIMIT_EXCEEDED.
   */
  createWaitSet(): WaitSet;
  /**
   * Starts a program as a child. The given handles move to it, all or none.
   *
   * A program that can't be loaded is no error here: its task crashes.
   *
   * @throws {KernelError} ACCESS_DENIED when a handle lacks TRANSFER, BAD_HANDLE, NOT_SUPPORTED when
   * no driver runs such a program or the host lacks what it needs, INVALID_ARGUMENT for a URL that
   * isn't absolute, a handle that is given twice or closes on spawn, or a limit that is no number,
   * LIMIT_EXCEEDED for more than this task has itself, TOO_MANY_HANDLES, INVALID_STATE while the
   * kernel shuts down.
   */
  spawn(program: Program, options?: SpawnOptions): TaskHandle;
  /**
   * Waits until any of several handles has one of its signals up, or (mode "all") all of them do
   * at the same time. Needs WAIT on each.
   *
   * @param items 1 … 4,096; a {@linkcode WaitSet} takes more.
   * @returns Those that are ready, in the order given, each with its signals that are up.
   * @throws {KernelError} ACCESS_DENIED without WAIT, INVALID_ARGUMENT for no items, OUT_OF_RANGE
   * for too many, BAD_HANDLE, REVOKED, TIMED_OUT, CANCELED, LIMIT_EXCEEDED.
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
   * @param code 0 for success, a 32-bit integer. @default 0
   * @param value What the parent gets beside the code; from a worker, a copy.
   * @throws {KernelError} NOT_SUPPORTED in init, which ends with `kernel.shutdown()`; OUT_OF_RANGE.
   */
  exit(code?: number, value?: unknown): never;
  /**
   * A pipe's end that a host stream's bytes come out of. What the pipe has no room for stays in
   * the stream. The stream's error reaches readers as BROKEN_PIPE with that error as `cause`;
   * closing the last reader cancels the stream. Both are done with when this task ends.
   *
   * @param stream Of Uint8Array chunks on plain buffers; any other ends it with an error.
   * @throws {KernelError} INVALID_ARGUMENT when it is no stream or is locked; as
   * {@linkcode Task.createPipe}.
   */
  fromReadable(stream: ReadableStream<Uint8Array>): PipeReader;
  /**
   * A pipe's end whose bytes go into a host stream. Closing the last writer closes the stream; when
   * the stream errors, writers get BROKEN_PIPE. What is still in the pipe when this task ends is
   * dropped and the stream aborted.
   *
   * @throws {KernelError} INVALID_ARGUMENT when it is no stream or is locked; as
   * {@linkcode Task.createPipe}.
   */
  fromWritable(stream: WritableStream<Uint8Array>): PipeWriter;
  /**
   * Moves bytes from one pipe to another without leaving the kernel. Waits until at least one byte
   * could be moved, and takes its turn among the readers of the one and the writers of the other.
   *
   * @param bytes Most bytes to move.
   * @returns How many were moved, together; 0 at the end of `from`'s stream.
   * @throws {KernelError} ACCESS_DENIED without READ on `from` and WRITE on `to`, BROKEN_PIPE,
   * INVALID_ARGUMENT when both are of one pipe, NOT_SUPPORTED for a pipe in packet mode,
   * WOULD_BLOCK when one of the handles is nonblocking, TIMED_OUT, CANCELED.
   */
  splice(
    from: PipeReader,
    to: PipeWriter,
    bytes: number,
    options?: WaitOptions,
  ): Promise<number>;
  /**
   * As {@linkcode Task.splice}, but the bytes stay in `from` as well. One call copies no more than
   * up to the wrap of `from`'s ring.
   */
  tee(from: PipeReader, to: PipeWriter, bytes: number, options?: WaitOptions): Promise<number>;
  /**
   * The raw door: a syscall by number, with handle numbers and plain values. Fails as the typed
   * call would; gives a promise where the call may wait, and then takes wait options last.
   */
  syscall(number: number, ...args: unknown[]): unknown;
}
