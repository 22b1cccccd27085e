/**
 * The event manager: the kernel's part that delivers what is sent to tasks and groups. Each kernel
 * owns one.
 *
 * Invariants:
 * - a reliable event is in its target's queue, waits for room there (charged to its sender as one
 *   queued event), or its target's failure policy has been applied, once.
 *
 * @module
 */
import { EventError, KernelError } from "../../capabilities/errors.ts";
import type {
  DeliveryConfig,
  DeliveryResult,
  EventContent,
  EventDelivery,
  EventPayload,
  EventPriority,
} from "../../capabilities/event_ops.ts";
import type { ExitStatus } from "../../capabilities/task_ops.ts";
import type { Clock } from "../clock.ts";
import type { TaskObject } from "../task.ts";
import { DeliveryFailures } from "./delivery_failures.ts";
import type { EventRecord } from "./event.ts";
import { EventStamps, textPayload } from "./event_stamps.ts";
import { Offer } from "./event_receiver.ts";
import type { AnyGroup } from "./group.ts";
import { abort, act, controlOf, handlesControl } from "./process_control.ts";
import { DEFAULT_DELIVERY, type DeliveryPolicy, ReliableDeliveries } from "./reliable_delivery.ts";

/** What the manager needs of its kernel. */
export interface EventManagerHost {
  readonly clock: Clock;
  readonly init: TaskObject;
  log(record: { level: string; message: string; taskId?: number }): void;
}

/** How an event is sent, defaults filled in by the manager. */
export interface SendSettings {
  readonly mode?: "immediate" | "notification";
  readonly reliable?: boolean;
  readonly priority?: EventPriority;
}

/** How one event is to be delivered to one task. */
interface Manner {
  readonly priority: EventPriority;
  readonly reliable: boolean;
  /** True when filters and a full queue don't matter. */
  readonly forced: boolean;
}

/** What came of sending to one task; "unwanted": its filters refused it. */
type Outcome = "delivered" | "dropped" | "unwanted";

const NORMAL: EventPriority = 2;
const HIGH: EventPriority = 3;

/** Stamps and delivers. */
export class EventManager {
  readonly #host: EventManagerHost;
  readonly #stamps: EventStamps;
  readonly #reliable: ReliableDeliveries;
  readonly #policies: WeakMap<TaskObject, DeliveryPolicy> = new WeakMap();

  constructor(host: EventManagerHost) {
    this.#host = host;
    this.#stamps = new EventStamps(host.clock);
    const failures = new DeliveryFailures(host, this.#stamps);
    this.#reliable = new ReliableDeliveries(host, (...failed) => failures.apply(...failed));
  }

  /** How many reliable events wait for room. */
  get waitingCount(): number {
    return this.#reliable.size;
  }

  /** An event with the stamp of its sender; undefined stands for the kernel. */
  stamp(
    sender: TaskObject | undefined,
    delivery: EventDelivery,
    content: EventContent,
    payload: EventPayload,
  ): EventRecord {
    return this.#stamps.stamp(sender, delivery, content, payload);
  }

  /**
   * Sends to one task.
   *
   * @throws {EventError} TASK_DEAD when the target has ended, NOT_SUPPORTED for kill and stop of
   * init.
   * @throws {KernelError} LIMIT_EXCEEDED when a forced or waiting event is one too many for the
   * sender.
   */
  sendDirect(
    sender: TaskObject,
    target: TaskObject,
    content: EventContent,
    payload: EventPayload,
    settings: SendSettings = {},
  ): void {
    if (target.status !== undefined) {
      if (controlOf(content) === "kill") return; // as kill(): what is dead stays dead
      throw hasEnded(target);
    }
    if (this.#isSpared(target, content)) {
      throw new EventError("NOT_SUPPORTED", "init is neither killed nor stopped");
    }
    const manner = mannerOf(content, settings);
    const { priority, reliable } = manner;
    const delivery = { type: "direct", target: target.taskId, priority, reliable } as const;
    this.#sendOne(sender, target, this.stamp(sender, delivery, content, payload), manner);
  }

  /**
   * Sends to every member of a group. Process control reaches the members that the group may send
   * it to; the others count as dropped, and so do members for which the sender's limit has no room.
   */
  sendToGroup(
    sender: TaskObject,
    group: AnyGroup,
    content: EventContent,
    payload: EventPayload,
    settings: SendSettings = {},
  ): DeliveryResult {
    const manner = mannerOf(content, settings);
    const { priority, reliable } = manner;
    const { target } = group;
    const delivery: EventDelivery = target.type === "allTasks"
      ? { type: "broadcast", priority, reliable }
      : { type: "group", target, priority, reliable };
    const record = this.stamp(sender, delivery, content, payload);
    const result = { delivered: 0, dropped: 0 };
    // A snapshot: what a member does on delivery may change the group.
    for (const [member, maySignal] of [...group.members()]) {
      const outcome = this.#sendToMember(sender, member, maySignal, record, manner);
      if (outcome !== "unwanted") result[outcome]++;
    }
    return result;
  }

  /** Changes how a task's own queue takes events; throws and changes nothing. */
  configure(task: TaskObject, config: DeliveryConfig): void {
    const { bufferSize, ...policy } = config;
    if (bufferSize !== undefined) task.events.resize(bufferSize);
    this.#policies.set(task, { ...this.#policyOf(task), ...policy });
  }

  /** A child has ended: its parent is told. A full queue drops and counts it. */
  childExit(child: TaskObject, status: ExitStatus): void {
    const { parent } = child;
    if (parent === undefined || parent.status !== undefined) return;
    const how = status.state === "exited"
      ? { code: status.code }
      : status.state === "crashed"
      ? { message: messageOf(status.error) }
      : {};
    this.#tell(parent, "childExit", { taskId: child.taskId, state: status.state, ...how });
  }

  /** A task wrote to a pipe that nobody reads: it is told if it asked for such events. */
  pipeBroken(task: TaskObject, handle: number): void {
    if (!handlesControl(task) || task.status !== undefined) return;
    this.#tell(task, "pipeBroken", { handle });
  }

  /** A task has ended: it leaves its groups. */
  taskEnded(task: TaskObject): void {
    for (const group of [...task.groups]) group.leave(task);
  }

  /** Forgets whatever waits: the kernel ends. */
  shutdown(): void {
    this.#reliable.clear();
  }

  #sendToMember(
    sender: TaskObject,
    member: TaskObject,
    maySignal: boolean,
    record: EventRecord,
    manner: Manner,
  ): Outcome {
    const isAllowed = controlOf(record.content) === undefined || maySignal;
    if (member.status !== undefined || !isAllowed || this.#isSpared(member, record.content)) {
      return "dropped";
    }
    try {
      // Forced and waiting events are charged one by one, so each member needs a record of its own.
      const own = manner.forced || manner.reliable ? record.fork() : record;
      return this.#sendOne(sender, member, own, manner);
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
      return "dropped"; // LIMIT_EXCEEDED, or TASK_DEAD only now
    }
  }

