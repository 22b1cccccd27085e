/** Handles and waiting, 100-199. @module */
import { cloneOf } from "../../capabilities/capability.ts";
import type { ControlOps } from "../../capabilities/control_ops.ts";
import { KernelError } from "../../capabilities/errors.ts";
import type { HandleEntry } from "../../capabilities/handle.ts";
import { describeRights, Rights } from "../../capabilities/rights.ts";
import { WOULD_BLOCK } from "../../capabilities/stream_ops.ts";
import type { KernelObject } from "../../kernel/kernel_object.ts";
import type { TaskObject } from "../../kernel/task.ts";
import type { Handlers } from "../caller.ts";
import type { handleCalls, WaitItem } from "../table/handles.ts";

export const handleHandlers: Handlers<typeof handleCalls> = {
  handleQuery: (_caller, target) => target.query(),

  handleSetRole(_caller, target, role) {
    target.role = role;
  },

  handleClose(_caller, target) {
    target.close("closed");
  },

  handleDuplicate({ task }, target, rights) {
    const fewer = narrowed(target, rights);
    task.table.requireRoom(1);
    return task.table.insert(target.derive(fewer, cloneOf(target.object)));
  },

  handleReplace: (_caller, target, rights) => target.supersede(narrowed(target, rights)).number,

  handleRevoke: (_caller, target) => target.revokeDerived(),

  handleControl(_caller, target, command, argument) {
    const object = target.object as unknown as ControlOps; // has the capability CONTROL
    if (!object.supportedControlCommands.includes(command)) {
      throw new KernelError("NOT_SUPPORTED", `it has no control command ${command}`);
    }
    return object.control(command, argument);
  },

  objectSignal(_caller, target, clear, set) {
    (target.object as KernelObject).setUserSignals(clear, set);
  },

  objectWait: {
    run(_caller, target, signals) {
      const up = target.object.signals & signals;
      return up === 0 ? WOULD_BLOCK : up;
    },
    park: (_caller, entry, signals) => [{ entry, signals, operation: false }],
  },

  objectWaitMany: {
    run({ task }, items, mode) {
      // Each is looked up on every try: a wait ends when one of its handles does.
      const ready = sources(task, items).flatMap(({ handle, entry, signals }) => {
        const up = entry.object.signals & signals;
        return up === 0 ? [] : [{ handle, signals: up }];
      });
      const isEnough = mode === "any" ? ready.length > 0 : ready.length === items.length;
      return isEnough ? ready : WOULD_BLOCK;
    },
    park: ({ task }, items) =>
      sources(task, items).map(({ entry, signals }) => ({ entry, signals, operation: false })),
  },
};

function sources(
  task: TaskObject,
  items: readonly WaitItem[],
): (WaitItem & { entry: HandleEntry })[] {
  return items.map((item) => {
    const entry = task.table.get(item.handle);
    if ((entry.rights & Rights.WAIT) === 0) {
      throw new KernelError("ACCESS_DENIED", `${entry.subject} lacks the right WAIT`);
    }
    return { ...item, entry };
  });
}

/** A subset of the handle's rights; SAME stands for all of them. */
function narrowed(target: HandleEntry, rights: Rights): Rights {
  if (rights === Rights.SAME) return target.rights;
  const more = rights & ~target.rights;
  if (more === 0) return rights;
  throw new KernelError(
    "ACCESS_DENIED",
    `rights only shrink, and it has no ${describeRights(more)} itself`,
  );
}
