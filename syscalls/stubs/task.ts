/**
 * The program's side of a task: calls on typed objects become syscalls.
 *
 * @module
 */
import { KernelError } from "../../capabilities/errors.ts";
import type { Limits } from "../../capabilities/limits.ts";
import type { Signals } from "../../capabilities/signals.ts";
import type { WaitOptions } from "../arguments.ts";
import type { Door } from "../door.ts";
import { SYSCALLS } from "../table.ts";
import type { PipeOptions } from "../table/streams.ts";
import { done, type Handle, numberFor } from "./handle.ts";
import { PipeReader, PipeWriter } from "./pipe.ts";
import { adopt, register } from "./registry.ts";
import type { Program, SpawnOptions, Task, WaitSource } from "./task_api.ts";
import type { TaskHandle } from "./task_handle.ts";

register("pipe reader", PipeReader);
register("pipe writer", PipeWriter);

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
  }

  handle<H extends Handle>(name: string, type?: new (...args: never[]) => H): H {
    let handle = this.#given.get(name);
    if (handle === undefined) {
      const number = this.#numbers.get(name);
      if (number === undefined) {
        const known = this.handles.map((name) => JSON.stringify(name)).join(", ") || "none";
        throw new KernelError(
          "INVALID_ARGUMENT",
          `Cannot find a handle named ${JSON.stringify(name)}: the task was given ${known}`,
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

  spawn(program: Program, options: SpawnOptions = {}): TaskHandle {
    const handles = new Map(
      Object.entries(options.handles ?? {}).map((
        [name, handle],
      ) => [name, numberFor(this.#door, handle)]),
    );
    const { name, args, limits, imports } = options;
    const { handle } = done(this.#door.call(SYSCALLS.taskSpawn, program, {
      handles,
      ...(name === undefined ? {} : { name }),
      ...(args === undefined ? {} : { args }),
      ...(limits === undefined ? {} : { limits }),
      ...(imports === undefined ? {} : { imports }),
    }));
    return this.#adopt(handle);
  }

  async waitMany(
    items: WaitSource[],
    options?: WaitOptions & { mode?: "any" | "all" },
  ): Promise<WaitSource[]> {
    const sources = this.#sources(items);
    const mode = options?.mode ?? "any";
    const ready = await this.#door.wait(SYSCALLS.objectWaitMany, options, sources, mode);
    return withHandles(items, ready);
  }

  waitManySync(
    items: WaitSource[],
    options?: WaitOptions & { mode?: "any" | "all" },
  ): WaitSource[] {
    const sources = this.#sources(items);
    const mode = options?.mode ?? "any";
    return withHandles(items, this.#door.block(SYSCALLS.objectWaitMany, options, sources, mode));
  }

  exit(code?: number, value?: unknown): never {
    this.#door.call(SYSCALLS.taskExit, code ?? 0, value);
    throw new TaskExit();
  }

  syscall(number: number, ...args: unknown[]): unknown {
    return this.#door.raw(number, args);
  }

  #adopt<H extends Handle>(number: number): H {
    return adopt(this.#door, number) as H; // the syscall says what it makes
  }

  #sources(items: WaitSource[]): { handle: number; signals: Signals }[] {
    return items.map(({ handle, signals }) => ({ handle: numberFor(this.#door, handle), signals }));
  }
}

/** The caller's own handle objects for the numbers that the kernel answered with. */
function withHandles(
  items: readonly WaitSource[],
  ready: readonly { handle: number; signals: Signals }[],
): WaitSource[] {
  const byNumber = new Map(items.map(({ handle }) => [handle.number, handle]));
  return ready.flatMap(({ handle: number, signals }) => {
    const handle = byNumber.get(number);
    return handle === undefined ? [] : [{ handle, signals }];
  });
}
