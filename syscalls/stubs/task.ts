/**
 * The program's side of a task: calls on typed objects become syscalls.
 *
 * @module
 */
import { KernelError } from "../../capabilities/errors.ts";
import { OWN_EVENT_QUEUE } from "../../capabilities/handle_table.ts";
import type { Limits } from "../../capabilities/limits.ts";
import type { Signals } from "../../capabilities/signals.ts";
import { describe, readArray, readEntries, readField, type WaitOptions } from "../arguments.ts";
import type { Door } from "../door.ts";
import { SYSCALLS } from "../table.ts";
import type { CounterOptions } from "../table/counters.ts";
import type { EventChannelOptions } from "../table/events.ts";
import type { GroupOptions } from "../table/groups.ts";
import type { SharedMemoryOptions } from "../table/memory.ts";
import type { MessageQueueOptions } from "../table/messages.ts";
import { MOST_SOURCES, type WaitItem } from "../table/handles.ts";
import type { SocketPairOptions } from "../table/sockets.ts";
import type { PipeOptions } from "../table/streams.ts";
import { MOST_STRINGS, type SpawnArguments } from "../table/tasks.ts";
import { Counter } from "./counter.ts";
import { type EventChannel, type TaskEvents, TaskEventsStub } from "./events.ts";
import type { Group } from "./group.ts";
import { done, type Handle, mapped, numberFor, prepared, rejecting } from "./handle.ts";
import { MessageReceiver, MessageSender } from "./message_queue.ts";
import { Listener, Namespace } from "./namespace.ts";
import { DatagramEndpoint, Network, NetworkListener } from "./network.ts";
import { PipeReader, PipeWriter } from "./pipe.ts";
import { adopt, register } from "./registry.ts";
import { SharedMemory } from "./shared_memory.ts";
import { Socket } from "./socket.ts";
import type { Program, SpawnOptions, Task, WaitSource } from "./task_api.ts";
import type { TaskHandle } from "./task_handle.ts";
import { Timer } from "./timer.ts";
import { WaitSet } from "./wait_set.ts";

register("pipe reader", PipeReader);
register("pipe writer", PipeWriter);
register("counter", Counter);
register("shared memory", SharedMemory);
register("message sender", MessageSender);
register("message receiver", MessageReceiver);
register("timer", Timer);
register("wait set", WaitSet);
register("socket", Socket);
register("namespace", Namespace);
register("listener", Listener);
register("network", Network);
register("network listener", NetworkListener);
register("datagram endpoint", DatagramEndpoint);

/** What {@linkcode Task.exit} throws to leave the program; the task has ended by then. */
export class TaskExit extends Error {
  override readonly name = "TaskExit";

  constructor() {
    super("The task has exited");
  }
}

/** What a task's stub is made from. */
export interface TaskFacts {
  readonly id: number;
  readonly name: string;
  readonly args: readonly string[];
  readonly handles: ReadonlyMap<string, number>;
  readonly limits: Readonly<Limits>;
  readonly signal: AbortSignal;
}

/** The task's side of the door: turns calls on typed objects into syscalls. */
export class TaskStub implements Task {
  readonly id: number;
  readonly name: string;
  readonly args: readonly string[];
  readonly handles: readonly string[];
  readonly limits: Readonly<Limits>;
  readonly signal: AbortSignal;
  readonly events: TaskEvents;
  readonly #door: Door;
  readonly #numbers: ReadonlyMap<string, number>;
  readonly #given = new Map<string, Handle>();

  constructor(door: Door, facts: TaskFacts) {
    this.#door = door;
    this.#numbers = facts.handles;
    this.id = facts.id;
    this.name = facts.name;
    this.args = facts.args;
    this.handles = Object.freeze([...facts.handles.keys()]);
    this.limits = facts.limits;
    this.signal = facts.signal;
    this.events = new TaskEventsStub(door, OWN_EVENT_QUEUE);
  }

