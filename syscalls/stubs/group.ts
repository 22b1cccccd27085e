/**
 * Groups of tasks as programs hold them.
 *
 * @module
 */
import type { DeliveryResult, EventContent, EventPayload } from "../../capabilities/event_ops.ts";
import type { SyscallSpec } from "../door.ts";
import { SYSCALLS } from "../table.ts";
import type { GroupSendOptions } from "../table/events.ts";
import { done, doorOf, Handle, numberFor, prepared } from "./handle.ts";
import { register } from "./registry.ts";
import type { TaskHandle } from "./task_handle.ts";

/**
 * A group of tasks: an event sent to it goes to every member. The only groups are those made by
 * `createGroup`, and `kernel.everyone`. A member that ends leaves.
 *
 * @example
 * ```ts
 * import { Kernel } from "@carmine/kernel";
 *
 * await using kernel = new Kernel();
 * const group = kernel.init.createGroup("workers");
 * const work = (task: import("@carmine/kernel").Task) => task.events.receive();
 * const workers = [kernel.init.spawn(work), kernel.init.spawn(work)];
 * for (const worker of workers) group.join(worker);
 * console.log(group.send({ type: "notification", notification: "go" })); // 2 delivered
 * ```
 */
export class Group extends Handle {
  /**
   * Makes a task a member; a member twice is a member once. Needs WRITE on the group and on the
   * task's handle. Process control sent to the group reaches it only if the task's handle has
   * SIGNAL_TASK.
   *
   * @throws {EventError} TASK_DEAD when the task has ended, NOT_SUPPORTED for `kernel.everyone`.
   */
  join(task: TaskHandle): void {
    const member = this.#memberFor(SYSCALLS.groupJoin, task);
    doorOf(this).call(SYSCALLS.groupJoin, this.number, member);
  }

  /**
   * Ends a task's membership; nothing happens when it is no member. Needs WRITE on the group.
   *
   * @throws {EventError} NOT_SUPPORTED for `kernel.everyone`.
   */
  leave(task: TaskHandle): void {
    const member = this.#memberFor(SYSCALLS.groupLeave, task);
    doorOf(this).call(SYSCALLS.groupLeave, this.number, member);
  }

  /**
   * Makes the calling task itself a member, which then also gets process control. Needs WRITE.
   *
   * @throws {EventError} NOT_SUPPORTED for `kernel.everyone`.
   */
  joinSelf(): void {
    doorOf(this).call(SYSCALLS.groupJoinSelf, this.number);
  }

  /** Ends the calling task's own membership. Needs WRITE, and as {@linkcode Group.leave}. */
  leaveSelf(): void {
    doorOf(this).call(SYSCALLS.groupLeaveSelf, this.number);
  }

  /** Ids of the members, in the order they joined. Needs READ, WRITE or INSPECT. */
  get members(): readonly number[] {
    return done(doorOf(this).call(SYSCALLS.groupMembers, this.number));
  }

  /**
   * Sends an event to every member, the sender included if it is one. Needs WRITE, and SIGNAL_TASK
   * as well for process control.
   *
   * @returns How many members have it (or, sent reliably, will have it as soon as they have room),
   * and how many wanted it and could not get it.
   * @throws {KernelError} ACCESS_DENIED, INVALID_ARGUMENT, OUT_OF_RANGE.
   */
  send(
    content: EventContent,
    payload?: EventPayload,
    options?: GroupSendOptions,
  ): DeliveryResult {
    return done(doorOf(this).call(SYSCALLS.groupSend, this.number, content, payload, options));
  }

  #memberFor(syscall: SyscallSpec, task: unknown): number {
    return prepared(syscall, this, () => numberFor(doorOf(this), task));
  }
}

register("group", Group);
