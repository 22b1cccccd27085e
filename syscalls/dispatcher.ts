/**
 * The dispatcher: every syscall of every task passes here.
 *
 * In this order, and nothing has changed until the last step: the number is known, the task may
 * call, the handle is open in the task's table, its object has the capability, the handle has the
 * rights, each argument is what the table says; then the handler runs. Reading an argument may run
 * code of the caller's (a getter), which may close a handle, detach a buffer or end the task: what
 * that could have changed is looked at again.
 *
 * @module
 */
import { inContext, IpcError, KernelError } from "../capabilities/errors.ts";
import { HandleEntry, HandleFlags } from "../capabilities/handle.ts";
import { reportUncaught } from "../capabilities/report_uncaught.ts";
import { WOULD_BLOCK } from "../capabilities/stream_ops.ts";
import { ArgumentForm, type ArgumentSpec } from "./argument_kinds.ts";
import {
  byteLengthOf,
  checkBuffer,
  type CheckedWaitOptions,
  checkWaitOptions,
  noSuchSyscall,
} from "./arguments.ts";
import { check, checkAgain, requireAlive, requireNotAborted, whyNot } from "./call_checks.ts";
import { attemptOf, type TraceRecord, traceText } from "./call_words.ts";
import type { Caller } from "./caller.ts";
import { compile, type CompiledSyscall } from "./compiled_syscall.ts";
import type { SyscallSpec } from "./door.ts";
import { moveRest } from "./long_write.ts";
import { mustQueue } from "./parking.ts";
import { PendingCall } from "./pending_call.ts";

/** Validates, dispatches, and parks what has to wait. */
export class Dispatcher {
  /** By number; holes where there is no syscall. */
  readonly #calls: (CompiledSyscall | undefined)[] = new Array(1_000).fill(undefined);
  /** Set while somebody listens to every call. */
  onTrace: ((record: TraceRecord) => void) | undefined = undefined;

  /**
   * @param specs The table.
   * @param handlers A handler for each of its names.
   */
  constructor(
    specs: Readonly<Record<string, SyscallSpec>>,
    handlers: Readonly<Record<string, unknown>>,
  ) {
    for (const [name, spec] of Object.entries(specs)) {
      this.#calls[spec.number] = compile(spec, handlers[name]);
    }
  }

  /**
   * Carries out a call that is not to wait.
   *
   * @returns The result, or WOULD_BLOCK.
   * @throws {KernelError} in the caller's words; nothing has changed.
   */
  call(
    caller: Caller,
    number: number,
    a: unknown,
    b: unknown,
    c: unknown,
    d: unknown,
  ): unknown {
    const call = this.#calls[number];
    if (call === undefined) throw noSuchSyscall(number);
    // This and `#transfer` are short enough for the engine to put them into the stub's own code.
    if (call.isTransfer && caller.task.isRunning && this.onTrace === undefined) {
      return this.#transfer(caller, call, a, b);
    }
    return this.#carryOut(caller, call, a, b, c, d);
  }

  /**
   * `call` for buffers that the caller never passes again: no handle remembers them, and what a
   * task wrote isn't held for as long as it keeps the handle.
   *
   * @throws {KernelError} in the caller's words; nothing has changed.
   */
  callOnce(caller: Caller, number: number, args: readonly unknown[]): unknown {
    const call = this.#calls[number];
    if (call === undefined) throw noSuchSyscall(number);
    return this.#carryOut(caller, call, args[0], args[1], args[2], args[3]);
  }

