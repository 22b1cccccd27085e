/** 1-99: tasks. @module */
import { Capability } from "../../capabilities/capability.ts";
import type { Limits } from "../../capabilities/limits.ts";
import { DEFAULT_LIMITS } from "../../capabilities/limits.ts";
import { KernelError } from "../../capabilities/errors.ts";
import { Rights } from "../../capabilities/rights.ts";
import { Signals } from "../../capabilities/signals.ts";
import type { ExitStatus } from "../../capabilities/task_ops.ts";
import {
  anything,
  custom,
  handle,
  type HandleRef,
  integer,
  optional,
  record,
  text,
} from "../argument_kinds.ts";
import { readArray, readField, readMap } from "../arguments.ts";
import { syscall } from "./define.ts";

/** Most names of handles, strings of arguments and import prefixes that a spawn takes. */
export const MOST_STRINGS = 4_096;

/** What a spawn asks for, handles as numbers. */
export interface SpawnArguments {
  readonly name?: string;
  readonly args?: readonly string[];
  readonly handles?: ReadonlyMap<string, number>;
  readonly limits?: Partial<Limits>;
  readonly imports?: readonly string[];
}

function strings(name: string): ReturnType<typeof custom> {
  return custom(
    name,
    "strings",
    (given, name) =>
      readArray(given, name, MOST_STRINGS).map((element) => {
        if (typeof element === "string") return element;
        throw new KernelError("INVALID_ARGUMENT", `${name} has an element that is not a string`);
      }),
  );
}

/** Handles by name. */
function namedHandles(given: unknown, name: string): Map<string, number> {
  const handles = new Map<string, number>();
  for (const [key, number] of readMap(given, name, MOST_STRINGS)) {
    if (typeof key !== "string" || typeof number !== "number") {
      throw new KernelError("INVALID_ARGUMENT", `${name} must map names to handles`);
    }
    handles.set(key, number);
  }
  return handles;
}

/** The program as it was given; a URL that its owner may change later is copied. */
function plainProgram(given: unknown, name: string): unknown {
  if (typeof given !== "object" || given === null) return given;
  try {
    return given instanceof URL ? new URL(given.href) : given;
  } catch (cause) { // a proxy's trap, a getter
    throw new KernelError("INVALID_ARGUMENT", `${name} can't be read`, { cause });
  }
}

function limits(given: unknown, name: string): Partial<Limits> {
  const copy: Partial<Limits> = {};
  for (const limit of Object.keys(DEFAULT_LIMITS) as (keyof Limits)[]) {
    const value = readField(given, limit, name);
    if (value !== undefined) copy[limit] = value as number; // their values: withLimits
  }
  return copy;
}

export const taskCalls = {
  taskSpawn: syscall<
    [program: unknown, options: SpawnArguments],
    { handle: number; taskId: number }
  >({
    number: 1,
    name: "task_spawn",
    verb: "spawn a task",
    summary: "Starts a program as a child task, which the given handles move to.",
    args: [
      custom("program", "function, URL or string", plainProgram),
      record("options", [
        optional(text("name", 255)),
        optional(strings("args")),
        optional(custom("handles", "Map of names to handles", namedHandles)),
        optional(custom("limits", "limits", limits)),
        optional(strings("imports")),
      ]),
    ],
    rightsNote: "TRANSFER on each of the given handles",
    errors: [
      "NOT_SUPPORTED: no driver runs such a program, or the host lacks what it needs",
      "BAD_HANDLE: one of the handles is none of the task's",
      "INVALID_ARGUMENT: the program is neither a function nor a module URL, a handle is given twice or is closed on spawn, a limit is no number",
      "TOO_MANY_HANDLES: the child may not hold so many, or the task has no room for the child's",
      "LIMIT_EXCEEDED: a limit would be more than the task's own, or `children` or `objects` is used up",
      "INVALID_STATE: the kernel is shutting down",
    ],
  }),
  taskExit: syscall<[code: number, value: unknown], void>({
    number: 2,
    name: "task_exit",
    verb: "exit",
    summary: "Ends the calling task with a code and a value.",
    args: [integer("code", -(2 ** 31), 2 ** 31 - 1), anything("value")],
    whileStopped: true,
    errors: ["NOT_SUPPORTED: init ends with `kernel.shutdown()` alone"],
  }),
  taskWait: syscall<[handle: HandleRef], ExitStatus>({
    number: 3,
    name: "task_wait",
    verb: "wait for",
    summary: "Waits until the task has ended and tells how.",
    args: [handle({ capability: Capability.TASK, rights: Rights.WAIT, waits: Signals.SIGNALED })],
  }),
  taskKill: syscall<[handle: HandleRef], void>({
    number: 4,
    name: "task_kill",
    verb: "kill",
    summary: "Ends the task at once; nothing happens when it has ended.",
    args: [handle({ capability: Capability.TASK, rights: Rights.SIGNAL_TASK })],
  }),
  taskCrash: syscall<[error: unknown], void>({
    number: 6,
    name: "task_crash",
    verb: "crash",
    summary: "Ends the calling task with an error that nobody caught.",
    args: [anything("error")],
    whileStopped: true,
    errors: ["NOT_SUPPORTED: init ends with `kernel.shutdown()` alone"],
  }),
  taskId: syscall<[handle: HandleRef], number>({
    number: 5,
    name: "task_id",
    verb: "identify",
    summary: "Tells the id of the task that the handle names.",
    args: [handle({ capability: Capability.TASK })],
  }),
};
