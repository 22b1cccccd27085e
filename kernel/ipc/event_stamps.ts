/**
 * What the kernel stamps on events. Each kernel has one of these.
 *
 * Invariants: event ids rise and are never reused; sender, id and time come from here alone.
 *
 * @module
 */
import type { EventContent, EventDelivery, EventPayload } from "../../capabilities/event_ops.ts";
import type { Clock } from "../clock.ts";
import type { TaskObject } from "../task.ts";
import { EventRecord } from "./event.ts";

/** The sender of the kernel's own events. */
const KERNEL = 0;

/** Makes records of what is sent. */
export class EventStamps {
  readonly #clock: Clock;
  #nextEventId = 1;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** An event with the stamp of its sender; undefined stands for the kernel. */
  stamp(
    sender: TaskObject | undefined,
    delivery: EventDelivery,
    content: EventContent,
    payload: EventPayload,
  ): EventRecord {
    const metadata = Object.freeze({
      eventId: this.#nextEventId++,
      sender: sender?.taskId ?? KERNEL,
      timestampMs: this.#clock.now(),
      priority: delivery.priority,
    });
    const event = { delivery: Object.freeze(delivery), content, payload, metadata };
    return new EventRecord(event, sender?.account);
  }
}

/** What the kernel's own events tell, as JSON. */
export function textPayload(facts: object): EventPayload {
  return Object.freeze({ type: "string", value: JSON.stringify(facts) });
}
