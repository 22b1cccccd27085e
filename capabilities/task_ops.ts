/**
 * What a handle to a task is for.
 *
 * @module
 */

/** How a task ended. */
export type ExitStatus =
  | { state: "exited"; code: number; value?: unknown }
  | { state: "crashed"; error: Error }
  | { state: "killed" };

/** Where a task is in its life. */
export type TaskState = "created" | "running" | "stopped" | "ended";

/** Tasks, seen through a handle. */
export interface TaskOps {
  /** Unique in its kernel, never reused. */
  readonly taskId: number;
  /** Where the task is in its life. */
  readonly state: TaskState;
  /** How the task ended; undefined while it lives. */
  readonly status: ExitStatus | undefined;
  /** Ends the task; the first end counts. */
  end(status: ExitStatus): void;
}
