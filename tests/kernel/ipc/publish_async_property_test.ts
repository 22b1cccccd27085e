/** What `publishAsync` does with several publishers, held by "block" subscriptions, in any order. */
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  type DeliveryResult,
  type EventChannel,
  type EventPriority,
  type EventSubscription,
  Kernel,
  KernelError,
  ManualClock,
  type Task,
  type TaskHandle,
} from "@carmine/kernel";

const PUBLISHERS = 3;

type Step =
  | { type: "publishAsync"; by: number; priority: EventPriority; timeoutMs: number }
  | { type: "publish"; priority: EventPriority }
  | { type: "subscribe"; isPatient: boolean; bufferSize: number }
  | { type: "receive" | "unsubscribe"; from: number }
  | { type: "stop" | "continue"; by: number }
  | { type: "abort"; which: number }
  | { type: "advance"; ms: number };

const priority = fc.constantFrom<EventPriority[]>(1, 2, 3, 4);
const by = fc.nat(PUBLISHERS - 1);
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({
        type: fc.constant("publishAsync" as const),
        by,
        priority,
        timeoutMs: fc.constantFrom(0, 5, 20, Infinity, Infinity),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({ type: fc.constant("publish" as const), priority }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        type: fc.constant("subscribe" as const),
        isPatient: fc.boolean(),
        bufferSize: fc.integer({ min: 1, max: 3 }),
      }),
    },
    {
      weight: 7,
      arbitrary: fc.record({ type: fc.constant("receive" as const), from: fc.nat(5) }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ type: fc.constant("unsubscribe" as const), from: fc.nat(5) }),
    },
    {
      weight: 2,
      arbitrary: fc.record({ type: fc.constantFrom("stop" as const, "continue" as const), by }),
    },
    {
      weight: 2,
      arbitrary: fc.record({ type: fc.constant("abort" as const), which: fc.nat(9) }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ type: fc.constant("advance" as const), ms: fc.nat(12) }),
    },
  ),
  { maxLength: 80, size: "max" },
);

interface Sent {
  id: number;
  priority: EventPriority;
}

/** A subscription in the model. */
class ModelQueue {
  readonly isPatient: boolean;
  readonly bufferSize: number;
  queue: Sent[] = [];
  dropped = 0;

  constructor(isPatient: boolean, bufferSize: number) {
    this.isPatient = isPatient;
    this.bufferSize = bufferSize;
  }

  get hasRoom(): boolean {
    return this.queue.length < this.bufferSize;
  }

  receive(): number | undefined {
    const [first] = this.queue.toSorted((a, b) => b.priority - a.priority); // stable
    this.queue = this.queue.filter((sent) => sent !== first);
    return first?.id;
  }
}

/** A publish in the model that is not over. */
interface Held extends Sent {
  by: number;
  untilMs: number;
  result: DeliveryResult;
  /** Undefined until it has begun: its task was stopped. */
  waitsFor: ModelQueue[] | undefined;
}

/** What should come of it all, said as plainly as possible. */
class Model {
  nowMs = 0;
  queues: ModelQueue[] = [];
  /** In order of arrival. */
  held: Held[] = [];
  readonly stopped: Set<number> = new Set();
  readonly outcomes: Map<number, DeliveryResult | string> = new Map();

  publish(sent: Sent): DeliveryResult {
    const result = { delivered: 0, dropped: 0 };
    for (const queue of this.queues) this.#offer(queue, sent, result);
    return result;
  }

  publishAsync(sent: Sent, by: number, timeoutMs: number): void {
    const result = { delivered: 0, dropped: 0 };
    const held = { ...sent, by, untilMs: this.nowMs + timeoutMs, result, waitsFor: undefined };
    this.held.push(held);
    this.#goOn(held);
    if (timeoutMs === 0) this.#end(held, "TIMED_OUT");
  }

  /** Whoever is held goes on, first come, first served. */
  goOn(): void {
    for (const held of [...this.held]) this.#goOn(held);
  }

  unsubscribe(queue: ModelQueue): void {
    this.queues = this.queues.filter((other) => other !== queue);
    for (const held of this.held) {
      held.waitsFor = held.waitsFor?.filter((other) => other !== queue);
    }
    this.goOn();
  }

