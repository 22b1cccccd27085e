/**
 * What the stubs of mapped objects have in common: a handle through which this thread works on an
 * object itself, and the kernel to call where it can't.
 *
 * @module
 */
import { inContext, KernelError } from "../../capabilities/errors.ts";
import { lengthOf } from "../../memory/atomics.ts";
import {
  checkBuffer,
  type CheckedWaitOptions,
  checkWaitOptions,
  hasAborted,
  type WaitOptions,
} from "../arguments.ts";
import type { Door, SyscallSpec } from "../door.ts";
import { canceled, withMovedBefore } from "../page/page_errors.ts";
import { LineWait, type LOST, PENDING, type WaitLine } from "./wait_line.ts";

/** A handle that has a seat. */
export interface SeatedHandle {
  readonly door: Door;
  readonly number: number;
  /** What the handle names, in words. */
  readonly type: string;
  /** True when plain calls throw where they would wait. */
  readonly nonblocking: boolean;
  /** The seat is lost: from now on the kernel is asked. */
  readonly onLost: () => void;
}

/** One operation that may wait, on one side of the object. */
export interface MappedOperation<T> {
  readonly syscall: SyscallSpec;
  readonly line: WaitLine;
  /** Bytes, or the amount, that there has to be room for. */
  readonly needed: number | bigint;
  /** Tries once. */
  readonly attempt: (wait: LineWait<T>) => T | typeof PENDING | typeof LOST;
  /** Bytes moved so far. */
  readonly moved?: () => number;
}

const NO_BUFFER = new Uint8Array(0);

/** Calls through one handle with a seat. */
export abstract class MappedHandle {
  protected readonly at: SeatedHandle;
  /** The last buffer that was found to be one; only its detachment can change that. */
  #checked: Uint8Array = NO_BUFFER;

  constructor(at: SeatedHandle) {
    this.at = at;
  }

  /** The buffer's length, once it is known to be a plain one. */
  protected lengthOf(buffer: Uint8Array, syscall: SyscallSpec): number {
    const length = buffer === this.#checked ? lengthOf(buffer) : 0;
    return length > 0 ? length : this.#checkedLength(buffer, syscall);
  }

  #checkedLength(buffer: Uint8Array, syscall: SyscallSpec): number {
    this.#checked = this.worded(syscall, () => checkBuffer(buffer, syscall.args[1]?.name ?? ""));
    return lengthOf(buffer);
  }

  /** A try that never waits. */
  protected tryOnce<T>(operation: MappedOperation<T>): T | typeof PENDING | typeof LOST {
    const { line, needed, attempt, syscall } = operation;
    line.serve();
    if (!line.isEmpty) return PENDING;
    return this.worded(syscall, () => attempt(new LineWait(needed, attempt)));
  }

  /** Blocks the thread; {@linkcode LOST} where the kernel has to be called instead. */
  protected block<T>(
    operation: MappedOperation<T>,
    { signal, timeoutMs }: CheckedWaitOptions,
  ): T | typeof LOST {
    const { syscall, line, needed, attempt, moved } = operation;
    return this.worded(syscall, () => {
      if (signal !== undefined && hasAborted(signal)) throw canceled(signal);
      if (!this.mayWait(timeoutMs)) return this.#once(operation, timeoutMs);
      return line.block(new LineWait(needed, attempt), timeoutMs);
    }, moved);
  }

  /** The same without blocking the thread. */
  protected async wait<T>(
    operation: MappedOperation<T>,
    options: CheckedWaitOptions,
  ): Promise<T | typeof LOST> {
    const { syscall, line, needed, attempt, moved } = operation;
    const { signal } = options;
    try {
      if (signal !== undefined && hasAborted(signal)) throw canceled(signal);
      if (!this.mayWait(options.timeoutMs)) {
        return this.worded(syscall, () => this.#once(operation, options.timeoutMs), moved);
      }
      return await line.wait(new LineWait(needed, attempt), options);
    } catch (error) {
      throw this.#inWords(error, syscall, moved);
    }
  }

  /** The options of a call, checked. */
  protected waitOptions(
    syscall: SyscallSpec,
    options: WaitOptions | undefined,
  ): CheckedWaitOptions {
    return this.worded(syscall, () => checkWaitOptions(options));
  }

  /** Whether a call with this time-out waits here at all. */
  protected mayWait(timeoutMs: number): boolean {
    return timeoutMs > 0 && !this.at.nonblocking;
  }

  /** Whether the thread can measure the time-out itself. */
  protected knowsTime(timeoutMs: number): boolean {
    return timeoutMs === Infinity || timeoutMs === 0 || this.at.door.seats?.hasSystemClock === true;
  }

  /** What `make` gives; a refusal is told in the words of the call. */
  protected worded<T>(syscall: SyscallSpec, make: () => T, moved?: () => number): T {
    try {
      return make();
    } catch (error) {
      throw this.#inWords(error, syscall, moved);
    }
  }

  #once<T>(
    { line, needed, attempt, moved }: MappedOperation<T>,
    timeoutMs: number,
  ): T | typeof LOST {
    line.serve();
    const wait = new LineWait(needed, attempt);
    if (line.isEmpty && wait.attempt()) return wait.outcome;
    if (this.at.nonblocking && (moved?.() ?? 0) > 0) return moved?.() as T;
    const code = timeoutMs === 0 && !this.at.nonblocking ? "TIMED_OUT" : "WOULD_BLOCK";
    throw new KernelError(code, "it would have to wait");
  }

  #inWords(error: unknown, syscall: SyscallSpec, moved?: () => number): unknown {
    if (!(error instanceof KernelError) || error.code === "TASK_DEAD") return error;
    const { number, type } = this.at;
    const told = error.syscall === undefined
      ? inContext(error, syscall.name, `${syscall.verb} handle ${number} (${type})`)
      : error;
    return withMovedBefore(told, moved?.() ?? 0);
  }
}
