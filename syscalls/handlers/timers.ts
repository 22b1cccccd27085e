/** Timers, 130-139. @module */
import type { HandleEntry } from "../../capabilities/handle.ts";
import { COMMON_RIGHTS, Rights } from "../../capabilities/rights.ts";
import type { TimerOps } from "../../capabilities/timer_ops.ts";
import { TimerObject } from "../../kernel/ipc/timer.ts";
import type { Handlers } from "../caller.ts";
import type { timerCalls } from "../table/timers.ts";

// The table asked for the capability, so this holds.
const timerOf = (entry: HandleEntry) => entry.object as unknown as TimerOps;

export const timerHandlers: Handlers<typeof timerCalls> = {
  timerCreate({ kernel, task }) {
    task.table.requireRoom(1);
    const lease = task.account.lease();
    const timer = new TimerObject(kernel.clock);
    timer.lease = lease;
    return task.install(timer, COMMON_RIGHTS | Rights.READ | Rights.WRITE);
  },

  timerSet(_caller, target, { delayMs, periodMs }) {
    timerOf(target).set({ delayMs, periodMs: periodMs ?? 0 });
  },

  timerCancel(_caller, target) {
    timerOf(target).cancel();
  },

  timerWait: (_caller, target) => timerOf(target).tryTake(),
};
