import { assert, assertEquals, assertInstanceOf, assertRejects, assertThrows } from "@std/assert";
import {
  type ExitStatus,
  Kernel,
  KernelError,
  ManualClock,
  type PipeReader,
  type PipeWriter,
  Signals,
  type Task,
} from "@carmine/kernel";
import type { KernelCore } from "../../kernel/kernel.ts";
import type { TaskObject } from "../../kernel/task.ts";
import { KernelCore as Core } from "../../kernel/kernel.ts";
import { codeOf } from "../_codes.ts";

/** Runs a program as a child of a kernel of its own. */
async function run(program: (task: Task) => unknown): Promise<ExitStatus> {
  await using kernel = new Kernel();
  return await kernel.init.spawn(program).wait();
}

/** What init and its children use. */
function usage(kernel: Kernel): Record<string, number> {
  const init = kernel.tasks().find(({ id }) => id === kernel.init.id);
  return { ...init?.usage };
}

Deno.test("a task exits with what its function returns", async () => {
  assertEquals(await run(() => 42), { state: "exited", code: 0, value: 42 });
  assertEquals(await run(() => Promise.resolve("late")), {
    state: "exited",
    code: 0,
    value: "late",
  });
  assertEquals(await run(() => {}), { state: "exited", code: 0 });
});

Deno.test("Task.exit() ends the task with a code and a value", async () => {
  assertEquals(await run((task) => task.exit(3, "three")), {
    state: "exited",
    code: 3,
    value: "three",
  });
  assertEquals(await run((task) => task.exit()), { state: "exited", code: 0 });
  assertEquals(await run((task) => task.exit(-0)), { state: "exited", code: 0 });
});

Deno.test("Task.exit() refuses what is no code, and init ends with its kernel only", async () => {
  await using kernel = new Kernel();
  assertEquals(codeOf(() => kernel.init.exit(1)), "NOT_SUPPORTED");
  const status = await kernel.init.spawn((task) => [
    codeOf(() => task.exit(1.5)),
    codeOf(() => task.exit(2 ** 31)),
    codeOf(() => task.exit("1" as unknown as number)),
  ]).wait();
  assertEquals(status, {
    state: "exited",
    code: 0,
    value: ["INVALID_ARGUMENT", "OUT_OF_RANGE", "INVALID_ARGUMENT"],
  });
});

Deno.test("Task.exit() counts when the program catches it and goes on; later calls are TASK_DEAD", async () => {
  let late: unknown;
  const status = await run((task) => {
    try {
      task.exit(1);
    } catch {
      late = assertThrows(() => task.createPipe(), KernelError);
    }
    assertThrows(() => task.exit(2)); // leaves, as ever; the first end counts
    return 3;
  });
  assertEquals(status, { state: "exited", code: 1 });
  assertInstanceOf(late, KernelError);
  assertEquals([late.code, late.syscall], ["TASK_DEAD", "pipe"]);
});

Deno.test("Task.exit() ends the task from code that nobody awaits, and the process goes on", async () => {
  await using kernel = new Kernel();
  const nested = kernel.init.spawn(async (task) => {
    void (async () => {
      await null;
      task.exit(5);
    })();
    await new Promise(() => {});
  });
  const timed = kernel.init.spawn((task) =>
    new Promise(() => {
      setTimeout(() => task.exit(6), 0);
    })
  );
  assertEquals(await nested.wait(), { state: "exited", code: 5 });
  assertEquals(await timed.wait(), { state: "exited", code: 6 });
  await new Promise((resolve) => setTimeout(resolve, 0)); // unhandled rejections would come by now
});

Deno.test("a task crashes with what its function throws, whatever that is", async () => {
  const error = new RangeError("oh");
  assertEquals(await run(() => Promise.reject(error)), { state: "crashed", error });
  const hostile = [
    "text",
    undefined,
    null,
    Symbol("s"),
    Object.create(null),
    { toString: () => assert(false) },
    new Proxy({}, {
      getPrototypeOf() {
        throw new Error("trap");
      },
    }),
    Proxy.revocable({}, {}).proxy,
  ];
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  for (const thrown of [...hostile, proxy]) {
    const status = await run(() => {
      throw thrown;
    });
    assert(status.state === "crashed");
    assertInstanceOf(status.error, Error);
    assertEquals(status.error.message.startsWith("The task threw"), true);
    assert(status.error.cause === thrown);
  }
});

