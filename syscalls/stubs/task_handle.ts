/**
 * A handle to a task.
 *
 * @module
 */
import type { EventContent, EventPayload } from "../../capabilities/event_ops.ts";
import type { ExitStatus } from "../../capabilities/task_ops.ts";
import type { WaitOptions } from "../arguments.ts";
import { SYSCALLS } from "../table.ts";
import type { EventSendOptions } from "../table/events.ts";
import { doorOf, Handle } from "./handle.ts";
import { register } from "./registry.ts";

/**
 * What a parent holds of its child: to wait for its end, to send it events, to end it.
 *
 * @example
 * ```ts
 * import { Kernel } from "@carmine/kernel";
 *
 * await using kernel = new Kernel();
 * const child = kernel.init.spawn(() => 42);
 * console.log(await child.wait()); // { state: "exited", code: 0, value: 42 }
 * ```
 */
export class TaskHandle extends Handle {
  /** Undefined for a handle that was closed from the start: one revoked on its way to here. */
  readonly #taskId: number | undefined;

  /** Throws for anybody but the kernel. */
  constructor(...origin: never[]);
  constructor(origin: unknown) {
    super(...([origin] as never[]));
    this.#taskId = this.closed ? undefined : this.#askTaskId();
  }

  /** The task's id. */
  get taskId(): number {
    return this.#taskId ?? this.#askTaskId();
  }

  /**
   * Waits until the task has ended. Needs WAIT.
   *
   * @returns How it ended: exited with a code, crashed with an error, or killed.
   * @throws {KernelError} ACCESS_DENIED without WAIT, TIMED_OUT, CANCELED.
   */
  wait(options?: WaitOptions): Promise<ExitStatus> {
    return doorOf(this).wait(SYSCALLS.taskWait, options, this.number);
  }

  /** As {@linkcode TaskHandle.wait}, but blocks the thread. Only in workers. */
  waitSync(options?: WaitOptions): ExitStatus {
    return doorOf(this).block(SYSCALLS.taskWait, options, this.number);
  }

  /**
   * Ends the task at once; nothing happens when it has ended. Needs SIGNAL_TASK. Closing the handle
   * is not enough: the task lives on.
   *
   * @throws {KernelError} ACCESS_DENIED without SIGNAL_TASK.
   */
  kill(): void {
    doorOf(this).call(SYSCALLS.taskKill, this.number);
  }

  /**
   * Sends the task an event. Process control needs SIGNAL_TASK and is always immediate: kill, stop
   * and continue act; terminate and interrupt abort the task's signal, unless it registered a
   * filter for process control, and arrive; the others only arrive. Everything else needs WRITE.
   *
   * @throws {EventError} TASK_DEAD when the task has ended; NOT_SUPPORTED for kill and stop of
   * init.
   * @throws {KernelError} ACCESS_DENIED, INVALID_ARGUMENT, OUT_OF_RANGE; LIMIT_EXCEEDED when too
   * many immediate or reliable events of the sender have not been received.
   */
  send(content: EventContent, payload?: EventPayload, options?: EventSendOptions): void {
    doorOf(this).call(SYSCALLS.eventSendDirect, this.number, content, payload, options);
  }

  #askTaskId(): number {
    return doorOf(this).call(SYSCALLS.taskId, this.number);
  }
}

register("task", TaskHandle);
