/**
 * Groups of tasks, which events are sent to as one.
 *
 * Invariants: a member is alive, is in the group once, and has the group among its `groups`; a
 * group without handles has no members.
 *
 * @module
 */
import { Capability } from "../../capabilities/capability.ts";
import { EventError } from "../../capabilities/errors.ts";
import type { GroupOps, GroupTarget } from "../../capabilities/event_ops.ts";
import { KernelObject } from "../kernel_object.ts";
import type { TaskObject } from "../task.ts";

/** What a group is for. */
export type GroupKind = "taskGroup" | "session" | "custom";

/** What a send needs of a group. */
export interface Membership extends GroupOps {
  /** Members, and whether the group may send them process control. */
  members(): Iterable<readonly [task: TaskObject, maySignal: boolean]>;
}

/** What every group is. */
abstract class GroupBase extends KernelObject implements Membership {
  readonly type = "group";
  readonly capabilities: number = Capability.GROUP;
  abstract readonly target: GroupTarget;

  get memberIds(): readonly number[] {
    return [...this.members()].map(([task]) => task.taskId);
  }

  abstract members(): Iterable<readonly [task: TaskObject, maySignal: boolean]>;
  abstract join(task: TaskObject, maySignal: boolean): void;
  abstract leave(task: TaskObject): void;

  protected ownSignals(): number {
    return 0;
  }
}

/** A group that somebody made. */
export class GroupObject extends GroupBase {
  readonly target: GroupTarget;
  readonly #members: Map<TaskObject, boolean> = new Map();

  constructor(name: string, kind: GroupKind) {
    super();
    this.target = Object.freeze(
      kind === "custom" ? { type: kind, name } : { type: kind, id: this.id },
    );
  }

  members(): Iterable<readonly [task: TaskObject, maySignal: boolean]> {
    return this.#members;
  }

  /**
   * Adds a task, once.
   *
   * @param maySignal True when whoever adds it may send it process control: a group gives its
   * senders no more power over a member than the member's handle gave.
   * @throws {EventError} TASK_DEAD when the task has ended.
   */
  join(task: TaskObject, maySignal: boolean): void {
    if (task.status !== undefined) {
      throw new EventError("TASK_DEAD", `task ${task.taskId} (${task.name}) has ended`);
    }
    this.#members.set(task, maySignal || this.#members.get(task) === true);
    task.groups.add(this);
  }

  /** Takes a task out; nothing happens when it is no member. */
  leave(task: TaskObject): void {
    this.#members.delete(task);
    task.groups.delete(this);
  }

  protected override onLastHandleClosed(): void {
    for (const task of [...this.#members.keys()]) this.leave(task);
  }

  override assertInvariants(): void {
    super.assertInvariants();
    for (const task of this.#members.keys()) {
      if (task.status !== undefined) throw new Error("a dead task is a member");
      if (!task.groups.has(this)) throw new Error("a member doesn't know its group");
    }
  }
}

/** The group of all tasks. */
export class EveryoneObject extends GroupBase {
  readonly target: GroupTarget = Object.freeze({ type: "allTasks" });
  readonly #tasks: ReadonlyMap<number, TaskObject>;

  /** @param tasks The living tasks by id. */
  constructor(tasks: ReadonlyMap<number, TaskObject>) {
    super();
    this.#tasks = tasks;
  }

  *members(): Iterable<readonly [task: TaskObject, maySignal: boolean]> {
    for (const task of this.#tasks.values()) yield [task, true];
  }

  join(): void {
    throw new EventError("NOT_SUPPORTED", "all tasks are in it, from their start to their end");
  }

  leave(): void {
    this.join();
  }
}

/** Either kind of group. */
export type AnyGroup = GroupObject | EveryoneObject;
