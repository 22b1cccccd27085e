/**
 * Reliable events that could not be delivered: their targets' policies decide who is told.
 *
 * Invariants: each failure counts once in its target's `dropped`; unless the policy is "ignore",
 * somebody is told of it, by an event or in the log.
 *
 * @module
 */
import { KernelError } from "../../capabilities/errors.ts";
import type { EventDelivery } from "../../capabilities/event_ops.ts";
import type { TaskObject } from "../task.ts";
import type { EventRecord } from "./event.ts";
import { type EventStamps, textPayload } from "./event_stamps.ts";
import type { DeliveryPolicy } from "./reliable_delivery.ts";

/** Who is told where no task is. */
export interface FailureHost {
  readonly init: TaskObject;
  log(record: { level: string; message: string; taskId?: number }): void;
}

/** Applies the policies. */
export class DeliveryFailures {
  readonly #host: FailureHost;
  readonly #stamps: EventStamps;

  constructor(host: FailureHost, stamps: EventStamps) {
    this.#host = host;
    this.#stamps = stamps;
  }

  /** An event could not be delivered: its target's policy decides. */
  apply(
    record: EventRecord,
    sender: TaskObject,
    target: TaskObject,
    policy: DeliveryPolicy,
    why: string,
  ): void {
    target.events.countDropped();
    if (policy.failurePolicy === "ignore") return;
    const informed = policy.failurePolicy === "notifySender" ? sender : this.#host.init;
    if (policy.failurePolicy !== "log" && informed.status === undefined) {
      try {
        this.#notice(informed, record, sender, target, why);
        return;
      } catch (error) {
        if (!(error instanceof KernelError)) throw error; // no room: then the log has to do
      }
    }
    this.#host.log({
      level: "warn",
      message: `Event ${record.metadata.eventId} from task ${record.metadata.sender} to task ` +
        `${target.taskId} (${target.name}) was not delivered: ${why}`,
      taskId: target.taskId,
    });
  }

  /** Tells a task that an event was not delivered; charged to who sent that event. */
  #notice(
    informed: TaskObject,
    failed: EventRecord,
    sender: TaskObject,
    target: TaskObject,
    why: string,
  ): void {
    const delivery: EventDelivery = {
      type: "direct",
      target: informed.taskId,
      priority: 3,
      reliable: true,
    };
    const content = Object.freeze(
      { type: "notification", notification: "deliveryFailed" } as const,
    );
    const payload = textPayload({
      eventId: failed.metadata.eventId,
      sender: failed.metadata.sender,
      target: target.taskId,
      reason: why,
    });
    const notice = this.#stamps.stamp(undefined, delivery, content, payload);
    informed.events.force(notice, sender.account);
  }
}
