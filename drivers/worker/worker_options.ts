/**
 * Whether Deno runs with the unstable feature that workers with permissions need.
 *
 * Without it Deno ends the whole process with code 70 in the middle of `new Worker`, and no API
 * says beforehand whether it is enabled. But `node:child_process` passes the features that are
 * enabled, by flag or by deno.json, on to the processes that it forks; so a fork is prepared and
 * caught just before it would start.
 *
 * @module
 */

const FEATURE_FLAG = "--unstable-worker-options";

const MESSAGE = `tasks in workers need Deno's unstable feature worker-options, which is off.
Add this line to deno.json:

  "unstable": ["worker-options"]

or run deno with ${FEATURE_FLAG}.`;

/** The parts of `node:child_process` that are used here. */
interface ChildProcessModule {
  fork(modulePath: string, args: string[], options: object): unknown;
  ChildProcess: { prototype: { spawn: (options: { args?: unknown }) => void } };
}

let isEnabled: boolean | undefined;

/**
 * @throws {Error} When the feature is off; the reason says what to add to deno.json. Also where
 * there is no Deno to ask: on other platforms, and in a task's own worker.
 */
export function requireWorkerOptions(): void {
  if (!("Deno" in globalThis)) {
    throw new Error("tasks in workers need Deno, which isn't reachable here");
  }
  isEnabled ??= probe();
  if (!isEnabled) throw new Error(MESSAGE);
}

/** False only when Deno says that the feature is off; else `new Worker` gets to find out. */
function probe(): boolean {
  if (Deno.build.standalone) return true; // a compiled program doesn't pass features on
  try {
    return flagsOfForks().includes(FEATURE_FLAG);
  } catch {
    return true;
  }
}

function flagsOfForks(): readonly unknown[] {
  const { process } = globalThis as unknown as {
    process: { getBuiltinModule(name: string): ChildProcessModule };
  };
  const { fork, ChildProcess } = process.getBuiltinModule("node:child_process");
  const { spawn } = ChildProcess.prototype;
  const { get } = Deno.env;
  let args: unknown;
  // Both are put back before anything else can run. The second is asked for a variable on the way,
  // which would need permission or ask the user for it.
  ChildProcess.prototype.spawn = (options): void => {
    args = options.args;
  };
  Deno.env.get = (): undefined => undefined;
  try {
    fork("none.js", [], { execPath: "deno", execArgv: [], env: {} });
  } finally {
    ChildProcess.prototype.spawn = spawn;
    Deno.env.get = get;
  }
  if (!Array.isArray(args)) throw new TypeError("nothing was prepared");
  return args;
}
