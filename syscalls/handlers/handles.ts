/** Handles and waiting, 100-199. @module */
import { cloneOf, type HandleTarget } from "../../capabilities/capability.ts";
import type { ControlOps } from "../../capabilities/control_ops.ts";
import { KernelError } from "../../capabilities/errors.ts";
import type { HandleEntry } from "../../capabilities/handle.ts";
import { describeRights, Rights } from "../../capabilities/rights.ts";
import { WOULD_BLOCK } from "../../capabilities/stream_ops.ts";
import type { KernelObject } from "../../kernel/kernel_object.ts";
import type { TaskObject } from "../../kernel/task.ts";
import type { Handlers, ParkingPlace } from "../caller.ts";
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
      if (mode === "all" && isMissing(task, items)) return WOULD_BLOCK;
      // Each is looked up on every try: a wait ends when one of its handles does.
      const ready = sources(task, items).map(({ handle, entry, signals }) => ({
        handle,
        signals: entry.object.signals & signals,
      }));
      if (mode === "any") {
        const up = ready.filter(({ signals }) => signals !== 0);
        return up.length > 0 ? up : WOULD_BLOCK;
      }
      const first = ready.findIndex(({ signals }) => signals === 0);
      if (first < 0) return ready;
      missing.set(items, first);
      return WOULD_BLOCK;
    },
    park: ({ task }, items) => places(sources(task, items)),
  },
};

/** Which source of a wait for all was missing last, by the call's own copy of its sources. */
const missing: WeakMap<readonly WaitItem[], number> = new WeakMap();

/**
 * Whether the source that was missing, or one after it, is: then a change of the others costs the
 * same however many there are.
 */
function isMissing(task: TaskObject, items: readonly WaitItem[]): boolean {
  for (let i = missing.get(items) ?? items.length; i < items.length; i++) {
    const { handle, signals } = items[i] as WaitItem;
    if ((requireWait(task, handle).object.signals & signals) !== 0) continue;
    missing.set(items, i);
    return true;
  }
  return false;
}

/**
 * Where to wait: in each object's queue once, whatever the number of its handles, or one change would
 * try the call as often. Of the other handles it is only to be known when they close; they come
 * first, so that nobody's place is beside one of them when the call leaves.
 */
function places(sources: readonly (WaitItem & { entry: HandleEntry })[]): ParkingPlace[] {
  const main = new Map<HandleTarget, { entry: HandleEntry; signals: number }>();
  const entries = new Set<HandleEntry>();
  for (const { entry, signals } of sources) {
    const place = main.get(entry.object);
    if (place === undefined) main.set(entry.object, { entry, signals });
    else {
      place.signals |= signals;
      if (place.entry !== entry) entries.add(entry);
    }
  }
  return [
    ...[...entries].map((entry) => ({ entry, signals: 0, operation: false })),
    ...[...main.values()].map((place) => ({ ...place, operation: false })),
  ];
}

function sources(
  task: TaskObject,
  items: readonly WaitItem[],
): (WaitItem & { entry: HandleEntry })[] {
  return items.map((item) => ({ ...item, entry: requireWait(task, item.handle) }));
}

function requireWait(task: TaskObject, handle: number): HandleEntry {
  const entry = task.table.get(handle);
  if ((entry.rights & Rights.WAIT) !== 0) return entry;
  throw new KernelError("ACCESS_DENIED", `${entry.subject} lacks the right WAIT`);
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
