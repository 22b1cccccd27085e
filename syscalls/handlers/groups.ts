/** Groups of tasks, 810-819. @module */
import type { HandleEntry } from "../../capabilities/handle.ts";
import { COMMON_RIGHTS, Rights } from "../../capabilities/rights.ts";
import { EMPTY_PAYLOAD } from "../../kernel/ipc/event.ts";
import { type AnyGroup, GroupObject } from "../../kernel/ipc/group.ts";
import type { TaskObject } from "../../kernel/task.ts";
import type { Handlers } from "../caller.ts";
import type { groupCalls } from "../table/groups.ts";
import { requireRight } from "./events.ts";

const GROUP_RIGHTS = COMMON_RIGHTS | Rights.READ | Rights.WRITE | Rights.SIGNAL_TASK;

// The table asked for the capability, so these hold.
const groupOf = (entry: HandleEntry) => entry.object as AnyGroup;
const taskOf = (entry: HandleEntry) => entry.object as TaskObject;

export const groupHandlers: Handlers<typeof groupCalls> = {
  groupCreate({ task }, name, options) {
    task.table.requireRoom(1);
    const lease = task.account.lease();
    const group = new GroupObject(name, options?.kind ?? "custom");
    group.lease = lease;
    return task.install(group, GROUP_RIGHTS);
  },

  groupJoin(_caller, target, member) {
    groupOf(target).join(taskOf(member), (member.rights & Rights.SIGNAL_TASK) !== 0);
  },

  groupLeave(_caller, target, member) {
    groupOf(target).leave(taskOf(member));
  },

  groupJoinSelf({ task }, target) {
    groupOf(target).join(task, true);
  },

  groupLeaveSelf({ task }, target) {
    groupOf(target).leave(task);
  },

  groupMembers: (_caller, target) => groupOf(target).memberIds,

  groupSend({ kernel, task }, target, content, payload, options) {
    if (content.type === "processControl") requireRight(target, "SIGNAL_TASK");
    return kernel.events.sendToGroup(
      task,
      groupOf(target),
      content,
      payload ?? EMPTY_PAYLOAD,
      options,
    );
  },
};
