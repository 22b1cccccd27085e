import { assert, assertEquals } from "@std/assert";
import {
  type DeliveryConfig,
  type Event,
  type EventContent,
  Kernel,
  type KernelError,
  type LogRecord,
  ManualClock,
  Rights,
  type Task,
  type TaskHandle,
} from "@carmine/kernel";

const note = (notification: string): EventContent => ({ type: "notification", notification });
const textOf = (event: Event | undefined) =>
  event?.content.type === "notification" ? event.content.notification : undefined;
const reliable = { reliable: true } as const;

interface Sleeper {
  handle: TaskHandle;
  task: Task;
  end: () => void;
}

/** A task that stays until it is told to go. */
function sleeper(parent: Task, config: DeliveryConfig = {}): Promise<Sleeper> {
  return new Promise((resolve) => {
    const handle: TaskHandle = parent.spawn(async (task) => {
      task.events.configureDelivery(config);
      await new Promise<void>((end) => resolve({ handle, task, end }));
    });
  });
}

function drain({ events }: Task): (string | undefined)[] {
  const texts = [];
  for (let event = events.tryReceive(); event; event = events.tryReceive()) {
    texts.push(textOf(event));
  }
  return texts;
}

function failureOf(event: Event | undefined): unknown {
  assertEquals(textOf(event), "deliveryFailed");
  assertEquals(event?.metadata.sender, 0);
  assert(event?.payload.type === "string");
  return JSON.parse(event.payload.value);
}

async function bench(config: DeliveryConfig) {
  const clock = new ManualClock();
  const logs: LogRecord[] = [];
  const kernel = new Kernel({ clock, onLog: (record) => logs.push(record) });
  const target = await sleeper(kernel.init, config);
  return { clock, logs, kernel, target };
}

const usageOf = (kernel: Kernel) => kernel.tasks()[0]?.usage.queuedEvents;

Deno.test("TaskHandle.send() reliably waits for room, by priority and in order", async () => {
  const { kernel, target } = await bench({ bufferSize: 1 });
  const { handle, task } = target;
  handle.send(note("first"), undefined, reliable);
  for (const text of ["a", "b"]) handle.send(note(text), undefined, reliable);
  handle.send(note("urgent"), undefined, { reliable: true, priority: 4 });
  assertEquals([task.events.pending, usageOf(kernel)], [1, 3]);
  const event = await task.events.receive();
  assertEquals([textOf(event), "reliable" in event.delivery && event.delivery.reliable], [
    "first",
    true,
  ]);
  assertEquals(drain(task), ["urgent", "a", "b"]);
  assertEquals([task.events.dropped, usageOf(kernel)], [0, 0]);
  await kernel.shutdown();
});

Deno.test("TaskHandle.send() reliably delivers what waited when the buffer grows", async () => {
  const { kernel, target: { handle, task } } = await bench({ bufferSize: 1 });
  for (const text of ["a", "b", "c"]) handle.send(note(text), undefined, reliable);
  task.events.configureDelivery({ bufferSize: 2 });
  assertEquals(task.events.pending, 2);
  assertEquals(drain(task), ["a", "b", "c"]);
  await kernel.shutdown();
});

Deno.test("TaskHandle.send() reliably retries with back-off, then applies the policy", async () => {
  const { clock, kernel, target } = await bench({ bufferSize: 1, timeoutMs: 10, retryCount: 2 });
  const { handle, task } = target;
  handle.send(note("a"), undefined, reliable);
  handle.send(note("b"), undefined, reliable);
  clock.advance(10 + 20 + 40 - 1);
  assertEquals([task.events.dropped, kernel.init.events.pending], [0, 0]);
  clock.advance(1);
  assertEquals(task.events.dropped, 1);
  const failure = failureOf(kernel.init.events.tryReceive());
  const { metadata } = await task.events.receive();
  assertEquals(failure, {
    eventId: metadata.eventId + 1,
    sender: kernel.init.id,
    target: task.id,
    reason: "its target had no room in time",
  });
  assertEquals([task.events.pending, usageOf(kernel)], [0, 0]);
  await kernel.shutdown();
});