  handle<H extends Handle>(name: string, type?: new (...args: never[]) => H): H {
    if (type !== undefined && typeof type !== "function") {
      throw new KernelError("INVALID_ARGUMENT", "Cannot take a handle as that: it is no class");
    }
    let handle = this.#given.get(name);
    if (handle === undefined) {
      const number = this.#numbers.get(name);
      if (number === undefined) {
        const known = this.handles.map((name) => JSON.stringify(name)).join(", ") || "none";
        throw new KernelError(
          "INVALID_ARGUMENT",
          `Cannot find a handle named ${describe(name)}: the task was given ${known}`,
        );
      }
      handle = adopt(this.#door, number);
      this.#given.set(name, handle);
    }
    if (type !== undefined && !(handle instanceof type)) {
      throw new KernelError(
        "WRONG_TYPE",
        `Cannot take ${JSON.stringify(name)} as a ${type.name}: it is a ${handle.type}`,
      );
    }
    return handle as H;
  }

  createPipe(options: PipeOptions = {}): { reader: PipeReader; writer: PipeWriter } {
    const { reader, writer } = done(this.#door.call(SYSCALLS.pipeCreate, options));
    return { reader: this.#adopt(reader), writer: this.#adopt(writer) };
  }

  createEventChannel(name: string, options?: EventChannelOptions): EventChannel {
    return this.#adopt(done(this.#door.call(SYSCALLS.eventChannelCreate, name, options)));
  }

  createGroup(name: string, options?: GroupOptions): Group {
    return this.#adopt(done(this.#door.call(SYSCALLS.groupCreate, name, options)));
  }

  createCounter(options: CounterOptions = {}): Counter {
    return this.#adopt(done(this.#door.call(SYSCALLS.counterCreate, options)));
  }

  createSharedMemory(size: number, options: SharedMemoryOptions = {}): SharedMemory {
    return this.#adopt(done(this.#door.call(SYSCALLS.sharedMemoryCreate, size, options)));
  }

  createMessageQueue(
    options: MessageQueueOptions = {},
  ): { sender: MessageSender; receiver: MessageReceiver } {
    const { sender, receiver } = done(this.#door.call(SYSCALLS.messageQueueCreate, options));
    return { sender: this.#adopt(sender), receiver: this.#adopt(receiver) };
  }

  createSocketPair(options: SocketPairOptions = {}): [Socket, Socket] {
    const [first, second] = done(this.#door.call(SYSCALLS.socketPair, options));
    return [this.#adopt(first), this.#adopt(second)];
  }

  createNamespace(): Namespace {
    return this.#adopt(done(this.#door.call(SYSCALLS.namespaceCreate)));
  }

  createTimer(): Timer {
    return this.#adopt(done(this.#door.call(SYSCALLS.timerCreate)));
  }

  createWaitSet(): WaitSet {
    return this.#adopt(done(this.#door.call(SYSCALLS.waitSetCreate)));
  }

  spawn(program: Program, options: SpawnOptions = {}): TaskHandle {
    const copy = prepared(SYSCALLS.taskSpawn, undefined, () => this.#spawnArguments(options));
    const { handle } = done(this.#door.call(SYSCALLS.taskSpawn, program, copy));
    return this.#adopt(handle);
  }

  waitMany(
    items: WaitSource[],
    options?: WaitOptions & { mode?: "any" | "all" },
  ): Promise<WaitSource[]> {
    return rejecting(() => {
      const [sources, mode] = this.#waitManyArguments(items, options);
      const call = this.#door.wait(SYSCALLS.objectWaitMany, options, numbersOf(sources), mode);
      return mapped(call, (ready) => withHandles(sources, ready));
    });
  }

  waitManySync(
    items: WaitSource[],
    options?: WaitOptions & { mode?: "any" | "all" },
  ): WaitSource[] {
    const [sources, mode] = this.#waitManyArguments(items, options);
    const numbers = numbersOf(sources);
    return withHandles(sources, this.#door.block(SYSCALLS.objectWaitMany, options, numbers, mode));
  }

  fromReadable(stream: ReadableStream<Uint8Array>): PipeReader {
    requireFree(stream, "pipeTo", "ReadableStream");
    const { reader, writer } = this.createPipe();
    // How it went, both ends are told; nobody holds this promise.
    stream.pipeTo(writer.writable).catch(() => {});
    return reader;
  }

  fromWritable(stream: WritableStream<Uint8Array>): PipeWriter {
    requireFree(stream, "getWriter", "WritableStream");
    const { reader, writer } = this.createPipe();
    reader.readable.pipeTo(stream).catch(() => {});
    return writer;
  }

  splice(from: PipeReader, to: PipeWriter, bytes: number, options?: WaitOptions): Promise<number> {
    return this.#betweenPipes(SYSCALLS.pipeSplice, from, to, bytes, options);
  }

  tee(from: PipeReader, to: PipeWriter, bytes: number, options?: WaitOptions): Promise<number> {
    return this.#betweenPipes(SYSCALLS.pipeTee, from, to, bytes, options);
  }

  exit(code?: number, value?: unknown): never {
    try {
      this.#door.call(SYSCALLS.taskExit, code ?? 0, value);
    } catch (error) {
      // A task that has ended already is left all the same; its first end counts.
      if (!(error instanceof KernelError) || error.code !== "TASK_DEAD") throw error;
    }
    throw new TaskExit();
  }

  syscall(number: number, ...args: unknown[]): unknown {
    return this.#door.raw(number, args);
  }

  #adopt<H extends Handle>(number: number): H {
    return adopt(this.#door, number) as H; // the syscall says what it makes
  }

  /** A copy of the options, each read once, with handles as numbers. */
  #spawnArguments(options: SpawnOptions): SpawnArguments {
    const copy: Record<string, unknown> = {};
    for (const field of ["name", "args", "limits", "imports"]) {
      const value = readField(options, field, "options");
      if (value !== undefined) copy[field] = value;
    }
    const given = readField(options, "handles", "options") ?? {};
    const handles = readEntries(given, "options.handles", MOST_STRINGS);
    copy.handles = new Map(
      handles.map(([name, handle]) => [name, numberFor(this.#door, handle)] as const),
    );
    return copy;
  }

  #waitManyArguments(items: unknown, options: unknown): [NumberedSource[], "any" | "all"] {
    return prepared(SYSCALLS.objectWaitMany, undefined, () => {
      const sources = readArray(items, "items", MOST_SOURCES).map((item) => {
        const handle = readField(item, "handle", "items[]");
        const number = numberFor(this.#door, handle);
        const signals = readField(item, "signals", "items[]") as Signals; // checked by the kernel
        return { handle: handle as Handle, number, signals };
      });
      const mode = options === undefined ? undefined : readField(options, "mode", "options");
      return [sources, (mode ?? "any") as "any" | "all"];
    });
  }

  #betweenPipes(
    syscall: typeof SYSCALLS.pipeSplice,
    from: PipeReader,
    to: PipeWriter,
    bytes: number,
    options: WaitOptions | undefined,
  ): Promise<number> {
    return rejecting(() => {
      const [source, sink] = prepared(syscall, undefined, () => [
        numberFor(this.#door, from),
        numberFor(this.#door, to),
      ]) as [number, number];
      return this.#door.wait(syscall, options, source, sink, bytes);
    });
  }
}

/** One source of a wait, read once. */
interface NumberedSource extends WaitSource {
  readonly number: number;
}

function numbersOf(sources: readonly NumberedSource[]): WaitItem[] {
  return sources.map(({ number, signals }) => ({ handle: number, signals }));
}

/** Throws unless the value is a stream of the kind that has this method and nobody uses it. */
function requireFree(stream: unknown, method: string, kind: string): void {
  const { [method]: found, locked } = Object(stream) as Record<string, unknown>;
  if (typeof found !== "function" || typeof locked !== "boolean") {
    throw new KernelError("INVALID_ARGUMENT", `Cannot make a pipe of it: it is no ${kind}`);
  }
  if (locked) throw new KernelError("INVALID_ARGUMENT", "Cannot make a pipe of a locked stream");
}

/** The caller's own handle objects for the numbers that the kernel answered with. */
function withHandles(
  sources: readonly NumberedSource[],
  ready: readonly { handle: number; signals: Signals }[],
): WaitSource[] {
  const byNumber = new Map(sources.map(({ handle, number }) => [number, handle]));
  return ready.flatMap(({ handle: number, signals }) => {
    const handle = byNumber.get(number);
    return handle === undefined ? [] : [{ handle, signals }];
  });
}
