/** Tasks, 1-99. @module */
import { asError, KernelError } from "../../capabilities/errors.ts";
import type { HandleEntry } from "../../capabilities/handle.ts";
import type { TaskOps } from "../../capabilities/task_ops.ts";
import { WOULD_BLOCK } from "../../capabilities/stream_ops.ts";
import type { Handlers } from "../caller.ts";
import type { taskCalls } from "../table/tasks.ts";

function taskOf(entry: HandleEntry): TaskOps {
  return entry.object as unknown as TaskOps; // has the capability TASK
}

export const taskHandlers: Handlers<typeof taskCalls> = {
  taskSpawn({ kernel, task }, program, options) {
    const name = options.name ?? nameOf(program); // may run the program's own code: before the rest
    if (!task.isRunning) throw new KernelError("TASK_DEAD", `task ${task.taskId} has ended`);
    const handles = new Map<string, HandleEntry>();
    for (const [name, number] of options.handles ?? []) {
      handles.set(name, task.table.get(number));
    }
    return kernel.spawn(task, {
      program,
      name,
      args: Object.freeze([...options.args ?? []]),
      limits: options.limits ?? {},
      imports: options.imports ?? [],
      handles,
    });
  },

  taskExit({ kernel, task }, code, value) {
    if (task === kernel.init) {
      throw new KernelError("NOT_SUPPORTED", "init ends with kernel.shutdown()");
    }
    const status = { state: "exited", code } as const;
    task.end(value === undefined ? status : { ...status, value });
  },

  taskCrash({ kernel, task }, error) {
    if (task === kernel.init) {
      throw new KernelError("NOT_SUPPORTED", "init ends with kernel.shutdown()");
    }
    task.end({ state: "crashed", error: asError(error) });
  },

  taskWait(_caller, target) {
    return taskOf(target).status ?? WOULD_BLOCK;
  },

  taskId: (_caller, target) => taskOf(target).taskId,

  taskKill({ kernel }, target) {
    const task = taskOf(target);
    if (task.taskId === kernel.init.taskId) {
      throw new KernelError("NOT_SUPPORTED", "init ends with kernel.shutdown()");
    }
    task.end({ state: "killed" });
  },
};

/** A module's file, or a function's name, which may be a getter's or a proxy's. */
function nameOf(program: unknown): string {
  try {
    if (program instanceof URL) return fileOf(program);
    if (typeof program === "string" && URL.canParse(program)) return fileOf(new URL(program));
    if (typeof program !== "function") return "task";
    const name: unknown = program.name;
    return typeof name === "string" && name !== "" ? name.slice(0, 255) : "task";
  } catch {
    return "task";
  }
}

function fileOf({ pathname, protocol }: URL): string {
  if (protocol === "data:") return "task"; // there is no file, and what comes last may be anything
  return pathname.slice(pathname.lastIndexOf("/") + 1).slice(0, 255) || "task";
}
