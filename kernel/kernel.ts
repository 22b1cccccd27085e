/**
 * The kernel's core: the tasks, and what they share.
 *
 * Invariants: `tasks` holds init and every task that has not ended; task ids are never reused;
 * after every task but init has ended and init has closed its handles, no object is left that a
 * task created.
 *
 * @module
 */
import { asError, KernelError } from "../capabilities/errors.ts";
import { type HandleEntry, HandleFlags } from "../capabilities/handle.ts";
import { DEFAULT_LIMITS, type Limits, requireWithin, withLimits } from "../capabilities/limits.ts";
import { reportUncaught } from "../capabilities/report_uncaught.ts";
import { COMMON_RIGHTS, Rights } from "../capabilities/rights.ts";
import type { Lease } from "./account.ts";
import { type Clock, SystemClock } from "./clock.ts";
import type { Driver, SpawnRequest } from "./driver.ts";
import type { Carrier } from "./handle_transfer.ts";
import { EventManager } from "./ipc/event_manager.ts";
import { EveryoneObject } from "./ipc/group.ts";
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
  /** Stamps and delivers the events that tasks and groups are sent. */
  readonly events: EventManager;
  /** The group of all tasks. */
  readonly everyone: EveryoneObject = new EveryoneObject(this.tasks);
  /** Tasks that ended while their thread goes on. */
  readonly lingering: Set<TaskObject> = new Set();
  /** Objects that hold handles in flight. */
  readonly carriers: Set<Carrier> = new Set();
  readonly #drivers: Driver[] = [];
  /** Tasks that have a deadline and have not ended. */
  readonly #deadlines: Map<TaskObject, { readonly atMs: number; cancel: () => void }> = new Map();
  readonly #onLog: (record: LogRecord) => void;
  #nextTaskId = 1;
  #isShutDown = false;

  constructor(settings: KernelSettings = {}) {
    this.clock = settings.clock ?? new SystemClock();
    this.limits = Object.freeze(withLimits(DEFAULT_LIMITS, settings.limits));
    this.#onLog = settings.onLog ?? (() => {});
    this.init = this.#createTask("init", [], this.limits, undefined);
    this.init.started();
    this.events = new EventManager(this);
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
    try {
      this.#onLog(record);
    } catch (error) {
      reportUncaught(error);
    }
  }

  /**
   * Starts a program as a child of `parent`. The given handles move to it.
   *
   * @returns The number of the child's handle in the parent's table.
   * @throws {KernelError} and changes nothing: NOT_SUPPORTED when no driver runs such a program,
   * INVALID_ARGUMENT when it is none, ACCESS_DENIED when a handle lacks TRANSFER, LIMIT_EXCEEDED, TOO_MANY_HANDLES, INVALID_STATE
   * while the kernel shuts down.
   */
  spawn(parent: TaskObject, spawn: Spawn): { handle: number; taskId: number } {
    if (this.#isShutDown) throw new KernelError("INVALID_STATE", "the kernel is shutting down");
    const driver = this.#drivers.find((driver) => driver.accepts(spawn.program));
    if (driver === undefined) {
      const isKnown = typeof spawn.program === "string" || spawn.program instanceof URL;
      throw isKnown
        ? new KernelError("NOT_SUPPORTED", "no driver runs modules here")
        : new KernelError("INVALID_ARGUMENT", "the program is neither a function nor a module URL");
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
    driver.check(spawn, parent);
    const child = this.#createChild(parent, spawn, limits);
    // Nothing from here on can fail.
    const numbers = child.receive(handles);
    child.given = new Map([...spawn.handles.keys()].map((name, i) => [name, numbers[i] as number]));
    const handle = parent.install(child, TASK_RIGHTS);
    this.#start(child, driver, spawn);
    return { handle, taskId: child.taskId };
  }

  /** A task has ended: {@linkcode TaskObject.end} calls this. */
  taskEnded(task: TaskObject): void {
    this.#cancelDeadline(task);
    this.tasks.delete(task.taskId);
    this.events.taskEnded(task);
    if (task.status !== undefined && !this.#isShutDown) this.events.childExit(task, task.status);
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
    this.events.shutdown();
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

  /** A task that is charged to its parent and has its deadline, but no handles yet; or nothing. */
  #createChild(parent: TaskObject, spawn: Spawn, limits: Readonly<Limits>): TaskObject {
    const { account } = parent;
    account.charge("children");
    let lease: Lease | undefined;
    try {
      lease = account.lease();
      const child = this.#createTask(spawn.name, spawn.args, limits, parent);
      child.lease = lease;
      try {
        this.#setDeadline(child, parent);
      } catch (cause) {
        this.tasks.delete(child.taskId);
        throw new KernelError("INVALID_STATE", "the kernel's clock failed", { cause });
      }
      parent.children.add(child);
      return child;
    } catch (error) {
      lease?.release();
      account.refund("children");
      throw error;
    }
  }

  #start(child: TaskObject, driver: Driver, spawn: Spawn): void {
    try {
      child.program = driver.start(child, spawn);
    } catch (error) {
      // The handles have moved, so this is a task that failed, not a spawn that did.
      child.end({ state: "crashed", error: asError(error) });
    }
    if (child.status !== undefined) child.program?.stop();
  }

  /** A child ends with its parent's deadline at the latest: spawning gives nobody more time. */
  #setDeadline(task: TaskObject, parent: TaskObject): void {
    const { deadlineMs } = task.account.limits;
    if (deadlineMs === Infinity) return;
    const latestMs = this.#deadlines.get(parent)?.atMs ?? Infinity;
    const atMs = Math.min(this.clock.now() + deadlineMs, latestMs);
    const deadline = { atMs, cancel: () => {} };
    this.#deadlines.set(task, deadline);
    try {
      deadline.cancel = this.clock.schedule(atMs, () => this.#deadlinePassed(task));
    } catch (error) {
      this.#deadlines.delete(task);
      throw error;
    }
  }

  #deadlinePassed(task: TaskObject): void {
    if (task.status !== undefined) return;
    if (task.program === undefined) { // the clock called at once, in the middle of the spawn
      queueMicrotask(() => this.#deadlinePassed(task));
      return;
    }
    this.log({
      level: "warn",
      message: `Task ${task.taskId} (${task.name}) was killed: its deadline has passed`,
      taskId: task.taskId,
    });
    task.end({ state: "killed" });
  }

  #cancelDeadline(task: TaskObject): void {
    const deadline = this.#deadlines.get(task);
    this.#deadlines.delete(task);
    try {
      deadline?.cancel();
    } catch (error) {
      reportUncaught(error); // the clock is the host's
    }
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
