import {
  assert,
  assertEquals,
  assertNotStrictEquals,
  assertRejects,
  assertThrows,
} from "@std/assert";
import {
  decodeEvent,
  type Event,
  EventChannel,
  type EventContent,
  EventError,
  EventPriority,
  EventSubscription,
  Kernel,
  KernelError,
  ManualClock,
  Rights,
  Signals,
  type Task,
  type TaskHandle,
} from "@carmine/kernel";

const note = (notification: string): EventContent => ({ type: "notification", notification });
const textOf = (event: Event | undefined) =>
  event?.content.type === "notification" ? event.content.notification : undefined;

function codeOf(run: () => unknown): string | undefined {
  try {
    run();
  } catch (error) {
    if (error instanceof KernelError) return error.code;
    throw error;
  }
  return undefined;
}

function drain(from: { tryReceive(): Event | undefined }): (string | undefined)[] {
  const texts = [];
  for (let event = from.tryReceive(); event !== undefined; event = from.tryReceive()) {
    texts.push(textOf(event));
  }
  return texts;
}

/** A task that stays until it is told to go. */
function sleeper(
  kernel: Kernel,
  setUp: (task: Task) => void = () => {},
): Promise<{ handle: TaskHandle; task: Task; end: () => void }> {
  return new Promise((resolve) => {
    const handle: TaskHandle = kernel.init.spawn(async (task) => {
      setUp(task);
      await new Promise<void>((end) => resolve({ handle, task, end }));
    });
  });
}

Deno.test("EventChannel.publish() hands every subscription an event of its own", async () => {
  await using kernel = new Kernel({ clock: new ManualClock() });
  const channel = kernel.init.createEventChannel("news");
  const [a, b] = [channel.subscribe(), channel.subscribe()];
  const bytes = new Uint8Array([1, 2, 3]);
  const result = channel.publish(note("hello"), { type: "bytes", value: bytes });
  bytes[0] = 9;
  assertEquals(result, { delivered: 2, dropped: 0 });
  const [first, second] = [await a.receive(), await b.receive()];
  assertNotStrictEquals(first, second);
  assert(first.payload.type === "bytes" && second.payload.type === "bytes");
  assertEquals(first.payload.value, new Uint8Array([1, 2, 3]));
  first.payload.value[1] = 7;
  assertEquals(second.payload.value, new Uint8Array([1, 2, 3]));
  assertEquals(first.delivery, { type: "channel", channelId: channel.channelId, priority: 2 });
  assertEquals(first.metadata.sender, kernel.init.id);
  for (const part of [first, first.delivery, first.content, first.payload, first.metadata]) {
    assert(Object.isFrozen(part));
  }
});

