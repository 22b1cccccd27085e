/**
 * A syscall of the table with its handler, made ready for dispatch.
 *
 * @module
 */
import type { Rights } from "../capabilities/rights.ts";
import type { Signals } from "../capabilities/signals.ts";
import { ArgumentForm, type ArgumentSpec } from "./argument_kinds.ts";
import type { Caller, ParkingPlace } from "./caller.ts";
import type { SyscallSpec } from "./door.ts";

type Run = (caller: Caller, a: unknown, b: unknown, c: unknown, d: unknown) => unknown;
type Abandon = (caller: Caller, a: unknown, b: unknown, c: unknown, d: unknown) => void;
type Park = (caller: Caller, a: unknown, b: unknown, c: unknown, d: unknown) => ParkingPlace[];

/** A table entry made ready for dispatch. */
export interface CompiledSyscall {
  readonly spec: SyscallSpec;
  readonly run: Run;
  readonly park: Park | undefined;
  readonly abandon: Abandon | undefined;
  readonly arity: number;
  readonly args: readonly ArgumentSpec[];
  // Of the first argument, so that the common case reads no array:
  readonly form: number;
  readonly capability: number;
  readonly rights: Rights;
  readonly anyRight: Rights;
  readonly waits: Signals;
  /** True when all it takes is a handle and a buffer: reads and writes, which must be fast. */
  readonly isTransfer: boolean;
  /** True when checking the arguments may run code of the caller's: a getter, a proxy's trap. */
  readonly readsObjects: boolean;
  /** Later handle arguments that the call waits on too: splice and tee have one. */
  readonly alsoWaits: readonly { readonly index: number; readonly waits: Signals }[];
}

/** Joins a table entry and its handler. */
export function compile(spec: SyscallSpec, handler: unknown): CompiledSyscall {
  const [first] = spec.args;
  const parts = typeof handler === "function"
    ? { run: handler as Run }
    : handler as { run: Run; park?: Park; abandon?: Abandon };
  if (typeof parts?.run !== "function") throw new TypeError(`No handler for ${spec.name}`);
  if (spec.args.length > 4) throw new TypeError(`${spec.name} has more than 4 arguments`);
  const isTransfer = spec.args.length === 2 && first?.form === ArgumentForm.HANDLE &&
    first.anyRight === 0 && spec.args[1]?.form === ArgumentForm.BUFFER && spec.parksFirst !== true;
  return {
    spec,
    isTransfer,
    run: parts.run,
    park: parts.park,
    abandon: parts.abandon,
    arity: spec.args.length,
    args: spec.args,
    form: first?.form ?? ArgumentForm.VALUE,
    capability: first?.capability ?? 0,
    rights: first?.rights ?? 0,
    anyRight: first?.anyRight ?? 0,
    waits: first?.waits ?? 0,
    readsObjects: spec.args.some(({ form, isScalar }) =>
      form === ArgumentForm.VALUE && isScalar !== true
    ),
    alsoWaits: spec.args.flatMap(({ waits }, index) =>
      index > 0 && waits !== 0 ? [{ index, waits }] : []
    ),
  };
}
