import { assert, assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { Kernel, KernelError, PipeReader, PipeWriter, Signals, type Task } from "@carmine/kernel";
import { codeOf } from "../../_codes.ts";

/** What a program returns that runs as a child with a pipe's two ends. */
async function inChild(program: (task: Task) => unknown): Promise<unknown> {
  await using kernel = new Kernel();
  const { reader, writer } = kernel.init.createPipe();
  const child = kernel.init.spawn(program, {
    name: "child",
    args: ["a", "b"],
    handles: { in: reader, out: writer },
  });
  const status = await child.wait();
  if (status.state !== "exited") throw new Error("it did not exit", { cause: status });
  return status.value;
}

Deno.test("Task tells what it was given", async () => {
  const value = await inChild((task) => [task.name, task.args, task.handles, task.signal.aborted]);
  assertEquals(value, ["child", ["a", "b"], ["in", "out"], false]);
});

Deno.test("Task's facts can't be changed", async () => {
  await inChild((task) => {
    assertThrows(() => (task.args as string[]).push("c"), TypeError);
    assertThrows(() => (task.handles as string[]).push("c"), TypeError);
    assertThrows(() => (task.limits as { handles: number }).handles = 1e9, TypeError);
  });
});

Deno.test("Task.spawn() copies what it is given", async () => {
  await using kernel = new Kernel();
  const args = ["a"];
  const child = kernel.init.spawn((task) => task.args, { args });
  args.push("b");
  const status = await child.wait();
  assertEquals(status.state === "exited" && status.value, ["a"]);
});

Deno.test("Task.handle() gives the same object each time, of the class that is asked for", async () => {
  await inChild((task) => {
    const reader = task.handle("in", PipeReader);
    assertStrictEquals(task.handle("in"), reader);
    assertEquals(codeOf(() => task.handle("in", PipeWriter)), "WRONG_TYPE");
    assertStrictEquals(task.handle("in", PipeReader), reader);
  });
});

Deno.test("Task.handle() throws INVALID_ARGUMENT for what was not given", async () => {
  await inChild((task) => {
    const names = ["none", "__proto__", "toString", 5, 7n, Symbol("in"), {}, null, undefined];
    for (const name of names) {
      assertEquals(codeOf(() => task.handle(name as string)), "INVALID_ARGUMENT");
    }
    const error = assertThrows(() => task.handle("none"), KernelError);
    assertEquals(
      error.message,
      'Cannot find a handle named "none": the task was given "in", "out"',
    );
    const noClass = {} as unknown as typeof PipeReader;
    assertEquals(codeOf(() => task.handle("in", noClass)), "INVALID_ARGUMENT");
  });
});

Deno.test("Task.handle() finds handles by any name", async () => {
  await using kernel = new Kernel();
  const names = ["", "__proto__", "constructor", "0", "ü"];
  const handles = Object.fromEntries(names.map((name) => [name, kernel.init.createPipe().reader]));
  const child = kernel.init.spawn(
    (task) => names.filter((name) => task.handle(name) instanceof PipeReader).length,
    { handles },
  );
  const status = await child.wait();
  assertEquals(status.state === "exited" && status.value, names.length);
});

Deno.test("Task.waitMany() refuses hostile items as KernelErrors, and looks at each once", async () => {
  await using kernel = new Kernel();
  const { init } = kernel;
  const { reader } = init.createPipe();
  const trap = () => {
    throw new Error("trap");
  };
  const good = { handle: reader, signals: Signals.READABLE };
  const hostile: unknown[] = [
    null,
    undefined,
    5,
    {},
    [null],
    [{}],
    [{ handle: reader }],
    [{ handle: {}, signals: 1 }],
    [{ handle: reader.number, signals: 1 }],
    [new Proxy(good, { get: trap })],
    new Proxy([good], { get: trap }),
    Array(5_000).fill(good),
  ];
  for (const items of hostile) {
    const error = await assertRejects(() => init.waitMany(items as []), KernelError);
    assertEquals(error.syscall, "object_wait_many");
    assertEquals(error.message.startsWith("Cannot wait on many: "), true, error.message);
  }
  const options: unknown[] = [
    null,
    5,
    { mode: "most" },
    { timeoutMs: "1" },
    {
      get mode() {
        return trap();
      },
    },
  ];
  for (const each of options) {
    const error = await assertRejects(() => init.waitMany([good], each as object), KernelError);
    assertEquals([error.code, error.syscall], ["INVALID_ARGUMENT", "object_wait_many"]);
  }
  let reads = 0;
  const counting = new Proxy(good, { get: (of, name) => (reads++, Reflect.get(of, name)) });
  const call = init.waitMany([counting]);
  reader.close();
  await assertRejects(() => call, KernelError);
  assertEquals(reads, 2);
});

Deno.test("Task.waitMany() gives the caller's own handle objects, whatever becomes of its array", async () => {
  await using kernel = new Kernel();
  const { reader, writer } = kernel.init.createPipe();
  const items = [{ handle: reader, signals: Signals.READABLE }];
  const call = kernel.init.waitMany(items);
  items.length = 0;
  writer.tryWrite(new Uint8Array(1));
  const [ready] = await call;
  assertStrictEquals(ready?.handle as unknown, reader);
});

Deno.test("Task.syscall() does what the typed call does, and fails as it would", async () => {
  await using kernel = new Kernel();
  const { init } = kernel;
  const { reader, writer } = init.createPipe();
  assertEquals(init.syscall(100, reader.number), reader.query());
  assertEquals(await init.syscall(201, writer.number, new Uint8Array(3)), 3);
  assertEquals(await init.syscall(200, reader.number, new Uint8Array(9)), 3);
  const waiting = init.syscall(200, reader.number, new Uint8Array(9), { timeoutMs: 0 });
  assertEquals(
    (await assertRejects(() => waiting as Promise<unknown>, KernelError)).code,
    "TIMED_OUT",
  );
  assertEquals(codeOf(() => init.syscall(103, reader.number, 1024)), "INVALID_ARGUMENT");
  assertEquals(codeOf(() => init.syscall(999)), "NO_SUCH_SYSCALL");
  assertEquals(
    codeOf(() => init.syscall("100" as unknown as number, reader.number)),
    "NO_SUCH_SYSCALL",
  );
});

Deno.test("Task.splice() and tee() refuse what is no handle of the task's", async () => {
  await using kernel = new Kernel();
  const { init } = kernel;
  const { reader, writer } = init.createPipe();
  for (const method of ["splice", "tee"] as const) {
    const error = await assertRejects(
      () => init[method](reader, {} as PipeWriter, 1),
      KernelError,
    );
    assertEquals([error.code, error.syscall], ["BAD_HANDLE", method]);
  }
  assert(!reader.closed && !writer.closed);
});
