/**
 * Limits: what one task, and a task with all its descendants, may use.
 *
 * @module
 */
import { KernelError } from "./errors.ts";

/**
 * How much a task may use. `handles` counts for the task alone, all others for the task together
 * with its descendants, so that spawning gives nobody more. Exceeding one is LIMIT_EXCEEDED and
 * changes nothing; `handles` gives TOO_MANY_HANDLES.
 *
 * @example
 * ```ts
 * import { Kernel } from "@carmine/kernel";
 *
 * await using kernel = new Kernel();
 * const child = kernel.init.spawn((task) => task.createPipe({ capacity: 1 << 20 }), {
 *   limits: { bufferBytes: 64 * 1024 },
 * });
 * const status = await child.wait();
 * console.log(status.state); // "crashed": LIMIT_EXCEEDED
 * ```
 */
export interface Limits {
  /**
   * Handles in the task's table, 1 … 65,536. Stops a task that makes or is sent handles without
   * end; the table is one array, and its size is what closing a task costs. The default is what
   * Unix gives a process: more than a program needs, and closed in well under a millisecond.
   *
   * @default 1024
   */
  handles: number;
  /**
   * Kernel objects alive, and connects and datagrams that the platform is at work on. Stops a task
   * that creates objects and sends them away, or has them held by children, to escape the limit on
   * handles. The default lets 64 tasks fill their tables.
   *
   * @default 65536
   */
  objects: number;
  /**
   * Bytes of buffers: pipes, shared memory, sockets, payloads and long words of events that wait,
   * and messages that wait, each handle in one as 256 bytes. Stops a task that eats the process's
   * memory, which would end every task. The default lets one object of the largest size, 1 GiB,
   * live beside smaller ones.
   *
   * @default 2147483648
   */
  bufferBytes: number;
  /**
   * Room for events: the buffer sizes of the task's subscriptions, what its own queue holds beyond
   * the first 256, and, one by one, immediate events and waiting reliable ones that it sent and
   * nobody has received. Stops floods of events that may not be dropped. The default lets each of
   * 4,096 subscriptions have the usual 256.
   *
   * @default 1048576
   */
  queuedEvents: number;
  /**
   * Messages sent and not yet received. Stops many small queues from holding what one large one
   * may not. The default fills 64 queues of the usual size.
   *
   * @default 65536
   */
  queuedMessages: number;
  /**
   * Calls that wait, once for each handle that they wait on, and members of wait sets. Each holds a
   * place in a queue that others have to pass. Stops a task that starts waits without awaiting
   * them. The default is as many as there may be objects.
   *
   * @default 65536
   */
  pendingWaits: number;
  /**
   * Tasks alive below the task. Stops fork bombs. The default leaves a machine usable if each of
   * them is a thread.
   *
   * @default 1024
   */
  children: number;
  /**
   * Milliseconds on the kernel's clock after which the task is killed, and its descendants with it
   * at the latest. Stops a task that never ends. The default lets servers live; only who starts a
   * task knows how long it may take.
   *
   * @default Infinity
   */
  deadlineMs: number;
}

/** The limits of a task that was given none. */
export const DEFAULT_LIMITS: Readonly<Limits> = Object.freeze({
  handles: 1_024,
  objects: 65_536,
  bufferBytes: 2 ** 31,
  queuedEvents: 2 ** 20,
  queuedMessages: 65_536,
  pendingWaits: 65_536,
  children: 1_024,
  deadlineMs: Infinity,
});

/** Highest value of each limit; the rest are bounded by safe integers. */
const MOST_HANDLES = 65_536;

/** Limits with the given ones in place of the base's; throws INVALID_ARGUMENT for nonsense. */
export function withLimits(base: Readonly<Limits>, given: Partial<Limits> = {}): Limits {
  const limits = { ...base };
  const unknown = Object.keys(given).find((name) => !Object.hasOwn(DEFAULT_LIMITS, name));
  if (unknown !== undefined) {
    throw new KernelError("INVALID_ARGUMENT", `there is no limit ${unknown.slice(0, 100)}`);
  }
  for (const name of Object.keys(DEFAULT_LIMITS) as (keyof Limits)[]) {
    const value: unknown = given[name];
    if (value === undefined) continue;
    const isWhole = Number.isSafeInteger(value) && (value as number) >= 0;
    const isTime = name === "deadlineMs" && typeof value === "number" && value >= 0;
    const isAllowed = name === "handles"
      ? isWhole && (value as number) >= 1 && (value as number) <= MOST_HANDLES
      : isWhole || isTime;
    if (!isAllowed) {
      const wanted = name === "handles"
        ? `an integer 1 … ${MOST_HANDLES}`
        : `${name === "deadlineMs" ? "a number" : "an integer"} of at least 0`;
      const found = typeof value === "number" ? value : `a ${typeof value}`;
      throw new KernelError("INVALID_ARGUMENT", `limits.${name} must be ${wanted}, not ${found}`);
    }
    limits[name] = value as number;
  }
  return limits;
}

/** Throws LIMIT_EXCEEDED when a child would get more than its parent has. */
export function requireWithin(child: Readonly<Limits>, parent: Readonly<Limits>): void {
  for (const name of Object.keys(DEFAULT_LIMITS) as (keyof Limits)[]) {
    if (child[name] <= parent[name]) continue;
    throw new KernelError(
      "LIMIT_EXCEEDED",
      `the limit ${name} of ${child[name]} is more than the task's own, ${parent[name]}`,
    );
  }
}