Deno.test("TaskHandle.send() reliably delivers in a later window", async () => {
  const { clock, kernel, target } = await bench({ bufferSize: 1, timeoutMs: 10, retryCount: 2 });
  const { handle, task } = target;
  handle.send(note("a"), undefined, reliable);
  handle.send(note("b"), undefined, reliable);
  clock.advance(69);
  assertEquals(drain(task), ["a", "b"]);
  clock.advance(1_000);
  assertEquals([task.events.dropped, kernel.init.events.pending], [0, 0]);
  await kernel.shutdown();
});

Deno.test("DeliveryConfig.failurePolicy ignore only counts", async () => {
  const { logs, kernel, target } = await bench({
    bufferSize: 1,
    timeoutMs: 0,
    failurePolicy: "ignore",
  });
  for (const text of ["a", "b"]) target.handle.send(note(text), undefined, reliable);
  assertEquals([target.task.events.dropped, kernel.init.events.pending, logs], [1, 0, []]);
  await kernel.shutdown();
});

Deno.test("DeliveryConfig.failurePolicy log tells whoever runs the kernel", async () => {
  const { clock, logs, kernel, target } = await bench({
    bufferSize: 1,
    timeoutMs: 5,
    retryCount: 0,
    failurePolicy: "log",
  });
  for (const text of ["a", "b"]) target.handle.send(note(text), undefined, reliable);
  assertEquals(logs, []);
  clock.advance(5);
  assertEquals([target.task.events.dropped, kernel.init.events.pending], [1, 0]);
  assertEquals(logs.map(({ level, taskId }) => [level, taskId]), [["warn", target.task.id]]);
  await kernel.shutdown();
});

Deno.test("DeliveryConfig.failurePolicy systemEvent tells init, notifySender the sender", async () => {
  const { clock, kernel, target } = await bench({ bufferSize: 1, timeoutMs: 5, retryCount: 0 });
  const sender = await sleeper(kernel.init);
  const inner = await sleeper(sender.task, { bufferSize: 1, timeoutMs: 5, retryCount: 0 });
  void target;
  for (const text of ["a", "b"]) inner.handle.send(note(text), undefined, reliable);
  clock.advance(5);
  assertEquals(kernel.init.events.pending, 0);
  assertEquals(
    (failureOf(sender.task.events.tryReceive()) as { sender: number }).sender,
    sender.task.id,
  );
  inner.task.events.configureDelivery({ failurePolicy: "systemEvent" });
  inner.handle.send(note("c"), undefined, reliable);
  clock.advance(5);
  assertEquals(sender.task.events.pending, 0);
  assertEquals(
    (failureOf(kernel.init.events.tryReceive()) as { target: number }).target,
    inner.task.id,
  );
  await kernel.shutdown();
});

Deno.test("TaskHandle.send() reliably fails at once when the target ends", async () => {
  const { kernel, target } = await bench({ bufferSize: 1, failurePolicy: "notifySender" });
  for (const text of ["a", "b", "c"]) target.handle.send(note(text), undefined, reliable);
  target.handle.kill();
  const reasons = [];
  for (let event = kernel.init.events.tryReceive(); event;) {
    if (event.content.type === "notification") {
      reasons.push((failureOf(event) as { reason: string }).reason);
    }
    event = kernel.init.events.tryReceive();
  }
  assertEquals(reasons, ["its target has ended", "its target has ended"]);
  assertEquals(usageOf(kernel), 0);
  await kernel.shutdown();
});

Deno.test("TaskHandle.send() reliably outlives its sender; a failure is then logged", async () => {
  const { clock, logs, kernel } = await bench({});
  const sender = await sleeper(kernel.init);
  const config = { bufferSize: 1, timeoutMs: 5, retryCount: 0 };
  const inner = await sleeper(sender.task, config);
  for (const text of ["a", "b", "c"]) inner.handle.send(note(text), undefined, reliable);
  sender.handle.kill();
  assertEquals(textOf(inner.task.events.tryReceive()), "a");
  assertEquals([inner.task.events.pending, logs], [1, []]);
  clock.advance(5);
  assertEquals(logs.map(({ taskId }) => taskId), [inner.task.id]);
  assertEquals(drain(inner.task), ["b"]);
  assertEquals([inner.task.events.dropped, usageOf(kernel)], [1, 0]);
  await kernel.shutdown();
});