  #sendOne(
    sender: TaskObject,
    target: TaskObject,
    record: EventRecord,
    manner: Manner,
  ): Outcome {
    const control = controlOf(record.content);
    if (control === "kill" || control === "stop" || control === "continue") {
      act(target, control);
      return "delivered";
    }
    if (manner.forced) {
      target.events.force(record, sender.account);
      if (control === "terminate" || control === "interrupt") abort(target, control);
      return "delivered";
    }
    if (!manner.reliable) return outcomeOf(target.events.offer(record));
    const verdict = target.events.judge(record);
    if (verdict !== Offer.TAKEN) return outcomeOf(verdict);
    if (target.events.isClosed) throw hasEnded(target); // a predicate ended it
    // Behind those that wait already: there may be room for which none of them has been tried yet.
    const isTaken = !this.#reliable.hasWaiting(target) &&
      target.events.take(record) === Offer.TAKEN;
    if (!isTaken) this.#reliable.add(record, sender, target, this.#policyOf(target));
    return "delivered";
  }

  /** The kernel's own process control: passes filters, but not a full queue. */
  #tell(target: TaskObject, control: "childExit" | "pipeBroken", facts: object): void {
    const delivery = { type: "direct", target: target.taskId, priority: HIGH, reliable: false };
    const content = Object.freeze({ type: "processControl", control } as const);
    const record = this.stamp(undefined, delivery as EventDelivery, content, textPayload(facts));
    if (target.events.take(record) === Offer.FULL) target.events.countDropped();
  }

  #policyOf(task: TaskObject): DeliveryPolicy {
    return this.#policies.get(task) ?? DEFAULT_DELIVERY;
  }

  /** Init ends with its kernel only, and a stopped init could never be continued. */
  #isSpared(target: TaskObject, content: EventContent): boolean {
    const control = controlOf(content);
    return target === this.#host.init && (control === "kill" || control === "stop");
  }
}

/** Process control is always immediate: forced, reliable, at least HIGH. */
function mannerOf(content: EventContent, settings: SendSettings): Manner {
  const forced = settings.mode === "immediate" || content.type === "processControl";
  const asked = settings.priority ?? NORMAL;
  const priority: EventPriority = forced && asked < HIGH ? HIGH : asked;
  return { forced, priority, reliable: forced || settings.reliable === true };
}

function hasEnded(target: TaskObject): EventError {
  return new EventError("TASK_DEAD", `task ${target.taskId} (${target.name}) has ended`);
}

function outcomeOf(offer: number): Outcome {
  if (offer === Offer.TAKEN) return "delivered";
  return offer === Offer.REFUSED ? "unwanted" : "dropped";
}

/** An error's message, which a program may have made anything at all. */
function messageOf(error: Error): string {
  try {
    return String(error.message);
  } catch {
    return "";
  }
}
