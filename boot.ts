/**
 * Boots a kernel: puts the core, the dispatcher, the drivers and the first task's stub together.
 *
 * @module
 */
import { KernelError } from "./capabilities/errors.ts";
import type { HandleRole } from "./capabilities/handle.ts";
import type { Limits } from "./capabilities/limits.ts";
import { COMMON_RIGHTS, Rights } from "./capabilities/rights.ts";
import { FunctionDriver } from "./drivers/function.ts";
import { WorkerDriver } from "./drivers/worker/worker_driver.ts";
import type { Clock } from "./kernel/clock.ts";
import { NetworkObject } from "./kernel/ipc/network.ts";
import { denoHost } from "./kernel/ipc/network_host.ts";
import { KernelCore, type LogRecord } from "./kernel/kernel.ts";
import type { TaskObject } from "./kernel/task.ts";
import { readArray, readField } from "./syscalls/arguments.ts";
import type { TraceRecord } from "./syscalls/call_words.ts";
import { Dispatcher } from "./syscalls/dispatcher.ts";
import { HANDLERS } from "./syscalls/handlers/mod.ts";
import { LocalDoor } from "./syscalls/local_door.ts";
import type { Group } from "./syscalls/stubs/group.ts";
import type { Network } from "./syscalls/stubs/network.ts";
import { adopt } from "./syscalls/stubs/registry.ts";
import { TaskStub } from "./syscalls/stubs/task.ts";
import type { Task } from "./syscalls/stubs/task_api.ts";
import { SYSCALLS } from "./syscalls/table.ts";

/** How to boot a kernel. */
export interface KernelOptions {
  /** Where time comes from. @default the system's clock */
  clock?: Clock;
  /** Limits of init, and so of all tasks together; see {@linkcode Limits}. */
  limits?: Partial<Limits>;
  /** Gets what the kernel has to say to whoever runs it. @default nobody */
  onLog?: (record: LogRecord) => void;
  /**
   * "debugger": threads of workers that never yield are stopped through the process's own debugger,
   * which needs Deno, `--allow-sys` and `--allow-net=127.0.0.1`: where one of these is missing, the
   * constructor throws NOT_SUPPORTED. "off": they linger. @default "off"
   */
  hardKill?: "off" | "debugger";
  /**
   * How many threads are kept ready for the next tasks in workers, 0 … 64. They fit tasks whose
   * module lies in the same folder as the last one's, with the same `imports`. Each takes the memory
   * of an idle task, and the process stays alive until `shutdown()`. @default 0
   */
  spareThreads?: number;
  /** Gets a line for every syscall. @default nobody */
  onTrace?: (record: TraceRecord) => void;
}

/** Rights of init's handle to the group of all tasks. */
const EVERYONE_RIGHTS = COMMON_RIGHTS | Rights.READ | Rights.WRITE | Rights.SIGNAL_TASK;

/** Rights of init's handle to a network: connecting, listening and binding are its operations. */
const NETWORK_RIGHTS = COMMON_RIGHTS | Rights.WRITE;
/** Most threads that are kept ready. */
const MOST_SPARE_THREADS = 64;
/** Most patterns that a network's list has. */
const MOST_PATTERNS = 4_096;

/** What a network handle allows. */
export interface NetworkOptions {
  /**
   * Host and port patterns: `example.org:443`, `*.local:*`, `127.0.0.1:8000-8100`, `[::1]:80`. A `*`
   * stands for any characters of a host, and for every port.
   */
  allow: string[];
}

/** A task as an onlooker sees it. */
export interface TaskInfo {
  /** The task's id. */
  id: number;
  /** For people. */
  name: string;
  /** The parent's id; 0 for init. */
  parent: number;
  /** Where the task is in its life; "lingering": it has ended, its thread has not. */
  state: "created" | "running" | "stopped" | "lingering";
  /** The handles it holds. */
  handles: { number: number; type: string; rights: Rights; role: HandleRole }[];
  /** What it uses; all but `handles` together with its descendants. */
  usage: Omit<Limits, "deadlineMs">;
}

/**
 * A kernel with its first task, init.
 *
 * @example
 * ```ts
 * import { Kernel } from "@carmine/kernel";
 *
 * await using kernel = new Kernel();
 * const child = kernel.init.spawn((task) => `hello from ${task.name}`, { name: "greeter" });
 * console.log(await child.wait());
 * ```
 */
export class Kernel implements AsyncDisposable {
  /** The first task. It runs in this isolate and ends with the kernel. */
  readonly init: Task;
  readonly #core: KernelCore;
  readonly #workers: WorkerDriver;
  /** Init's. */
  readonly #door: LocalDoor;
  /** Set from the first use on, so that until then init's table has no entry for it. */
  #everyone: Group | undefined = undefined;
  /** What has to be closed on the platform when the kernel ends. */
  readonly #networks: NetworkObject[] = [];
  #shutdown: Promise<{ lingering: TaskInfo[] }> | undefined = undefined;

