/**
 * Each limit with the attack that it stops, by a task alone and by a task with its descendants.
 *
 * The attacks are programs as a hostile task would write them; each reports the code that stopped
 * it and how far it came.
 */
import { assert, assertEquals } from "@std/assert";
import {
  DEFAULT_LIMITS,
  type Handle,
  Kernel,
  KernelError,
  type Limits,
  ManualClock,
  Signals,
  type Task,
  type TaskHandle,
} from "@carmine/kernel";

/** Goes on until the kernel refuses; the code, and how often it went well. */
function untilRefused(attack: () => unknown): [code: string, count: number] {
  for (let count = 0;; count++) {
    try {
      attack();
    } catch (error) {
      if (error instanceof KernelError) return [error.code, count];
      throw error;
    }
    if (count > 100_000) throw new Error("nobody stopped it");
  }
}

async function untilRejected(attack: () => Promise<unknown>): Promise<string> {
  const refused = Promise.withResolvers<string>();
  for (let i = 0; i < 100; i++) attack().catch((error) => refused.resolve(error.code));
  return await refused.promise;
}

/** Runs an attack as a task with the limits; gives what it returns. */
async function attack(
  limits: Partial<Limits>,
  program: (task: Task) => unknown,
): Promise<unknown> {
  await using kernel = new Kernel();
  const before = { ...kernel.tasks()[0]?.usage };
  const child = kernel.init.spawn(program, { limits });
  const status = await child.wait();
  if (status.state !== "exited") throw new Error(`the attack ${status.state}`, { cause: status });
  child.close();
  const after = { ...kernel.tasks()[0]?.usage };
  delete before.queuedEvents; // init's queue holds the child's end
  delete after.queuedEvents;
  assertEquals(after, before, "the attack left something behind");
  return status.value;
}

Deno.test("limit handles: stops a task that makes handles without end", async () => {
  const program = (task: Task) => {
    const { reader } = task.createPipe();
    return untilRefused(() => reader.duplicate());
  };
  assertEquals(await attack({ handles: 10 }, program), ["TOO_MANY_HANDLES", 8]);
});

Deno.test("limit handles: counts for each task alone", async () => {
  await using kernel = new Kernel();
  const program = (task: Task) => untilRefused(() => task.createPipe());
  const children = [1, 2].map(() => kernel.init.spawn(program, { limits: { handles: 10 } }));
  for (const child of children) {
    const status = await child.wait();
    assertEquals(status, { state: "exited", code: 0, value: ["TOO_MANY_HANDLES", 5] });
  }
});

Deno.test("limit handles: a pipe that has no room for both ends makes none", async () => {
  const program = (task: Task) => {
    task.createPipe();
    return untilRefused(() => task.createPipe());
  };
  assertEquals(await attack({ handles: 3 }, program), ["TOO_MANY_HANDLES", 0]);
});

/** Creates pipes and gives them away, so that the limit on handles never bites. */
function hoard(task: Task): [code: string, count: number] {
  const keepers: TaskHandle[] = [];
  const result = untilRefused(() => {
    const { reader, writer } = task.createPipe({ capacity: 1 });
    keepers.push(task.spawn(() => new Promise(() => {}), { handles: { reader, writer } }));
  });
  for (const keeper of keepers) keeper.kill();
  return result;
}

Deno.test("limit objects: stops a task that sends away what it creates", async () => {
  const [code, count] = await attack({ objects: 30 }, hoard) as [string, number];
  assertEquals([code, count], ["LIMIT_EXCEEDED", 10]); // a task and two ends each
});

Deno.test("limit objects: spawning gives nobody more", async () => {
  const value = await attack({ objects: 20 }, async (task) => {
    for (let i = 0; i < 5; i++) task.createPipe({ capacity: 1 });
    const status = await task.spawn((child) => untilRefused(() => child.createPipe())).wait();
    return status.state === "exited" ? status.value : status;
  });
  assertEquals(value, ["LIMIT_EXCEEDED", 4]); // the child is an object too
});

Deno.test("limit bufferBytes: stops a task that eats the memory, in one piece or in many", async () => {
  const program = (task: Task) => {
    const all = untilRefused(() => task.createPipe({ capacity: 10_001 }));
    return [all, untilRefused(() => task.createPipe({ capacity: 2_000 }))];
  };
  assertEquals(await attack({ bufferBytes: 10_000 }, program), [
    ["LIMIT_EXCEEDED", 0],
    ["LIMIT_EXCEEDED", 5],
  ]);
});

Deno.test("limit bufferBytes: counts the words of events that wait, where they are long", async () => {
  const program = (task: Task) => {
    const channel = task.createEventChannel("news");
    channel.subscribe({ bufferSize: 1_000 });
    const notification = "x".repeat(4_000);
    return untilRefused(() => channel.publish({ type: "notification", notification }));
  };
  const [code, count] = await attack({ bufferBytes: 100_000 }, program) as [string, number];
  assertEquals([code, count], ["LIMIT_EXCEEDED", 12]);
});

Deno.test("limit bufferBytes: counts what children hold, and comes back when they end", async () => {
  const value = await attack({ bufferBytes: 10_000 }, async (task) => {
    const eat = (inner: Task) => untilRefused(() => inner.createPipe({ capacity: 4_000 }));
    task.createPipe({ capacity: 4_000 });
    const codes: unknown[] = [];
    for (let i = 0; i < 2; i++) {
      const status = await task.spawn(eat).wait();
      codes.push(status.state === "exited" ? status.value : status);
    }
    return codes;
  });
  assertEquals(value, [["LIMIT_EXCEEDED", 1], ["LIMIT_EXCEEDED", 1]]);
});

