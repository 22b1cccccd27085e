/**
 * What a worker and the isolate that started it say to each other. There are no other messages.
 *
 * The first and only message to the worker is its start. What the worker posts is data from a
 * thread that runs hostile code, so it is checked before use; the lock keeps the task from the
 * port, yet nothing here would give a task that got through to it more than its own end.
 *
 * @module
 */

/**
 * The message that starts the task; it carries what can't be written into a URL, and what a thread
 * that was prepared for any task of a folder isn't told before.
 */
export interface StartMessage {
  /** The task's module. */
  readonly entry: string;
  /** The `data:` module that imports the beginner and then the entry. */
  readonly starter: string;
  /** For {@linkcode TaskRuntime.connect}; structured clone, so shared buffers stay shared. */
  readonly payload: unknown;
  /** Where memory arrives that the task may work on. */
  readonly memoryPort: MessagePort;
}

/** Written into the bootstrap as a literal. */
export interface WorkerConfig {
  /** Names the life lock; unguessable, so that nobody else in the process takes it. */
  readonly lifeLock: string;
  /** See `ImportPolicy`. */
  readonly folder: string;
  readonly imports: readonly string[];
  readonly publicModules: readonly string[];
  readonly privateModules: readonly string[];
  /** See `lockModules`. */
  readonly substitutes: readonly Substitute[];
  /** The `data:` module that calls the global named like the life lock. */
  readonly beginner: string;
}

/** Whoever imports the first URL gets the module of the second. */
export type Substitute = readonly [url: string, module: string];

/** The task's side of the kernel: a module of Carmine's that the task itself can't import. */
export interface TaskRuntime {
  /**
   * Called once, in the locked realm, before anything of the task has loaded.
   *
   * @param payload What the kernel's side gave to the worker.
   * @param receiveMemory Takes the next thing that the kernel's side posted to the memory port.
   */
  connect(
    payload: unknown,
    receiveMemory: () => unknown,
  ): TaskConnection | void | Promise<TaskConnection | void>;
}

/** What the lock needs of the task's side of the kernel. */
export interface TaskConnection {
  /** Gets what the task prints. @default nobody */
  readonly writeConsole?: (text: string) => void;
}

/** An error as it crosses the border: three strings, whatever was thrown. */
export interface ErrorReport {
  readonly name: string;
  readonly message: string;
  readonly stack: string;
}

/** What a worker posts. */
export type WorkerMessage =
  /** The thread holds its life lock, and its first module has been evaluated. */
  | readonly ["up"]
  /** The realm is locked; the task is about to load. */
  | readonly ["ready"]
  /** The module was evaluated to its end, top-level await included. */
  | readonly ["returned"]
  /** The module, or one that it imports, could not be loaded; nothing of the task ran. */
  | readonly ["failedToLoad", ErrorReport]
  /** Something was thrown that nobody caught. */
  | readonly ["crashed", ErrorReport];

/** Longer strings of an error are cut: they come from the task and stay in the kernel's memory. */
export const MAX_ERROR_TEXT = 16 * 1024;

/** The message, or undefined when it is none. */
export function parseWorkerMessage(data: unknown): WorkerMessage | undefined {
  if (!Array.isArray(data)) return undefined;
  const [kind, report]: unknown[] = data;
  if (kind === "up" || kind === "ready" || kind === "returned") return [kind];
  if (kind === "failedToLoad" || kind === "crashed") return [kind, parseReport(report)];
  return undefined;
}

function parseReport(report: unknown): ErrorReport {
  const { name, message, stack } = Object(report) as Record<string, unknown>;
  return { name: textOf(name), message: textOf(message), stack: textOf(stack) };
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value.slice(0, MAX_ERROR_TEXT) : "";
}
