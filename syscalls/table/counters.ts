/** 620-629: counters. @module */
import { Capability } from "../../capabilities/capability.ts";
import { LARGEST_COUNT } from "../../capabilities/counter_ops.ts";
import { Rights } from "../../capabilities/rights.ts";
import { Signals } from "../../capabilities/signals.ts";
import {
  type ArgumentSpec,
  custom,
  flag,
  handle,
  type HandleRef,
  optional,
  record,
} from "../argument_kinds.ts";
import { invalid } from "../arguments.ts";
import { syscall } from "./define.ts";

/** What a counter is made from. */
export interface CounterOptions {
  /** The first value, 0 … 2⁶⁴ − 2. @default 0 */
  initial?: bigint | number;
  /** True when taking takes 1 instead of all. @default false */
  semaphore?: boolean;
}

/** What a counter tells about itself. */
export interface CounterStatus {
  value: bigint;
  isSemaphore: boolean;
}

/** A count, whole and of a size that a counter can hold. */
function count(name: string): ArgumentSpec {
  return custom(name, "bigint or integer 0 … 2⁶⁴ − 2", checkCount);
}

function checkCount(given: unknown, name: string): bigint {
  if (typeof given === "number" && Number.isSafeInteger(given) && given >= 0) return BigInt(given);
  if (typeof given === "bigint" && given >= 0n && given <= LARGEST_COUNT) return given;
  throw invalid(name, "a bigint or a safe integer, 0 … 2⁶⁴ − 2", given);
}

export const counterCalls = {
  counterCreate: syscall<[options: CounterOptions], number>({
    number: 620,
    name: "counter_create",
    verb: "create a counter",
    summary: "Makes a counter, which holds 0 … 2⁶⁴ − 2.",
    args: [record("options", [optional(count("initial")), optional(flag("semaphore"))])],
    errors: ["TOO_MANY_HANDLES", "LIMIT_EXCEEDED"],
  }),
  counterAdd: syscall<[handle: HandleRef, amount: bigint | number], void>({
    number: 621,
    name: "counter_add",
    verb: "add to",
    summary: "Adds; waits while the sum would pass 2⁶⁴ − 2.",
    args: [
      handle({ capability: Capability.COUNTER, rights: Rights.WRITE, waits: Signals.WRITABLE }),
      count("amount"),
    ],
  }),
  counterTake: syscall<[handle: HandleRef], bigint>({
    number: 622,
    name: "counter_take",
    verb: "take from",
    summary: "Takes all that is there, or 1 in semaphore mode; waits while there is nothing.",
    args: [
      handle({ capability: Capability.COUNTER, rights: Rights.READ, waits: Signals.READABLE }),
    ],
  }),
  counterStatus: syscall<[handle: HandleRef], CounterStatus>({
    number: 623,
    name: "counter_status",
    verb: "look at",
    summary: "Tells the counter's value and mode.",
    args: [
      handle({
        capability: Capability.COUNTER,
        anyRight: Rights.READ | Rights.WRITE | Rights.INSPECT,
      }),
    ],
  }),
};