Deno.test("limit bufferBytes: a child's own limit is its parent's to set", async () => {
  const value = await attack({ bufferBytes: 10_000 }, async (task) => {
    const eat = (inner: Task) => untilRefused(() => inner.createPipe({ capacity: 1_000 }));
    const status = await task.spawn(eat, { limits: { bufferBytes: 3_000 } }).wait();
    return status.state === "exited" ? status.value : status;
  });
  assertEquals(value, ["LIMIT_EXCEEDED", 3]);
});

Deno.test("limit pendingWaits: stops a task that starts waits without awaiting them", async () => {
  const program = (task: Task) => {
    const { reader } = task.createPipe();
    return untilRejected(() => reader.waitFor(Signals.USER_0));
  };
  assertEquals(await attack({ pendingWaits: 50 }, program), "LIMIT_EXCEEDED");
});

Deno.test("limit pendingWaits: counts what children wait for", async () => {
  const value = await attack({ pendingWaits: 50 }, async (task) => {
    const wait = async (inner: Task) => {
      const { reader } = inner.createPipe();
      for (let i = 0; i < 45; i++) void reader.waitFor(Signals.USER_0);
      await reader.waitFor(Signals.USER_0);
    };
    const child = task.spawn(wait);
    await null;
    await null;
    await null;
    const { reader } = task.createPipe();
    const code = await untilRejected(() => reader.waitFor(Signals.USER_1));
    child.kill();
    return code;
  });
  assertEquals(value, "LIMIT_EXCEEDED");
});

Deno.test("limit children: stops a fork bomb", async () => {
  await using kernel = new Kernel();
  let most = 0;
  const bomb = (task: Task): void => {
    most = Math.max(most, kernel.tasks().length);
    untilRefused(() => {
      task.spawn(bomb).close();
    });
  };
  const child = kernel.init.spawn(bomb, { limits: { children: 12 } });
  await child.wait();
  while (kernel.tasks().length > 1) await Promise.resolve();
  assert(most <= 14, `${most} tasks were alive`);
});

Deno.test("limit children: a task that may have none starts none", async () => {
  assertEquals(
    await attack({ children: 0 }, (task) => untilRefused(() => task.spawn(() => {}))),
    ["LIMIT_EXCEEDED", 0],
  );
});

Deno.test("limit deadlineMs: stops a task that never ends", async () => {
  const clock = new ManualClock();
  await using kernel = new Kernel({ clock });
  const child = kernel.init.spawn(() => new Promise(() => {}), { limits: { deadlineMs: 1_000 } });
  clock.advance(1_000);
  assertEquals(await child.wait(), { state: "killed" });
});

Deno.test("limits of a child are its parent's where none are given, and never more", async () => {
  await using kernel = new Kernel({ limits: { objects: 500 } });
  assertEquals(kernel.init.limits, { ...DEFAULT_LIMITS, objects: 500 });
  const child = kernel.init.spawn((task) => [
    task.limits,
    Object.isFrozen(task.limits),
    untilRefused(() => task.spawn(() => {}, { limits: { handles: 101 } })),
  ], { limits: { handles: 100 } });
  const status = await child.wait();
  assertEquals(status.state === "exited" && status.value, [
    { ...DEFAULT_LIMITS, objects: 500, handles: 100 },
    true,
    ["LIMIT_EXCEEDED", 0],
  ]);
});

Deno.test("a refusal by a limit changes nothing", async () => {
  await using kernel = new Kernel({ limits: { objects: 3, bufferBytes: 100_000 } });
  const { reader } = kernel.init.createPipe();
  const before = kernel.tasks();
  const refuse = (run: () => unknown) => assertEquals(untilRefused(run)[1], 0);
  refuse(() => kernel.init.createPipe({ capacity: 1 })); // the second end is one too many
  refuse(() => kernel.init.createPipe({ capacity: 50_000 }));
  assertEquals(kernel.tasks(), before);
  assert((reader as Handle).closed === false);
});

Deno.test("limit queuedEvents: stops a task that subscribes with ever more room", async () => {
  const program = (task: Task) => {
    const channel = task.createEventChannel("news");
    return untilRefused(() => channel.subscribe({ bufferSize: 100 }));
  };
  const limits = { queuedEvents: 1_000 };
  const [code, count] = await attack(limits, program) as [string, number];
  assertEquals(code, "LIMIT_EXCEEDED");
  assert(count > 0 && count <= 10, `${count} subscriptions`);
});

Deno.test("limit queuedEvents: stops a flood of events that may not be dropped", async () => {
  const program = (task: Task) => {
    const victim = task.spawn(() => new Promise(() => {}));
    const content = { type: "custom", namespace: "flood", eventId: 1 } as const;
    const flood = () => victim.send(content, undefined, { mode: "immediate" });
    const result = untilRefused(flood);
    victim.kill();
    return result;
  };
  const [code, count] = await attack({ queuedEvents: 1_000 }, program) as [string, number];
  assertEquals(code, "LIMIT_EXCEEDED");
  assert(count > 0 && count <= 1_000, `${count} events`);
});

Deno.test("limit queuedMessages: stops many small queues from holding what a large one may not", async () => {
  const program = (task: Task) =>
    untilRefused(() => {
      const { sender } = task.createMessageQueue();
      for (let i = 0; i < 10; i++) sender.trySend(new Uint8Array(1));
    });
  const [code, count] = await attack({ queuedMessages: 100 }, program) as [string, number];
  assertEquals([code, count], ["LIMIT_EXCEEDED", 10]);
});
