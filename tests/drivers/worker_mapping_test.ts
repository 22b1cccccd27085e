import { assert, assertEquals, assertMatch } from "@std/assert";
import {
  Kernel,
  type PipeReader,
  type PipeWriter,
  Rights,
  type SpawnOptions,
  type TaskHandle,
} from "../../mod.ts";

const PROGRAM = new URL("./worker_programs/mapped.ts", import.meta.url);

function start(kernel: Kernel, args: unknown[], handles: SpawnOptions["handles"]): TaskHandle {
  return kernel.init.spawn(PROGRAM, {
    name: String(args[0]),
    args: args.map(String),
    ...(handles === undefined ? {} : { handles }),
  });
}

async function valueOf(task: TaskHandle): Promise<unknown> {
  const status = await task.wait();
  if (status.state === "crashed") throw status.error;
  assert(status.state === "exited", status.state);
  return status.value;
}

type Records = [writer: number, index: number][];

/** Each writer's records are there once and in order, as far as one reader saw them. */
function assertInOrder(readers: Records[], writers: number[], count: number): void {
  for (const writer of writers) {
    const parts = readers.map((seen) => seen.filter(([by]) => by === writer).map(([, i]) => i));
    for (const part of parts) assertEquals(part, part.toSorted((a, b) => a - b));
    assertEquals(
      parts.flat().toSorted((a, b) => a - b),
      Array.from({ length: count }, (_, i) => i),
    );
  }
}

Deno.test("bytes of two workers go through a mapped pipe in order, and then it ends", async () => {
  await using kernel = new Kernel();
  const { reader, writer } = kernel.init.createPipe({ capacity: 100 });
  const read = start(kernel, ["read"], { in: reader });
  const write = start(kernel, ["write", 20_000], { out: writer });
  await valueOf(write);
  assertInOrder([await valueOf(read) as Records], [write.taskId], 20_000);
});

Deno.test("several workers and the kernel's isolate share the sides of a mapped pipe", async () => {
  await using kernel = new Kernel();
  const { init } = kernel;
  const { reader, writer } = init.createPipe({ capacity: 1_000 });
  const count = 3_000;
  const writes = [0, 1].map(() => start(kernel, ["write", count], { out: writer.duplicate() }));
  const reads = [0, 1].map(() => start(kernel, ["read"], { in: reader.duplicate() }));
  const here = init.spawn((task) => readAll(task.handle("in")), {
    handles: { in: reader },
  });
  const alsoHere = init.spawn((task) => writeAll(task.handle("out"), task.id, count), {
    handles: { out: writer },
  });
  for (const task of [...writes, alsoHere]) await valueOf(task);
  const seen = await Promise.all([...reads, here].map(valueOf)) as Records[];
  assertInOrder(seen, [...writes, alsoHere].map(({ taskId }) => taskId), count);
});

async function readAll(reader: PipeReader): Promise<Records> {
  const seen: Records = [];
  const words = new Int32Array(2);
  while (await reader.read(new Uint8Array(words.buffer)) === 8) {
    seen.push([words[0] ?? -1, words[1] ?? -1]);
  }
  return seen;
}

async function writeAll(writer: PipeWriter, by: number, count: number): Promise<void> {
  for (let i = 0; i < count; i++) await writer.write(new Uint8Array(Int32Array.of(by, i).buffer));
}

for (const end of ["revoke", "kill"] as const) {
  Deno.test(`a mapped pipe goes on when one of its writers is lost to a ${end}`, async () => {
    await using kernel = new Kernel();
    const { reader, writer } = kernel.init.createPipe({ capacity: 200 });
    const lent = writer.duplicate();
    const lost = start(kernel, ["write", 1e9], { out: lent.duplicate() });
    const stays = start(kernel, ["write", 20_000], { out: writer.duplicate() });
    const words = new Int32Array(2);
    const bytes = new Uint8Array(words.buffer);
    await reader.read(bytes); // both, or one of them, are in the middle of it
    const first: Records = [[words[0] ?? -1, words[1] ?? -1]];
    const read = start(kernel, ["read"], { in: reader });
    if (end === "revoke") lent.revoke();
    else lost.kill();
    writer.close();
    lent.close();
    await valueOf(stays);
    const seen = [...first, ...await valueOf(read) as Records];
    assertInOrder([seen], [stays.taskId], 20_000);
    const ofLost = seen.filter(([by]) => by === lost.taskId).map(([, index]) => index);
    assertEquals(ofLost, ofLost.map((_, i) => i), "nothing of the lost one's is missing or twice");
    const { state } = await lost.wait();
    assertEquals(state, end === "revoke" ? "crashed" : "killed");
  });
}

