/**
 * How a task runs is a driver's business: a function in this isolate, a worker. Nothing above this
 * interface knows which.
 *
 * @module
 */
import type { RunningProgram, TaskObject } from "./task.ts";

/** What a spawn asks for, checked and copied. */
export interface SpawnRequest {
  /** What to run; the driver that accepts it knows how. */
  readonly program: unknown;
  readonly name: string;
  readonly args: readonly string[];
  /** URLs or URL prefixes that a worker's module may import beyond its own folder. */
  readonly imports: readonly string[];
}

/** A way to run programs. */
export interface Driver {
  /** True when the driver can run programs like this one. */
  accepts(program: unknown): boolean;
  /**
   * Throws a KernelError when the program can't be started at all (the host lacks a flag). Called
   * before the spawn has changed anything.
   */
  check(request: SpawnRequest, parent: TaskObject): void;
  /** Starts the program as the task; how it ends is told to `task.end`. */
  start(task: TaskObject, request: SpawnRequest): RunningProgram;
}
