/**
 * Starts the worker of a task, from the kernel's side.
 *
 * The worker's module is a `data:` URL written here, so the kernel and not the task decides what
 * runs first. Its literal imports are Carmine's modules; they load with the host's permissions. The
 * task's graph loads later, from inside, with the worker's own: to read the entry's folder and
 * what `imports` lists, given up before the task's first line.
 *
 * Always holds: what crosses into the URL is escaped text inside string literals; `onEnd` is called
 * at most once, and never after `terminate()`.
 *
 * @module
 */
import { hidesPathSegments, isCommonJs } from "./import_policy.ts";
import { lifeLockReleased } from "./life_lock.ts";
import { parseWorkerMessage, type WorkerConfig } from "./protocol.ts";
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

/** What to start, and who is told. */
export interface WorkerOptions {
  /** The task's module: a `file:`, `http(s):` or `data:` URL. */
  readonly entry: URL;
  /** For people: it is the worker's name in a debugger. */
  readonly name: string;
  /** URLs, and URL prefixes that end in "/", that the task may import beyond its folder. */
  readonly imports: readonly string[];
  /** Handed to the task's side of the kernel; see `TaskRuntime.connect`. */
  readonly payload: unknown;
  /** The module of the task's side of the kernel: a `TaskRuntime`. */
  readonly runtime: URL;
  /** Carmine's modules that a task may import. */
  readonly publicModules: readonly URL[];
  /** The realm is locked and the task is about to load. */
  readonly onReady?: () => void;
  /** The module has ended by itself; the thread is being ended. */
  readonly onEnd: (end: WorkerEnd) => void;
}

/** A task's worker. */
export interface WorkerThread {
  /** Unique, and part of the worker's URL: a debugger finds the thread by it. */
  readonly mark: string;
  /** Resolves when the thread has ended. A thread that never yields never ends by `terminate`. */
  readonly gone: Promise<void>;
  /** True from when `gone` resolves. */
  readonly isGone: boolean;
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
  const imports = options.imports.map((text) => new URL(text));
  const folder = folderOf(options.entry);
  requireWorkerOptions();
  const mark = crypto.randomUUID();
  const lifeLock = `carmine/${mark}`;
  const beginner = dataUrl(`globalThis[${JSON.stringify(lifeLock)}]();`);
  const config: WorkerConfig = {
    lifeLock,
    entry: options.entry.href,
    folder,
    imports: imports.map(({ href }) => href),
    publicModules: options.publicModules.map(({ href }) => href),
    privateModules: PRIVATE_MODULES.map((path) => new URL(path, BASE).href),
    // It exports nothing, not even a `then` that the entry may export.
    starter: dataUrl(
      `import ${JSON.stringify(beginner)}; import ${JSON.stringify(options.entry)};`,
    ),
    beginner,
  };
  return new TaskWorker(mark, config, permissionsFor(folder, imports), options);
}

class TaskWorker implements WorkerThread {
  readonly mark: string;
  readonly gone: Promise<void>;
  isGone = false;
  readonly #worker: Worker;
  readonly #options: WorkerOptions;
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

  constructor(
    mark: string,
    config: WorkerConfig,
    permissions: LoadPermissions,
    options: WorkerOptions,
  ) {
    this.mark = mark;
    this.#options = options;
    this.#worker = newWorker(bootstrapUrl(config, options), options.name, permissions);
    this.#worker.onmessage = ({ data }): void => this.#receive(data);
    this.#worker.onmessageerror = (): void => this.#end(unreadable());
    this.#worker.onerror = (event): void => {
      event.preventDefault(); // or it is an uncaught error of the kernel's isolate
      this.#up.resolve();
      const state = this.#isReady ? "crashed" : "failedToLoad";
      this.#end({ state, error: new Error(event.message) });
    };
    this.gone = this.#watchThread(config.lifeLock);
    this.#worker.postMessage({ payload: options.payload });
  }

  terminate(): Promise<void> {
    this.#hasEnded = true;
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
        return this.#options.onReady?.();
      case "returned":
        return this.#end({ state: "returned" });
      case "failedToLoad":
        return this.#end({
          state: "failedToLoad",
          error: loadError(message[1], this.#options.entry),
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
    this.#options.onEnd(end);
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

/** The module that the worker starts in. */
function bootstrapUrl(config: WorkerConfig, options: WorkerOptions): string {
  const load = (url: string): string => `() => import(${JSON.stringify(url)})`;
  return dataUrl(`
import { run } from ${JSON.stringify(moduleUrl("inside.ts"))};
run(${JSON.stringify(config)}, {
  publicModules: [${config.publicModules.map(load).join(", ")}],
  runtime: ${load(options.runtime.href)},
});`);
}

function moduleUrl(file: string): string {
  return new URL(file, import.meta.url).href;
}

function dataUrl(source: string): string {
  return new URL(`data:text/javascript,${encodeURIComponent(source)}`).href;
}

/** What the worker may read and fetch while its graph loads; it has no other permission. */
interface LoadPermissions {
  readonly read: readonly URL[];
  /** "host:port" */
  readonly hosts: readonly string[];
}

function permissionsFor(folder: string, imports: readonly URL[]): LoadPermissions {
  const urls = [...(folder === "" ? [] : [new URL(folder)]), ...imports];
  const hosts = urls.filter(({ protocol }) => protocol.startsWith("http")).map(hostAndPort);
  return {
    read: urls.filter(({ protocol }) => protocol === "file:"),
    hosts: [...new Set(hosts)],
  };
}

function hostAndPort({ hostname, port, protocol }: URL): string {
  return `${hostname}:${port || (protocol === "https:" ? 443 : 80)}`;
}

/** The folder that holds the entry, "" for a module that lies nowhere. */
function folderOf(entry: URL): string {
  return entry.protocol === "data:" ? "" : new URL("./", entry).href;
}

const ENTRY_SCHEMES = ["file:", "http:", "https:", "data:"];
const IMPORT_SCHEMES = ["file:", "http:", "https:"];

/**
 * Checks what a task would be started from.
 *
 * @throws {TypeError} When a worker couldn't be confined to it.
 */
export function requireConfinable(entry: URL, imports: readonly string[]): void {
  const { href, protocol } = entry;
  if (!ENTRY_SCHEMES.includes(protocol)) {
    throw new TypeError(
      `Cannot start a task from ${href.slice(0, 200)}: give a file:, http:, https: or data: URL`,
    );
  }
  if (protocol !== "data:" && (hidesPathSegments(href) || isCommonJs(href))) {
    throw new TypeError(
      `Cannot start a task from ${href.slice(0, 200)}: ` +
        "it is CommonJS or a declaration, or has a slash or a zero in escaped form",
    );
  }
  for (const text of imports) {
    const url = URL.canParse(text) ? new URL(text) : undefined;
    if (
      url === undefined || !IMPORT_SCHEMES.includes(url.protocol) || hidesPathSegments(url.href)
    ) {
      throw new TypeError(
        `Cannot let a task import ${text}: give an absolute file:, http: or https: URL, ` +
          'or a prefix of URLs that ends in "/"',
      );
    }
  }
}

/** A thread that is not to be believed any more. */
function unreadable(): WorkerEnd {
  return { state: "crashed", error: new Error("The task's thread posted what it may not") };
}
