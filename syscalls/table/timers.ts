/** 130-139: timers. @module */
import { Capability } from "../../capabilities/capability.ts";
import { KernelError } from "../../capabilities/errors.ts";
import { Rights } from "../../capabilities/rights.ts";
import { Signals } from "../../capabilities/signals.ts";
import { LONGEST_DELAY_MS, SHORTEST_PERIOD_MS } from "../../capabilities/timer_ops.ts";
import {
  type ArgumentSpec,
  custom,
  handle,
  type HandleRef,
  optional,
  record,
} from "../argument_kinds.ts";
import { invalid } from "../arguments.ts";
import { syscall } from "./define.ts";

/** When a timer is to expire. */
export interface TimerOptions {
  /** Milliseconds from now to the first expiration; 0 expires at once. */
  delayMs: number;
  /** Milliseconds between expirations, 1 or more; 0 for one expiration only. @default 0 */
  periodMs?: number;
}

function milliseconds(name: string, isAllowed: (ms: number) => boolean): ArgumentSpec {
  return custom(name, "milliseconds", (given, name) => {
    if (typeof given !== "number" || Number.isNaN(given)) {
      throw invalid(name, "milliseconds", given);
    }
    if (isAllowed(given) && given <= LONGEST_DELAY_MS) return given;
    throw new KernelError("OUT_OF_RANGE", `${name} can't be ${given}`);
  });
}

export const timerCalls = {
  timerCreate: syscall<[], number>({
    number: 130,
    name: "timer_create",
    verb: "create a timer",
    summary: "Makes a timer that is not set.",
    args: [],
    errors: ["TOO_MANY_HANDLES", "LIMIT_EXCEEDED"],
  }),
  timerSet: syscall<[handle: HandleRef, options: TimerOptions], void>({
    number: 131,
    name: "timer_set",
    verb: "set",
    summary: "Starts the timer; what it was set to before is replaced.",
    args: [
      handle({ capability: Capability.TIMER, rights: Rights.WRITE }),
      record("options", [
        milliseconds("delayMs", (ms) => ms >= 0),
        optional(milliseconds("periodMs", (ms) => ms === 0 || ms >= SHORTEST_PERIOD_MS)),
      ]),
    ],
  }),
  timerCancel: syscall<[handle: HandleRef], void>({
    number: 132,
    name: "timer_cancel",
    verb: "cancel",
    summary: "Stops the timer and forgets the expirations that nobody took.",
    args: [handle({ capability: Capability.TIMER, rights: Rights.WRITE })],
  }),
  timerWait: syscall<[handle: HandleRef], number>({
    number: 133,
    name: "timer_wait",
    verb: "wait for",
    summary: "Waits until the timer has expired, tells how often since the last wait.",
    args: [
      handle({ capability: Capability.TIMER, rights: Rights.READ, waits: Signals.SIGNALED }),
    ],
  }),
};
