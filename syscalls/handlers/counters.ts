/** Counters, 620-629. @module */
import type { CounterOps } from "../../capabilities/counter_ops.ts";
import type { HandleEntry } from "../../capabilities/handle.ts";
import { COMMON_RIGHTS, Rights } from "../../capabilities/rights.ts";
import { WOULD_BLOCK } from "../../capabilities/stream_ops.ts";
import { CounterObject } from "../../kernel/ipc/counter.ts";
import type { Handlers } from "../caller.ts";
import type { counterCalls } from "../table/counters.ts";

const COUNTER_RIGHTS = COMMON_RIGHTS | Rights.READ | Rights.WRITE | Rights.MAP;

// The table asked for the capability, so this holds.
const counterOf = (entry: HandleEntry) => entry.object as unknown as CounterOps;

export const counterHandlers: Handlers<typeof counterCalls> = {
  counterCreate({ task }, { initial = 0n, semaphore = false }) {
    task.table.requireRoom(1);
    const lease = task.account.lease();
    try {
      // The table's check has made a bigint of it.
      const counter = new CounterObject({ initial: initial as bigint, semaphore });
      counter.lease = lease;
      return task.install(counter, COUNTER_RIGHTS);
    } catch (error) {
      lease.release();
      throw error;
    }
  },

  counterAdd: (_caller, target, amount) =>
    counterOf(target).tryAdd(amount as bigint) ? undefined : WOULD_BLOCK,

  counterTake: (_caller, target) => counterOf(target).tryTake(),

  counterStatus(_caller, target) {
    const { value, isSemaphore } = counterOf(target);
    return { value, isSemaphore };
  },
};
