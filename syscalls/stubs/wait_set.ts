/**
 * Wait sets as programs hold them.
 *
 * @module
 */
import type { Signals } from "../../capabilities/signals.ts";
import type { ReadyMember, WaitSetKey } from "../../capabilities/wait_set_ops.ts";
import { readField, type WaitOptions } from "../arguments.ts";
import { SYSCALLS } from "../table.ts";
import { doorOf, Handle, numberFor, prepared, rejecting } from "./handle.ts";

/** How a handle is in a wait set. */
export interface WaitSetAddOptions {
  /**
   * True to report each rise of its signals once, instead of for as long as they are up. Where a
   * worker works on a mapped object, signals that are still up may be reported again after it did.
   *
   * @default false
   */
  edge?: boolean;
}

/** How to wait on a wait set. */
export interface WaitSetWaitOptions extends WaitOptions {
  /** Most members that the wait reports, 1 … 65,536. @default 65536 */
  max?: number;
}

const MOST_REPORTED = 65_536;

/**
 * A set of handles to wait on, for thousands of them: a wait costs what is ready, not what is idle.
 *
 * It belongs to its task: its members are handles of the task's own, and it can't be sent to
 * another one. A member whose handle is closed, moved or revoked leaves silently.
 *
 * @example
 * ```ts
 * import { Kernel, Signals } from "@carmine/kernel";
 *
 * await using kernel = new Kernel();
 * using set = kernel.init.createWaitSet();
 * const { reader, writer } = kernel.init.createPipe();
 * set.add(reader, Signals.READABLE, "input");
 * writer.tryWrite(new Uint8Array([1]));
 * console.log(await set.wait()); // [ { key: "input", signals: 1 } ]
 * ```
 */
export class WaitSet extends Handle {
  /**
   * Adds a handle. Needs WRITE on the set and WAIT on the handle.
   *
   * @param signals What to report of it, any of these.
   * @param key What the set calls it.
   * @throws {KernelError} ALREADY_EXISTS when a member has the key, ACCESS_DENIED, BAD_HANDLE,
   * LIMIT_EXCEEDED (members count as pending waits), INVALID_ARGUMENT when the set would wait on
   * itself.
   */
  add(handle: Handle, signals: Signals, key: WaitSetKey, options?: WaitSetAddOptions): void {
    const door = doorOf(this);
    const [member, edge] = prepared(SYSCALLS.waitSetAdd, this, () => [
      numberFor(door, handle),
      options === undefined ? undefined : readField(options, "edge", "options") as boolean,
    ]);
    const given = edge === undefined ? { key, signals } : { key, signals, edge };
    door.call(SYSCALLS.waitSetAdd, this.number, member, given);
  }

  /**
   * Changes what to report of a member. Signals that are up count as risen. Needs WRITE.
   *
   * @throws {KernelError} INVALID_ARGUMENT when no member has the key.
   */
  modify(key: WaitSetKey, signals: Signals): void {
    doorOf(this).call(SYSCALLS.waitSetModify, this.number, key, signals);
  }

  /**
   * Takes a member out. Needs WRITE.
   *
   * @throws {KernelError} INVALID_ARGUMENT when no member has the key.
   */
  remove(key: WaitSetKey): void {
    doorOf(this).call(SYSCALLS.waitSetRemove, this.number, key);
  }

  /**
   * Waits until members are ready. Those that stay ready take turns where `max` leaves some out.
   * Needs WAIT.
   *
   * @returns The ready ones' keys, each with those of its signals that were asked for and are up.
   * @throws {KernelError} ACCESS_DENIED, TIMED_OUT, CANCELED.
   */
  wait(options?: WaitSetWaitOptions): Promise<ReadyMember[]> {
    return rejecting(() =>
      doorOf(this).wait(SYSCALLS.waitSetWait, options, this.number, maxOf(this, options))
    );
  }

  /** As {@linkcode WaitSet.wait}, but blocks the thread. Only in workers. */
  waitSync(options?: WaitSetWaitOptions): ReadyMember[] {
    return doorOf(this).block(SYSCALLS.waitSetWait, options, this.number, maxOf(this, options));
  }
}

function maxOf(set: WaitSet, options: unknown): number {
  if (options === undefined) return MOST_REPORTED;
  const max = prepared(SYSCALLS.waitSetWait, set, () => readField(options, "max", "options"));
  return max === undefined ? MOST_REPORTED : max as number; // checked by the kernel
}