Deno.test("TaskHandle.send() reliably is bounded by the sender's limit", async () => {
  const clock = new ManualClock();
  await using kernel = new Kernel({ clock, limits: { queuedEvents: 2 } });
  const { handle, task } = await sleeper(kernel.init, { bufferSize: 1 });
  for (const text of ["a", "b", "c"]) handle.send(note(text), undefined, reliable);
  let code: string | undefined;
  try {
    handle.send(note("d"), undefined, reliable);
  } catch (error) {
    code = (error as KernelError).code;
  }
  assertEquals(code, "LIMIT_EXCEEDED");
  assertEquals(drain(task), ["a", "b", "c"]);
});

Deno.test("TaskHandle.send() reliably does not wait for a filter that refuses", async () => {
  const { kernel, target: { handle, task } } = await bench({ bufferSize: 1 });
  task.events.registerFilter({ type: "eventType", eventType: "custom" }, 0);
  handle.send(note("a"), undefined, reliable);
  assertEquals([task.events.pending, task.events.dropped, usageOf(kernel)], [0, 0, 0]);
  await kernel.shutdown();
});

Deno.test("Kernel.shutdown() leaves no timer of a reliable event behind", async () => {
  const { clock, logs, kernel, target } = await bench({ bufferSize: 1, failurePolicy: "log" });
  for (const text of ["a", "b"]) target.handle.send(note(text), undefined, reliable);
  await kernel.shutdown();
  const { length } = logs;
  clock.advance(100_000);
  assertEquals(logs.length, length);
});

Deno.test("Group.send() reaches every member and tells how many", async () => {
  const { kernel } = await bench({});
  const { init } = kernel;
  const members = [await sleeper(init), await sleeper(init)];
  const group = init.createGroup("team");
  for (const { handle } of members) {
    group.join(handle);
    group.join(handle);
  }
  group.joinSelf();
  assertEquals(group.members, [...members.map(({ task }) => task.id), init.id]);
  assertEquals(group.send(note("go")), { delivered: 3, dropped: 0 });
  const event = members[0]?.task.events.tryReceive();
  const target = { type: "custom", name: "team" } as const;
  assertEquals(event?.delivery, { type: "group", target, priority: 2, reliable: false });
  assertEquals(textOf(init.events.tryReceive()), "go");
  group.leaveSelf();
  group.leave(members[0]?.handle as TaskHandle);
  assertEquals(group.members, [members[1]?.task.id as number]);
  members[1]?.handle.kill();
  assertEquals(group.members, []);
  assertEquals(group.send(note("go")), { delivered: 0, dropped: 0 });
  await kernel.shutdown();
});

Deno.test("Group.send() says the group's kind and id", async () => {
  await using kernel = new Kernel();
  const { init } = kernel;
  for (const kind of ["taskGroup", "session"] as const) {
    const group = init.createGroup("g", { kind });
    group.joinSelf();
    group.send(note("x"), undefined, { reliable: true, priority: 3 });
    const event = init.events.tryReceive();
    assert(event?.delivery.type === "group");
    const { target, ...rest } = event.delivery;
    assertEquals(rest, { type: "group", priority: 3, reliable: true });
    assert(target.type === kind && Number.isSafeInteger(target.id));
  }
});

Deno.test("Group.send() counts members without room as dropped, or keeps reliable events", async () => {
  const { kernel, target: { handle, task } } = await bench({ bufferSize: 1 });
  const group = kernel.init.createGroup("team");
  group.join(handle);
  assertEquals(group.send(note("1")), { delivered: 1, dropped: 0 });
  assertEquals(group.send(note("2")), { delivered: 0, dropped: 1 });
  assertEquals(group.send(note("3"), undefined, reliable), { delivered: 1, dropped: 0 });
  assertEquals(drain(task), ["1", "3"]);
  await kernel.shutdown();
});

