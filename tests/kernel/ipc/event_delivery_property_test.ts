import { assertEquals } from "@std/assert";
import fc from "fast-check";
import type { EventContent, EventPayload, EventPriority } from "../../../capabilities/event_ops.ts";
import { WOULD_BLOCK } from "../../../capabilities/stream_ops.ts";
import { ManualClock } from "../../../kernel/clock.ts";
import { KernelCore } from "../../../kernel/kernel.ts";
import { GroupObject } from "../../../kernel/ipc/group.ts";
import { HandleEntry } from "../../../capabilities/handle.ts";
import { Rights } from "../../../capabilities/rights.ts";
import type { TaskObject } from "../../../kernel/task.ts";

const EMPTY: EventPayload = { type: "empty" };

/** A kernel whose tasks do nothing: the tests speak for them. */
function quietKernel(): { kernel: KernelCore; clock: ManualClock; spawn: () => TaskObject } {
  const clock = new ManualClock();
  const kernel = new KernelCore({ clock });
  kernel.addDriver({
    accepts: () => true,
    check: () => {},
    start: () => ({ stop() {}, isLingering: false }),
  });
  const spawn = (): TaskObject => {
    const request = {
      program: 0,
      name: "t",
      args: [],
      imports: [],
      handles: new Map(),
      limits: {},
    };
    const { taskId } = kernel.spawn(kernel.init, request);
    return kernel.tasks.get(taskId) as TaskObject;
  };
  return { kernel, clock, spawn };
}

const contentOf = (eventId: number): EventContent => ({
  type: "custom",
  namespace: "n",
  eventId,
});

type Mode = "plain" | "reliable" | "immediate";
type Step =
  | { type: "send"; mode: Mode; priority: EventPriority }
  | { type: "receive" }
  | { type: "advance"; ms: number }
  | { type: "resize"; bufferSize: number };

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        type: fc.constant("send" as const),
        mode: fc.constantFrom<Mode[]>("plain", "reliable", "immediate"),
        priority: fc.constantFrom<EventPriority[]>(1, 2, 3, 4),
      }),
    },
    { weight: 2, arbitrary: fc.constant({ type: "receive" as const }) },
    {
      weight: 1,
      arbitrary: fc.record({ type: fc.constant("advance" as const), ms: fc.nat(40) }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        type: fc.constant("resize" as const),
        bufferSize: fc.integer({ min: 1, max: 5 }),
      }),
    },
  ),
  { maxLength: 60, size: "max" },
);

interface Sent {
  id: number;
  priority: EventPriority;
  forced: boolean;
  /** When it is given up, for those that wait. */
  untilMs: number;
}

/** What delivery to one task should do, said as plainly as possible. */
class Model {
  nowMs = 0;
  capacity: number;
  queue: Sent[] = [];
  waiting: Sent[] = [];
  dropped = 0;
  failed: number[] = [];

  constructor(capacity: number) {
    this.capacity = capacity;
  }

  get hasRoom(): boolean {
    return this.queue.filter(({ forced }) => !forced).length < this.capacity;
  }

  send(id: number, mode: Mode, asked: EventPriority, totalMs: number): void {
    const forced = mode === "immediate";
    const priority = forced && asked < 3 ? 3 : asked;
    const sent = { id, priority, forced, untilMs: this.nowMs + totalMs };
    if (forced || this.hasRoom) this.queue.push(sent);
    else if (mode === "reliable") this.waiting.push(sent);
    else this.dropped++;
    this.#giveUp();
  }

  receive(): number | undefined {
    const [first] = this.queue.toSorted(byUrgency);
    this.queue = this.queue.filter((sent) => sent !== first);
    this.flush();
    return first?.id;
  }

  flush(): void {
    while (this.hasRoom) {
      const [next] = this.waiting.toSorted(byUrgency);
      if (next === undefined) return;
      this.waiting = this.waiting.filter((sent) => sent !== next);
      this.queue.push(next);
    }
  }

  advance(ms: number): void {
    this.nowMs += ms;
    this.#giveUp();
  }

  #giveUp(): void {
    const late = this.waiting.filter(({ untilMs }) => untilMs <= this.nowMs);
    this.waiting = this.waiting.filter((sent) => !late.includes(sent));
    this.dropped += late.length;
    // The clock makes calls of the same time in the order they were scheduled.
    this.failed.push(...late.map(({ id }) => id));
  }
}

/** Sorting is stable, so what was sent first comes first. */
function byUrgency(a: Sent, b: Sent): number {
  return b.priority - a.priority;
}

