/**
 * The base of all typed handles that programs hold.
 *
 * @module
 */
import { inContext, KernelError } from "../../capabilities/errors.ts";
import type { HandleInfo, HandleRole } from "../../capabilities/handle.ts";
import { MOST_HANDLES_IN_MESSAGE } from "../../capabilities/message_ops.ts";
import { Rights } from "../../capabilities/rights.ts";
import type { Signals } from "../../capabilities/signals.ts";
import { WOULD_BLOCK } from "../../capabilities/stream_ops.ts";
import { describe, readArray, type WaitOptions } from "../arguments.ts";
import type { Door, SyscallSpec } from "../door.ts";
import { SYSCALLS } from "../table.ts";

/** What makes a handle; only the package's own code can make one of these. */
export class HandleOrigin {
  readonly door: Door;
  readonly number: number;
  readonly type: string;
  readonly rights: Rights;

  constructor(door: Door, number: number, type: string, rights: Rights) {
    this.door = door;
    this.number = number;
    this.type = type;
    this.rights = rights;
  }
}

let readDoor: (handle: Handle) => Door;
let isHandle: (value: unknown) => value is Handle;

/**
 * A handle as a program holds it: the right to do some things with one kernel object.
 *
 * It works only for the task that holds it. Closing it, or leaving a `using` block, gives it up.
 * Calls of the task that wait on a handle end with BAD_HANDLE when the task closes or moves it,
 * and with REVOKED when it is revoked.
 *
 * @example
 * ```ts
 * import { Kernel, Rights } from "@carmine/kernel";
 *
 * await using kernel = new Kernel();
 * using counter = kernel.init.createCounter();
 * using lent = counter.duplicate(Rights.READ | Rights.TRANSFER);
 * console.log(lent.query().access); // "read"
 * counter.revoke();
 * console.log(lent.closed); // true
 * ```
 */
export abstract class Handle implements Disposable {
  readonly #door: Door;
  readonly #number: number;
  readonly #type: string;
  readonly #rights: Rights;
  /** What `new` was called on; a duplicate is of the same class. */
  readonly #Class: new (origin: HandleOrigin) => this;

  static {
    readDoor = (handle) => handle.#door;
    isHandle = (value): value is Handle =>
      typeof value === "object" && value !== null && #door in value;
  }

  /** Throws for anybody but the kernel: handles come from calls that create or receive them. */
  constructor(...origin: never[]);
  constructor(origin: unknown) {
    if (!(origin instanceof HandleOrigin)) {
      throw new TypeError(`${new.target.name} can't be constructed; a task's methods give handles`);
    }
    this.#door = origin.door;
    this.#number = origin.number;
    this.#type = origin.type;
    this.#rights = origin.rights;
    this.#Class = new.target as unknown as new (origin: HandleOrigin) => this;
  }

  /** The handle's number in its task's table. */
  get number(): number {
    return this.#number;
  }

  /** The handle's rights. */
  get rights(): Rights {
    return this.#rights;
  }

  /** The object's type, such as "pipe reader". */
  get type(): string {
    return this.#type;
  }

  /** True once the handle was closed, moved or revoked. */
  get closed(): boolean {
    return !this.#door.isOpen(this.#number);
  }

  /**
   * Makes another handle to the same object, derived from this one: revoking this one closes it.
   *
   * @param rights A subset of this handle's rights; all of them by default.
   * @throws {KernelError} ACCESS_DENIED without the right DUPLICATE, or when more rights are asked
   * for than the handle has; TOO_MANY_HANDLES.
   */
  duplicate(rights: Rights = Rights.SAME): this {
    return this.#again(
      done(this.#door.call(SYSCALLS.handleDuplicate, this.#number, rights)),
      rights,
    );
  }

  /**
   * Closes this handle for a new one with fewer rights, which keeps its place in the derivation
   * tree.
   *
   * @throws {KernelError} ACCESS_DENIED when more rights are asked for than the handle has.
   */
  replace(rights: Rights): this {
    return this.#again(done(this.#door.call(SYSCALLS.handleReplace, this.#number, rights)), rights);
  }

  /**
   * Closes every handle that was derived from this one, transitively, in every task. This one
   * stays. Whoever waits on one of them gets REVOKED.
   *
   * @throws {KernelError} ACCESS_DENIED without the right REVOKE.
   */
  revoke(): void {
    this.#door.call(SYSCALLS.handleRevoke, this.#number);
  }

  /** Gives the handle up. Closing it twice does nothing. */
  close(): void {
    if (!this.closed) this.#door.call(SYSCALLS.handleClose, this.#number);
  }

