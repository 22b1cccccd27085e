import { assert, assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import {
  Kernel,
  KernelError,
  type KernelOptions,
  type LogRecord,
  ManualClock,
  type Program,
  Rights,
  Signals,
  type SpawnOptions,
  type TaskInfo,
} from "@carmine/kernel";

function errorOf(run: () => unknown): KernelError {
  return assertThrows(run, KernelError);
}

const idle: Program = () => new Promise(() => {});

function init(kernel: Kernel): TaskInfo {
  return kernel.tasks()[0] as TaskInfo;
}

Deno.test("Kernel.tasks() tells who lives and what they hold and use", async () => {
  await using kernel = new Kernel();
  const { reader } = kernel.init.createPipe({ capacity: 128 });
  kernel.init.spawn(idle, { name: "child", handles: { reader } });
  const [first, child] = kernel.tasks();
  assertEquals([first?.id, first?.name, first?.parent], [kernel.init.id, "init", 0]);
  assertEquals([child?.name, child?.parent, child?.state], ["child", kernel.init.id, "created"]);
  assertEquals(child?.handles.map(({ type, role }) => [type, role]), [["pipe reader", "regular"]]);
  assertEquals([child?.usage.handles, first?.usage.bufferBytes], [1, 128]);
  assertEquals([first?.usage.children, first?.usage.objects], [1, 3]);
});

function hostile(): never {
  throw new Error("hostile");
}

Deno.test("Task.spawn() that fails changes nothing", async () => {
  await using kernel = new Kernel({ limits: { children: 2, objects: 6 } });
  const task = kernel.init;
  const { reader, writer } = task.createPipe();
  const stuck = reader.duplicate(Rights.READ);
  const own = task.createPipe({ closeOnSpawn: true }).reader;
  const attempts: [code: string, program: unknown, options: unknown][] = [
    ["INVALID_ARGUMENT", 7, { handles: { reader } }],
    ["INVALID_ARGUMENT", undefined, {}],
    ["INVALID_ARGUMENT", new Proxy({}, { getPrototypeOf: hostile }), { handles: { reader } }],
    ["ACCESS_DENIED", idle, { handles: { writer, stuck } }],
    ["INVALID_ARGUMENT", idle, { handles: { writer, own } }],
    ["INVALID_ARGUMENT", idle, { handles: { a: reader, b: reader } }],
    ["BAD_HANDLE", idle, { handles: { reader, none: {} } }],
    ["BAD_HANDLE", idle, { handles: { reader, none: undefined } }],
    ["TOO_MANY_HANDLES", idle, { handles: { reader, writer }, limits: { handles: 1 } }],
    ["LIMIT_EXCEEDED", idle, { handles: { reader }, limits: { objects: 7 } }],
    ["LIMIT_EXCEEDED", idle, { handles: { reader }, limits: { handles: 2_000 } }],
    ["INVALID_ARGUMENT", idle, { handles: { reader }, limits: { handles: 0 } }],
    ["INVALID_ARGUMENT", idle, { handles: { reader }, limits: { objects: NaN } }],
    ["INVALID_ARGUMENT", idle, { handles: { reader }, limits: { children: 1.5 } }],
    ["INVALID_ARGUMENT", idle, { handles: { reader }, limits: { deadlineMs: -1 } }],
    ["INVALID_ARGUMENT", idle, { handles: { reader }, limits: 5 }],
    ["INVALID_ARGUMENT", idle, { handles: { reader }, args: [1] }],
    ["INVALID_ARGUMENT", idle, { handles: { reader }, args: "text" }],
    ["INVALID_ARGUMENT", idle, { handles: { reader }, name: 5 }],
    ["OUT_OF_RANGE", idle, { handles: { reader }, name: "x".repeat(256) }],
    ["INVALID_ARGUMENT", idle, { handles: 5 }],
    ["INVALID_ARGUMENT", idle, null],
    ["INVALID_ARGUMENT", idle, 5],
  ];
  const before = kernel.tasks();
  for (const [code, program, options] of attempts) {
    const error = errorOf(() => task.spawn(program as Program, options as SpawnOptions));
    assertEquals([error.code, error.syscall], [code, "task_spawn"], error.message);
    assertEquals(error.message.startsWith("Cannot spawn a task: "), true, error.message);
    assertEquals(kernel.tasks(), before, error.message);
  }
});

Deno.test("Task.spawn() refuses hostile options as KernelErrors, and reads each option once", async () => {
  await using kernel = new Kernel();
  const before = kernel.tasks();
  const trap = () => {
    throw new Error("trap");
  };
  const hostile: unknown[] = [
    new Proxy({}, { get: trap }),
    { handles: new Proxy({}, { ownKeys: trap }) },
    { handles: new Proxy({ a: 1 }, { getOwnPropertyDescriptor: trap }) },
    {
      handles: {
        get reader() {
          return trap();
        },
      },
    },
    {
      get name() {
        return trap();
      },
    },
    { limits: new Proxy({}, { get: trap }) },
    { args: new Proxy([], { get: trap }) },
    {
      get handles() {
        throw new KernelError("REVOKED", "forged");
      },
    },
  ];
  for (const options of hostile) {
    const error = errorOf(() => kernel.init.spawn(idle, options as SpawnOptions));
    assertEquals([error.code, error.syscall], ["INVALID_ARGUMENT", "task_spawn"]);
    assertEquals(kernel.tasks(), before);
  }
  const reads = new Map<PropertyKey, number>();
  const counting = new Proxy({ name: "counted", args: ["a"] }, {
    get(target, name) {
      reads.set(name, (reads.get(name) ?? 0) + 1);
      return Reflect.get(target, name);
    },
  });
  kernel.init.spawn(idle, counting);
  assertEquals([...new Set(reads.values())], [1]);
  assertEquals(kernel.tasks().at(-1)?.name, "counted");
});

Deno.test("Task.spawn() takes a program's name for what it is worth", async () => {
  await using kernel = new Kernel();
  const { reader } = kernel.init.createPipe();
  const named = (name: unknown) => Object.defineProperty(() => {}, "name", { get: () => name });
  const programs = [
    named("x".repeat(1_000)),
    named({ toString: () => "evil" }),
    Object.defineProperty(() => {}, "name", {
      get() {
        throw new Error("name");
      },
    }),
    new Proxy(() => {}, {
      get() {
        throw new Error("trap");
      },
    }),
  ];
  for (const program of programs) kernel.init.spawn(program).close();
  assertEquals(
    kernel.tasks().slice(1).map(({ name }) => name),
    ["x".repeat(255), "task", "task", "task"],
  );
  const closing = Object.defineProperty(() => {}, "name", {
    get() {
      reader.close();
      return "closing";
    },
  });
  const error = errorOf(() => kernel.init.spawn(closing, { handles: { reader } }));
  assertEquals(error.code, "BAD_HANDLE");
});

Deno.test("Task.spawn() moves handles; the parent's are BAD_HANDLE from then on", async () => {
  await using kernel = new Kernel();
  const { reader, writer } = kernel.init.createPipe();
  const child = kernel.init.spawn((task) => task.handles, { handles: { b: reader, a: writer } });
  assertEquals([reader.closed, writer.closed], [true, true]);
  assertEquals(errorOf(() => reader.tryRead(new Uint8Array(1))).code, "BAD_HANDLE");
  assertEquals(await child.wait(), { state: "exited", code: 0, value: ["b", "a"] });
});

Deno.test("a limit on time kills the task, and nothing of the limit is left", async () => {
  const clock = new ManualClock();
  const logs: LogRecord[] = [];
  await using kernel = new Kernel({ clock, onLog: (record) => logs.push(record) });
  const child = kernel.init.spawn(idle, { name: "slow", limits: { deadlineMs: 100 } });
  clock.advance(99);
  assertEquals(kernel.tasks().length, 2);
  clock.advance(1);
  assertEquals(kernel.tasks().length, 1);
  assertEquals(await child.wait(), { state: "killed" });
  assertEquals(logs.map(({ level, taskId }) => [level, taskId]), [["warn", child.taskId]]);
});

Deno.test("a limit on time ends descendants at the latest: nobody lives on by spawning", async () => {
  const clock = new ManualClock();
  await using kernel = new Kernel({ clock });
  kernel.init.spawn((task) => {
    clock.schedule(90, () => {
      task.spawn(idle, { name: "heir" });
    });
    return new Promise(() => {});
  }, { name: "old", limits: { deadlineMs: 100 } });
  await Promise.resolve();
  await Promise.resolve();
  clock.advance(95);
  assertEquals(kernel.tasks().map(({ name }) => name), ["init", "old", "heir"]);
  clock.advance(5);
  assertEquals(kernel.tasks().map(({ name }) => name), ["init"]);
});

Deno.test("a task that ends in time is not told of its deadline", async () => {
  const clock = new ManualClock();
  const logs: LogRecord[] = [];
  await using kernel = new Kernel({ clock, onLog: (record) => logs.push(record) });
  const child = kernel.init.spawn(() => 1, { limits: { deadlineMs: 100 } });
  assertEquals(await child.wait(), { state: "exited", code: 0, value: 1 });
  clock.advance(1_000);
  assertEquals(logs, []);
});

Deno.test("a spawn whose deadline can't be set fails and changes nothing", async () => {
  await using kernel = new Kernel({
    clock: {
      now: () => 0,
      schedule() {
        throw new Error("no time");
      },
    },
  });
  const { reader } = kernel.init.createPipe();
  const before = kernel.tasks();
  const limits = { deadlineMs: 5 };
  const error = errorOf(() => kernel.init.spawn(idle, { limits, handles: { reader } }));
  assertEquals([error.code, (error.cause as Error).message], ["INVALID_STATE", "no time"]);
  assertEquals(kernel.tasks(), before);
  kernel.init.spawn(idle, { handles: { reader } });
});

Deno.test("a clock that calls at once kills the task after its spawn", async () => {
  await using kernel = new Kernel({
    clock: {
      now: () => 0,
      schedule(_atMs, wake) {
        wake();
        return () => {};
      },
    },
  });
  const { reader } = kernel.init.createPipe();
  const child = kernel.init.spawn(idle, { limits: { deadlineMs: 0 }, handles: { reader } });
  assertEquals(await child.wait(), { state: "killed" });
  assertEquals(kernel.tasks().length, 1);
});

Deno.test("Kernel.shutdown() kills every task and closes everything", async () => {
  const kernel = new Kernel();
  const { reader, writer } = kernel.init.createPipe();
  const reading = reader.read(new Uint8Array(1)).catch((error) => error.code);
  const child = kernel.init.spawn(idle);
  const waiting = child.wait();
  assertEquals(await kernel.shutdown(), { lingering: [] });
  assertEquals([await reading, await waiting], ["TASK_DEAD", { state: "killed" }]);
  assertEquals([reader.closed, writer.closed, child.closed], [true, true, true]);
  assertEquals(kernel.tasks(), []);
});

Deno.test("Kernel.shutdown() gives the first call's promise again, also from inside", async () => {
  const kernel = new Kernel();
  let inner: unknown;
  kernel.init.spawn((task) => {
    task.signal.addEventListener("abort", () => inner = kernel.shutdown());
    return new Promise(() => {});
  });
  await Promise.resolve();
  await Promise.resolve();
  const first = kernel.shutdown();
  assertStrictEquals(kernel.shutdown(), first);
  assertStrictEquals(inner, first);
  await first;
  await kernel[Symbol.asyncDispose]();
});

Deno.test("Kernel.shutdown() lets nobody start a task meanwhile", async () => {
  const kernel = new Kernel();
  let error: unknown;
  kernel.init.spawn((task) => {
    task.signal.addEventListener("abort", () => {
      error = errorOf(() => kernel.init.spawn(idle));
    });
    return new Promise(() => {});
  });
  await Promise.resolve();
  await Promise.resolve();
  await kernel.shutdown();
  assert(error instanceof KernelError);
  assertEquals([error.code, error.syscall], ["INVALID_STATE", "task_spawn"]);
  assertEquals(kernel.tasks(), []);
});

Deno.test("a kernel that was shut down answers every call with TASK_DEAD", async () => {
  const kernel = new Kernel();
  const { reader } = kernel.init.createPipe();
  await kernel.shutdown();
  const error = errorOf(() => kernel.init.createPipe());
  assertEquals(
    [error.code, error.syscall, error.message],
    ["TASK_DEAD", "pipe", `Cannot create a pipe: task ${kernel.init.id} (init) has ended`],
  );
  assertEquals(errorOf(() => reader.tryRead(new Uint8Array(1))).code, "TASK_DEAD");
  assertEquals(errorOf(() => kernel.init.spawn(idle)).code, "TASK_DEAD");
  const waiting = await assertRejects(() => reader.waitFor(Signals.READABLE), KernelError);
  assertEquals(waiting.code, "TASK_DEAD");
  reader.close(); // closing what is closed does nothing
});

Deno.test("Kernel refuses limits that are none", () => {
  for (const limits of [{ handles: 0 }, { handles: 65_537 }, { objects: -1 }, { children: NaN }]) {
    assertEquals(errorOf(() => new Kernel({ limits })).code, "INVALID_ARGUMENT");
  }
});

Deno.test("a log function that throws disturbs nothing, and its error is not lost", async () => {
  const clock = new ManualClock();
  const error = new Error("log");
  const seen = Promise.withResolvers<unknown>();
  const listener = (event: ErrorEvent) => {
    event.preventDefault();
    seen.resolve(event.error);
  };
  addEventListener("error", listener);
  await using kernel = new Kernel({
    clock,
    onLog() {
      throw error;
    },
  });
  kernel.init.spawn(idle, { limits: { deadlineMs: 1 } });
  clock.advance(1);
  assertEquals(kernel.tasks().length, 1);
  assertStrictEquals(await seen.promise, error);
  removeEventListener("error", listener);
});

Deno.test("Kernel refuses options that are none, before it makes anything", async () => {
  const now = () => 0;
  const bad = [
    null,
    5,
    { clock: {} },
    { clock: { now } },
    { limits: 5 },
    { onLog: 5 },
    { onTrace: "x" },
    { hardKill: "always" },
  ];
  for (const options of bad) {
    const error = errorOf(() => new Kernel(options as unknown as KernelOptions));
    assertEquals(error.code, "INVALID_ARGUMENT");
    assertEquals(error.message.startsWith("Cannot boot a kernel: "), true, error.message);
  }
  await using _ = new Kernel({ hardKill: "off" });
});

Deno.test("a trace function that throws disturbs no call, and its error is not lost", async () => {
  const seen: unknown[] = [];
  const reported = Promise.withResolvers<void>();
  const listener = (event: ErrorEvent) => {
    event.preventDefault();
    seen.push(event.error.message);
    if (seen.length === 3) reported.resolve();
  };
  addEventListener("error", listener);
  await using kernel = new Kernel({
    onTrace({ text }) {
      if (text.startsWith("object_signal")) throw new Error(text);
    },
  });
  const { reader } = kernel.init.createPipe();
  reader.signal(0, Signals.USER_0);
  assertEquals(reader.tryWaitFor(Signals.USER_0), Signals.USER_0);
  const weak = reader.duplicate(Rights.READ);
  assertEquals(errorOf(() => weak.signal(0, Signals.USER_0)).code, "ACCESS_DENIED");
  reader.signal(Signals.USER_0, 0);
  await reported.promise;
  assertEquals(seen.length, 3);
  removeEventListener("error", listener);
  assertEquals(init(kernel).handles.length, 3);
});