Deno.test("EventChannel has a channelId of name and number, and counts its subscriptions", async () => {
  await using kernel = new Kernel();
  const [one, two] = [kernel.init.createEventChannel("a"), kernel.init.createEventChannel("a")];
  assert(/^a#\d+$/.test(one.channelId));
  assert(one.channelId !== two.channelId);
  assertEquals([one.isActive, one.subscriberCount], [true, 0]);
  const subscription = one.subscribe();
  assertEquals(one.subscriberCount, 1);
  subscription.close();
  assertEquals(one.subscriberCount, 0);
  assert(one instanceof EventChannel && subscription instanceof EventSubscription);
  assertEquals(one.query().role, "eventChannel");
});

Deno.test("EventSubscription receives by priority, and in order inside one", async () => {
  await using kernel = new Kernel();
  const channel = kernel.init.createEventChannel("news");
  const subscription = channel.subscribe();
  const { LOW, NORMAL, HIGH, CRITICAL } = EventPriority;
  for (const priority of [LOW, CRITICAL, NORMAL, HIGH, LOW, CRITICAL, NORMAL, HIGH]) {
    channel.publish(note(`${priority}-${subscription.pending}`), undefined, { priority });
  }
  assertEquals(drain(subscription), ["4-1", "4-5", "3-3", "3-7", "2-2", "2-6", "1-0", "1-4"]);
});

Deno.test("EventSubscription with drop-newest keeps the old and counts the new", async () => {
  await using kernel = new Kernel();
  const channel = kernel.init.createEventChannel("news");
  const subscription = channel.subscribe({ bufferSize: 2 });
  assertEquals(channel.publish(note("1")), { delivered: 1, dropped: 0 });
  channel.publish(note("2"));
  assertEquals(channel.publish(note("3")), { delivered: 0, dropped: 1 });
  assertEquals([subscription.pending, subscription.dropped], [2, 1]);
  assertEquals(drain(subscription), ["1", "2"]);
});

Deno.test("EventSubscription with drop-oldest gives up the oldest of the least urgent", async () => {
  await using kernel = new Kernel();
  const channel = kernel.init.createEventChannel("news");
  const subscription = channel.subscribe({ bufferSize: 3, onOverflow: "drop-oldest" });
  channel.publish(note("critical"), undefined, { priority: 4 });
  for (const text of ["1", "2", "3"]) channel.publish(note(text));
  assertEquals(channel.publish(note("low"), undefined, { priority: 1 }), {
    delivered: 0,
    dropped: 1,
  });
  assertEquals(subscription.dropped, 2);
  assertEquals(drain(subscription), ["critical", "2", "3"]);
});

Deno.test("EventSubscription takes what any of its filters matches", async () => {
  await using kernel = new Kernel();
  const channel = kernel.init.createEventChannel("news");
  const subscription = channel.subscribe({
    filters: [{ type: "eventId", eventId: 7 }, { type: "eventType", eventType: "message" }],
  });
  channel.publish({ type: "custom", namespace: "n", eventId: 6 });
  channel.publish({ type: "custom", namespace: "n", eventId: 7 });
  channel.publish({ type: "message", messageType: 1, category: "c" });
  assertEquals(channel.publish(note("no")), { delivered: 0, dropped: 0 });
  assertEquals(subscription.pending, 2);
  const types = subscription.getFilters().map(({ handlerId, filter }) => [handlerId, filter.type]);
  assertEquals(types, [[-1, "eventId"], [-2, "eventType"]]);
  assertEquals([subscription.unregisterFilter(-1), subscription.unregisterFilter(-1)], [
    true,
    false,
  ]);
  subscription.unregisterFilter(-2);
  assertEquals(channel.publish(note("yes")).delivered, 1);
  subscription.registerFilter({ type: "channel", channel: channel.channelId }, 0);
  assertEquals(channel.publish(note("yes")).delivered, 1);
  assertEquals(
    codeOf(() => subscription.registerFilter({ type: "all" }, 0)),
    "ALREADY_EXISTS",
  );
  subscription.unregisterFilter(0);
  subscription.registerFilter({ type: "sender", sender: 99 }, 1);
  assertEquals(channel.publish(note("no")).delivered, 0);
  subscription.registerFilter({ type: "sender", sender: kernel.init.id }, 2);
  assertEquals(channel.publish(note("yes")).delivered, 1);
});

Deno.test("EventSubscription calls custom predicates at delivery, and counts one that throws", async () => {
  await using kernel = new Kernel();
  const channel = kernel.init.createEventChannel("news");
  const seen: Event[] = [];
  const subscription = channel.subscribe({
    filters: [{
      type: "custom",
      predicate(event) {
        seen.push(event);
        if (textOf(event) === "bad") throw new Error("predicate");
        return textOf(event) === "yes";
      },
    }],
  });
  channel.publish(note("no"));
  channel.publish(note("yes"));
  channel.publish(note("bad"));
  assertEquals([subscription.pending, subscription.dropped, seen.length], [1, 1, 3]);
  assert(Object.isFrozen(seen[0]));
});

Deno.test("EventChannel.publish() serves the rest when a predicate closes a subscription", async () => {
  await using kernel = new Kernel();
  const channel = kernel.init.createEventChannel("news");
  const first: EventSubscription = channel.subscribe({
    filters: [{ type: "custom", predicate: () => (second.close(), first.close(), true) }],
  });
  const second = channel.subscribe();
  const third = channel.subscribe();
  assertEquals(channel.publish(note("x")), { delivered: 1, dropped: 0 });
  assertEquals(third.pending, 1);
  assertEquals(channel.subscriberCount, 1);
});

Deno.test("EventSubscription.receive() drains, then throws PEER_CLOSED when no publisher is left", async () => {
  await using kernel = new Kernel();
  const channel = kernel.init.createEventChannel("news");
  const subscription = channel.subscribe();
  const readOnly = channel.duplicate(Rights.READ);
  channel.publish(note("last"));
  channel.close();
  assertEquals(readOnly.isActive, false);
  assertEquals(codeOf(() => readOnly.subscribe()), "PEER_CLOSED");
  assertEquals(textOf(await subscription.receive()), "last");
  const error = await assertRejects(() => subscription.receive(), EventError);
  assertEquals(error.code, "PEER_CLOSED");
  assert((subscription.tryWaitFor(Signals.PEER_CLOSED) & Signals.PEER_CLOSED) !== 0);
  assertEquals(codeOf(() => subscription.tryReceive()), "PEER_CLOSED");
});

Deno.test("EventSubscription.receive() that waits ends with PEER_CLOSED", async () => {
  await using kernel = new Kernel();
  const channel = kernel.init.createEventChannel("news");
  const subscription = channel.subscribe();
  const waiting = assertRejects(() => subscription.receive(), EventError);
  channel.close();
  assertEquals((await waiting).code, "PEER_CLOSED");
});

Deno.test("EventSubscription iterates until no publisher is left", async () => {
  await using kernel = new Kernel();
  const channel = kernel.init.createEventChannel("news");
  const subscription = channel.subscribe();
  for (const text of ["1", "2", "3"]) channel.publish(note(text));
  for await (const event of subscription) {
    assertEquals(textOf(event), "1");
    break; // leaving early loses nothing
  }
  channel.close();
  const texts = [];
  for await (const event of subscription) texts.push(textOf(event));
  assertEquals(texts, ["2", "3"]);
  assertEquals(subscription.closed, false);
});

Deno.test("EventChannel.createEventChannel() bounds the subscriptions", async () => {
  await using kernel = new Kernel();
  const channel = kernel.init.createEventChannel("news", { maxSubscribers: 1 });
  const one = channel.subscribe();
  assertEquals(codeOf(() => channel.subscribe()), "LIMIT_EXCEEDED");
  one.close();
  channel.subscribe();
});

Deno.test("EventChannel checks rights: READ to subscribe, WRITE to publish", async () => {
  await using kernel = new Kernel();
  const channel = kernel.init.createEventChannel("news");
  const subscriber = channel.duplicate(Rights.READ);
  const publisher = channel.duplicate(Rights.WRITE);
  assertEquals(codeOf(() => subscriber.publish(note("x"))), "ACCESS_DENIED");
  assertEquals(codeOf(() => publisher.subscribe()), "ACCESS_DENIED");
  const blind = subscriber.subscribe().replace(Rights.WAIT);
  assertEquals(codeOf(() => blind.tryReceive()), "ACCESS_DENIED");
  assertEquals(codeOf(() => blind.pending), "ACCESS_DENIED");
  assertEquals(codeOf(() => blind.getFilters()), "ACCESS_DENIED");
  assertEquals(codeOf(() => blind.onEvent(() => {})), "ACCESS_DENIED");
});

Deno.test("EventChannel.publishAsync() is held by full subscriptions, in order", async () => {
  await using kernel = new Kernel();
  const channel = kernel.init.createEventChannel("news");
  const slow = channel.subscribe({ bufferSize: 1, onOverflow: "block" });
  const other = channel.subscribe({ bufferSize: 1, onOverflow: "block" });
  const fast = channel.subscribe();
  assertEquals(channel.publish(note("0")), { delivered: 3, dropped: 0 });
  other.tryReceive();
  assertEquals(channel.publish(note("lost")), { delivered: 2, dropped: 1 });
  assertEquals(slow.dropped, 1);
  const done: string[] = [];
  const publishes = ["1", "2", "3"].map((text) =>
    channel.publishAsync(note(text)).then((result) => (done.push(text), result))
  );
  assertEquals(fast.pending, 5);
  assertEquals(textOf(await slow.receive()), "0");
  assertEquals(textOf(await slow.receive()), "1");
  assertEquals(done, []); // held by `other`
  assertEquals(drain(other), ["lost", "1", "2", "3"]);
  assertEquals(drain(slow), ["2", "3"]);
  assertEquals(await Promise.all(publishes), [
    { delivered: 3, dropped: 0 },
    { delivered: 3, dropped: 0 },
    { delivered: 3, dropped: 0 },
  ]);
  assertEquals(done, ["1", "2", "3"]);
});

Deno.test("EventChannel.publishAsync() ends with the time-out, or when the subscription closes", async () => {
  const clock = new ManualClock();
  await using kernel = new Kernel({ clock });
  const channel = kernel.init.createEventChannel("news");
  const slow = channel.subscribe({ bufferSize: 1, onOverflow: "block" });
  channel.publish(note("0"));
  const late = assertRejects(() => channel.publishAsync(note("1"), undefined, { timeoutMs: 10 }));
  clock.advance(10);
  assertEquals((await late as KernelError).code, "TIMED_OUT");
  const held = channel.publishAsync(note("2"));
  slow.close();
  assertEquals(await held, { delivered: 0, dropped: 0 });
});

Deno.test("EventReceiving.onEvent() calls every handler until it is taken away", async () => {
  await using kernel = new Kernel();
  const channel = kernel.init.createEventChannel("news");
  const subscription = channel.subscribe();
  const seen: string[] = [];
  const stopA = subscription.onEvent((event) => seen.push(`a${textOf(event)}`));
  const both = Promise.withResolvers<void>();
  const stopB = subscription.onEvent((event) => {
    seen.push(`b${textOf(event)}`);
    if (seen.length === 4) both.resolve();
  });
  channel.publish(note("1"));
  channel.publish(note("2"));
  await both.promise;
  assertEquals(seen, ["a1", "b1", "a2", "b2"]);
  stopA();
  stopB();
  channel.publish(note("3"));
  assertEquals(textOf(await subscription.receive()), "3");
});

Deno.test("EventReceiving.onEvent() takes no event that its handler would not get any more", async () => {
  await using kernel = new Kernel();
  const channel = kernel.init.createEventChannel("news");
  const subscription = channel.subscribe();
  const seen: unknown[] = [];
  const stop = subscription.onEvent((event) => seen.push(event));
  channel.publish(note("1"));
  stop();
  assertEquals(textOf(await subscription.receive()), "1");
  assertEquals(seen, []);
});

Deno.test("EventReceiving.onEvent() goes on after the task was stopped", async () => {
  await using kernel = new Kernel();
  const { handle, task } = await sleeper(kernel);
  const seen: unknown[] = [];
  const got = Promise.withResolvers<void>();
  task.events.onEvent((event) => {
    seen.push(textOf(event));
    if (seen.length === 2) got.resolve();
  });
  handle.send(note("1"));
  handle.send({ type: "processControl", control: "stop" });
  handle.send(note("2"));
  await Promise.resolve();
  assertEquals(seen, []);
  handle.send({ type: "processControl", control: "continue" });
  await got.promise;
  assertEquals(seen, ["1", "2"]);
});

Deno.test("EventReceiving.onEvent() crashes the task when a handler throws, after the others", async () => {
  await using kernel = new Kernel();
  const seen: string[] = [];
  const child = kernel.init.spawn(async (task) => {
    task.events.onEvent(() => {
      throw new Error("handler");
    });
    task.events.onEvent((event) => seen.push(String(textOf(event))));
    await new Promise(() => {});
  });
  child.send(note("x"));
  const status = await child.wait();
  assert(status.state === "crashed");
  assertEquals([status.error.message, seen], ["handler", ["x"]]);
});

Deno.test("EventReceiving.onEvent() crashes the task when an async handler rejects", async () => {
  await using kernel = new Kernel();
  const child = kernel.init.spawn(async (task) => {
    task.events.onEvent(() => Promise.reject(new Error("later")));
    await new Promise(() => {});
  });
  child.send(note("x"));
  const status = await child.wait();
  assert(status.state === "crashed");
  assertEquals(status.error.message, "later");
});

Deno.test("EventSubscription is read as a stream of encoded records", async () => {
  await using kernel = new Kernel();
  const { init } = kernel;
  const channel = init.createEventChannel("news");
  const subscription = channel.subscribe();
  channel.publish({ type: "message", messageType: -5, category: "ä" }, {
    type: "integer",
    value: -7n,
  });
  const needed = await assertRejects(
    async () => await init.syscall(200, subscription.number, new Uint8Array(8)),
    EventError,
  );
  assertEquals(needed.code, "BUFFER_TOO_SMALL");
  const buffer = new Uint8Array(needed.needed ?? 0);
  assertEquals(await init.syscall(200, subscription.number, buffer), buffer.length);
  const event = decodeEvent(buffer);
  assertEquals(event.content, { type: "message", messageType: -5, category: "ä" });
  assertEquals(event.payload, { type: "integer", value: -7n });
  assertEquals(event.delivery, { type: "channel", channelId: channel.channelId, priority: 2 });
  channel.close();
  assertEquals(await init.syscall(200, subscription.number, buffer), 0);
});

Deno.test("EventChannel.publish() refuses hostile content and changes nothing", async () => {
  await using kernel = new Kernel();
  const channel = kernel.init.createEventChannel("news");
  const subscription = channel.subscribe();
  const publish = channel.publish.bind(channel) as (...args: unknown[]) => unknown;
  const hostile = {
    get type(): string {
      throw new Error("getter");
    },
  };
  const bad: [unknown, unknown?, unknown?][] = [
    [undefined],
    [null],
    ["text"],
    [hostile],
    [{ type: "nothing" }],
    [{ type: "notification" }],
    [{ type: "notification", notification: 5 }],
    [{ type: "custom", namespace: "n", eventId: NaN }],
    [{ type: "message", category: "c", messageType: 0.5 }],
    [{ type: "processControl", control: "reboot" }],
    [{ type: "processControl", control: { user: "1" } }],
    [note("x"), { type: "integer", value: 5 }],
    [note("x"), { type: "bytes", value: [1] }],
    [note("x"), { type: "bytes", value: new Uint8Array(new SharedArrayBuffer(4)) }],
    [note("x"), { type: "string" }],
    [note("x"), { type: "many" }],
    [note("x"), hostile],
    [note("x"), undefined, { priority: 2.5 }],
    [note("x"), undefined, 5],
  ];
  for (const args of bad) assertEquals(codeOf(() => publish(...args)), "INVALID_ARGUMENT");
  assertEquals(codeOf(() => publish(note("x"), undefined, { priority: 5 })), "OUT_OF_RANGE");
  assertEquals(
    codeOf(() => publish(note("x"), { type: "integer", value: 2n ** 63n })),
    "OUT_OF_RANGE",
  );
  assertEquals(codeOf(() => publish(note("x".repeat(5_000)))), "OUT_OF_RANGE");
  assertEquals([subscription.pending, subscription.dropped], [0, 0]);
});

Deno.test("EventSubscription's room is charged to the subscriber and given back", async () => {
  await using kernel = new Kernel({ limits: { queuedEvents: 100, bufferBytes: 10 } });
  const usage = () => kernel.tasks()[0]?.usage;
  const before = usage();
  const channel = kernel.init.createEventChannel("news");
  assertEquals(codeOf(() => channel.subscribe()), "LIMIT_EXCEEDED"); // 256
  const subscription = channel.subscribe({ bufferSize: 100 });
  assertEquals(usage()?.queuedEvents, 100);
  const ten = { type: "bytes", value: new Uint8Array(10) } as const;
  channel.publish(note("x"), ten);
  assertEquals(usage()?.bufferBytes, 10);
  assertEquals(codeOf(() => channel.publish(note("x"), ten)), "LIMIT_EXCEEDED");
  subscription.tryReceive();
  channel.publish(note("x"), ten);
  subscription.close();
  channel.close();
  assertEquals(usage(), before);
});

Deno.test("TaskHandle.send() stamps sender, id and time, and delivers directly", async () => {
  const clock = new ManualClock();
  await using kernel = new Kernel({ clock });
  clock.advance(5);
  const { handle, task } = await sleeper(kernel);
  handle.send(note("a"), { type: "string", value: "text" });
  clock.advance(5);
  handle.send(note("b"));
  const [a, b] = [await task.events.receive(), await task.events.receive()];
  assertEquals(a.delivery, { type: "direct", target: task.id, priority: 2, reliable: false });
  assertEquals(a.payload, { type: "string", value: "text" });
  assertEquals(b.payload, { type: "empty" });
  assertEquals([a.metadata.timestampMs, b.metadata.timestampMs], [5, 10]);
  assertEquals(a.metadata.sender, kernel.init.id);
  assert(a.metadata.eventId < b.metadata.eventId);
});

Deno.test("TaskHandle.send() without reliability drops and counts when the queue is full", async () => {
  await using kernel = new Kernel();
  const { handle, task } = await sleeper(kernel);
  for (let i = 0; i < 257; i++) handle.send(note(`${i}`));
  assertEquals([task.events.pending, task.events.dropped], [256, 1]);
});

Deno.test("TaskHandle.send() in immediate mode passes filters and a full queue, at least HIGH", async () => {
  await using kernel = new Kernel({ limits: { queuedEvents: 2 } });
  const { handle, task } = await sleeper(kernel);
  task.events.configureDelivery({ bufferSize: 1 });
  task.events.registerFilter({ type: "eventId", eventId: 1 }, 0);
  handle.send(note("refused"));
  assertEquals([task.events.pending, task.events.dropped], [0, 0]);
  handle.send({ type: "custom", namespace: "n", eventId: 1 });
  handle.send(note("forced"), undefined, { mode: "immediate", priority: EventPriority.LOW });
  handle.send(note("forced"), undefined, { mode: "immediate", priority: EventPriority.CRITICAL });
  // Forced events count against their sender one by one.
  assertEquals(
    codeOf(() => handle.send(note("forced"), undefined, { mode: "immediate" })),
    "LIMIT_EXCEEDED",
  );
  const priorities = [];
  for (let event = task.events.tryReceive(); event; event = task.events.tryReceive()) {
    priorities.push(event.metadata.priority);
  }
  assertEquals(priorities, [4, 3, 2]);
  handle.send(note("forced"), undefined, { mode: "immediate" });
});

Deno.test("TaskHandle.send() needs SIGNAL_TASK for process control, WRITE for the rest", async () => {
  await using kernel = new Kernel();
  const { handle } = await sleeper(kernel);
  const writer = handle.duplicate(Rights.WRITE);
  const signaller = handle.duplicate(Rights.SIGNAL_TASK);
  const quit = { type: "processControl", control: "quit" } as const;
  assertEquals(codeOf(() => writer.send(quit)), "ACCESS_DENIED");
  assertEquals(codeOf(() => signaller.send(note("x"))), "ACCESS_DENIED");
  writer.send(note("x"));
  signaller.send(quit);
});

Deno.test("TaskHandle.send() of kill ends the task; the dead take no events", async () => {
  await using kernel = new Kernel();
  const { handle } = await sleeper(kernel);
  handle.send({ type: "processControl", control: "kill" });
  assertEquals(await handle.wait(), { state: "killed" });
  const error = assertThrows(() => handle.send(note("x")), EventError);
  assertEquals(error.code, "TASK_DEAD");
  handle.send({ type: "processControl", control: "kill" }); // as kill()
});

Deno.test("TaskHandle.send() of stop suspends the task's calls, continue resumes them", async () => {
  await using kernel = new Kernel();
  const { handle, task } = await sleeper(kernel);
  handle.send({ type: "processControl", control: "stop" });
  assertEquals(kernel.tasks()[1]?.state, "stopped");
  const waiting = task.events.receive();
  handle.send(note("x"));
  assertEquals(codeOf(() => task.createPipe()), "INVALID_STATE");
  handle.send({ type: "processControl", control: "continue" });
  assertEquals(textOf(await waiting), "x");
  assertEquals(task.events.pending, 0);
});

for (const control of ["terminate", "interrupt"] as const) {
  Deno.test(`TaskHandle.send() of ${control} aborts the task's signal and arrives`, async () => {
    await using kernel = new Kernel();
    const { handle, task } = await sleeper(kernel);
    handle.send({ type: "processControl", control });
    assert(task.signal.aborted);
    const event = await task.events.receive();
    assertEquals(event.content, { type: "processControl", control });
    assertEquals(event.delivery, { type: "direct", target: task.id, priority: 3, reliable: true });
  });

  Deno.test(`TaskHandle.send() of ${control} only arrives where it is handled`, async () => {
    await using kernel = new Kernel();
    const { handle, task } = await sleeper(kernel);
    task.events.registerFilter({ type: "eventType", eventType: "processControl" }, 1);
    handle.send({ type: "processControl", control });
    assertEquals([task.signal.aborted, task.events.pending], [false, 1]);
  });
}

Deno.test("TaskHandle.send() of other process control only arrives", async () => {
  await using kernel = new Kernel();
  const { handle, task } = await sleeper(kernel);
  for (const control of ["quit", "hangup", "alarm", "ioReady", { user: 3 }] as const) {
    handle.send({ type: "processControl", control });
    assertEquals((await task.events.receive()).content, { type: "processControl", control });
  }
  assertEquals(task.signal.aborted, false);
});

Deno.test("Task.events tells a parent of its child's end", async () => {
  await using kernel = new Kernel();
  const child = kernel.init.spawn(() => 5);
  await child.wait();
  const event = await kernel.init.events.receive();
  assertEquals(event.content, { type: "processControl", control: "childExit" });
  assertEquals(event.metadata.sender, 0);
  assert(event.payload.type === "string");
  assertEquals(JSON.parse(event.payload.value), { taskId: child.taskId, state: "exited", code: 0 });
  const crash = kernel.init.spawn(() => Promise.reject(new Error("no")));
  await crash.wait();
  const { payload } = await kernel.init.events.receive();
  assert(payload.type === "string");
  assertEquals(JSON.parse(payload.value), {
    taskId: crash.taskId,
    state: "crashed",
    message: "no",
  });
});

Deno.test("Task.events tells of a broken pipe where it is asked for", async () => {
  await using kernel = new Kernel();
  const { init } = kernel;
  const { reader, writer } = init.createPipe();
  reader.close();
  assertEquals(codeOf(() => writer.tryWrite(new Uint8Array(1))), "BROKEN_PIPE");
  assertEquals(init.events.pending, 0);
  init.events.registerFilter({ type: "eventType", eventType: "processControl" }, 0);
  assertEquals(codeOf(() => writer.tryWrite(new Uint8Array(1))), "BROKEN_PIPE");
  const event = await init.events.receive();
  assertEquals(event.content, { type: "processControl", control: "pipeBroken" });
  assertEquals(event.payload, { type: "string", value: `{"handle":${writer.number}}` });
});

Deno.test("Task.events is not a handle that could be closed, replaced or sent away", async () => {
  await using kernel = new Kernel();
  const { init } = kernel;
  assertEquals(codeOf(() => init.syscall(102, -1)), "NOT_SUPPORTED");
  assertEquals(codeOf(() => init.syscall(103, -1, Rights.SAME)), "ACCESS_DENIED");
  assertEquals(codeOf(() => init.syscall(104, -1, Rights.READ)), "NOT_SUPPORTED");
  assertEquals(codeOf(() => init.syscall(612, -1)), "NOT_SUPPORTED");
  assertEquals(codeOf(() => init.syscall(120, -1, 0, Signals.USER_0)), "ACCESS_DENIED");
  assertEquals(kernel.tasks()[0]?.handles, []);
});

Deno.test("TaskEvents.configureDelivery() refuses nonsense", async () => {
  await using kernel = new Kernel({ limits: { queuedEvents: 10 } });
  const { events } = kernel.init;
  const configure = events.configureDelivery.bind(events) as (config: unknown) => void;
  for (
    const config of [
      { bufferSize: 0 },
      { bufferSize: 1.5 },
      { timeoutMs: -1 },
      { timeoutMs: NaN },
      { retryCount: -1 },
      { retryCount: 33 },
      { failurePolicy: "panic" },
    ]
  ) assertEquals(codeOf(() => configure(config)), "INVALID_CONFIGURATION");
  assertEquals(codeOf(() => configure({ bufferSize: 267 })), "LIMIT_EXCEEDED");
  configure({ bufferSize: 266 });
  assertEquals(kernel.tasks()[0]?.usage.queuedEvents, 10);
  configure({ bufferSize: 1 });
  assertEquals(kernel.tasks()[0]?.usage.queuedEvents, 0);
});