Deno.test("a task may return a thenable that misbehaves", async () => {
  const status = await run(() => ({
    get then(): never {
      throw new Error("then");
    },
  }));
  assertEquals(status.state, "crashed");
});

Deno.test("TaskHandle.kill() ends the task at once for everybody else", async () => {
  await using kernel = new Kernel();
  const { init } = kernel;
  const { reader, writer } = init.createPipe();
  const before = usage(kernel);
  const child = init.spawn((task) => task.handle<PipeWriter>("out").waitFor(Signals.USER_0), {
    handles: { out: writer },
  });
  await Promise.resolve();
  await Promise.resolve();
  const reading = reader.read(new Uint8Array(1));
  child.kill();
  assertEquals(kernel.tasks().map(({ name }) => name), ["init"]);
  assertEquals(await reading, 0); // the last writer is gone
  assertEquals(await child.wait(), { state: "killed" });
  child.kill(); // nothing happens
  assertEquals(await child.wait(), { state: "killed" });
  child.close();
  const after = usage(kernel);
  assertEquals(after.children, before.children);
  assertEquals(after.pendingWaits, before.pendingWaits);
});

Deno.test("TaskHandle.kill() before the program began keeps it from beginning", async () => {
  await using kernel = new Kernel();
  let hasBegun = false;
  const child = kernel.init.spawn(() => {
    hasBegun = true;
  });
  child.kill();
  assertEquals(await child.wait(), { state: "killed" });
  await new Promise((resolve) => setTimeout(resolve, 0));
  assertEquals(hasBegun, false);
});

Deno.test("a killed task's calls end with TASK_DEAD, those that nobody awaits too", async () => {
  await using kernel = new Kernel();
  const codes: string[] = [];
  const { promise: reported, resolve: report } = Promise.withResolvers<void>();
  const child = kernel.init.spawn(async (task) => {
    const { reader } = task.createPipe();
    void reader.read(new Uint8Array(1)); // not awaited: must not count as an unhandled rejection
    void reader.waitFor(Signals.USER_0);
    void task.waitMany([{ handle: reader, signals: Signals.USER_0 }]);
    const read = assertRejects(() => reader.read(new Uint8Array(1)), KernelError);
    task.signal.addEventListener("abort", () => {
      codes.push(codeOf(() => task.createPipe()));
      void reader.read(new Uint8Array(1)); // nor one that comes too late
    });
    codes.push((await read).code);
    report();
  });
  await Promise.resolve();
  await Promise.resolve();
  child.kill();
  await reported;
  assertEquals(codes.sort(), ["TASK_DEAD", "TASK_DEAD"]);
  await new Promise((resolve) => setTimeout(resolve, 0));
});

Deno.test("Task.signal is aborted by a kill when everything else is done", async () => {
  await using kernel = new Kernel();
  const seen: unknown[] = [];
  const child = kernel.init.spawn(async (task) => {
    task.spawn(() => new Promise(() => {}), { name: "grandchild" });
    task.signal.addEventListener("abort", () => {
      // The listener may call the kernel; it sees a task that has ended, and its heir.
      seen.push(kernel.tasks().map(({ name, parent }) => [name, parent]));
      seen.push(task.signal.reason instanceof KernelError);
      kernel.init.createPipe().reader.close();
    });
    await new Promise(() => {});
  });
  await Promise.resolve();
  await Promise.resolve();
  child.kill();
  assertEquals(seen, [[["init", 0], ["grandchild", kernel.init.id]], true]);
});

