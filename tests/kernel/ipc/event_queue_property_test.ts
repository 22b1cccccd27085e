import { assertEquals } from "@std/assert";
import fc from "fast-check";
import type { EventPriority, OverflowPolicy } from "../../../capabilities/event_ops.ts";
import { HandleEntry } from "../../../capabilities/handle.ts";
import { DEFAULT_LIMITS } from "../../../capabilities/limits.ts";
import { Rights } from "../../../capabilities/rights.ts";
import { WOULD_BLOCK } from "../../../capabilities/stream_ops.ts";
import { Account } from "../../../kernel/account.ts";
import { EventRecord } from "../../../kernel/ipc/event.ts";
import { EventChannelObject } from "../../../kernel/ipc/event_channel.ts";
import { EventQueue } from "../../../kernel/ipc/event_queue.ts";
import { Offer } from "../../../kernel/ipc/event_receiver.ts";

interface Sent {
  id: number;
  priority: EventPriority;
}

const sender = new Account({ ...DEFAULT_LIMITS });

function recordOf({ id, priority }: Sent): EventRecord {
  return new EventRecord({
    delivery: { type: "channel", channelId: "c#1", priority },
    content: { type: "custom", namespace: "n", eventId: id },
    payload: { type: "string", value: "x" },
    metadata: { eventId: id, sender: 1, timestampMs: 0, priority },
  }, sender);
}

/** What the queue should do, said as plainly as possible. */
class Model {
  events: (Sent & { forced?: boolean })[] = [];
  dropped = 0;
  capacity: number;
  readonly overflow: OverflowPolicy;
  filter: ((id: number) => boolean) | undefined = undefined;

  constructor(capacity: number, overflow: OverflowPolicy) {
    this.capacity = capacity;
    this.overflow = overflow;
  }

  offer(sent: Sent): number {
    if (this.filter !== undefined && !this.filter(sent.id)) return Offer.REFUSED;
    if (this.events.filter(({ forced }) => !forced).length >= this.capacity) {
      this.dropped++;
      const least = Math.min(...this.events.map(({ priority }) => priority));
      if (this.overflow !== "drop-oldest" || least > sent.priority) return Offer.DROPPED;
      this.events.splice(this.events.findIndex(({ priority }) => priority === least), 1);
    }
    this.events.push(sent);
    return Offer.TAKEN;
  }

  receive(): number | undefined {
    const most = Math.max(...this.events.map(({ priority }) => priority));
    const at = this.events.findIndex(({ priority }) => priority === most);
    return this.events.splice(at, 1)[0]?.id;
  }
}

type Step =
  | { type: "offer" | "force"; priority: EventPriority }
  | { type: "receive" }
  | { type: "filter"; divisor: number }
  | { type: "resize"; capacity: number };

const priorities = fc.constantFrom<EventPriority[]>(1, 2, 3, 4);
const steps = (forced: boolean) =>
  fc.array(
    fc.oneof<fc.Arbitrary<Step>[]>(
      fc.record({ type: fc.constant("offer" as const), priority: priorities }),
      fc.record({ type: fc.constant("offer" as const), priority: priorities }),
      fc.constant({ type: "receive" as const }),
      fc.record({ type: fc.constant("filter" as const), divisor: fc.integer({ min: 1, max: 3 }) }),
      ...(forced
        ? [
          fc.record({ type: fc.constant("force" as const), priority: priorities }),
          fc.record({
            type: fc.constant("resize" as const),
            capacity: fc.integer({ min: 1, max: 8 }),
          }),
        ]
        : []),
    ),
    { maxLength: 80, size: "max" },
  );

function receivedId(queue: EventQueue | ReturnType<EventChannelObject["subscribe"]>) {
  const event = queue.tryReceiveEvent();
  return event === WOULD_BLOCK ? undefined : event.metadata.eventId;
}

function play(
  queue: EventQueue | ReturnType<EventChannelObject["subscribe"]>,
  model: Model,
  todo: readonly Step[],
): void {
  let id = 0;
  let handlerId = 0;
  for (const step of todo) {
    switch (step.type) {
      case "offer": {
        const sent = { id: id++, priority: step.priority };
        assertEquals(queue.offer(recordOf(sent)), model.offer(sent));
        break;
      }
      case "force": {
        const sent = { id: id++, priority: step.priority, forced: true };
        const record = recordOf(sent);
        record.force(sender);
        queue.takeForced(record);
        model.events.push(sent);
        break;
      }
      case "receive":
        assertEquals(receivedId(queue), model.receive());
        break;
      case "filter":
        queue.unregisterFilter(handlerId);
        model.filter = (id) => id % step.divisor === 0;
        queue.registerFilter({
          type: "custom",
          predicate: ({ metadata }) => metadata.eventId % step.divisor === 0,
        }, ++handlerId);
        break;
      case "resize":
        queue.setCapacity(step.capacity);
        model.capacity = step.capacity;
        break;
      default:
        step satisfies never;
    }
    queue.assertInvariants();
    assertEquals([queue.pendingCount, queue.droppedCount], [model.events.length, model.dropped]);
    // Each record in the queue is charged once: its payload, and one event if it was forced.
    const { bufferBytes, queuedEvents } = sender.usage;
    assertEquals(bufferBytes, 2 * model.events.length);
    assertEquals(queuedEvents, model.events.filter(({ forced }) => forced).length);
  }
  while (model.events.length > 0) assertEquals(receivedId(queue), model.receive());
  assertEquals(receivedId(queue), undefined);
  assertEquals([sender.usage.bufferBytes, sender.usage.queuedEvents], [0, 0]);
}

for (const overflow of ["drop-newest", "drop-oldest", "block"] as const) {
  Deno.test(`EventSubscriptionObject with ${overflow} does what the model does`, () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 6 }), steps(false), (bufferSize, todo) => {
        const channel = new EventChannelObject("c");
        new HandleEntry(channel, Rights.WRITE);
        const subscription = channel.subscribe({ bufferSize, onOverflow: overflow });
        new HandleEntry(subscription, Rights.READ);
        play(subscription, new Model(bufferSize, overflow), todo);
      }),
    );
  });
}

Deno.test("EventQueue with forced events does what the model does", () => {
  fc.assert(
    fc.property(steps(true), (todo) => {
      const owner = new Account({ ...DEFAULT_LIMITS });
      const queue = new EventQueue(owner);
      new HandleEntry(queue, Rights.READ);
      queue.setCapacity(3);
      play(queue, new Model(3, "drop-newest"), todo);
    }),
  );
});

Deno.test("EventQueue gives every charge back when its last handle closes", () => {
  fc.assert(
    fc.property(fc.array(priorities, { maxLength: 20 }), (sent) => {
      const queue = new EventQueue(new Account({ ...DEFAULT_LIMITS }));
      const entry = new HandleEntry(queue, Rights.READ);
      sent.forEach((priority, id) => {
        const record = recordOf({ id, priority });
        if (id % 2 === 0) queue.offer(record);
        else {
          record.force(sender);
          queue.takeForced(record);
        }
      });
      entry.close("dead");
      queue.assertInvariants();
      assertEquals([sender.usage.bufferBytes, sender.usage.queuedEvents], [0, 0]);
      assertEquals(queue.offer(recordOf({ id: 0, priority: 1 })), Offer.REFUSED);
    }),
  );
});