  /** `call` for every kind of arguments and of task. */
  #carryOut(
    caller: Caller,
    call: CompiledSyscall,
    a: unknown,
    b: unknown,
    c: unknown,
    d: unknown,
  ): unknown {
    const { task } = caller;
    const named = a;
    const second = b;
    const third = c;
    const fourth = d;
    try {
      if (!task.isRunning) requireAlive(caller, call);
      if (call.form === ArgumentForm.HANDLE) {
        const entry = task.table.get(a);
        if (
          (entry.capabilities & call.capability) !== call.capability ||
          (entry.rights & call.rights) !== call.rights ||
          (call.anyRight !== 0 && (entry.rights & call.anyRight) === 0)
        ) throw whyNot(entry, call.args[0] as ArgumentSpec);
        a = entry;
      } else if (call.arity > 0) a = check(caller, call.args[0] as ArgumentSpec, a);
      if (call.arity > 1) {
        b = check(caller, call.args[1] as ArgumentSpec, b);
        if (call.arity > 2) {
          c = check(caller, call.args[2] as ArgumentSpec, c);
          if (call.arity > 3) d = check(caller, call.args[3] as ArgumentSpec, d);
        }
      }
      if (call.readsObjects) checkAgain(caller, call, [named, second, third, fourth]);
      if (call.waits !== 0 && mustQueue(caller, call, a as HandleEntry, b)) return WOULD_BLOCK;
      const result = call.run(caller, a, b, c, d);
      if (this.onTrace !== undefined) this.#tell(caller, traceText(call, named, result));
      return result;
    } catch (error) {
      throw this.#inContext(error, caller, call, named);
    }
  }

  /**
   * `call` for a handle and a buffer, by a running task that nobody traces. The checks and their
   * order are the same; those that can't apply are left out.
   */
  #transfer(caller: Caller, call: CompiledSyscall, handle: unknown, buffer: unknown): unknown {
    try {
      const entry = caller.task.table.get(handle);
      if (
        (entry.capabilities & call.capability) !== call.capability ||
        (entry.rights & call.rights) !== call.rights
      ) throw whyNot(entry, call.args[0] as ArgumentSpec);
      // A detached buffer, and only then a buffer that was checked before, may have changed: its
      // length is 0 now.
      if (buffer !== entry.checkedBuffer || byteLengthOf(buffer as Uint8Array) === 0) {
        entry.checkedBuffer = checkBuffer(buffer, (call.args[1] as ArgumentSpec).name);
      }
      if (
        (entry.waiters.parkedSignals & call.waits) !== 0 && mustQueue(caller, call, entry, buffer)
      ) return WOULD_BLOCK;
      return call.run(caller, entry, buffer, undefined, undefined);
    } catch (error) {
      throw this.#inContext(error, caller, call, handle);
    }
  }

  /**
   * Carries out a call that may wait; see {@linkcode PendingCall} for how a wait ends.
   *
   * The promise it returns is the one that a pending call settles, so that a task which ends
   * leaves no rejection behind that nobody could have caught.
   */
  wait(
    caller: Caller,
    number: number,
    options: unknown,
    a: unknown,
    b: unknown,
    c: unknown,
    d: unknown,
  ): Promise<unknown> {
    const call = this.#calls[number];
    const { task } = caller;
    try {
      if (call === undefined) throw noSuchSyscall(number);
      const wait = checkWaitOptions(options);
      const result = this.#finishOrPark(caller, call, wait, [a, b, c, d]);
      return result instanceof PendingCall ? result.promise : Promise.resolve(result);
    } catch (error) {
      const failed = Promise.reject(
        call === undefined ? error : this.#inContext(error, caller, call, a),
      );
      // As for a pending call: what is left of an ended program may not await it any more.
      if (task.status !== undefined && task !== caller.kernel.init) failed.catch(() => {});
      return failed;
    }
  }

  /**
   * `wait` for a door that keeps its calls itself: a call that needn't wait costs no promise.
   *
   * @returns The result, or the call as it waits.
   * @throws {KernelError} in the caller's words.
   */
  begin(
    caller: Caller,
    number: number,
    wait: CheckedWaitOptions,
    a: unknown,
    b: unknown,
    c: unknown,
    d: unknown,
  ): unknown {
    const call = this.find(number);
    try {
      return this.#finishOrPark(caller, call, wait, [a, b, c, d]);
    } catch (error) {
      throw this.#inContext(error, caller, call, a);
    }
  }

  /**
   * The compiled call with this number; for doors that carry numbers which a program chose.
   *
   * @throws {KernelError} NO_SUCH_SYSCALL, also for what is no number at all.
   */
  find(number: unknown): CompiledSyscall {
    const call = typeof number === "number" ? this.#calls[number] : undefined;
    if (call === undefined) throw noSuchSyscall(number);
    return call;
  }

  /** The call's result, or the call as it waits. Its arguments are checked and copied once. */
  #finishOrPark(
    caller: Caller,
    call: CompiledSyscall,
    wait: CheckedWaitOptions,
    args: unknown[],
  ): unknown {
    if (!caller.task.isRunning) requireAlive(caller, call);
    const given = call.readsObjects ? [...args] : args;
    const first = args[0];
    for (let i = 0; i < call.arity; i++) {
      args[i] = check(caller, call.args[i] as ArgumentSpec, args[i]);
    }
    if (call.readsObjects) checkAgain(caller, call, given);
    requireNotAborted(wait.signal);
    const target = call.form === ArgumentForm.HANDLE ? args[0] as HandleEntry : undefined;
    const isQueued = call.waits !== 0
      ? mustQueue(caller, call, target as HandleEntry, args[1])
      : caller.task.isStopped;
    const result = isQueued ? WOULD_BLOCK : call.run(caller, args[0], args[1], args[2], args[3]);
    if (this.onTrace !== undefined) this.#tell(caller, traceText(call, first, result));
    let moved = 0;
    if (call.spec.movesAll !== true) {
      if (result !== WOULD_BLOCK) return result;
    } else if (result !== WOULD_BLOCK) {
      const length = byteLengthOf(args[1] as Uint8Array);
      moved = result as number;
      if (moved < length) moved = moveRest(caller, call, args, moved);
      if (moved === length) return moved;
    }
    try {
      // Carrying a call out may run a task's code too: a filter's predicate.
      if (!isQueued && call.readsObjects) checkAgain(caller, call, given);
      requireNotAborted(wait.signal, moved);
      return this.#park(caller, call, wait, args, moved, first);
    } catch (error) {
      call.abandon?.(caller, args[0], args[1], args[2], args[3]); // what it has begun
      throw error;
    }
  }

  /** The call as it waits, unless it is not to; then what it moved so far, if it moved anything. */
  #park(
    caller: Caller,
    call: CompiledSyscall,
    wait: CheckedWaitOptions,
    args: readonly unknown[],
    moved: number,
    first: unknown,
  ): PendingCall | number {
    const target = call.form === ArgumentForm.HANDLE ? args[0] as HandleEntry : undefined;
    const parksFirst = call.spec.parksFirst === true;
    // Waiting for signals is what a nonblocking handle's holder does instead.
    const canTry = parksFirst && ((target?.object.signals ?? 0) & call.waits) !== 0;
    if (call.waits !== 0 && !canTry && args.some(isNonblocking)) {
      if (moved > 0) return moved;
      const why = "it would have to wait";
      const { wouldBlock } = call.spec;
      throw wouldBlock === undefined
        ? new KernelError("WOULD_BLOCK", why)
        : new IpcError(wouldBlock, why);
    }
    if (wait.timeoutMs === 0) {
      throw new KernelError("TIMED_OUT", "it would have to wait", {
        transferred: moved > 0 ? moved : undefined,
      });
    }
    const describe = (error: unknown) => this.#inContext(error, caller, call, first, target);
    const pending = new PendingCall({ caller, call, args, wait, moved, describe });
    if (parksFirst) pending.resume(); // the first try
    return pending;
  }

  /** The listener is the host's: what it throws is not the calling task's to see. */
  #tell({ task }: Caller, text: string): void {
    try {
      this.onTrace?.({ taskId: task.taskId, text });
    } catch (error) {
      reportUncaught(error);
    }
  }

  /** The error as the caller is to see it; what isn't a KernelError is the kernel's own fault. */
  #inContext(
    error: unknown,
    caller: Caller,
    call: CompiledSyscall,
    first: unknown,
    target?: HandleEntry,
  ): unknown {
    if (!(error instanceof KernelError) || error.syscall !== undefined) return error;
    const { spec } = call;
    const told = inContext(error, spec.name, attemptOf(call, caller, first, target));
    if (this.onTrace !== undefined) {
      this.#tell(caller, `${spec.name}(…) failed: ${told.code}`);
    }
    return told;
  }
}

function isNonblocking(argument: unknown): boolean {
  return argument instanceof HandleEntry && (argument.flags & HandleFlags.NONBLOCKING) !== 0;
}
