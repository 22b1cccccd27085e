/**
 * A task on the kernel's side: who holds handles, who is charged, who can be ended.
 *
 * Invariants: a task that has ended holds no handle, has mapped nothing, waits for nothing, is in no
 * group and has no children; its status never changes; its end is told to its parent and its handles' holders once.
 *
 * @module
 */
import { Capability } from "../capabilities/capability.ts";
import { HandleEntry, OwnHandleEntry } from "../capabilities/handle.ts";
import type { HandleTarget } from "../capabilities/capability.ts";
import { HandleTable, OWN_EVENT_QUEUE } from "../capabilities/handle_table.ts";
import { KernelError } from "../capabilities/errors.ts";
import type { Limits } from "../capabilities/limits.ts";
import { Rights } from "../capabilities/rights.ts";
import { type Selectable, WaitQueue } from "../capabilities/selectable.ts";
import { Signals } from "../capabilities/signals.ts";
import type { ExitStatus, TaskState } from "../capabilities/task_ops.ts";
import { KernelObject } from "./kernel_object.ts";
import { Account } from "./account.ts";
import { EventQueue } from "./ipc/event_queue.ts";
import { MemoryMappings } from "./memory_mappings.ts";
import type { Seats } from "./seats.ts";

/** A program that runs. */
export interface RunningProgram {
  /** The task has ended, however it did: nothing of the program matters any more. */
  stop(): void;
  /** True while a thread of the program goes on although its task has ended. */
  readonly isLingering: boolean;
}

/** A call that waits, as its task sees it. */
export interface PendingWait {
  /** The task goes on after a stop: tries again. */
  resume(): void;
  /** The task has ended: so does the call. */
  abandon(): void;
}

/** A group, as its members see it. */
export interface TaskGroup {
  /** Takes the task out. */
  leave(task: TaskObject): void;
}

/** What a call waits on that needs nothing but its own task to go on. */
class Progress implements Selectable {
  readonly waiters: WaitQueue = new WaitQueue(this);
  readonly #task: TaskObject;

  constructor(task: TaskObject) {
    this.#task = task;
  }

  get signals(): Signals {
    return this.#task.isRunning ? Signals.SIGNALED : 0;
  }
}

/** What happens around a task's end; the kernel's other parts. */
export interface TaskObserver {
  taskEnded(task: TaskObject): void;
}

/** What a task is made from. */
export interface TaskSettings {
  readonly taskId: number;
  readonly name: string;
  readonly args: readonly string[];
  readonly limits: Limits;
  readonly parent: TaskObject | undefined;
  readonly observer: TaskObserver;
}

/** One task. */
export class TaskObject extends KernelObject {
  readonly type = "task";
  readonly capabilities: number = Capability.TASK;
  readonly taskId: number;
  readonly name: string;
  readonly args: readonly string[];
  readonly table: HandleTable;
  readonly account: Account;
  /** The task's own event queue; in no slot of its table. */
  readonly events: EventQueue;
  /** Memory that the task has mapped. */
  readonly mappings: MemoryMappings = new MemoryMappings();
  /** What its thread works on itself; undefined where it runs in the kernel's isolate. */
  seats: Seats | undefined = undefined;
  /** Signaled while the task's calls may run. */
  readonly progress: Selectable = new Progress(this);
  /** Groups that the task is in. */
  readonly groups: Set<TaskGroup> = new Set();
  /** Children alive. */
  readonly children: Set<TaskObject> = new Set();
  /** Calls of the task that wait. */
  readonly pendingWaits: Set<PendingWait> = new Set();
  /** The parent, or who took its place; undefined for init only. */
  parent: TaskObject | undefined;
  /** The handles given at spawn, by name. */
  given: ReadonlyMap<string, number> = new Map();
  /** Set from the start of the program on. */
  program: RunningProgram | undefined = undefined;
  /** Aborted by terminate and interrupt, and by a kill. */
  readonly abort: AbortController = new AbortController();
  readonly #observer: TaskObserver;
  readonly #ownEvents: OwnHandleEntry;
  #state: TaskState = "created";
  /** What a continue makes of a stopped task. */
  #stateBeforeStop: TaskState = "created";
  /** Those who wait for the end of a stop. */
  #onContinued: (() => void)[] = [];
  #status: ExitStatus | undefined = undefined;

  constructor(settings: TaskSettings) {
    super();
    this.taskId = settings.taskId;
    this.name = settings.name;
    this.args = settings.args;
    this.parent = settings.parent;
    this.#observer = settings.observer;
    this.account = new Account(settings.limits, settings.parent?.account);
    this.table = new HandleTable(settings.limits.handles);
    this.events = new EventQueue(this.account);
    this.#ownEvents = new OwnHandleEntry(this.events, Rights.READ | Rights.WAIT);
    this.#ownEvents.number = OWN_EVENT_QUEUE;
    this.table.own = this.#ownEvents;
  }

