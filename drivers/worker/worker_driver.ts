/**
 * The driver of tasks that are modules: each runs in a worker of its own, locked down.
 *
 * Always holds: from the task's end on its page is closed and its thread told to end; a thread that
 * goes on all the same is listed as lingering until it is gone.
 *
 * @module
 */
import { type ErrorCode, KernelError } from "../../capabilities/errors.ts";
import { SystemClock } from "../../kernel/clock.ts";
import type { Driver, SpawnRequest } from "../../kernel/driver.ts";
import type { KernelCore } from "../../kernel/kernel.ts";
import { Seats } from "../../kernel/seats.ts";
import type { RunningProgram, TaskObject } from "../../kernel/task.ts";
import type { Dispatcher } from "../../syscalls/dispatcher.ts";
import { allocatePage } from "../../syscalls/page/page.ts";
import { PageServer } from "../../syscalls/page/page_server.ts";
import type { ThreadOptions, WorkerEnd, WorkerThread } from "./bootstrap.ts";
import { folderOf, requireConfinable } from "./confinement.ts";
import { HardKill } from "./hard_kill.ts";
import type { StartRecord } from "./runtime.ts";
import { SpareThreads } from "./spare_threads.ts";
import { settlesWithin } from "./time_limit.ts";
import { requireWorkerOptions } from "./worker_options.ts";

/** How long a thread that was killed while it started may take to get where it can be ended. */
const LOADING_MS = 2_000;
/** How long a thread may take to end by itself before it counts as lingering. */
const GRACE_MS = 1_000;
const ROOT = new URL("../../", import.meta.url);
const TASK_MODULE = new URL("task.ts", ROOT);
const PUBLIC_MODULES = [
  { url: new URL("mod.ts", ROOT), module: new URL("./task_side.ts", import.meta.url) },
  { url: TASK_MODULE, module: TASK_MODULE },
];
const RUNTIME = new URL("./runtime.ts", import.meta.url);

/** Which modules a task may load: the folder of its entry, and what it was allowed beyond. */
interface Reach {
  readonly folder: string;
  readonly imports: readonly string[];
}

/** How a {@linkcode WorkerDriver} works. */
export interface WorkerDriverOptions {
  /** Stops threads that never yield; the host allowed it. */
  readonly hardKill: boolean;
  /** How many threads are kept ready. */
  readonly spareThreads: number;
}

/** Runs modules in workers. */
export class WorkerDriver implements Driver {
  readonly #kernel: KernelCore;
  readonly #dispatcher: Dispatcher;
  readonly #hardKill: HardKill | undefined;
  readonly #spares: SpareThreads;
  readonly #reaches = new WeakMap<TaskObject, Reach>();
  /** Threads that were told to end and haven't yet, or are known to linger. */
  readonly #ending = new Set<Promise<void>>();

  constructor(kernel: KernelCore, dispatcher: Dispatcher, options: WorkerDriverOptions) {
    this.#kernel = kernel;
    this.#dispatcher = dispatcher;
    this.#hardKill = options.hardKill ? orThrow("NOT_SUPPORTED", () => new HardKill()) : undefined;
    this.#spares = new SpareThreads(options.spareThreads);
  }

  accepts(program: unknown): boolean {
    return typeof program === "string" || program instanceof URL;
  }

  check(request: SpawnRequest, parent: TaskObject): void {
    const entry = entryOf(request.program);
    orThrow("NOT_SUPPORTED", () => requireWorkerOptions());
    orThrow("INVALID_ARGUMENT", () => requireConfinable(entry, request.imports));
    // A task in a worker can't load what its own rule forbids by having a child load it.
    const reach = this.#reaches.get(parent);
    if (reach === undefined) return;
    for (const url of [entry.href, ...request.imports]) {
      if ([reach.folder, ...reach.imports].some((allowed) => covers(allowed, url))) continue;
      throw new KernelError("PERMISSION_DENIED", `the task may not load ${url} itself`);
    }
  }

