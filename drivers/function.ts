/**
 * The driver of tasks that are functions in the kernel's own isolate.
 *
 * Such a task is not confined: it shares the isolate's globals and whatever its closure names.
 * What it does through the kernel is checked like everybody's.
 *
 * @module
 */
import { asError } from "../capabilities/errors.ts";
import { TaskExit } from "../syscalls/stubs/task.ts";
import type { Driver, SpawnRequest } from "../kernel/driver.ts";
import type { RunningProgram, TaskObject } from "../kernel/task.ts";

/** Calls the program with what a task of this kernel holds. */
export type MakeTask = (task: TaskObject) => unknown;

let isForgiving = false;

/**
 * Lets `task.exit()` leave code that nobody waits for: a timer's callback, an async function whose
 * promise is not awaited. There the {@linkcode TaskExit} reaches the top, where the platform would
 * end the process; the task has ended by then, and all is well.
 */
function forgiveExits(): void {
  if (isForgiving || typeof globalThis.addEventListener !== "function") return;
  isForgiving = true;
  addEventListener("error", (event) => {
    if (event.error instanceof TaskExit) event.preventDefault();
  });
  addEventListener("unhandledrejection", (event) => {
    if (event.reason instanceof TaskExit) event.preventDefault();
  });
}

/** Runs functions. */
export class FunctionDriver implements Driver {
  readonly #makeTask: MakeTask;

  /** @param makeTask Makes the object that a program calls the kernel with. */
  constructor(makeTask: MakeTask) {
    this.#makeTask = makeTask;
    forgiveExits();
  }

  accepts(program: unknown): boolean {
    return typeof program === "function";
  }

  check(): void {}

  start(task: TaskObject, request: SpawnRequest): RunningProgram {
    const program = request.program as (task: unknown) => unknown;
    void this.#run(task, program);
    // A function can't be stopped from outside; its calls fail from the task's end on.
    return { stop() {}, isLingering: false };
  }

  async #run(task: TaskObject, program: (task: unknown) => unknown): Promise<void> {
    // Not before the spawn has returned: the parent holds the handle when the child begins.
    await null;
    while (task.isStopped) await task.whenContinued(); // stopped before it began
    if (task.status !== undefined) return;
    task.started();
    try {
      const value = await program(this.#makeTask(task));
      // For a task that has ended by exit, kill or crash, this end comes second and is ignored.
      task.end(
        value === undefined ? { state: "exited", code: 0 } : {
          state: "exited",
          code: 0,
          value,
        },
      );
    } catch (error) {
      task.end({ state: "crashed", error: asError(error) });
    }
  }
}
