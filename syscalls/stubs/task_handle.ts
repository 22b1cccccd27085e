/**
 * A handle to a task.
 *
 * @module
 */
import type { ExitStatus } from "../../capabilities/task_ops.ts";
import type { WaitOptions } from "../arguments.ts";
import { SYSCALLS } from "../table.ts";
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
  readonly #taskId: number;

  /** Throws for anybody but the kernel. */
  constructor(...origin: never[]);
  constructor(origin: unknown) {
    super(...([origin] as never[]));
    this.#taskId = doorOf(this).call(SYSCALLS.taskId, this.number);
  }

  /** The task's id. */
  get taskId(): number {
    return this.#taskId;
  }

  /**
   * Waits until the task has ended. Needs WAIT.
   *
   * @returns How it ended: exited with a code, crashed with an error, or killed.
   */
  wait(options?: WaitOptions): Promise<ExitStatus> {
    return doorOf(this).wait(SYSCALLS.taskWait, options, this.number);
  }

  /** As {@linkcode TaskHandle.wait}, but blocks the thread. Only in workers. */
  waitSync(options?: WaitOptions): ExitStatus {
    return doorOf(this).block(SYSCALLS.taskWait, options, this.number);
  }

  /** Ends the task at once; nothing happens when it has ended. Needs SIGNAL_TASK. */
  kill(): void {
    doorOf(this).call(SYSCALLS.taskKill, this.number);
  }
}

register("task", TaskHandle);