  abort(id: number): void {
    const held = this.held.find((held) => held.id === id);
    if (held !== undefined) this.#end(held, "CANCELED");
  }

  advance(ms: number): void {
    this.nowMs += ms;
    for (const held of [...this.held]) {
      if (held.untilMs <= this.nowMs) this.#end(held, "TIMED_OUT");
    }
  }

  #goOn(held: Held): void {
    if (this.stopped.has(held.by)) return;
    if (held.waitsFor === undefined) {
      held.waitsFor = this.queues.filter((queue) => queue.isPatient && !queue.hasRoom);
      for (const queue of this.queues) {
        if (!held.waitsFor.includes(queue)) this.#offer(queue, held, held.result);
      }
    } else {
      held.waitsFor = held.waitsFor.filter((queue) => {
        if (!queue.hasRoom) return true;
        this.#offer(queue, held, held.result);
        return false;
      });
    }
    if (held.waitsFor.length === 0) this.#end(held, held.result);
  }

  #offer(queue: ModelQueue, { id, priority }: Sent, result: DeliveryResult): void {
    if (queue.hasRoom) {
      queue.queue.push({ id, priority });
      result.delivered++;
    } else {
      queue.dropped++;
      result.dropped++;
    }
  }

  #end(held: Held, outcome: DeliveryResult | string): void {
    if (this.held.includes(held)) this.outcomes.set(held.id, outcome);
    this.held = this.held.filter((other) => other !== held);
  }
}

/** The kernel beside its model. */
class World {
  readonly clock = new ManualClock();
  readonly kernel = new Kernel({ clock: this.clock });
  readonly model = new Model();
  readonly outcomes: Map<number, DeliveryResult | string> = new Map();
  readonly publishers: { handle: TaskHandle; channel: EventChannel }[] = [];
  readonly aborts: AbortController[] = [];
  readonly channel: EventChannel = this.kernel.init.createEventChannel("news");
  subscriptions: EventSubscription[] = [];
  #nextId = 0;

  /** Publishers are tasks, which can be stopped. */
  async start(): Promise<void> {
    for (let i = 0; i < PUBLISHERS; i++) {
      const ready = Promise.withResolvers<Task>();
      const handle = this.kernel.init.spawn((task) => {
        ready.resolve(task);
        return new Promise<void>(() => {});
      }, { handles: { channel: this.channel.duplicate() } });
      const channel = (await ready.promise).handle<EventChannel>("channel");
      this.publishers.push({ handle, channel });
    }
  }

  apply(step: Step): void {
    const { model } = this;
    switch (step.type) {
      case "publishAsync":
        return this.#publishAsync(step.by, step.priority, step.timeoutMs);
      case "publish": {
        const id = this.#nextId++;
        const { priority } = step;
        const result = this.channel.publish(contentOf(id), undefined, { priority });
        assertEquals(result, model.publish({ id, priority }));
        return;
      }
      case "subscribe": {
        const { isPatient, bufferSize } = step;
        const onOverflow = isPatient ? "block" : "drop-newest";
        this.subscriptions.push(this.channel.subscribe({ bufferSize, onOverflow }));
        model.queues.push(new ModelQueue(isPatient, bufferSize));
        return;
      }
      case "receive":
        return this.receive(step.from);
      case "unsubscribe": {
        const queue = model.queues[step.from];
        if (queue === undefined) return;
        this.subscriptions.splice(step.from, 1)[0]?.close();
        return model.unsubscribe(queue);
      }
      case "stop":
        this.publishers[step.by]?.handle.send({ type: "processControl", control: "stop" });
        return void model.stopped.add(step.by);
      case "continue":
        this.publishers[step.by]?.handle.send({ type: "processControl", control: "continue" });
        model.stopped.delete(step.by);
        return model.goOn();
      case "abort":
        this.aborts[step.which]?.abort();
        return model.abort(step.which);
      case "advance":
        this.clock.advance(step.ms);
        return model.advance(step.ms);
      default:
        step satisfies never;
    }
  }

  receive(from: number): void {
    const queue = this.model.queues[from];
    const event = this.subscriptions[from]?.tryReceive();
    const id = event?.content.type === "custom" ? event.content.eventId : undefined;
    assertEquals(id, queue?.receive());
    this.model.goOn();
  }