  /** What the handle tells about itself. Needs no right. */
  query(): HandleInfo {
    return done(this.#door.call(SYSCALLS.handleQuery, this.#number));
  }

  /** Says what the handle is for; nothing depends on it. Needs no right. */
  setRole(role: HandleRole): void {
    this.#door.call(SYSCALLS.handleSetRole, this.#number, role);
  }

  /**
   * Waits until one of the signals is up.
   *
   * @returns Those that are.
   * @throws {KernelError} ACCESS_DENIED without the right WAIT, TIMED_OUT, CANCELED, BAD_HANDLE,
   * REVOKED.
   */
  waitFor(signals: Signals, options?: WaitOptions): Promise<Signals> {
    return this.#door.wait(SYSCALLS.objectWait, options, this.#number, signals);
  }

  /** As {@linkcode Handle.waitFor}, but blocks the thread. Only in workers. */
  waitForSync(signals: Signals, options?: WaitOptions): Signals {
    return this.#door.block(SYSCALLS.objectWait, options, this.#number, signals);
  }

  /** Those of the signals that are up; 0 when none is. Needs WAIT. */
  tryWaitFor(signals: Signals): Signals {
    const up = this.#door.call(SYSCALLS.objectWait, this.#number, signals);
    return up === WOULD_BLOCK ? 0 : up;
  }

  /**
   * Lowers and raises the signals `USER_0` … `USER_7`, which only programs give a meaning.
   *
   * @throws {KernelError} ACCESS_DENIED without the right CONTROL.
   */
  signal(clear: Signals, set: Signals): void {
    this.#door.call(SYSCALLS.objectSignal, this.#number, clear, set);
  }

  /** Closes the handle. */
  [Symbol.dispose](): void {
    this.close();
  }

  #again(number: number, rights: Rights): this {
    const kept = rights === Rights.SAME ? this.#rights : rights;
    return new this.#Class(new HandleOrigin(this.#door, number, this.#type, kept));
  }
}

/** The door behind a handle. */
export function doorOf(handle: Handle): Door {
  return readDoor(handle);
}

/**
 * The number of a handle that a program passes to one of its task's methods.
 *
 * @throws {KernelError} BAD_HANDLE when it is no handle, or another task's.
 */
export function numberFor(door: Door, handle: unknown): number {
  if (!isHandle(handle)) {
    throw new KernelError("BAD_HANDLE", `a handle is expected, not ${describe(handle)}`);
  }
  if (readDoor(handle) !== door) {
    throw new KernelError("BAD_HANDLE", `handle ${handle.number} belongs to another task`);
  }
  return handle.number;
}

/** The numbers of handles that a program sends along; none where it is left out. */
export function numbersFor(door: Door, handles: unknown): number[] {
  if (handles === undefined) return [];
  const copy = readArray(handles, "handles", MOST_HANDLES_IN_MESSAGE);
  return copy.map((handle) => numberFor(door, handle));
}

/**
 * What a stub makes of its arguments before it calls the kernel; a refusal is told as the
 * syscall's own, with what was attempted.
 *
 * @param on The handle that the call is made on; none for the calls of a task itself.
 */
export function prepared<T>(syscall: SyscallSpec, on: Handle | undefined, prepare: () => T): T {
  try {
    return prepare();
  } catch (error) {
    if (!(error instanceof KernelError) || error.syscall !== undefined) throw error;
    const object = on === undefined ? "" : ` handle ${on.number} (${on.type})`;
    throw inContext(error, syscall.name, syscall.verb + object);
  }
}

/** As `async` would: what throws before there is a promise becomes one that rejects. */
export function rejecting<T>(call: () => Promise<T>): Promise<T> {
  try {
    return call();
  } catch (error) {
    return Promise.reject(error);
  }
}

/**
 * A waiting call's result, made into what the program gets. As the call's own promise, and unlike
 * one from `then` or an async function, it doesn't count as unhandled when the task ends meanwhile:
 * nobody may be left to catch it.
 */
export function mapped<T, U>(call: Promise<T>, map: (result: T) => U): Promise<U> {
  const { promise, resolve, reject } = Promise.withResolvers<U>();
  call.then((result) => {
    try {
      resolve(map(result));
    } catch (error) {
      reject(error);
    }
  }, (error) => {
    if (error instanceof KernelError && error.code === "TASK_DEAD") promise.catch(() => {});
    reject(error);
  });
  return promise;
}

/** The result of a call that never would block. */
export function done<Result>(result: Result | typeof WOULD_BLOCK): Result {
  return result as Result;
}