Deno.test("Group.send() of process control acts on those who joined with SIGNAL_TASK", async () => {
  await using kernel = new Kernel();
  const { init } = kernel;
  const [a, b, c] = [await sleeper(init), await sleeper(init), await sleeper(init)];
  const group = init.createGroup("team");
  group.join(a.handle);
  group.join(b.handle.duplicate(Rights.WRITE));
  const terminate = { type: "processControl", control: "terminate" } as const;
  assertEquals(group.send(terminate), { delivered: 1, dropped: 1 });
  assertEquals([a.task.signal.aborted, b.task.signal.aborted, c.task.signal.aborted], [
    true,
    false,
    false,
  ]);
  assertEquals(a.task.events.pending, 1);
  const weak = group.duplicate(Rights.WRITE);
  let code: string | undefined;
  try {
    weak.send(terminate);
  } catch (error) {
    code = (error as KernelError).code;
  }
  assertEquals(code, "ACCESS_DENIED");
  group.send({ type: "processControl", control: "kill" });
  assertEquals(await a.handle.wait(), { state: "killed" });
  assertEquals(group.members, [b.task.id]);
});

Deno.test("Group.join() needs WRITE on both, and a task that lives", async () => {
  await using kernel = new Kernel();
  const { handle } = await sleeper(kernel.init);
  const group = kernel.init.createGroup("team");
  const codes = [];
  const waiter = handle.duplicate(Rights.WAIT);
  for (
    const run of [
      () => group.join(waiter),
      () => group.duplicate(Rights.READ).join(handle),
      () => group.duplicate(Rights.READ).joinSelf(),
      () => group.duplicate(Rights.WAIT).members,
      () => (handle.kill(), group.join(handle)),
    ]
  ) {
    try {
      run();
      codes.push("done");
    } catch (error) {
      codes.push((error as KernelError).code);
    }
  }
  assertEquals(codes, [
    "ACCESS_DENIED",
    "ACCESS_DENIED",
    "ACCESS_DENIED",
    "ACCESS_DENIED",
    "TASK_DEAD",
  ]);
});

Deno.test("Group that is closed has no members left", async () => {
  await using kernel = new Kernel();
  const { handle, task } = await sleeper(kernel.init);
  const group = kernel.init.createGroup("team");
  group.join(handle);
  group.close();
  handle.send(note("still there"));
  assertEquals(drain(task), ["still there"]);
});

Deno.test("Kernel.everyone reaches every task as a broadcast", async () => {
  await using kernel = new Kernel();
  const { handle, task, end } = await sleeper(kernel.init);
  assertEquals(kernel.everyone.members, [kernel.init.id, task.id]);
  assertEquals(kernel.everyone.send(note("all")), { delivered: 2, dropped: 0 });
  const delivery = { type: "broadcast", priority: 2, reliable: false } as const;
  assertEquals(task.events.tryReceive()?.delivery, delivery);
  assertEquals(kernel.init.events.tryReceive()?.delivery, delivery);
  assertEquals(kernel.everyone, kernel.everyone);
  let code: string | undefined;
  try {
    kernel.everyone.join(handle);
  } catch (error) {
    code = (error as KernelError).code;
  }
  assertEquals(code, "NOT_SUPPORTED");
  end();
  await handle.wait();
  assertEquals(kernel.everyone.members, [kernel.init.id]);
});

Deno.test("Kernel.everyone spares init when it kills", async () => {
  await using kernel = new Kernel();
  const { handle } = await sleeper(kernel.init);
  const kill = { type: "processControl", control: "kill" } as const;
  assertEquals(kernel.everyone.send(kill), { delivered: 1, dropped: 1 });
  assertEquals(await handle.wait(), { state: "killed" });
  assertEquals(kernel.everyone.members, [kernel.init.id]);
});

Deno.test("Events leave nothing behind when their tasks have ended", async () => {
  const { kernel, target } = await bench({ bufferSize: 1 });
  target.handle.kill();
  target.handle.close();
  drain(kernel.init);
  const before = kernel.tasks();
  const { handle, task } = await sleeper(kernel.init, { bufferSize: 300 });
  const channel = task.createEventChannel("c");
  const subscriptions = [channel.subscribe(), channel.subscribe({ onOverflow: "block" })];
  const group = task.createGroup("g");
  group.joinSelf();
  channel.publish(note("x"), { type: "string", value: "text" });
  group.send(note("x"), { type: "bytes", value: new Uint8Array(100) }, reliable);
  handle.send(note("x"), undefined, { mode: "immediate" });
  const waiting = subscriptions[0]?.receive();
  await waiting;
  handle.kill();
  handle.close();
  drain(kernel.init);
  assertEquals(kernel.tasks(), before);
  await kernel.shutdown();
});
