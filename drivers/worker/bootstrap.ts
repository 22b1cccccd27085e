/**
 * Starts the worker of a task, from the kernel's side.
 *
 * The worker's module is written by the kernel (`module_source.ts`), so the kernel and not the task
 * decides what runs first. Its literal imports are Carmine's modules; they load with the host's
 * permissions. The task's graph loads later, from inside, with the worker's own: to read the entry's
 * folder and what `imports` lists, given up before the task's first line.
 *
 * Always holds: `onEnd` is called at most once, and never after `terminate()`.
 *
 * @module
 */
import {
  folderOf,
  type LoadPermissions,
  permissionsFor,
  requireConfinable,
} from "./confinement.ts";
import { lifeLockReleased } from "./life_lock.ts";
import { beginnerUrl, bootstrapUrl, starterUrl } from "./module_source.ts";
import { parseWorkerMessage, type StartMessage, type WorkerConfig } from "./protocol.ts";
import { errorFrom, loadError } from "./task_error.ts";
import { requireWorkerOptions } from "./worker_options.ts";

/** How a task's module ended. */
export type WorkerEnd =
  /** It was evaluated to its end. */
  | { readonly state: "returned" }
  /** It could not be loaded; nothing of it ran. */
  | { readonly state: "failedToLoad"; readonly error: Error }
  /** It threw, or something that it left behind did. */
  | { readonly state: "crashed"; readonly error: Error };

/** What a thread is made for: known before there is a task. */
export interface ThreadOptions {
  /** The folder that holds the task's module, ending in "/"; "" for a module that lies nowhere. */
  readonly folder: string;
  /** URLs, and URL prefixes that end in "/", that the task may import beyond its folder. */
  readonly imports: readonly string[];
  /** For people: it is the worker's name in a debugger. */
  readonly name: string;
  /** The module of the task's side of the kernel: a `TaskRuntime`. */
  readonly runtime: URL;
  /** Carmine's modules that a task may import. */
  readonly publicModules: readonly PublicModule[];
}

/** What a thread is started with, and who is told. */
export interface StartOptions {
  /** The task's module: a `file:`, `http(s):` or `data:` URL. */
  readonly entry: URL;
  /** Handed to the task's side of the kernel; see `TaskRuntime.connect`. */
  readonly payload: unknown;
  /** The realm is locked and the task is about to load. */
  readonly onReady?: () => void;
  /** The module has ended by itself; the thread is being ended. */
  readonly onEnd: (end: WorkerEnd) => void;
}

/** What to start, and who is told. */
export type WorkerOptions = Omit<ThreadOptions, "folder"> & StartOptions;

/** A module of Carmine's for a task. */
export interface PublicModule {
  /** By which the task imports it. */
  readonly url: URL;
  /** The module that the task gets for it. */
  readonly module: URL;
}

/** A task's worker. */
export interface WorkerThread {
  /** Unique, and part of the worker's URL: a debugger finds the thread by it. */
  readonly mark: string;
  /** Resolves when the thread has ended. A thread that never yields never ends by `terminate`. */
  readonly gone: Promise<void>;
  /** True from when `gone` resolves. */
  readonly isGone: boolean;
  /** Hands memory to the thread, which takes it in the order in which it was posted. */
  postMemory(memory: SharedArrayBuffer | ArrayBuffer): void;
  /**
   * Ends the thread when it next yields, and not before it is up. Calling it again does nothing.
   *
   * @returns Resolves when Deno was told to end it: a thread that can't be loaded never is up.
   */
  terminate(): Promise<void>;
}

/** Where this copy of Carmine is: a folder of files or of a registry. */
const BASE = new URL("../../", import.meta.url);
/** All of Carmine's modules but the public ones; relative to {@linkcode BASE}. */
const PRIVATE_MODULES = ["boot.ts", "capabilities/", "drivers/", "kernel/", "memory/", "syscalls/"];

/**
 * Starts a worker for a task.
 *
 * @throws {TypeError} When the entry or an import can't be what it is used for.
 * @throws {Error} When the host lacks the unstable flag or the permission that this needs.
 */
export function startWorker(options: WorkerOptions): WorkerThread {
  requireConfinable(options.entry, options.imports);
  const thread = prepareThread({ ...options, folder: folderOf(options.entry) });
  thread.start(options);
  return thread;
}

/**
 * Makes a thread that is locked as far as it can be before its task is known, and waits for that.
 *
 * @throws {Error} When the host lacks the unstable flag or the permission that this needs.
 */
export function prepareThread(options: ThreadOptions): PreparedThread {
  requireWorkerOptions();
  return new TaskWorker(options);
}

/** A thread that a task can be started in, once. */
export interface PreparedThread extends WorkerThread {
  /** False when it has ended: `start` would only report why. */
  readonly isUsable: boolean;
  /** Starts the task. Its entry must lie in the folder that the thread was made for. */
  start(options: StartOptions): void;
}

