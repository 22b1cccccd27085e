/**
 * The kernel's core: the tasks, and what they share.
 *
 * Invariants: `tasks` holds init and every task that has not ended; task ids are never reused;
 * after every task but init has ended and init has closed its handles, no object is left that a
 * task created.
 *
 * @module
 */
import { KernelError } from "../capabilities/errors.ts";
import { type HandleEntry, HandleFlags } from "../capabilities/handle.ts";
import { DEFAULT_LIMITS, type Limits, requireWithin, withLimits } from "../capabilities/limits.ts";
import { COMMON_RIGHTS, Rights } from "../capabilities/rights.ts";
import { type Clock, SystemClock } from "./clock.ts";
import type { Driver, SpawnRequest } from "./driver.ts";
import type { Carrier } from "./handle_transfer.ts";
import { TaskObject, type TaskObserver } from "./task.ts";

/** A line for whoever runs the kernel. */
export interface LogRecord {
  /** "debug", "info", "warn" or "error". */
  level: string;
  /** What happened, a sentence. */
  message: string;
  /** The task it is about, if one. */
  taskId?: number;
}

/** What a kernel is made from. */
export interface KernelSettings {
  readonly clock?: Clock;
  readonly limits?: Partial<Limits>;
  readonly onLog?: (record: LogRecord) => void;
}

/** What a spawn asks of the kernel, checked and copied. */
export interface Spawn extends SpawnRequest {
  readonly handles: ReadonlyMap<string, HandleEntry>;
  readonly limits: Partial<Limits>;
}

/** Rights of the handle that a parent gets to its child. */
const TASK_RIGHTS = COMMON_RIGHTS | Rights.WRITE | Rights.SIGNAL_TASK;

/** The trusted core. */
export class KernelCore implements TaskObserver {
  readonly clock: Clock;
  readonly limits: Readonly<Limits>;
  readonly init: TaskObject;
  /** Living tasks by id. */
  readonly tasks: Map<number, TaskObject> = new Map();
  /** Tasks that ended while their thread goes on. */
  readonly lingering: Set<TaskObject> = new Set();
  /** Objects that hold handles in flight. */
  readonly carriers: Set<Carrier> = new Set();
  readonly #drivers: Driver[] = [];
  readonly #deadlines: Map<TaskObject, () => void> = new Map();
  readonly #onLog: (record: LogRecord) => void;
  #nextTaskId = 1;
  #isShutDown = false;

  constructor(settings: KernelSettings = {}) {
    this.clock = settings.clock ?? new SystemClock();
    this.limits = Object.freeze(withLimits(DEFAULT_LIMITS, settings.limits));
    this.#onLog = settings.onLog ?? (() => {});
    this.init = this.#createTask("init", [], this.limits, undefined);
    this.init.started();
  }

  get isShutDown(): boolean {
    return this.#isShutDown;
  }

  /** Adds a way to run programs; the first that accepts one runs it. */
  addDriver(driver: Driver): void {
    this.#drivers.push(driver);
  }

  /** Tells whoever runs the kernel. */
  log(record: LogRecord): void {
    this.#onLog(record);
  }

  /**
   * Starts a program as a child of `parent`. The given handles move to it.
   *
   * @returns The number of the child's handle in the parent's table.
   * @throws {KernelError} and changes nothing: NOT_SUPPORTED when no driver runs such a program,
   * ACCESS_DENIED when a handle lacks TRANSFER, LIMIT_EXCEEDED, TOO_MANY_HANDLES.
   */
  spawn(parent: TaskObject, spawn: Spawn): { handle: number; taskId: number } {
    const driver = this.#drivers.find((driver) => driver.accepts(spawn.program));
    if (driver === undefined) {
      throw new KernelError("NOT_SUPPORTED", "the program is neither a function nor a module URL");
    }
    const limits = withLimits(parent.account.limits, spawn.limits);
    requireWithin(limits, parent.account.limits);
    const handles = requireTransferable(spawn.handles);
    if (handles.length > limits.handles) {
      throw new KernelError(
        "TOO_MANY_HANDLES",
        `${handles.length} handles are more than the child's limit of ${limits.handles}`,
      );
    }
    if (handles.length === 0) parent.table.requireRoom(1);
    driver.check(spawn);
    parent.account.charge("children");
    let lease;
    try {
      lease = parent.account.lease();
    } catch (error) {
      parent.account.refund("children");
      throw error;
    }
    const child = this.#createTask(spawn.name, spawn.args, limits, parent);
    child.lease = lease;
    parent.children.add(child);
    const numbers = child.receive(handles);
    child.given = new Map([...spawn.handles.keys()].map((name, i) => [name, numbers[i] as number]));
    const handle = parent.install(child, TASK_RIGHTS);
    this.#setDeadline(child, limits.deadlineMs);
    child.program = driver.start(child, spawn);
    return { handle, taskId: child.taskId };
  }

  /** A task has ended: {@linkcode TaskObject.end} calls this. */
  taskEnded(task: TaskObject): void {
    this.#deadlines.get(task)?.();
    this.#deadlines.delete(task);
    this.tasks.delete(task.taskId);
  }

  /** Kills every task but init and closes what init holds. */
  shutdown(): void {
    if (this.#isShutDown) return;
    this.#isShutDown = true;
    // Youngest first, so that nobody's children are handed on just to be killed next.
    for (const task of [...this.tasks.values()].reverse()) {
      if (task !== this.init) task.end({ state: "killed" });
    }
    this.init.end({ state: "exited", code: 0 });
    // What is left is kept alive by handles in flight only, in a cycle of carriers.
    for (const carrier of [...this.carriers]) carrier.drain();
  }

  /** Throws when an invariant is broken; for tests. */
  assertInvariants(): void {
    for (const [taskId, task] of this.tasks) {
      if (task.taskId !== taskId) throw new Error("a task is filed under another's id");
      if (task.status !== undefined) throw new Error("an ended task is still listed");
      task.assertInvariants();
    }
  }

  #createTask(
    name: string,
    args: readonly string[],
    limits: Readonly<Limits>,
    parent: TaskObject | undefined,
  ): TaskObject {
    const taskId = this.#nextTaskId++;
    const task = new TaskObject({ taskId, name, args, limits, parent, observer: this });
    this.tasks.set(taskId, task);
    return task;
  }

  #setDeadline(task: TaskObject, deadlineMs: number): void {
    if (deadlineMs === Infinity) return;
    const cancel = this.clock.schedule(this.clock.now() + deadlineMs, () => {
      this.log({
        level: "warn",
        message: `Task ${task.taskId} (${task.name}) ran longer than ${deadlineMs} ms`,
        taskId: task.taskId,
      });
      task.end({ state: "killed" });
    });
    this.#deadlines.set(task, cancel);
  }
}

/** The entries, each once and each free to move. */
function requireTransferable(handles: ReadonlyMap<string, HandleEntry>): HandleEntry[] {
  const entries: HandleEntry[] = [];
  for (const [name, entry] of handles) {
    if ((entry.rights & Rights.TRANSFER) === 0) {
      throw new KernelError(
        "ACCESS_DENIED",
        `"${name}", ${entry.subject}, lacks the right TRANSFER`,
      );
    }
    if ((entry.flags & HandleFlags.CLOSE_ON_SPAWN) !== 0) {
      throw new KernelError("INVALID_ARGUMENT", `"${name}", ${entry.subject}, is closed on spawn`);
    }
    if (entries.includes(entry)) {
      throw new KernelError("INVALID_ARGUMENT", `${entry.subject} is given twice`);
    }
    entries.push(entry);
  }
  return entries;
}
