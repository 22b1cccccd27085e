/**
 * The task's side of the kernel in a worker: opens the page and makes the task's stub.
 *
 * @module
 */
import type { Limits } from "../../capabilities/limits.ts";
import type { PageMemory } from "../../syscalls/page/page.ts";
import { PageDoor } from "../../syscalls/page/page_door.ts";
import { setCurrentTask } from "../../syscalls/stubs/current_task.ts";
import { TaskStub } from "../../syscalls/stubs/task.ts";
import { SYSCALLS } from "../../syscalls/table.ts";
import type { TaskConnection } from "./protocol.ts";

/** What the kernel's side gives to the worker. */
export interface StartRecord {
  readonly page: PageMemory;
  readonly id: number;
  readonly name: string;
  readonly args: readonly string[];
  readonly handles: ReadonlyMap<string, number>;
  readonly limits: Limits;
  /** True when the kernel's time is the system's. */
  readonly hasSystemClock: boolean;
}

/** See `TaskRuntime`. */
export function connect(
  payload: unknown,
  receiveMemory: () => unknown,
): TaskConnection | undefined {
  const record = payload as StartRecord; // from the kernel
  const { page, id, name, args, handles, limits, hasSystemClock } = record;
  const abort = new AbortController();
  const door = new PageDoor(page, receiveMemory, hasSystemClock, (reason) => abort.abort(reason));
  setCurrentTask(
    new TaskStub(door, {
      id,
      name,
      args: Object.freeze([...args]),
      handles,
      limits: Object.freeze({ ...limits }),
      signal: abort.signal,
    }),
  );
  const stderr = handles.get("stderr");
  if (stderr === undefined) return undefined;
  const encoder = new TextEncoder();
  return {
    // Blocks when the pipe is full, as a program's standard error does.
    writeConsole: (text) => {
      door.block(SYSCALLS.streamWrite, undefined, stderr, encoder.encode(text));
    },
  };
}
