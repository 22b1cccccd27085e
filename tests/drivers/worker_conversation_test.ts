/** Two tasks in workers talk to each other; this isolate only hosts the kernel. */
import { assertEquals } from "@std/assert";
import { type Handle, Kernel, type TaskHandle } from "@carmine/kernel";

const PROGRAM = new URL("./worker_programs/talks.ts", import.meta.url);

function start(
  kernel: Kernel,
  args: string[],
  handles: Record<string, Handle>,
): TaskHandle {
  return kernel.init.spawn(PROGRAM, { args, handles });
}

/** What each of two tasks gave; nothing else is left of them. */
async function valuesOf(kernel: Kernel, tasks: readonly TaskHandle[]): Promise<unknown[]> {
  const values = [];
  for (const task of tasks) {
    const status = await task.wait();
    if (status.state === "crashed") throw status.error;
    values.push(status.state === "exited" ? status.value : status.state);
    task.close();
  }
  const { objects, queuedMessages, bufferBytes } = kernel.tasks()[0]?.usage ?? {};
  assertEquals([objects, queuedMessages, bufferBytes], [0, 0, 0]);
  return values;
}

Deno.test("messages and their handles go from one worker to another in order", async () => {
  await using kernel = new Kernel();
  const { sender, receiver } = kernel.init.createMessageQueue({ maxMessages: 8 });
  const tasks = [
    start(kernel, ["queue: sends"], { out: sender }),
    start(kernel, ["queue: receives"], { in: receiver }),
  ];
  assertEquals(await valuesOf(kernel, tasks), [undefined, "PEER_CLOSED"]);
});

Deno.test("calls of one worker are answered by another, with handles both ways", async () => {
  await using kernel = new Kernel();
  const { sender, receiver } = kernel.init.createMessageQueue();
  const tasks = [
    start(kernel, ["call: calls"], { out: sender }),
    start(kernel, ["call: replies"], { in: receiver }),
  ];
  const sum = Array.from({ length: 200 }, (_, i) => 2 * (i + 1) + 1).reduce((sum, n) => sum + n);
  assertEquals(await valuesOf(kernel, tasks), [sum, undefined]);
});

Deno.test("a worker connects to another by name, and bytes and handles keep their order", async () => {
  await using kernel = new Kernel();
  const names = kernel.init.createNamespace();
  const listener = names.listen("here");
  const writing = start(kernel, ["stream: writes"], { names });
  const reading = start(kernel, ["stream: reads", String(writing.taskId)], { listener });
  assertEquals(await valuesOf(kernel, [writing, reading]), ["thanks", [0, true]]);
});

Deno.test("two workers exchange packets, and use what came with them", async () => {
  await using kernel = new Kernel();
  const [left, right] = kernel.init.createSocketPair({ type: "seqpacket" });
  const tasks = [
    start(kernel, ["packets: asks"], { socket: left }),
    start(kernel, ["packets: answers"], { socket: right }),
  ];
  assertEquals(await valuesOf(kernel, tasks), [200, undefined]);
});
