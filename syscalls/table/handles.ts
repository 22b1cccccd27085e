/** 100-199: handles, and waiting. @module */
import { Capability } from "../../capabilities/capability.ts";
import { KernelError } from "../../capabilities/errors.ts";
import { HANDLE_ROLES, type HandleInfo, type HandleRole } from "../../capabilities/handle.ts";
import { Rights } from "../../capabilities/rights.ts";
import { type Signals, USER_SIGNALS } from "../../capabilities/signals.ts";
import {
  custom,
  handle,
  type HandleRef,
  integer,
  oneOf,
  rights,
  signals,
} from "../argument_kinds.ts";
import { checkSignals, readArray, readField } from "../arguments.ts";
import { syscall } from "./define.ts";

/** Most sources that one `waitMany` takes; a wait set takes more. */
export const MOST_SOURCES = 4_096;

/** One source of a `waitMany`. */
export interface WaitItem {
  readonly handle: number;
  readonly signals: Signals;
}

function waitItems(given: unknown, name: string): WaitItem[] {
  const items = readArray(given, name, MOST_SOURCES);
  if (items.length === 0) throw new KernelError("INVALID_ARGUMENT", `${name} is empty`);
  return items.map((item, i) => ({
    handle: readField(item, "handle", `${name}[${i}]`) as number, // checked by the table's get
    signals: checkSignals(readField(item, "signals", `${name}[${i}]`), `${name}[${i}].signals`),
  }));
}

export const handleCalls = {
  handleQuery: syscall<[handle: HandleRef], HandleInfo>({
    number: 100,
    name: "handle_query",
    verb: "query",
    summary: "Tells the type, rights, role and special semantics of a handle of one's own.",
    args: [handle()],
  }),
  handleSetRole: syscall<[handle: HandleRef, role: HandleRole], void>({
    number: 101,
    name: "handle_set_role",
    verb: "set the role of",
    summary: "Says what the handle is for.",
    args: [handle(), oneOf("role", HANDLE_ROLES)],
  }),
  handleClose: syscall<[handle: HandleRef], void>({
    number: 102,
    name: "handle_close",
    verb: "close",
    summary: "Gives the handle up; its number is never valid again.",
    args: [handle()],
    whileStopped: true,
  }),
  handleDuplicate: syscall<[handle: HandleRef, rights: Rights], number>({
    number: 103,
    name: "handle_duplicate",
    verb: "duplicate",
    summary:
      "Makes another handle to the same object, derived from this one, with some of its rights.",
    args: [handle({ rights: Rights.DUPLICATE }), rights("rights")],
    errors: [
      "ACCESS_DENIED: DUPLICATE is missing, or `rights` has one that the handle has not",
      "TOO_MANY_HANDLES",
    ],
  }),
  handleReplace: syscall<[handle: HandleRef, rights: Rights], number>({
    number: 104,
    name: "handle_replace",
    verb: "replace",
    summary:
      "Closes the handle for another one with some of its rights, in its place in the derivation tree.",
    args: [handle(), rights("rights")],
    errors: [
      "ACCESS_DENIED: `rights` has one that the handle has not",
      "NOT_SUPPORTED: it is the task's own event queue",
    ],
  }),
  handleRevoke: syscall<[handle: HandleRef], number>({
    number: 105,
    name: "handle_revoke",
    verb: "revoke what was derived from",
    summary:
      "Closes every handle derived from this one, transitively, in every task; tells how many.",
    args: [handle({ rights: Rights.REVOKE })],
  }),
  handleControl: syscall<[handle: HandleRef, command: number, argument: number], number>({
    number: 110,
    name: "handle_control",
    verb: "control",
    summary: "Carries out a command that the object defines.",
    args: [
      handle({ capability: Capability.CONTROL, rights: Rights.CONTROL }),
      integer("command", 0, 2 ** 31 - 1),
      integer("argument", Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER),
    ],
    errors: ["NOT_SUPPORTED: the object has no such command"],
  }),
  objectSignal: syscall<[handle: HandleRef, clear: Signals, set: Signals], void>({
    number: 120,
    name: "object_signal",
    verb: "signal",
    summary: "Lowers and raises user signals.",
    args: [
      handle({ rights: Rights.CONTROL }),
      signals("clear", USER_SIGNALS, 0),
      signals("set", USER_SIGNALS, 0),
    ],
  }),
  objectWait: syscall<[handle: HandleRef, signals: Signals], Signals>({
    number: 121,
    name: "object_wait",
    verb: "wait on",
    summary: "Waits until one of the signals is up and tells which are.",
    args: [handle({ rights: Rights.WAIT }), signals("signals")],
    mayWait: true,
    waitsNote: "until one of `signals` is up; takes nothing, so all who wait for a signal get it",
  }),
  objectWaitMany: syscall<[items: readonly WaitItem[], mode: "any" | "all"], WaitItem[]>({
    number: 122,
    name: "object_wait_many",
    verb: "wait on many",
    summary: "Waits until any, or all at the same time, of several handles have signals up.",
    args: [
      custom("items", "{ handle, signals }[]", waitItems),
      oneOf("mode", ["any", "all"]),
    ],
    rightsNote: "WAIT on each handle",
    mayWait: true,
    waitsNote: "until enough of the handles have one of their signals up at the same time",
    errors: ["BAD_HANDLE: one of the handles is none of the task's", "REVOKED: one of them was"],
  }),
};
