/**
 * How the table's entries are written.
 *
 * @module
 */
import type { Syscall, SyscallSpec } from "../door.ts";

/** An entry without what follows from its arguments. */
export type Declaration = Omit<SyscallSpec, "mayWait"> & { readonly mayWait?: boolean };

/** Declares one syscall: the types of its arguments and result, and everything else as data. */
export function syscall<Args extends readonly unknown[], Result>(
  declaration: Declaration,
): Syscall<Args, Result> {
  const mayWait = declaration.mayWait ??
    declaration.args.some((argument) => argument.waits !== 0);
  return Object.freeze({ ...declaration, mayWait });
}
