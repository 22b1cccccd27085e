import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { KernelError } from "../../capabilities/errors.ts";
import { Rights } from "../../capabilities/rights.ts";
import { Signals } from "../../capabilities/signals.ts";
import { compile } from "../../syscalls/compiled_syscall.ts";
import type { TraceRecord } from "../../syscalls/call_words.ts";
import { Dispatcher } from "../../syscalls/dispatcher.ts";
import { SYSCALLS } from "../../syscalls/table.ts";
import { syscall } from "../../syscalls/table/define.ts";
import { World } from "./_world.ts";
import { codeOf, rejectionOf } from "../_codes.ts";

function pipe(world: World): { reader: number; writer: number } {
  return world.door.raw(600, [{ capacity: 100 }]) as { reader: number; writer: number };
}

Deno.test("Dispatcher errors say what could not be done to which handle and why", () => {
  const world = new World();
  const { reader, writer } = pipe(world);
  const weak = world.door.raw(104, [writer, Rights.WAIT]) as number;
  const messageOf = (run: () => unknown) => assertThrows(run, KernelError).message;
  assertEquals(
    messageOf(() => world.door.call(SYSCALLS.streamWrite, weak, new Uint8Array(1))),
    `Cannot write to handle ${weak} (pipe writer): the right WRITE is missing`,
  );
  assertEquals(
    messageOf(() => world.door.call(SYSCALLS.streamWrite, 5e9, new Uint8Array(1))),
    "Cannot write to handle 5000000000: no open handle has the number 5000000000",
  );
  assertEquals(
    messageOf(() => world.door.call(SYSCALLS.taskKill, reader)),
    `Cannot kill handle ${reader} (pipe reader): a pipe reader has no task operations`,
  );
  assertEquals(
    messageOf(() => world.door.call(SYSCALLS.pipeCreate, { capacity: 0 })),
    "Cannot create a pipe: options.capacity must be 1 … 1073741824, not 0",
  );
  world.kernel.shutdown();
});

Deno.test("Dispatcher checks the handle before the other arguments", () => {
  const world = new World();
  const { reader } = pipe(world);
  assertEquals(codeOf(() => world.door.raw(101, [-7, "nonsense"])), "BAD_HANDLE");
  assertEquals(codeOf(() => world.door.raw(604, [pipe(world).writer, "x"])), "ACCESS_DENIED");
  assertEquals(codeOf(() => world.door.raw(101, [reader, "nonsense"])), "INVALID_ARGUMENT");
  world.kernel.shutdown();
});

Deno.test("a stopped task may give up what it holds and wait, and nothing else", async () => {
  const world = new World();
  const { reader, writer } = pipe(world);
  world.attacker.stop();
  assertEquals(codeOf(() => world.door.raw(600, [{}])), "INVALID_STATE");
  assertEquals(codeOf(() => world.door.raw(100, [reader])), "INVALID_STATE");
  assertEquals(world.door.call(SYSCALLS.streamWrite, writer, new Uint8Array(1)), -1);
  const write = world.door.raw(201, [writer, new Uint8Array(3)]);
  assertEquals(
    await rejectionOf(world.door.raw(201, [writer, new Uint8Array(3), { timeoutMs: 0 }])),
    "TIMED_OUT",
  );
  world.attacker.continue();
  assertEquals(await write, 3);
  world.attacker.stop();
  world.door.raw(102, [reader]);
  world.attacker.continue();
  assertEquals(codeOf(() => world.door.raw(100, [reader])), "BAD_HANDLE");
  world.kernel.shutdown();
});

Deno.test("a stopped task's calls go on in order when it is let go on", async () => {
  const world = new World();
  const { reader, writer } = pipe(world);
  world.attacker.stop();
  const order: string[] = [];
  const note = (name: string) => (result: unknown) => order.push(`${name} ${result}`);
  const calls = [
    (world.door.raw(200, [reader, new Uint8Array(2)]) as Promise<unknown>).then(note("read")),
    (world.door.raw(201, [writer, new Uint8Array(1)]) as Promise<unknown>).then(note("first")),
    (world.door.raw(201, [writer, new Uint8Array(5)]) as Promise<unknown>).then(note("second")),
    (world.door.raw(121, [reader, Signals.READABLE]) as Promise<unknown>).then(note("signal")),
  ];
  world.attacker.continue();
  await Promise.all(calls);
  assertEquals(order.filter((line) => line.endsWith("first 1") || line.endsWith("second 5")), [
    "first 1",
    "second 5",
  ]);
  assertEquals(world.attacker.account.usage.pendingWaits, 0);
  world.kernel.shutdown();
});

