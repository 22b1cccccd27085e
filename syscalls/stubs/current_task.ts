/**
 * The task that this thread runs, where a thread runs one.
 *
 * @module
 */
import type { Task } from "./task_api.ts";

let current: Task | undefined;

/** Says which task this thread runs; the driver's side of the thread calls it once. */
export function setCurrentTask(task: Task): void {
  current = task;
}

/**
 * The task that this thread runs.
 *
 * @throws {TypeError} When it runs none.
 */
export function currentTask(): Task {
  if (current !== undefined) return current;
  throw new TypeError(
    "@carmine/kernel/task is for modules that run as a task in a worker; a function gets its task " +
      "as its argument",
  );
}