class TaskWorker implements PreparedThread {
  readonly mark: string = crypto.randomUUID();
  readonly gone: Promise<void>;
  isGone = false;
  readonly #beginner: string;
  readonly #worker: Worker;
  readonly #memoryPort: MessagePort;
  /** Handed to the thread when it starts its task. */
  readonly #farPort: MessagePort;
  /** Set by `start`. */
  #task: StartOptions | undefined;
  /** How the thread ended before it was started. */
  #earlyEnd: WorkerEnd | undefined;
  /** Set when the end was told, or nobody wants to know it any more. */
  #hasEnded = false;
  /** Set when the thread says that its realm is locked. */
  #isReady = false;
  /**
   * Resolves when the thread holds its life lock and has evaluated its first module, or never will.
   * Deno keeps the memory, the files and the locks of a worker that is terminated before that.
   */
  readonly #up = Promise.withResolvers<void>();
  #termination: Promise<void> | undefined = undefined;

  constructor(options: ThreadOptions) {
    const lifeLock = `carmine/${this.mark}`;
    this.#beginner = beginnerUrl(lifeLock);
    const imports = options.imports.map((text) => new URL(text));
    const config: WorkerConfig = {
      lifeLock,
      folder: options.folder,
      imports: imports.map(({ href }) => href),
      publicModules: options.publicModules.map(({ url }) => url.href),
      privateModules: PRIVATE_MODULES.map((path) => new URL(path, BASE).href),
      substitutes: options.publicModules.map(({ url, module }) => [url.href, module.href]),
      beginner: this.#beginner,
    };
    const permissions = permissionsFor(options.folder, imports);
    const url = bootstrapUrl(config, {
      runtime: options.runtime,
      publicModules: options.publicModules.map(({ module }) => module),
    });
    this.#worker = newWorker(url, options.name, permissions);
    this.#worker.onmessage = ({ data }): void => this.#receive(data);
    this.#worker.onmessageerror = (): void => this.#end(unreadable());
    this.#worker.onerror = (event): void => {
      event.preventDefault(); // or it is an uncaught error of the kernel's isolate
      this.#up.resolve();
      const state = this.#isReady ? "crashed" : "failedToLoad";
      this.#end({ state, error: new Error(event.message) });
    };
    this.gone = this.#watchThread(lifeLock);
    const { port1, port2 } = new MessageChannel();
    this.#memoryPort = port1;
    this.#farPort = port2;
  }

  get isUsable(): boolean {
    return !this.#hasEnded;
  }

  start(options: StartOptions): void {
    this.#task = options;
    if (this.#earlyEnd !== undefined) return options.onEnd(this.#earlyEnd);
    const message: StartMessage = {
      entry: options.entry.href,
      starter: starterUrl(this.#beginner, options.entry),
      payload: options.payload,
      memoryPort: this.#farPort,
    };
    this.#worker.postMessage(message, [this.#farPort]);
  }

  postMemory(memory: SharedArrayBuffer | ArrayBuffer): void {
    this.#memoryPort.postMessage(memory, memory instanceof ArrayBuffer ? [memory] : []);
  }

  terminate(): Promise<void> {
    this.#hasEnded = true;
    this.#memoryPort.close();
    return this.#termination ??= this.#up.promise.then(() => this.#worker.terminate());
  }

  #receive(data: unknown): void {
    this.#up.resolve(); // it is the first message
    if (this.#hasEnded) return;
    const message = parseWorkerMessage(data);
    switch (message?.[0]) {
      case "up":
        return;
      case "ready":
        this.#isReady = true;
        return this.#task?.onReady?.();
      case "returned":
        return this.#end({ state: "returned" });
      case "failedToLoad":
        return this.#end({
          state: "failedToLoad",
          error: loadError(message[1], this.#task?.entry),
        });
      case "crashed":
        return this.#end({ state: "crashed", error: errorFrom(message[1]) });
      case undefined:
        return this.#end(unreadable());
      default:
        message satisfies never;
    }
  }

  #end(end: WorkerEnd): void {
    if (this.#hasEnded) return;
    void this.terminate();
    if (this.#task === undefined) this.#earlyEnd = end;
    else this.#task.onEnd(end);
  }

  async #watchThread(lifeLock: string): Promise<void> {
    await this.#up.promise;
    await lifeLockReleased(lifeLock);
    this.isGone = true;
    // The thread ended without a word: a fatal error of the platform's, or the worker closed itself.
    this.#end({ state: "crashed", error: new Error("The task's thread ended unexpectedly") });
  }
}

function newWorker(url: string, name: string, permissions: LoadPermissions): Worker {
  const { read, hosts } = permissions;
  try {
    return new Worker(url, {
      type: "module",
      name: name.replaceAll(/\p{Cc}/gu, " "), // Deno prints it with fatal errors, as it is
      deno: {
        permissions: {
          read: read.length > 0 ? [...read] : false,
          import: hosts.length > 0 ? [...hosts] : false,
        },
      },
    });
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotCapable)) throw cause;
    const flags = [
      ...(read.length > 0 ? [`--allow-read=${read.map(pathOf).join(",")}`] : []),
      ...(hosts.length > 0 ? [`--allow-import=${hosts.join(",")}`] : []),
    ];
    throw new Error(
      `Cannot start a task in a worker: loading its modules needs ${flags.join(" ")}`,
      { cause },
    );
  }
}

function pathOf({ pathname }: URL): string {
  return decodeURIComponent(pathname);
}

/** A thread that is not to be believed any more. */
function unreadable(): WorkerEnd {
  return { state: "crashed", error: new Error("The task's thread posted what it may not") };
}
