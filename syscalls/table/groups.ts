/** 810-819: groups of tasks. @module */
import { Capability } from "../../capabilities/capability.ts";
import type { DeliveryResult, EventContent, EventPayload } from "../../capabilities/event_ops.ts";
import { Rights } from "../../capabilities/rights.ts";
import {
  flag,
  handle,
  type HandleRef,
  integer,
  oneOf,
  optional,
  record,
  text,
} from "../argument_kinds.ts";
import { syscall } from "./define.ts";
import { eventContent, eventPayload } from "./event_arguments.ts";
import type { GroupSendOptions } from "./events.ts";

/** How to make a group. */
export interface GroupOptions {
  /** What events say about the group. @default "custom" */
  kind?: "taskGroup" | "session" | "custom";
}

const group = handle({ capability: Capability.GROUP, rights: Rights.WRITE });

export const groupCalls = {
  groupCreate: syscall<[name: string, options: GroupOptions | undefined], number>({
    number: 810,
    name: "group_create",
    verb: "create a group",
    summary: "Makes a group of tasks, without members.",
    args: [
      text("name", 255),
      optional(record("options", [optional(oneOf("kind", ["taskGroup", "session", "custom"]))])),
    ],
    errors: ["TOO_MANY_HANDLES", "LIMIT_EXCEEDED"],
  }),
  groupJoin: syscall<[handle: HandleRef, task: HandleRef], void>({
    number: 811,
    name: "group_join",
    verb: "add a task to",
    summary: "Makes a task a member; it gets process control if its handle has SIGNAL_TASK.",
    args: [group, handle({ capability: Capability.TASK, rights: Rights.WRITE }, "task")],
    errors: ["TASK_DEAD", "NOT_SUPPORTED"],
  }),
  groupLeave: syscall<[handle: HandleRef, task: HandleRef], void>({
    number: 812,
    name: "group_leave",
    verb: "remove a task from",
    summary: "Ends a task's membership; nothing happens when it is no member.",
    args: [group, handle({ capability: Capability.TASK }, "task")],
    errors: ["NOT_SUPPORTED"],
  }),
  groupJoinSelf: syscall<[handle: HandleRef], void>({
    number: 813,
    name: "group_join_self",
    verb: "join",
    summary: "Makes the calling task a member, which also gets process control.",
    args: [group],
    errors: ["NOT_SUPPORTED"],
  }),
  groupLeaveSelf: syscall<[handle: HandleRef], void>({
    number: 814,
    name: "group_leave_self",
    verb: "leave",
    summary: "Ends the calling task's membership; nothing happens when it is no member.",
    args: [group],
    errors: ["NOT_SUPPORTED"],
  }),
  groupMembers: syscall<[handle: HandleRef], readonly number[]>({
    number: 815,
    name: "group_members",
    verb: "look at",
    summary: "Tells the ids of the members, in the order they joined.",
    args: [
      handle({
        capability: Capability.GROUP,
        anyRight: Rights.READ | Rights.WRITE | Rights.INSPECT,
      }),
    ],
  }),
  groupSend: syscall<
    [
      handle: HandleRef,
      content: EventContent,
      payload: EventPayload | undefined,
      options: GroupSendOptions | undefined,
    ],
    DeliveryResult
  >({
    number: 816,
    name: "group_send",
    verb: "send an event to",
    summary: "Sends an event to every member.",
    args: [
      group,
      eventContent("content"),
      eventPayload("payload"),
      optional(
        record("options", [optional(flag("reliable")), optional(integer("priority", 1, 4))]),
      ),
    ],
    rightsNote: "SIGNAL_TASK as well for process control",
    errors: ["ACCESS_DENIED"],
  }),
};