  start(task: TaskObject, request: SpawnRequest): RunningProgram {
    const entry = entryOf(request.program);
    const folder = folderOf(entry);
    this.#reaches.set(task, { folder: folder || entry.href, imports: request.imports });
    const page = allocatePage();
    task.seats = new Seats(new Int32Array(page.seats));
    const crash = (error: Error): void => task.end({ state: "crashed", error });
    const server = new PageServer(
      this.#dispatcher,
      { kernel: this.#kernel, task },
      page,
      (memory) => thread.postMemory(memory),
      crash,
    );
    const payload: StartRecord = {
      page,
      id: task.taskId,
      name: task.name,
      args: task.args,
      handles: task.given,
      limits: { ...task.account.limits },
      hasSystemClock: this.#kernel.clock instanceof SystemClock,
    };
    const options: ThreadOptions = {
      folder,
      imports: request.imports,
      name: task.name,
      runtime: RUNTIME,
      publicModules: PUBLIC_MODULES,
    };
    const thread = this.#spares.take(options);
    thread.start({
      entry,
      payload,
      onReady: () => {
        task.started();
        this.#spares.refill(options);
      },
      onEnd: (end) => {
        server.drainLast(() => finish(task, end)); // what it asked for before it ended
      },
    });
    void server.serve(); // not before: a thread that can't be started leaves nobody who would end it
    return new WorkerProgram(server, thread, () => this.#retire(task, thread));
  }

  /** Resolves when every thread that was told to end has, or is known to linger. */
  async settled(): Promise<void> {
    await Promise.all([...this.#ending, this.#spares.close()]);
  }

  #retire(task: TaskObject, thread: WorkerThread): void {
    const ending = this.#endThread(task, thread);
    this.#ending.add(ending);
    void ending.finally(() => this.#ending.delete(ending));
  }

  async #endThread(task: TaskObject, thread: WorkerThread): Promise<void> {
    if (
      await settlesWithin(thread.terminate(), LOADING_MS) && await this.#isGoneSoon(thread)
    ) return;
    this.#kernel.lingering.add(task);
    void thread.gone.then(() => this.#kernel.lingering.delete(task));
  }

  async #isGoneSoon(thread: WorkerThread): Promise<boolean> {
    if (this.#hardKill === undefined) return await settlesWithin(thread.gone, GRACE_MS);
    return (await this.#hardKill.kill(thread)).state === "gone";
  }
}

class WorkerProgram implements RunningProgram {
  readonly #server: PageServer;
  readonly #thread: WorkerThread;
  readonly #retire: () => void;
  #isStopped = false;

  constructor(server: PageServer, thread: WorkerThread, retire: () => void) {
    this.#server = server;
    this.#thread = thread;
    this.#retire = retire;
  }

  get isLingering(): boolean {
    return this.#isStopped && !this.#thread.isGone;
  }

  stop(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#server.stop(); // first: its waits wake, and the thread can yield
    this.#retire();
  }
}

function finish(task: TaskObject, end: WorkerEnd): void {
  if (end.state === "returned") task.end({ state: "exited", code: 0 });
  else task.end({ state: "crashed", error: end.error });
}

/** What `make` gives; what it throws becomes an error with a code. */
function orThrow<T>(code: ErrorCode, make: () => T): T {
  try {
    return make();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new KernelError(code, why, { cause });
  }
}

function entryOf(program: unknown): URL {
  const text = program instanceof URL ? program.href : String(program);
  if (URL.canParse(text)) return new URL(text);
  throw new KernelError(
    "INVALID_ARGUMENT",
    `a module is given by its absolute URL, as in new URL("./plugin.ts", import.meta.url)`,
  );
}

/** True when a URL is the allowed one, or below it where that is a folder. */
function covers(allowed: string, url: string): boolean {
  const plain = new URL(url).href;
  return allowed.endsWith("/") ? plain.startsWith(allowed) : plain === allowed;
}
