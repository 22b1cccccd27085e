import { assert, assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import { Kernel, KernelError, Rights, type SpawnOptions, type TaskHandle } from "@carmine/kernel";

/** Starts a program of the folder beside this file. */
function start(kernel: Kernel, file: string, options: SpawnOptions = {}): TaskHandle {
  return kernel.init.spawn(new URL(`./worker_programs/${file}`, import.meta.url), options);
}

/** What a program that exits with a value gives. */
async function valueOf(child: TaskHandle): Promise<unknown> {
  const status = await child.wait();
  if (status.state === "crashed") throw status.error;
  assertEquals(status.state, "exited");
  return status.state === "exited" ? status.value : undefined;
}

/** Checks that nothing of ended tasks is left. */
async function assertNothingLeft(kernel: Kernel): Promise<void> {
  assertEquals(kernel.tasks().map(({ name }) => name), ["init"]);
  const [init] = kernel.tasks();
  assertEquals(init?.usage.children, 0);
  assertEquals(init?.usage.pendingWaits, 0);
  assertEquals(await kernel.shutdown(), { lingering: [] });
}

Deno.test("a task in a worker blocks, awaits and tries at the same time", async () => {
  await using kernel = new Kernel();
  const { init } = kernel;
  const input = init.createPipe();
  const output = init.createPipe();
  const gate = init.createCounter();
  const child = start(kernel, "calls.ts", {
    handles: { input: input.reader, output: output.writer, gate: gate.duplicate() },
  });
  const buffer = new Uint8Array(65_536);
  assertEquals(await output.reader.read(buffer.subarray(0, 4)) > 0, true);
  await input.writer.write(Uint8Array.of(21, 22));
  let sum = 0;
  for (let n = 0; (n = await output.reader.read(buffer)) > 0;) {
    sum += buffer.subarray(0, n).reduce((sum, byte) => sum + byte, 0);
    if (sum >= 500 * 5) await gate.add(1);
  }
  assert(sum >= 500 * 5 + 200_000 * 6);
  const status = await child.wait();
  assertEquals(status.state === "exited" && status.code, 3);
  assertEquals(await valueOf(child), [3, 1, 2, [21, 22], -1, 65_536, 500, await lastOf(child)]);
  await assertNothingLeft(kernel);
});

/** The last element of a program's value. */
async function lastOf(child: TaskHandle): Promise<unknown> {
  return (await valueOf(child) as unknown[]).at(-1);
}

Deno.test("a task in a worker ends with the code and value that it gives", async () => {
  await using kernel = new Kernel();
  const ends = ["returns", "exits", "exits late"].map((how) =>
    start(kernel, "ends.ts", { args: [how] }).wait()
  );
  assertEquals(await Promise.all(ends), [
    { state: "exited", code: 0 },
    {
      state: "exited",
      code: 7,
      value: { list: [1, 2n, "three"], bytes: Uint8Array.of(4), map: new Map([["a", null]]) },
    },
    { state: "exited", code: 8 },
  ]);
  await assertNothingLeft(kernel);
});

Deno.test("a task in a worker crashes with the error that nobody caught", async () => {
  await using kernel = new Kernel();
  const ends = ["throws", "rejects", "throws late", "throws a kernel's error"].map((how) =>
    start(kernel, "ends.ts", { args: [how] }).wait()
  );
  const errors = (await Promise.all(ends)).map((status) =>
    status.state === "crashed" ? `${status.error.name}: ${status.error.message}` : status.state
  );
  assertEquals(errors, [
    "RangeError: out of luck",
    "TypeError: nobody caught it",
    "Error: late",
    'KernelError: Cannot find a handle named "missing": the task was given none',
  ]);
  await assertNothingLeft(kernel);
});

Deno.test("a module that can't be loaded is a task that crashed", async () => {
  await using kernel = new Kernel();
  const imports = "data:text/javascript,import 'file:///there/is/no/such/module.js'";
  for (const program of [imports, "file:///there/is/no/such/program.ts"]) {
    const status = await kernel.init.spawn(new URL(program)).wait();
    assert(status.state === "crashed");
    assertStringIncludes(status.error.message, "Cannot load the task");
    for (const noise of ["\x1b", "at data:"]) {
      assertEquals(status.error.message.includes(noise), false, status.error.message);
    }
  }
  await assertNothingLeft(kernel);
});

for (const how of ["blocks", "waits", "runs"]) {
  Deno.test(`TaskHandle.kill() ends a task in a worker that ${how}`, async () => {
    await using kernel = new Kernel();
    const ready = kernel.init.createCounter();
    const child = start(kernel, "ends.ts", {
      args: [how],
      handles: { ready: ready.duplicate(), never: kernel.init.createCounter() },
    });
    await ready.take();
    child.kill();
    assertEquals(await child.wait(), { state: "killed" });
    await assertNothingLeft(kernel);
  });
}

Deno.test("TaskHandle.kill() ends a task in a worker while it starts", async () => {
  await using kernel = new Kernel();
  const child = start(kernel, "ends.ts", { args: ["runs"] });
  child.kill();
  assertEquals(await child.wait(), { state: "killed" });
  await assertNothingLeft(kernel);
});

Deno.test("hardKill ends a task in a worker that never yields", async () => {
  await using kernel = new Kernel({ hardKill: "debugger" });
  const ready = kernel.init.createCounter();
  const child = start(kernel, "ends.ts", {
    args: ["loops"],
    handles: { ready: ready.duplicate() },
  });
  await ready.take();
  child.kill();
  assertEquals(await child.wait(), { state: "killed" });
  await kernel.shutdown();
  assertEquals(await kernel.shutdown(), { lingering: [] });
});

// Through memory; and by calls that don't wait, which could only fail while the task is stopped.
for (const [how, without] of [["counts", Rights.NONE], ["counts at once", Rights.MAP]] as const) {
  Deno.test(`stop and continue hold a task in a worker that ${how} at its next call`, async () => {
    await using kernel = new Kernel();
    const counted = kernel.init.createCounter();
    const child = start(kernel, "ends.ts", {
      args: [how],
      handles: { counted: counted.duplicate(counted.rights & ~without) },
    });
    await counted.take();
    child.send({ type: "processControl", control: "stop" });
    assertEquals(kernel.tasks()[1]?.state, "stopped");
    counted.tryTake();
    for (let i = 0; i < 20; i++) await new Promise((resolve) => setTimeout(resolve));
    assertEquals(counted.value, 0n);
    assertEquals(kernel.tasks()[1]?.state, "stopped");
    child.send({ type: "processControl", control: "continue" });
    assert(await counted.take() > 0n);
    child.kill();
    await child.wait();
    await assertNothingLeft(kernel);
  });
}

Deno.test("terminate aborts the signal of a task in a worker", async () => {
  await using kernel = new Kernel();
  const ready = kernel.init.createCounter();
  const child = start(kernel, "ends.ts", {
    args: ["listens"],
    handles: { ready: ready.duplicate() },
  });
  await ready.take();
  child.send({ type: "processControl", control: "terminate" });
  assertEquals(await child.wait(), { state: "exited", code: 9, value: true });
});

Deno.test("a task in a worker uses queues, counters, timers, events and its console", async () => {
  await using kernel = new Kernel();
  const { init } = kernel;
  const server = init.createMessageQueue();
  const requests = init.createMessageQueue();
  const log = init.createPipe();
  const counter = init.createCounter();
  const child = start(kernel, "objects.ts", {
    handles: { server: server.sender, requests: requests.receiver, stderr: log.writer },
  });
  const call = await server.receiver.receive();
  assertEquals(new TextDecoder().decode(call.bytes), "ping");
  server.receiver.reply(call, new TextEncoder().encode("pong"));
  await requests.sender.send(new TextEncoder().encode("add"), { handles: [counter.duplicate()] });
  child.send({ type: "notification", notification: "childExit" }, { type: "string", value: "hi" });
  assertEquals(await valueOf(child), {
    callSync: "pong",
    receiveSync: "add",
    takeSync: 3n,
    timeout: "TIMED_OUT",
    timer: 1,
    event: { type: "string", value: "hi" },
    waitManySync: true,
    aborted: ["CANCELED", "enough"],
    abortedBefore: "CANCELED",
    longMessage: 100_000,
  });
  assertEquals(await counter.take(), 5n);
  const buffer = new Uint8Array(100);
  const length = await log.reader.read(buffer);
  assertEquals(new TextDecoder().decode(buffer.subarray(0, length)), "to the console\n");
  await assertNothingLeft(kernel);
});

Deno.test("a task in a worker receives messages of any length, and loses none", async () => {
  await using kernel = new Kernel({ limits: { bufferBytes: 2 ** 30 } });
  const longest = 18 * 1_024 * 1_024;
  const sizes = { maxBytes: 3 * longest, maxMessageBytes: longest };
  const { sender, receiver } = kernel.init.createMessageQueue(sizes);
  for (const value of [1, 2, 3]) sender.trySend(new Uint8Array(longest).fill(value));
  const child = start(kernel, "long_messages.ts", { handles: { in: receiver, out: sender } });
  assertEquals(await valueOf(child), {
    short: ["BUFFER_TOO_SMALL", longest],
    long: ["MESSAGE_TOO_LONG", undefined],
    first: longest,
    second: true,
    third: longest,
    sent: ["MESSAGE_TOO_LONG", undefined],
  });
  await assertNothingLeft(kernel);
});

Deno.test("a task in a worker prints on when nobody reads its stderr any more", async () => {
  await using kernel = new Kernel();
  const { reader, writer } = kernel.init.createPipe();
  reader.close();
  const child = start(kernel, "prints.ts", { handles: { stderr: writer } });
  assertEquals(await valueOf(child), "printed");
  await assertNothingLeft(kernel);
});

Deno.test("Task.spawn() refuses what a worker can't be confined to before anything has begun", async () => {
  await using kernel = new Kernel();
  const { reader, writer } = kernel.init.createPipe();
  const here = new URL("./worker_programs/", import.meta.url).href;
  const refused: [entry: string, imports: string[], message: RegExp][] = [
    ["npm:chalk", [], /a task can't start from npm:chalk: give a file:/],
    [`${here}x.cjs`, [], /a task can't start from file:.*x\.cjs: it is CommonJS/],
    [`${here}..%2fx.ts`, [], /a task can't start from file:.*%2fx\.ts: .*in escaped form/],
    [`${here}ends.ts`, ["npm:chalk"], /a task can't be let import npm:chalk: give an absolute/],
    [`${here}ends.ts`, ["../x.ts"], /a task can't be let import \.\.\/x\.ts: give an absolute/],
  ];
  for (const [entry, imports, message] of refused) {
    const error = assertThrows(
      () => kernel.init.spawn(new URL(entry), { imports, handles: { input: reader } }),
      KernelError,
    );
    assertEquals([error.code, error.syscall], ["INVALID_ARGUMENT", "task_spawn"]);
    assertMatch(error.message, message);
  }
  assertEquals(await writer.write(Uint8Array.of(1)), 1);
  assertEquals(await reader.read(new Uint8Array(1)), 1);
  assertEquals(kernel.tasks().map(({ name }) => name), ["init"]);
});

Deno.test("what can't leave a worker is refused precisely, and changes nothing", async () => {
  await using kernel = new Kernel();
  const value = await valueOf(start(kernel, "refused.ts")) as Record<string, unknown>;
  for (const name of ["predicate", "program", "value"]) {
    assertMatch(String(value[name]), /^NOT_SUPPORTED: Cannot .*a function can't leave its thread$/);
  }
  assertEquals(value.number, "NO_SUCH_SYSCALL: No syscall has the number 123456");
  assertEquals(value.reserved, [7, 8]);
  assertMatch(String(value.again), /^INVALID_STATE/);
  await assertNothingLeft(kernel);
});

Deno.test("a task in a worker spawns what it may load itself, and hands on its handles", async () => {
  await using kernel = new Kernel();
  const { reader, writer } = kernel.init.createPipe();
  const value = await valueOf(start(kernel, "parent.ts", { handles: { output: writer } }));
  const { event, ...rest } = value as Record<string, unknown>;
  assertEquals(rest, {
    status: { state: "exited", code: 4, value: ["output"] },
    moved: true,
    crash: ["RangeError", "out of luck"],
    outside: "PERMISSION_DENIED",
    wider: "PERMISSION_DENIED",
    limits: "LIMIT_EXCEEDED",
  });
  assertStringIncludes(JSON.stringify(event), "exited");
  const buffer = new Uint8Array(10);
  const length = await reader.read(buffer);
  assertEquals(new TextDecoder().decode(buffer.subarray(0, length)), "child");
  assertEquals(await reader.read(buffer), 0);
  await assertNothingLeft(kernel);
});

Deno.test("limits hold for a task in a worker", async () => {
  await using kernel = new Kernel();
  const limits = { bufferBytes: 65_536, handles: 16 };
  assertEquals(await valueOf(start(kernel, "hoards.ts", { limits })), [
    "LIMIT_EXCEEDED",
    "TOO_MANY_HANDLES",
  ]);
  await assertNothingLeft(kernel);
});

Deno.test("a deadline ends a task in a worker that blocks", async () => {
  await using kernel = new Kernel();
  const ready = kernel.init.createCounter();
  const child = start(kernel, "ends.ts", {
    args: ["blocks"],
    limits: { deadlineMs: 1 },
    handles: { ready: ready.duplicate(), never: kernel.init.createCounter() },
  });
  assertEquals(await child.wait(), { state: "killed" });
  await assertNothingLeft(kernel);
});

Deno.test("shutdown ends every task in a worker, whatever it does", async () => {
  await using kernel = new Kernel();
  const ready = kernel.init.createCounter();
  const ways = ["blocks", "waits", "runs", "listens", "blocks", "waits"];
  for (const how of ways) {
    start(kernel, "ends.ts", {
      args: [how],
      handles: { ready: ready.duplicate(), never: kernel.init.createCounter() },
    });
  }
  for (let begun = 0n; begun < ways.length;) begun += await ready.take();
  start(kernel, "ends.ts", { args: ["runs"] }); // this one is still being loaded
  assertEquals(await kernel.shutdown(), { lingering: [] });
  assertEquals(kernel.tasks(), []);
});
