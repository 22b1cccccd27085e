/** 140-149: wait sets. @module */
import { Capability } from "../../capabilities/capability.ts";
import { KernelError } from "../../capabilities/errors.ts";
import { Rights } from "../../capabilities/rights.ts";
import { Signals } from "../../capabilities/signals.ts";
import type { ReadyMember, WaitSetKey } from "../../capabilities/wait_set_ops.ts";
import {
  custom,
  flag,
  handle,
  type HandleRef,
  integer,
  optional,
  record,
  signals,
} from "../argument_kinds.ts";
import { invalid } from "../arguments.ts";
import { syscall } from "./define.ts";

/** Most members that one wait reports. */
const MOST_REPORTED = 65_536;
/** Longest key that is a string, in characters. */
const LONGEST_KEY = 1_024;

/** What a member of a wait set is added with beside its key. */
export interface WaitSetMember {
  readonly key: WaitSetKey;
  readonly signals: Signals;
  readonly edge?: boolean;
}

const key = custom("key", "finite number or string", (given, name) => {
  if (typeof given === "number" && Number.isFinite(given)) return given;
  if (typeof given !== "string") throw invalid(name, "a finite number or a string", given);
  if (given.length <= LONGEST_KEY) return given;
  throw new KernelError("OUT_OF_RANGE", `${name} is longer than ${LONGEST_KEY} characters`);
});
const changeable = handle({ capability: Capability.WAIT_SET, rights: Rights.WRITE });

export const waitSetCalls = {
  waitSetCreate: syscall<[], number>({
    number: 140,
    name: "wait_set_create",
    verb: "create a wait set",
    summary: "Makes an empty wait set.",
    args: [],
    errors: ["TOO_MANY_HANDLES", "LIMIT_EXCEEDED"],
  }),
  waitSetAdd: syscall<[handle: HandleRef, member: HandleRef, options: WaitSetMember], void>({
    number: 141,
    name: "wait_set_add",
    verb: "add to",
    summary: "Adds a handle and the signals to report of it; it leaves when it is closed.",
    args: [
      changeable,
      handle({ rights: Rights.WAIT }, "member"),
      record("options", [key, signals("signals"), optional(flag("edge"))]),
    ],
    errors: ["ALREADY_EXISTS", "LIMIT_EXCEEDED"],
  }),
  waitSetModify: syscall<[handle: HandleRef, key: WaitSetKey, signals: Signals], void>({
    number: 142,
    name: "wait_set_modify",
    verb: "modify a member of",
    summary: "Changes the signals to report of a member.",
    args: [changeable, key, signals("signals")],
  }),
  waitSetRemove: syscall<[handle: HandleRef, key: WaitSetKey], void>({
    number: 143,
    name: "wait_set_remove",
    verb: "remove a member of",
    summary: "Takes a member out.",
    args: [changeable, key],
  }),
  waitSetWait: syscall<[handle: HandleRef, max: number], ReadyMember[]>({
    number: 144,
    name: "wait_set_wait",
    verb: "wait on",
    summary: "Waits until members are ready and tells which, by their keys.",
    args: [
      handle({ capability: Capability.WAIT_SET, rights: Rights.WAIT, waits: Signals.READABLE }),
      integer("max", 1, MOST_REPORTED),
    ],
  }),
};