  check(): void {
    const { model } = this;
    assertEquals(this.outcomes, model.outcomes);
    assertEquals(
      this.subscriptions.map(({ pending, dropped }) => [pending, dropped]),
      model.queues.map(({ queue, dropped }) => [queue.length, dropped]),
    );
    assertEquals(this.usage?.pendingWaits, model.held.length);
    // A publish that is held is charged for its payload, and so is what waits in a queue: once.
    const waiting = new Set(model.queues.flatMap(({ queue }) => queue.map(({ id }) => id)));
    for (const { id, waitsFor } of model.held) if (waitsFor !== undefined) waiting.add(id);
    const paying = [...waiting].filter((id) => this.aborts[id] !== undefined);
    assertEquals(this.usage?.bufferBytes, paying.length * PAYLOAD.value.length);
  }

  get usage() {
    return this.kernel.tasks().find(({ id }) => id === this.kernel.init.id)?.usage;
  }

  #publishAsync(by: number, priority: EventPriority, timeoutMs: number): void {
    const id = this.#nextId++;
    const abort = this.aborts[id] = new AbortController();
    const options = { priority, timeoutMs, signal: abort.signal };
    // A stopped task may wait, but not try once.
    if (timeoutMs === 0 && this.model.stopped.has(by)) options.timeoutMs = 1;
    void this.publishers[by]?.channel.publishAsync(contentOf(id), PAYLOAD, options).then(
      (result) => this.outcomes.set(id, result),
      (error) => this.outcomes.set(id, error instanceof KernelError ? error.code : String(error)),
    );
    this.model.publishAsync({ id, priority }, by, options.timeoutMs);
  }
}

const PAYLOAD = { type: "bytes", value: new Uint8Array(100) } as const;
const contentOf = (eventId: number) => ({ type: "custom", namespace: "n", eventId } as const);

/** Lets the promises that are settled say so. */
async function settle(): Promise<void> {
  for (let i = 0; i < 5; i++) await null;
}

Deno.test("EventChannel.publishAsync() delivers, waits and ends as the model does", async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (todo) => {
      const world = new World();
      await world.start();
      const before = world.usage;
      for (const step of todo) {
        world.apply(step);
        await settle();
        world.check();
      }
      // Nobody starves: once all run and all receive, every publish is over.
      for (let by = 0; by < PUBLISHERS; by++) world.apply({ type: "continue", by });
      for (let i = 0; i < world.subscriptions.length; i++) {
        while (world.model.queues[i]?.queue.length !== 0) world.receive(i);
      }
      for (let i = 0; i < world.subscriptions.length; i++) world.receive(i);
      await settle();
      world.check();
      assertEquals(world.model.held, []);
      for (const subscription of world.subscriptions) subscription.close();
      assertEquals(world.usage, before);
      await world.kernel.shutdown();
    }),
    { numRuns: 150 },
  );
});

Deno.test("EventChannel.publishAsync() that waits ends with its handle or its task, and leaves nothing", async () => {
  for (
    const [end, code] of [["close", "BAD_HANDLE"], ["revoke", "REVOKED"], ["kill", "TASK_DEAD"]]
  ) {
    const world = new World();
    await world.start();
    const before = world.usage;
    world.apply({ type: "subscribe", isPatient: true, bufferSize: 1 });
    world.apply({ type: "publish", priority: 2 });
    for (const by of [0, 1, 0]) {
      world.apply({ type: "publishAsync", by, priority: 2, timeoutMs: Infinity });
    }
    const [first] = world.publishers;
    if (end === "close") first?.channel.close();
    else if (end === "revoke") world.channel.revoke();
    else first?.handle.kill();
    await settle();
    const ended = end === "revoke" ? [1, 2, 3] : [1, 3];
    assertEquals(world.outcomes, new Map(ended.map((id) => [id, code as string])));
    assertEquals(world.usage?.bufferBytes, end === "revoke" ? 0 : 100);
    assertEquals(world.subscriptions[0]?.pending, 1);
    world.subscriptions[0]?.close();
    await settle();
    if (end !== "revoke") assertEquals(world.outcomes.get(2), { delivered: 0, dropped: 0 });
    assertEquals([world.usage?.pendingWaits, world.usage?.bufferBytes], [0, 0]);
    assertEquals(world.usage?.queuedEvents, before?.queuedEvents);
    await world.kernel.shutdown();
  }
});
