/** Filters' predicates are a task's code that runs in the middle of a delivery: what if they act? */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  type Event,
  type EventContent,
  EventError,
  type EventFilter,
  Kernel,
  KernelError,
  ManualClock,
  type Task,
  type TaskHandle,
} from "@carmine/kernel";

const note = (notification: string): EventContent => ({ type: "notification", notification });

function predicate(run: (event: Event) => unknown): EventFilter {
  return { type: "custom", predicate: (event) => Boolean(run(event)) };
}

function texts(from: { tryReceive(): Event | undefined }): string[] {
  const all = [];
  for (let event = from.tryReceive(); event !== undefined; event = from.tryReceive()) {
    if (event.content.type === "notification") all.push(event.content.notification);
    else if (event.content.type === "processControl") all.push(String(event.content.control));
  }
  return all;
}

/** A kernel with a task that stays, and what it and init hold at the start. */
async function world() {
  const clock = new ManualClock();
  const kernel = new Kernel({ clock });
  const { init } = kernel;
  const [handle, task] = await new Promise<[TaskHandle, Task]>((resolve) => {
    const handle: TaskHandle = init.spawn((task) => {
      resolve([handle, task]);
      return new Promise<void>(() => {});
    });
  });
  const usage = () => kernel.tasks().find(({ id }) => id === init.id)?.usage;
  return { kernel, clock, init, handle, task, usage };
}

Deno.test("EventChannel.publishAsync() ends when a predicate closes its handle, and leaves nothing", async () => {
  const { kernel, init, usage } = await world();
  const channel = init.createEventChannel("news");
  const publisher = channel.duplicate();
  const full = channel.subscribe({ bufferSize: 1, onOverflow: "block" });
  channel.publish(note("fills it"));
  const before = usage();
  const open = channel.subscribe({ filters: [predicate(() => publisher.close() ?? true)] });
  const payload = { type: "bytes", value: new Uint8Array(1_000) } as const;
  const error = await assertRejects(() => publisher.publishAsync(note("x"), payload), KernelError);
  assertEquals(error.code, "BAD_HANDLE");
  assertEquals(texts(open), ["x"]);
  open.close();
  assertEquals(texts(full), ["fills it"]);
  assertEquals(usage(), { ...before, handles: (before?.handles ?? 0) - 1 } as typeof before);
  await kernel.shutdown();
});

Deno.test("EventChannel.publishAsync() ends when a predicate ends its task, and leaves nothing", async () => {
  const { kernel, init, usage } = await world();
  const channel = init.createEventChannel("news");
  const full = channel.subscribe({ bufferSize: 1, onOverflow: "block" });
  channel.publish(note("fills it"));
  const before = usage();
  const outcome = Promise.withResolvers<unknown>();
  const publisher: TaskHandle = init.spawn((task) => {
    const payload = { type: "bytes", value: new Uint8Array(1_000) } as const;
    task.handle<typeof channel>("channel").publishAsync(note("x"), payload).then(
      outcome.resolve,
      outcome.resolve,
    );
    return new Promise<void>(() => {});
  }, { handles: { channel: channel.duplicate() } });
  const killer = channel.subscribe({ filters: [predicate(() => publisher.kill() ?? false)] });
  const error = await outcome.promise;
  assert(error instanceof KernelError);
  assertEquals(error.code, "TASK_DEAD");
  killer.close();
  publisher.close();
  assertEquals(texts(full), ["fills it"]);
  assertEquals(usage(), before);
  await kernel.shutdown();
});

Deno.test("EventChannel.publishAsync() is canceled when a predicate aborts its signal", async () => {
  const { kernel, init, usage } = await world();
  const channel = init.createEventChannel("news");
  const full = channel.subscribe({ bufferSize: 1, onOverflow: "block" });
  channel.publish(note("fills it"));
  const controller = new AbortController();
  const { signal } = controller;
  channel.subscribe({ filters: [predicate(() => controller.abort() ?? false)] });
  const error = await assertRejects(
    () => channel.publishAsync(note("x"), undefined, { signal }),
    KernelError,
  );
  assertEquals(error.code, "CANCELED");
  assertEquals([usage()?.pendingWaits, texts(full)], [0, ["fills it"]]);
  await kernel.shutdown();
});