  /**
   * Boots a kernel.
   *
   * @throws {KernelError} INVALID_ARGUMENT or OUT_OF_RANGE for options that are none, NOT_SUPPORTED
   * where hard kills can't be had.
   */
  constructor(options: KernelOptions = {}) {
    requireOptions(options);
    this.#core = new KernelCore(options);
    const dispatcher = new Dispatcher(SYSCALLS, HANDLERS);
    dispatcher.onTrace = options.onTrace;
    const doorOf = (task: TaskObject) => new LocalDoor(dispatcher, { kernel: this.#core, task });
    const makeTask = (task: TaskObject, door: LocalDoor = doorOf(task)): Task => {
      return new TaskStub(door, {
        id: task.taskId,
        name: task.name,
        args: task.args,
        handles: task.given,
        limits: task.account.limits,
        signal: task.abort.signal,
      });
    };
    this.#core.addDriver(new FunctionDriver((task) => makeTask(task)));
    this.#workers = new WorkerDriver(this.#core, dispatcher, {
      hardKill: options.hardKill === "debugger",
      spareThreads: checkSpareThreads(options.spareThreads ?? 0),
    });
    this.#core.addDriver(this.#workers);
    this.#door = doorOf(this.#core.init);
    this.init = makeTask(this.#core.init, this.#door);
  }

  /**
   * The group of all tasks, init included, held by init. What is sent through it arrives as a
   * broadcast; init is neither killed nor stopped by it.
   */
  get everyone(): Group {
    if (this.#everyone === undefined) {
      const { init, everyone } = this.#core;
      this.#everyone = adopt(this.#door, init.install(everyone, EVERYONE_RIGHTS)) as Group;
    }
    return this.#everyone;
  }

  /**
   * Makes a network object, held by init: the right to reach the hosts and ports of a list, within
   * what the host process itself may.
   *
   * @throws {KernelError} INVALID_ARGUMENT for what is no pattern, NOT_SUPPORTED where the platform
   * is not Deno, TASK_DEAD after the shutdown, TOO_MANY_HANDLES, LIMIT_EXCEEDED.
   */
  createNetwork(options: NetworkOptions): Network {
    const { init, carriers, isShutDown } = this.#core;
    const allow = readArray(readField(options, "allow", "options"), "options.allow", MOST_PATTERNS);
    if (isShutDown) throw new KernelError("TASK_DEAD", "Cannot create a network: the kernel ended");
    const network = new NetworkObject(allow, denoHost(), carriers);
    init.table.requireRoom(1);
    network.lease = init.account.lease();
    this.#networks.push(network);
    return adopt(this.#door, init.install(network, NETWORK_RIGHTS)) as Network;
  }

  /** The living tasks, and those that ended while their thread goes on. */
  tasks(): TaskInfo[] {
    const living = [...this.#core.tasks.values()].map(taskInfo);
    return [...living, ...this.#lingering()];
  }

  /**
   * Kills every task but init and closes everything; a second call gives the first one's promise.
   *
   * @returns The tasks whose threads go on and keep the process from ending.
   */
  shutdown(): Promise<{ lingering: TaskInfo[] }> {
    if (this.#shutdown === undefined) {
      // Kept before anything ends: listeners that the end calls may shut down once more.
      const { promise, resolve, reject } = Promise.withResolvers<{ lingering: TaskInfo[] }>();
      this.#shutdown = promise;
      this.#end().then(resolve, reject);
    }
    return this.#shutdown;
  }

  /** Shuts the kernel down. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.shutdown();
  }

  async #end(): Promise<{ lingering: TaskInfo[] }> {
    this.#core.shutdown();
    await Promise.all([
      ...this.#networks.map((network) => network.abort()),
      this.#workers.settled(),
    ]);
    return { lingering: this.#lingering() };
  }

  #lingering(): TaskInfo[] {
    return [...this.#core.lingering].map(taskInfo);
  }
}

/** A host's mistake is told at once, and not when the option is used for the first time. */
function requireOptions(options: KernelOptions): void {
  const need = (isSo: boolean, what: string) => {
    if (!isSo) throw new KernelError("INVALID_ARGUMENT", `Cannot boot a kernel: ${what}`);
  };
  const isObject = (value: unknown) => typeof value === "object" && value !== null;
  const isMethod = (value: unknown) => typeof value === "function";
  need(isObject(options), "the options must be an object");
  const { clock, limits, onLog, onTrace, hardKill = "off" } = options;
  need(
    clock === undefined || (isObject(clock) && isMethod(clock.now) && isMethod(clock.schedule)),
    "clock must have the methods now and schedule",
  );
  need(limits === undefined || isObject(limits), "limits must be an object");
  need(onLog === undefined || isMethod(onLog), "onLog must be a function");
  need(onTrace === undefined || isMethod(onTrace), "onTrace must be a function");
  need(hardKill === "off" || hardKill === "debugger", `hardKill must be "off" or "debugger"`);
}

function checkSpareThreads(count: number): number {
  if (Number.isSafeInteger(count) && count >= 0 && count <= MOST_SPARE_THREADS) return count;
  throw new KernelError(
    "INVALID_ARGUMENT",
    `Cannot boot a kernel: spareThreads must be an integer 0 … ${MOST_SPARE_THREADS}, not ${count}`,
  );
}

function taskInfo(task: TaskObject): TaskInfo {
  return {
    id: task.taskId,
    name: task.name,
    parent: task.parent?.taskId ?? 0,
    state: task.state === "ended" ? "lingering" : task.state,
    handles: [...task.table].map(({ number, object, rights, role }) => ({
      number,
      type: object.type,
      rights,
      role,
    })),
    usage: { ...task.account.usage, handles: task.table.size },
  };
}
