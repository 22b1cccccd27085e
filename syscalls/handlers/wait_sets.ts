/** Wait sets, 140-149. @module */
import type { HandleEntry } from "../../capabilities/handle.ts";
import { COMMON_RIGHTS, Rights } from "../../capabilities/rights.ts";
import type { WaitSetOps } from "../../capabilities/wait_set_ops.ts";
import { WaitSetObject } from "../../kernel/ipc/wait_set.ts";
import type { Handlers } from "../caller.ts";
import type { waitSetCalls } from "../table/wait_sets.ts";

/** Its members are handles of its task's table: it can't go to another task. */
const WAIT_SET_RIGHTS = (COMMON_RIGHTS & ~Rights.TRANSFER) | Rights.WRITE;

// The table asked for the capability, so this holds.
const setOf = (entry: HandleEntry) => entry.object as unknown as WaitSetOps;

export const waitSetHandlers: Handlers<typeof waitSetCalls> = {
  waitSetCreate({ task }) {
    task.table.requireRoom(1);
    const lease = task.account.lease();
    const set = new WaitSetObject(task.account);
    set.lease = lease;
    return task.install(set, WAIT_SET_RIGHTS);
  },

  waitSetAdd(_caller, target, member, { key, signals, edge }) {
    setOf(target).add(member, signals, key, edge === true);
  },

  waitSetModify(_caller, target, key, signals) {
    setOf(target).modify(key, signals);
  },

  waitSetRemove(_caller, target, key) {
    setOf(target).remove(key);
  },

  waitSetWait: (_caller, target, max) => setOf(target).tryCollect(max),
};