for (const outcome of ["blocked", "done"]) {
  Deno.test(`EventChannel.publishAsync() of a stopped task ends once when a predicate closes its handle (${outcome})`, async () => {
    const { kernel, init, usage } = await world();
    const made = init.createEventChannel("news");
    const mine = Promise.withResolvers<typeof made>();
    const full = made.subscribe({ bufferSize: 1, onOverflow: "block" });
    if (outcome === "blocked") made.publish(note("fills it"));
    // The task itself makes the publish, so its own handle has to reach it: through a queue.
    const { sender, receiver } = init.createMessageQueue();
    await sender.send(new Uint8Array(1), { handles: [made.duplicate()] });
    const child = init.spawn(async (task) => {
      const message = await task.handle<typeof receiver>("queue").receive();
      mine.resolve(message.handles[0] as typeof made);
      await new Promise<void>(() => {});
    }, { handles: { queue: receiver } });
    const channel = await mine.promise;
    const before = usage();
    made.subscribe({ filters: [predicate(() => channel.close() ?? true)] });
    child.send({ type: "processControl", control: "stop" });
    const payload = { type: "bytes", value: new Uint8Array(1_000) } as const;
    const publishing = channel.publishAsync(note("x"), payload).catch((error) => error.code);
    assertEquals(usage()?.pendingWaits, (before?.pendingWaits ?? 0) + 1);
    child.send({ type: "processControl", control: "continue" });
    assertEquals(await publishing, "BAD_HANDLE");
    assertEquals(usage()?.pendingWaits, before?.pendingWaits);
    assertEquals(texts(full), [outcome === "blocked" ? "fills it" : "x"]);
    await kernel.shutdown();
  });
}

Deno.test("EventChannel.publish() ends where predicates publish to their own channel", async () => {
  const { kernel, init } = await world();
  const channel = init.createEventChannel("echo");
  const publish = () => channel.publish(note("again"));
  const echoes = [1, 2].map(() => channel.subscribe({ filters: [predicate(publish)] }));
  const plain = channel.subscribe();
  channel.publish(note("first"));
  const { length } = texts(plain);
  for (const echo of echoes) assertEquals(echo.pending + echo.dropped, length);
  assertEquals(1 + 2 + 4 + 8, length);
  await kernel.shutdown();
});

Deno.test("EventChannel.publish() counts receivers whose predicate throws as dropped", async () => {
  const { kernel, init } = await world();
  const channel = init.createEventChannel("news");
  const broken = channel.subscribe({
    filters: [predicate(() => {
      throw new Error("mine");
    })],
  });
  channel.subscribe({ filters: [predicate(() => false)] });
  channel.subscribe();
  assertEquals(channel.publish(note("x")), { delivered: 1, dropped: 1 });
  assertEquals(await channel.publishAsync(note("y")), { delivered: 1, dropped: 1 });
  assertEquals(broken.dropped, 2);
  await kernel.shutdown();
});

Deno.test("TaskHandle.send() reliably waits on when a predicate takes the room that there was", async () => {
  const { kernel, handle, task } = await world();
  let isArmed = false;
  task.events.configureDelivery({ bufferSize: 1 });
  task.events.registerFilter(
    predicate(() => {
      if (isArmed) {
        isArmed = false;
        handle.send(note("squeezed in"));
      }
      return true;
    }),
    1,
  );
  handle.send(note("first"));
  handle.send(note("reliable"), undefined, { reliable: true });
  isArmed = true;
  assertEquals(texts(task.events), ["first", "squeezed in", "reliable"]);
  await kernel.shutdown();
});

Deno.test("TaskHandle.send() reliably fails with its policy when a predicate ends the target", async () => {
  const { kernel, clock, init, handle, task, usage } = await world();
  let isArmed = false;
  task.events.configureDelivery({ bufferSize: 1, timeoutMs: Infinity });
  task.events.registerFilter(
    predicate(() => {
      if (isArmed) handle.kill();
      return true;
    }),
    1,
  );
  handle.send(note("first"));
  handle.send(note("reliable"), undefined, { reliable: true });
  isArmed = true;
  assertEquals(task.events.tryReceive()?.content, note("first"));
  assertEquals(texts(init.events).sort(), ["childExit", "deliveryFailed"]);
  assertEquals([usage()?.queuedEvents, clock.now()], [0, 0]);
  await kernel.shutdown();
});

Deno.test("TaskHandle.send() reliably throws TASK_DEAD when a predicate ends the target", async () => {
  const { kernel, handle, task, usage } = await world();
  task.events.configureDelivery({ timeoutMs: Infinity });
  task.events.registerFilter(predicate(() => handle.kill() ?? true), 1);
  const error = assertThrows(
    () => handle.send(note("x"), undefined, { reliable: true }),
    EventError,
  );
  assertEquals([error.code, usage()?.queuedEvents], ["TASK_DEAD", 0]);
  await kernel.shutdown();
});

Deno.test("Group.send() counts a member that a predicate ends as dropped, and serves the rest", async () => {
  const { kernel, init, handle, task } = await world();
  const group = init.createGroup("all");
  group.join(handle);
  group.joinSelf();
  task.events.registerFilter(predicate(() => handle.kill() ?? true), 1);
  assertEquals(group.send(note("x"), undefined, { reliable: true }), { delivered: 1, dropped: 1 });
  assertEquals(texts(init.events).sort(), ["childExit", "x"]);
  assertEquals(group.members, [init.id]);
  await kernel.shutdown();
});
