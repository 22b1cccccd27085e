/**
 * What is looked at before a call may change anything: whether its caller may call now, and each of
 * its arguments.
 *
 * Always holds: a check changes nothing, so whatever it refuses has left no trace. Its errors give
 * the reason alone; the dispatcher adds what was attempted.
 *
 * @module
 */
import { describeCapabilities } from "../capabilities/capability.ts";
import { KernelError } from "../capabilities/errors.ts";
import type { HandleEntry } from "../capabilities/handle.ts";
import { describeRights } from "../capabilities/rights.ts";
import { ArgumentForm, type ArgumentSpec } from "./argument_kinds.ts";
import { abortReason, checkBuffer, hasAborted } from "./arguments.ts";
import type { Caller } from "./caller.ts";
import type { CompiledSyscall } from "./compiled_syscall.ts";

/** A dead task calls nothing; a stopped one gives up what it holds, and waits for the rest. */
export function requireAlive({ task }: Caller, call: CompiledSyscall): void {
  if (!task.isStopped) {
    throw new KernelError("TASK_DEAD", `task ${task.taskId} (${task.name}) has ended`);
  }
  if (call.spec.mayWait || call.spec.whileStopped === true) return;
  throw new KernelError("INVALID_STATE", `task ${task.taskId} (${task.name}) is stopped`);
}

/** An aborted signal wins over what is there; bytes that are moved already are told. */
export function requireNotAborted(signal: AbortSignal | undefined, moved = 0): void {
  if (signal === undefined || !hasAborted(signal)) return;
  throw new KernelError("CANCELED", "its signal was aborted", {
    cause: abortReason(signal),
    transferred: moved > 0 ? moved : undefined,
  });
}

/** One argument, checked and copied. */
export function check(caller: Caller, argument: ArgumentSpec, given: unknown): unknown {
  switch (argument.form) {
    case ArgumentForm.BUFFER:
      return checkBuffer(given, argument.name);
    case ArgumentForm.HANDLE: {
      const entry = caller.task.table.get(given);
      const missing = whyNot(entry, argument);
      if (missing !== undefined) throw missing;
      return entry;
    }
    default:
      return argument.check(given, argument.name);
  }
}

/** What a handle lacks for an argument, if anything. */
export function whyNot(entry: HandleEntry, argument: ArgumentSpec): KernelError | undefined {
  const { object, rights } = entry;
  if ((object.capabilities & argument.capability) !== argument.capability) {
    const lacks = describeCapabilities(argument.capability & ~object.capabilities);
    return new KernelError("WRONG_TYPE", `a ${object.type} has no ${lacks} operations`);
  }
  const missing = argument.rights & ~rights;
  if (missing !== 0) {
    const are = (missing & (missing - 1)) === 0 ? "the right" : "the rights";
    const is = (missing & (missing - 1)) === 0 ? "is" : "are";
    return new KernelError("ACCESS_DENIED", `${are} ${describeRights(missing)} ${is} missing`);
  }
  if (argument.anyRight !== 0 && (rights & argument.anyRight) === 0) {
    const choice = describeRights(argument.anyRight).replaceAll(" | ", ", ");
    return new KernelError("ACCESS_DENIED", `one of the rights ${choice} is needed`);
  }
  return undefined;
}

/** Looks again at what the caller's own code may have changed while its arguments were read. */
export function checkAgain(caller: Caller, call: CompiledSyscall, given: readonly unknown[]): void {
  if (!caller.task.isRunning) requireAlive(caller, call);
  for (const [i, argument] of call.args.entries()) {
    if (argument.form !== ArgumentForm.VALUE) check(caller, argument, given[i]);
  }
}