  get state(): TaskState {
    return this.#state;
  }

  /** True while the task's calls may run. */
  get isRunning(): boolean {
    return this.#state === "running" || this.#state === "created";
  }

  get isStopped(): boolean {
    return this.#state === "stopped";
  }

  /** How the task ended; undefined while it lives. */
  get status(): ExitStatus | undefined {
    return this.#status;
  }

  /** The program begins. */
  started(): void {
    if (this.#state === "created") this.#state = "running";
  }

  /** Suspends the task's calls. */
  stop(): void {
    if (!this.isRunning) return;
    this.#stateBeforeStop = this.#state;
    this.#state = "stopped";
    this.seats?.suspend();
    // Those behind the task's calls need not wait for them any more.
    for (const wait of [...this.pendingWaits]) wait.resume();
  }

  /** Lets the task's calls go on, those that waited first. */
  continue(): void {
    if (this.#state !== "stopped") return;
    this.#state = this.#stateBeforeStop;
    for (const wait of [...this.pendingWaits]) wait.resume();
    this.#settleContinued();
  }

  /** Resolves when the task is stopped no more: it goes on, or it has ended. */
  whenContinued(): Promise<void> {
    if (!this.isStopped) return Promise.resolve();
    return new Promise((resolve) => this.#onContinued.push(resolve));
  }

  /**
   * Puts a new object into the task's table.
   *
   * @returns The handle's number.
   */
  install(object: HandleTarget, rights: Rights, flags = 0): number {
    if (this.#state === "ended") {
      throw new KernelError("TASK_DEAD", `task ${this.taskId} (${this.name}) has ended`);
    }
    this.table.requireRoom(1); // before the entry counts
    return this.table.insert(new HandleEntry(object, rights, flags));
  }

  /**
   * Moves entries into this task's table, all or none.
   *
   * @returns Their numbers here.
   * @throws {KernelError} TOO_MANY_HANDLES when they don't fit; nothing has moved.
   */
  receive(entries: readonly HandleEntry[]): number[] {
    this.table.requireRoom(entries.length);
    return entries.map((entry) => {
      entry.object.waiters.interrupt(entry, "moved");
      entry.table?.forget(entry);
      return this.table.insert(entry);
    });
  }

  /** Ends the task; the first end counts. */
  end(status: ExitStatus): void {
    if (this.#state === "ended") return;
    this.#state = "ended";
    this.#status = Object.freeze(status);
    for (const wait of [...this.pendingWaits]) wait.abandon();
    for (const entry of this.table) entry.close("dead");
    this.mappings.closeAll();
    this.#ownEvents.end();
    this.account.parent?.refund("children");
    this.#adoptOutChildren();
    this.#observer.taskEnded(this);
    this.program?.stop();
    this.waiters.wake();
    this.releaseLease();
    this.#settleContinued();
    // Last: listeners are the program's code, and may call the kernel from here.
    if (status.state === "killed") {
      this.abort.abort(new KernelError("TASK_DEAD", `Task ${this.taskId} was killed`));
    }
  }

  override assertInvariants(): void {
    super.assertInvariants();
    this.table.assertInvariants();
    this.account.assertInvariants();
    this.events.assertInvariants();
    this.mappings.assertInvariants();
    this.seats?.assertInvariants();
    if (this.#state === "ended") {
      if (this.table.size > 0) throw new Error("an ended task holds handles");
      if (this.mappings.size > 0) throw new Error("an ended task has mappings");
      if (this.groups.size > 0) throw new Error("an ended task is in a group");
      if (this.pendingWaits.size > 0) throw new Error("an ended task waits");
      if (this.children.size > 0) throw new Error("an ended task has children");
      if (this.#status === undefined) throw new Error("an ended task has no status");
    } else if (this.#status !== undefined) throw new Error("a living task has a status");
  }

  /** A task lives on without handles to it: what it was charged goes back when both are over. */
  protected override releaseLease(): void {
    if (this.#state === "ended" && this.handleCount === 0) super.releaseLease();
  }

  protected ownSignals(): number {
    return this.#state === "ended" ? Signals.SIGNALED : 0;
  }

  #settleContinued(): void {
    for (const resolve of this.#onContinued.splice(0)) resolve();
  }

  /** The children go to the nearest ancestor that lives. */
  #adoptOutChildren(): void {
    const heir = this.parent;
    for (const child of this.children) {
      child.parent = heir;
      heir?.children.add(child);
    }
    this.children.clear();
    heir?.children.delete(this);
  }
}
