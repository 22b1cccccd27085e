/**
 * What a module that runs as a task in a worker imports.
 *
 * @example The module `count.ts`, started with `init.spawn(new URL("./count.ts", import.meta.url))`
 * ```ts ignore
 * import { PipeReader } from "@carmine/kernel";
 * import { task } from "@carmine/kernel/task";
 *
 * const input = task.handle("input", PipeReader);
 * const buffer = new Uint8Array(4096);
 * let total = 0;
 * for (let n; (n = input.readSync(buffer)) > 0;) total += n;
 * task.exit(0, total);
 * ```
 *
 * @module
 */
import { currentTask } from "./syscalls/stubs/current_task.ts";
import type { Task } from "./syscalls/stubs/task_api.ts";

export type { Task };

/** The task that runs this module. */
export const task: Task = currentTask();