Deno.test("a stopped task's call lets those behind it pass, at once", async () => {
  const world = new World();
  const { reader, writer } = pipe(world);
  world.door.call(SYSCALLS.streamWrite, writer, new Uint8Array(90));
  // The bystander holds a writer of its own, behind the attacker's in the queue.
  const entry = world.attacker.table.get(writer).derive(Rights.ALL & ~Rights.READ);
  const theirs = world.bystander.table.insert(entry);
  const big = world.door.raw(201, [writer, new Uint8Array(50)]) as Promise<unknown>;
  const small = world.bystanderDoor.raw(201, [theirs, new Uint8Array(5)]) as Promise<unknown>;
  assertEquals(world.bystander.pendingWaits.size, 1);
  world.attacker.stop();
  assertEquals(await small, 5);
  world.attacker.continue();
  world.door.call(SYSCALLS.streamRead, reader, new Uint8Array(100));
  assertEquals(await big, 50);
  world.kernel.shutdown();
});

Deno.test("a call does not overtake one that waits for more than there is", async () => {
  const world = new World();
  const { reader, writer } = pipe(world);
  world.door.call(SYSCALLS.streamWrite, writer, new Uint8Array(90));
  const big = world.door.raw(201, [writer, new Uint8Array(50)]) as Promise<unknown>;
  assertEquals(world.door.call(SYSCALLS.streamWrite, writer, new Uint8Array(5)), -1);
  const controller = new AbortController();
  const small = world.door.raw(201, [writer, new Uint8Array(5)]) as Promise<unknown>;
  const middle = world.door.raw(201, [writer, new Uint8Array(40), controller]) as Promise<unknown>;
  controller.abort();
  assertEquals(await rejectionOf(middle), "CANCELED");
  world.door.call(SYSCALLS.streamRead, reader, new Uint8Array(60));
  assertEquals(await Promise.all([big, small]), [50, 5]);
  world.kernel.shutdown();
});

Deno.test("a call behind one that is canceled goes on without it", async () => {
  const world = new World();
  const { writer } = pipe(world);
  world.door.call(SYSCALLS.streamWrite, writer, new Uint8Array(90));
  const controller = new AbortController();
  const big = world.door.raw(201, [writer, new Uint8Array(50), controller]) as Promise<unknown>;
  const small = world.door.raw(201, [writer, new Uint8Array(5)]) as Promise<unknown>;
  controller.abort();
  assertEquals(await rejectionOf(big), "CANCELED");
  assertEquals(await small, 5);
  world.kernel.shutdown();
});

Deno.test("Dispatcher.onTrace gets a line a call, and looks into no argument", async () => {
  const world = new World();
  const { reader } = pipe(world);
  const lines: TraceRecord[] = [];
  world.dispatcher.onTrace = (record) => lines.push(record);
  const hostile = {
    toString() {
      throw new Error("looked");
    },
  };
  world.door.raw(600, [hostile]);
  world.door.call(SYSCALLS.streamRead, reader, new Uint8Array(1));
  assertThrows(() => world.door.raw(102, [hostile]), KernelError);
  await assertRejects(() => world.door.raw(200, [hostile]) as Promise<unknown>, KernelError);
  world.dispatcher.onTrace = undefined;
  assertEquals(lines.map(({ text }) => text), [
    "pipe(an object) = …",
    `stream_read(${reader}, into) = would block`,
    "handle_close(…) failed: BAD_HANDLE",
    "stream_read(…) failed: BAD_HANDLE",
  ]);
  assert(lines.every(({ taskId }) => taskId === world.attacker.taskId));
  world.kernel.shutdown();
});

Deno.test("Dispatcher refuses a table without a handler and a call with too many arguments", () => {
  assertThrows(() => new Dispatcher(SYSCALLS, {}), TypeError, "No handler for task_spawn");
  const { args } = SYSCALLS.pipeSplice;
  const wide = syscall<[], void>({
    ...SYSCALLS.pipeSplice,
    args: [...args, ...args],
  });
  assertThrows(() => compile(wide, () => {}), TypeError, "more than 4");
});

Deno.test("LocalDoor.block() throws NOT_SUPPORTED: the kernel runs in the same isolate", () => {
  const world = new World();
  const { reader } = pipe(world);
  const error = assertThrows(
    () => world.door.block(SYSCALLS.streamRead, undefined, reader, new Uint8Array(1)),
    KernelError,
  );
  assertEquals([error.code, error.syscall], ["NOT_SUPPORTED", "stream_read"]);
  world.kernel.shutdown();
});

Deno.test("LocalDoor.isOpen() knows the task's own open handles only", () => {
  const world = new World();
  const { reader } = pipe(world);
  assertEquals(world.door.isOpen(reader), true);
  assertEquals(
    world.bystanderDoor.isOpen(reader),
    world.bystander.table.find(reader) !== undefined,
  );
  world.door.raw(102, [reader]);
  assertEquals([world.door.isOpen(reader), world.door.isOpen(NaN)], [false, false]);
  world.kernel.shutdown();
});
