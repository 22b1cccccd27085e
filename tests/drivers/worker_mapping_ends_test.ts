import { assert, assertEquals, assertMatch } from "@std/assert";
import { Kernel, type PipeReader, type SpawnOptions, type TaskHandle } from "@carmine/kernel";

const PROGRAM = new URL("./worker_programs/mapped.ts", import.meta.url);

function start(
  kernel: Kernel,
  args: unknown[],
  handles: NonNullable<SpawnOptions["handles"]>,
): TaskHandle {
  return kernel.init.spawn(PROGRAM, { name: String(args[0]), args: args.map(String), handles });
}

async function valueOf(task: TaskHandle): Promise<unknown> {
  const status = await task.wait();
  if (status.state === "crashed") throw status.error;
  assert(status.state === "exited", status.state);
  return status.value;
}

/** Reads whole numbers until the end of the stream. */
async function numbersOf(reader: PipeReader): Promise<number[]> {
  const [numbers, words] = [[] as number[], new Int32Array(1)];
  while (await reader.read(new Uint8Array(words.buffer)) === 4) numbers.push(words[0] ?? -1);
  return numbers;
}

Deno.test("a mapped writer goes from worker to worker in mid-stream, and nothing is lost, doubled or reordered", async () => {
  await using kernel = new Kernel();
  const { init } = kernel;
  const { reader, writer } = init.createPipe({ capacity: 40 });
  const queues = [0, 1, 2].map(() => init.createMessageQueue());
  const [first, second, last] = queues;
  assert(first !== undefined && second !== undefined && last !== undefined);
  const workers = [
    start(kernel, ["relay", 700], { turns: first.receiver, pass: second.sender }),
    start(kernel, ["relay", 700], { turns: second.receiver, pass: last.sender }),
  ];
  const reading = numbersOf(reader);
  await first.sender.send(Uint8Array.of(0), { handles: [writer] });
  const { handles: [back], bytes } = await last.receiver.receive();
  back?.close();
  assertEquals([...bytes], [2]);
  assertEquals(await reading, Array.from({ length: 1_400 }, (_, i) => i));
  await Promise.all(workers.map(valueOf));
});

for (const how of ["close", "transfer"] as const) {
  Deno.test(`a worker's wait on a mapped reader ends with the handle's ${how}`, async () => {
    await using kernel = new Kernel();
    const { reader, writer } = kernel.init.createPipe();
    const { sender, receiver } = kernel.init.createMessageQueue();
    const blocked = start(kernel, ["blocked", how], { in: reader, pass: sender });
    assertEquals(await valueOf(blocked), ["BAD_HANDLE", "BAD_HANDLE"]);
    if (how === "close") return;
    const { handles: [back] } = await receiver.receive();
    writer.tryWrite(Uint8Array.of(1));
    assertEquals(await (back as PipeReader).read(new Uint8Array(1)), 1);
  });
}

for (const how of ["revoke", "kill"] as const) {
  Deno.test(`a worker that is blocked in a mapped read is told of a ${how}`, async () => {
    await using kernel = new Kernel();
    const { reader, writer } = kernel.init.createPipe();
    const blocked = start(kernel, ["blocked for ever"], { in: reader.duplicate() });
    const { taskId } = blocked;
    const isRunning = () =>
      kernel.tasks().some(({ id, state }) => id === taskId && state === "running");
    while (!isRunning()) await new Promise((resolve) => setTimeout(resolve));
    if (how === "revoke") reader.revoke();
    else blocked.kill();
    const status = await blocked.wait();
    assertEquals(status.state, how === "revoke" ? "crashed" : "killed");
    if (status.state === "crashed") assertMatch(status.error.message, /revoked/);
    writer.tryWrite(Uint8Array.of(1));
    assertEquals(await reader.read(new Uint8Array(1)), 1);
  });
}

Deno.test("a writer that is killed in a long write leaves the first part of it, and others go on", async () => {
  await using kernel = new Kernel();
  for (const part of [1, 3_000, 20_000, 70_000]) {
    const { reader, writer } = kernel.init.createPipe({ capacity: 5_000 });
    const victim = start(kernel, ["long", 16_000_000], { out: writer.duplicate() });
    const into = new Uint8Array(1_000);
    let seen = 0;
    const take = (read: number): void => {
      for (const byte of into.subarray(0, read)) assertEquals(byte, seen++ & 0xff);
    };
    while (seen < part) take(await reader.read(into));
    victim.kill();
    assertEquals((await victim.wait()).state, "killed");
    const end = start(kernel, ["long", 10], { out: writer });
    const rest: number[] = [];
    for (let read = await reader.read(into); read > 0; read = await reader.read(into)) {
      rest.push(...into.subarray(0, read));
    }
    await valueOf(end);
    assertEquals(rest.slice(-10), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    for (const byte of rest.slice(0, -10)) assertEquals(byte, seen++ & 0xff);
  }
});

Deno.test("tasks with mapped pipes that come and go, by any end, leave nothing behind", async () => {
  await using kernel = new Kernel();
  const { init } = kernel;
  const before = JSON.stringify(kernel.tasks()[0]?.usage);
  for (let round = 0; round < 8; round++) {
    const { reader, writer } = init.createPipe({ capacity: 100 });
    const writers = [0, 1, 2, 3].map((i) =>
      start(kernel, ["write", i % 2 === 0 ? 50 : 1e9], { out: writer.duplicate() })
    );
    const read = start(kernel, ["read"], { in: reader });
    await Promise.all([writers[0], writers[2]].map((task) => task && valueOf(task)));
    for (const task of writers) task.kill();
    writer.close();
    const seen = await valueOf(read) as [number, number][];
    for (const task of [writers[0], writers[2]]) {
      const indexes = seen.filter(([by]) => by === task?.taskId).map(([, index]) => index);
      assertEquals(indexes, Array.from({ length: 50 }, (_, i) => i));
    }
    for (const task of [...writers, read]) task.close();
  }
  assertEquals(JSON.stringify(kernel.tasks()[0]?.usage), before);
  assertEquals(kernel.tasks().length, 1);
});
