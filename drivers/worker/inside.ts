/**
 * What happens in a task's worker before the task: the module that the bootstrap imports first.
 *
 * 1. take the life lock, so that the kernel's side can tell when this thread is gone; 2. lock the
 * module loader; 3. wait for the start message; 4. lock the realm; 5. evaluate Carmine's side of
 * the task and connect it; 6. load the task's whole graph; 7. give up the permissions that loading it
 * needed (`begin`); 8. the task's first line runs.
 *
 * Always holds: nothing of the task is evaluated before step 8, and from then on this module uses
 * captured references alone. What it posts says how the task ended; it is posted once.
 *
 * @module
 */
import { makeConsole } from "./console.ts";
import { memoryReceiver } from "./memory_port.ts";
import { lockModules, type ModuleLock } from "./module_lock.ts";
import { apply, defineProperty, deleteProperty, ownKeys, queueTask, slice } from "./primordials.ts";
import {
  type ErrorReport,
  MAX_ERROR_TEXT,
  type StartMessage,
  type TaskConnection,
  type TaskRuntime,
  type WorkerConfig,
  type WorkerMessage,
} from "./protocol.ts";
import { lockRealm } from "./realm_lock.ts";

/**
 * What the bootstrap imports: the graph that loads with the host's permissions, and before the
 * module lock, whose hook would be asked about every import in it. The imports are deferred: a
 * module is evaluated when something of it is first read.
 */
export interface DeferredModules {
  /** The task's side of the kernel. */
  readonly runtime: TaskRuntime;
  /** Carmine's modules that a task may import; evaluated before the task. */
  readonly publicModules: readonly object[];
}

interface WorkerScope {
  postMessage(message: WorkerMessage): void;
  addEventListener(type: "message", listener: (event: MessageEvent) => void): void;
  removeEventListener(type: "message", listener: (event: MessageEvent) => void): void;
}

/** The Web Locks that are used here; Deno has them, its types don't. */
interface LockManager {
  request(name: string, hold: () => Promise<void>): Promise<void>;
}

const scope = globalThis as unknown as WorkerScope;
const { postMessage } = scope;
const { locks } = navigator as unknown as { locks: LockManager };
const { permissions } = Deno;

const PERMISSIONS = ["read", "import", "write", "net", "env", "sys", "run", "ffi"] as const;

/** Whether anything of the task has been evaluated. */
let hasBegun = false;
/** Whether the end was posted. */
let hasEnded = false;
let modules: ModuleLock | undefined;
/** Set once, by `run`. */
let lifeLock = "";

/** Runs a task; called by the bootstrap alone. */
export async function run(config: WorkerConfig, deferred: DeferredModules): Promise<void> {
  try {
    lifeLock = config.lifeLock;
    const isHeld = holdLifeLock(lifeLock).then(() => post(["up"]));
    const start = Promise.all([startMessage(), isHeld]);
    modules = lockModules(config, config.substitutes);
    const [{ entry, starter, payload, memoryPort }] = await start;
    const receiveMemory = memoryReceiver(memoryPort); // needs what the lock takes away
    let writeConsole: TaskConnection["writeConsole"] = undefined;
    lockRealm({
      console: makeConsole((text) => writeConsole?.(text)),
      onUncaught: (thrown) => endWith("crashed", thrown),
    });
    const connection = await deferred.runtime.connect(payload, receiveMemory);
    for (const module of deferred.publicModules) ownKeys(module); // they export the connected task
    writeConsole = connection?.writeConsole;
    modules.admitTask(entry, [starter, config.beginner]);
    post(["ready"]);
    defineProperty(globalThis, lifeLock, { value: begin, configurable: true });
    // Native and called before the task runs, so nothing that the task changes is consulted: how
    // this promise goes on is settled here.
    await import(starter);
    end(["returned"]);
  } catch (thrown) {
    endWith(hasBegun ? "crashed" : "failedToLoad", thrown);
  }
}

/**
 * Called when the task's graph has loaded, before any of it is evaluated: the starter imports the
 * module that calls this, by a global with an unguessable name, before it imports the entry. If
 * this is never called, the task failed to load.
 *
 * The permissions are given up here and not before, because the graph is loaded with them: so Deno
 * itself refuses what lies outside the folder. Were the graph loaded with the host's, a plugin's
 * `import "http://127.0.0.1/…"` would be fetched before the hook could deny it.
 */
function begin(): void {
  deleteProperty(globalThis, lifeLock);
  modules?.seal();
  for (const name of PERMISSIONS) {
    const { state } = permissions.revokeSync({ name } as Deno.PermissionDescriptor);
    if (state === "granted") throw new TypeError(`Cannot start the task: it may still ${name}`);
  }
  hasBegun = true;
}

/** Resolves with the only message that the kernel's side posts. */
function startMessage(): Promise<StartMessage> {
  return new Promise((resolve) => {
    const listener = ({ data }: MessageEvent): void => {
      scope.removeEventListener("message", listener);
      resolve(data);
    };
    scope.addEventListener("message", listener);
  });
}

/**
 * Resolves when this thread holds the lock, which it does until it is gone: Deno releases it when
 * the thread's isolate is torn down. If the kernel's side took it first, the task was killed
 * before it began, and this never resolves.
 */
function holdLifeLock(name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    locks.request(name, () => {
      resolve();
      return new Promise(() => {});
    }).catch(reject);
  });
}

/**
 * Ends the task with what it threw. Reading an error runs the task's code (getters,
 * `Error.prepareStackTrace`), which is kept out of Deno's own reporting: there an error in a getter
 * would be printed on the host's stderr.
 */
function endWith(kind: "failedToLoad" | "crashed", thrown: unknown): void {
  queueTask(() => end([kind, describe(thrown)]));
}

function end(message: WorkerMessage): void {
  if (hasEnded) return;
  hasEnded = true;
  // The kernel's side ends the thread when it has read this. Ending it from here could let that
  // side see the thread gone before it sees why.
  post(message);
}

function post(message: WorkerMessage): void {
  apply(postMessage, scope, [message]);
}

function describe(thrown: unknown): ErrorReport {
  const isObject = typeof thrown === "object" && thrown !== null;
  const name = isObject ? read(thrown, "name") : "Error";
  const message = isObject ? read(thrown, "message") : textOf(thrown);
  return { name, message, stack: isObject ? read(thrown, "stack") : "" };
}

function read(thrown: object, key: "name" | "message" | "stack"): string {
  try {
    const value = (thrown as Record<string, unknown>)[key];
    return typeof value === "string" ? slice(value, 0, MAX_ERROR_TEXT) : "";
  } catch {
    return "";
  }
}

/** A thrown primitive in words. */
function textOf(thrown: unknown): string {
  if (typeof thrown === "function") return "a function was thrown";
  if (typeof thrown === "symbol") return "a symbol was thrown";
  return slice(`${thrown as string}`, 0, MAX_ERROR_TEXT);
}