Deno.test("the children of a task that ends go to its parent", async () => {
  await using kernel = new Kernel();
  const { reader, writer } = kernel.init.createPipe();
  const child = kernel.init.spawn((task) => {
    task.spawn(async (grandchild) => {
      await grandchild.handle<PipeReader>("in").read(new Uint8Array(1));
    }, { name: "grandchild", handles: { in: task.handle("in") } });
  }, { handles: { in: reader } });
  await child.wait();
  const parents = kernel.tasks().map(({ name, parent }) => [name, parent]);
  assertEquals(parents, [["init", 0], ["grandchild", kernel.init.id]]);
  assertEquals(usage(kernel).children, 1); // still charged to the account it was started under
  writer.close();
  while (kernel.tasks().length > 1) await Promise.resolve();
  assertEquals(usage(kernel).children, 0);
});

Deno.test("after all tasks have ended init is alone and uses what it did before", async () => {
  await using kernel = new Kernel();
  const before = usage(kernel);
  const handles = [];
  for (let i = 0; i < 20; i++) {
    handles.push(kernel.init.spawn(async (task) => {
      const { reader, writer } = task.createPipe();
      writer.duplicate();
      const child = task.spawn((inner) => inner.handle<PipeReader>("r").read(new Uint8Array(9)), {
        handles: { r: reader },
      });
      if (i % 4 === 0) throw new Error("crash");
      if (i % 4 === 1) task.exit(1);
      if (i % 4 === 2) child.kill();
      await writer.write(new Uint8Array(1));
      await child.wait();
    }));
  }
  for (const handle of handles) {
    await handle.wait();
    handle.close();
  }
  while (kernel.tasks().length > 1) await Promise.resolve();
  const after = usage(kernel);
  delete before.queuedEvents; // init's own queue holds its children's ends until they are received
  delete after.queuedEvents;
  assertEquals(after, before);
});

// --- stop and continue, on the kernel's side --------------------------------------------------

/** The core behind a kernel's only child; tests reach it through a core of their own. */
function coreWithTask(): { core: KernelCore; task: TaskObject } {
  const core = new Core({ clock: new ManualClock() });
  core.addDriver({
    accepts: () => true,
    check() {},
    start(task) {
      task.started();
      return { stop() {}, isLingering: false };
    },
  });
  const { taskId } = core.spawn(core.init, {
    program: () => {},
    name: "child",
    args: [],
    limits: {},
    imports: [],
    handles: new Map(),
  });
  return { core, task: core.tasks.get(taskId) as TaskObject };
}

Deno.test("TaskObject.stop() and continue() go back to where the task was", () => {
  const { core, task } = coreWithTask();
  assertEquals(task.state, "running");
  task.stop();
  task.stop();
  assertEquals([task.state, task.isRunning], ["stopped", false]);
  task.continue();
  task.continue();
  assertEquals([task.state, task.isRunning], ["running", true]);
  task.stop();
  task.end({ state: "killed" });
  task.continue();
  assertEquals(task.state, "ended");
  task.assertInvariants();
  core.shutdown();
});

Deno.test("TaskObject.whenContinued() resolves when the task goes on or ends", async () => {
  const { core, task } = coreWithTask();
  await task.whenContinued();
  task.stop();
  const first = task.whenContinued();
  task.continue();
  await first;
  task.stop();
  const second = task.whenContinued();
  task.end({ state: "killed" });
  await second;
  core.shutdown();
});

Deno.test("TaskObject.end() counts once", () => {
  const { core, task } = coreWithTask();
  task.end({ state: "exited", code: 1 });
  task.end({ state: "killed" });
  assertEquals(task.status, { state: "exited", code: 1 });
  assert(Object.isFrozen(task.status));
  assertEquals(task.abort.signal.aborted, false);
  core.shutdown();
});

Deno.test("TaskObject.install() on a task that has ended throws TASK_DEAD and counts nothing", () => {
  const { core, task } = coreWithTask();
  const other = core.init;
  task.end({ state: "killed" });
  const before = other.handleCount;
  assertEquals(codeOf(() => task.install(other, 0)), "TASK_DEAD");
  assertEquals([task.table.size, other.handleCount], [0, before]);
  core.shutdown();
});