Deno.test("EventManager.sendDirect() delivers, keeps and gives up what the model does", () => {
  const settings = fc.record({
    bufferSize: fc.integer({ min: 1, max: 4 }),
    timeoutMs: fc.nat(20),
    retryCount: fc.nat(2),
  });
  fc.assert(fc.property(settings, steps, (config, todo) => {
    const { kernel, clock, spawn } = quietKernel();
    const [sender, target] = [spawn(), spawn()];
    kernel.events.configure(target, { ...config, failurePolicy: "notifySender" });
    const model = new Model(config.bufferSize);
    const totalMs = config.timeoutMs * (2 ** (config.retryCount + 1) - 1);
    let id = 0;
    for (const step of todo) {
      switch (step.type) {
        case "send": {
          const { mode, priority } = step;
          kernel.events.sendDirect(sender, target, contentOf(id), EMPTY, {
            mode: mode === "immediate" ? "immediate" : "notification",
            reliable: mode === "reliable",
            priority,
          });
          model.send(id++, mode, priority, totalMs);
          break;
        }
        case "receive":
          assertEquals(received(target), model.receive());
          break;
        case "advance":
          clock.advance(step.ms);
          model.advance(step.ms);
          break;
        case "resize":
          kernel.events.configure(target, { bufferSize: step.bufferSize });
          model.capacity = step.bufferSize;
          model.flush();
          break;
        default:
          step satisfies never;
      }
      kernel.assertInvariants();
      const { events } = target;
      assertEquals([events.pendingCount, events.droppedCount, kernel.events.waitingCount], [
        model.queue.length,
        model.dropped,
        model.waiting.length,
      ]);
      assertEquals(sender.events.pendingCount, model.failed.length);
      const forced = model.queue.filter((sent) => sent.forced).length;
      const charged = forced + model.waiting.length + model.failed.length;
      assertEquals(sender.account.usage.queuedEvents, charged);
    }
    target.end({ state: "killed" });
    assertEquals(kernel.events.waitingCount, 0);
    assertEquals(sender.events.pendingCount, model.failed.length + model.waiting.length);
    sender.end({ state: "killed" });
    assertEquals(kernel.init.account.usage.queuedEvents, 0);
    kernel.assertInvariants();
  }));
});

function received({ events }: TaskObject): number | undefined {
  const event = events.tryReceiveEvent();
  return event !== WOULD_BLOCK && event.content.type === "custom"
    ? event.content.eventId
    : undefined;
}

type GroupStep = { type: "join" | "leave" | "kill" | "send"; group: number; task: number };

Deno.test("GroupObject has the members that the model has, and sends to them alone", () => {
  const todo = fc.array(
    fc.record<GroupStep>({
      type: fc.constantFrom("join", "join", "leave", "kill", "send"),
      group: fc.nat(1),
      task: fc.nat(4),
    }),
    { maxLength: 60, size: "max" },
  );
  fc.assert(fc.property(todo, (todo) => {
    const { kernel, spawn } = quietKernel();
    const tasks = Array.from({ length: 5 }, spawn);
    const groups = [new GroupObject("a", "custom"), new GroupObject("b", "session")];
    const entries = groups.map((group) => new HandleEntry(group, Rights.WRITE));
    const model = groups.map((): TaskObject[] => []);
    const sentTo = new Map(tasks.map((task) => [task, 0]));
    for (const { type, group: at, task: which } of todo) {
      const [group, task] = [groups[at] as GroupObject, tasks[which] as TaskObject];
      const members = model[at] as TaskObject[];
      if (type === "join" && task.status === undefined) {
        group.join(task, true);
        if (!members.includes(task)) members.push(task);
      } else if (type === "leave") {
        group.leave(task);
        model[at] = members.filter((member) => member !== task);
      } else if (type === "kill") {
        task.end({ state: "killed" });
        model.forEach((members, i) => model[i] = members.filter((member) => member !== task));
      } else if (type === "send") {
        const sent = kernel.events.sendToGroup(kernel.init, group, contentOf(1), EMPTY);
        assertEquals(sent, { delivered: members.length, dropped: 0 });
        for (const member of members) sentTo.set(member, (sentTo.get(member) ?? 0) + 1);
      }
      groups.forEach((group, i) => {
        group.assertInvariants();
        assertEquals(group.memberIds, model[i]?.map(({ taskId }) => taskId));
      });
      kernel.assertInvariants();
    }
    for (const task of tasks) {
      if (task.status === undefined) assertEquals(task.events.pendingCount, sentTo.get(task));
    }
    for (const entry of entries) entry.close("closed");
    for (const task of tasks) assertEquals(task.groups.size, 0);
  }));
});
