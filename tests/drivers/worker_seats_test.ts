import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import {
  type Counter,
  Kernel,
  KernelError,
  Rights,
  type SpawnOptions,
  type TaskHandle,
} from "../../mod.ts";

const PROGRAM = new URL("./worker_programs/seats.ts", import.meta.url);
const [READ, WRITE, MAP, TRANSFER] = [Rights.READ, Rights.WRITE, Rights.MAP, Rights.TRANSFER];
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Starts the program with two counters beside its handles: it adds to the one, and takes from the other. */
function start(
  kernel: Kernel,
  what: string,
  handles: SpawnOptions["handles"],
): { task: TaskHandle; ready: Counter; go: Counter } {
  const { init } = kernel;
  const [ready, go] = [init.createCounter(), init.createCounter()];
  const counters = {
    ready: ready.duplicate(WRITE | TRANSFER),
    go: go.duplicate(READ | TRANSFER),
  };
  const task = init.spawn(PROGRAM, { args: [what], handles: { ...handles, ...counters } });
  return { task, ready, go };
}

async function valueOf(task: TaskHandle): Promise<unknown> {
  const status = await task.wait();
  if (status.state === "crashed") throw status.error;
  return status.state === "exited" ? status.value : status;
}

Deno.test("a worker with more mapped pipes than it has seats works on all of them", async () => {
  await using kernel = new Kernel({ limits: { handles: 4_096 } });
  const { task } = start(kernel, "many pipes", {});
  assertEquals(await valueOf(task), true);
});

Deno.test("a worker that may read a pipe and map it can garble that pipe, and nothing else", async () => {
  await using kernel = new Kernel();
  const [pipe, other] = [kernel.init.createPipe(), kernel.init.createPipe()];
  await pipe.writer.write(bytesOf("hello"));
  const { task, ready, go } = start(kernel, "scribble on a pipe", {
    in: pipe.reader.duplicate(READ | MAP | TRANSFER),
    other: other.reader.duplicate(READ | MAP | TRANSFER),
  });
  await ready.take();
  await go.add(1);
  await ready.take();
  const error = assertThrows(() => pipe.writer.tryWrite(bytesOf("x")), KernelError);
  assertEquals(error.code, "INVALID_STATE");
  await other.writer.write(bytesOf("untouched"));
  const buffer = new Uint8Array(20);
  assertEquals(await other.reader.read(buffer), 9);
  await valueOf(task);
});

Deno.test("what a worker does to a pipe's memory after the revocation is nobody's concern", async () => {
  await using kernel = new Kernel();
  const { reader, writer } = kernel.init.createPipe();
  await writer.write(bytesOf("hello"));
  const { task, ready, go } = start(kernel, "scribble on a pipe", {
    in: reader.duplicate(READ | MAP | TRANSFER),
  });
  await ready.take();
  reader.revoke();
  await go.add(1);
  await ready.take();
  await writer.write(bytesOf(" world"));
  const buffer = new Uint8Array(20);
  assertEquals(await reader.read(buffer), 11);
  assertEquals(new TextDecoder().decode(buffer.subarray(0, 11)), "hello world");
  await valueOf(task);
});

Deno.test("a view of shared memory in a worker outlives its revocation, new ones are refused", async () => {
  await using kernel = new Kernel();
  const memory = kernel.init.createSharedMemory(4_096);
  const { task, ready, go } = start(kernel, "keep a view", {
    memory: memory.duplicate(READ | WRITE | MAP | TRANSFER),
  });
  await ready.take();
  memory.revoke();
  await go.add(1);
  assertMatch(String(await valueOf(task)), /was revoked$/);
  using view = memory.map();
  assertEquals(view.load(0), 7);
});