Deno.test("a worker whose mapped pipe lost its reader gets BROKEN_PIPE", async () => {
  await using kernel = new Kernel();
  const { reader, writer } = kernel.init.createPipe({ capacity: 200 });
  const write = start(kernel, ["write", 1e9], { out: writer });
  await reader.read(new Uint8Array(8));
  reader.close();
  const status = await write.wait();
  assert(status.state === "crashed");
  assertMatch(
    status.error.message,
    /^Cannot write to handle \d+ \(pipe writer\): no reader is left$/,
  );
});

Deno.test("a stopped worker leaves its mapped pipe alone until it is let go on", async () => {
  await using kernel = new Kernel();
  const { reader, writer } = kernel.init.createPipe({ capacity: 80 });
  const write = start(kernel, ["write", 100], { out: writer });
  const words = new Int32Array(2);
  const bytes = new Uint8Array(words.buffer);
  await reader.read(bytes);
  write.send({ type: "processControl", control: "stop" });
  let last = words[1] ?? -1;
  while (reader.tryRead(bytes) === 8) last = words[1] ?? -1; // at most what was there
  for (let i = 0; i < 10; i++) {
    await new Promise((resolve) => setTimeout(resolve));
    assertEquals(reader.tryRead(bytes), -1);
  }
  write.send({ type: "processControl", control: "continue" });
  for (let i = last + 1; i < 100; i++) {
    assertEquals(await reader.read(bytes), 8);
    assertEquals(words[1], i);
  }
  await valueOf(write);
});

Deno.test("reserve and peek in a worker are the ring's own memory", async () => {
  await using kernel = new Kernel();
  const { reader, writer } = kernel.init.createPipe();
  const value = await valueOf(start(kernel, ["window"], { in: reader, out: writer }));
  assertEquals(value, { isRing: [true, true], bytes: [1, 2], rest: [2] });
});

Deno.test("calls of a worker on a mapped pipe are served in order, and give up on request", async () => {
  await using kernel = new Kernel();
  const { reader, writer } = kernel.init.createPipe();
  const value = await valueOf(start(kernel, ["async"], { in: reader, out: writer }));
  const { number } = value as { number: number };
  assertEquals(value, {
    number,
    tried: -1,
    order: ["first", "second"],
    got: [5, 6, 7],
    aborted: "CANCELED",
    timedOut: `Cannot read from handle ${number} (pipe reader): nothing happened for 1 ms`,
  });
});

Deno.test("workers count in mapped shared memory, and wake who waits for it here", async () => {
  await using kernel = new Kernel();
  const memory = kernel.init.createSharedMemory(4_096);
  using view = memory.map();
  const children = [0, 1].map(() =>
    start(kernel, ["shared memory", 10_000], { memory: memory.duplicate() })
  );
  while (view.load(0) < 20_000) await view.wait(0, view.load(0));
  assertEquals(await Promise.all(children.map(valueOf)), [true, true]);
});

Deno.test("a worker without WRITE maps a private snapshot", async () => {
  await using kernel = new Kernel();
  const memory = kernel.init.createSharedMemory(4_096);
  const handles = { memory: memory.duplicate(Rights.READ | Rights.MAP | Rights.TRANSFER) };
  const status = await start(kernel, ["shared memory", 1], handles).wait();
  assert(status.state === "crashed");
  assertMatch(status.error.message, /snapshot/);
});

Deno.test("a mapped semaphore lets one worker at a time go on", async () => {
  await using kernel = new Kernel();
  const { init } = kernel;
  const memory = init.createSharedMemory(4_096);
  const permit = init.createCounter({ initial: 1, semaphore: true });
  const children = [0, 1, 2].map(() =>
    start(kernel, ["semaphore", 500], { memory: memory.duplicate(), permit: permit.duplicate() })
  );
  const view = memory.map();
  for (let i = 0; i < 100; i++) {
    await permit.take();
    view.int32[0] = (view.int32[0] ?? 0) + 1;
    await permit.add(1);
  }
  await Promise.all(children.map(valueOf));
  assertEquals(view.load(0), 1_600);
  assertEquals(permit.value, 1n);
});
