import { assert, assertEquals, assertMatch } from "@std/assert";
import { Kernel, Signals, type SpawnOptions, type TaskHandle } from "@carmine/kernel";
import { probe, reasonOf } from "./worker_programs/_probe.ts";

const WORKER = new URL("./worker_programs/probe.ts", import.meta.url);

async function valueOf(task: TaskHandle): Promise<unknown> {
  const status = await task.wait();
  if (status.state === "crashed") throw status.error;
  assert(status.state === "exited", status.state);
  return status.value;
}

Deno.test("a task finds the same in a worker as in the kernel's isolate", async () => {
  await using kernel = new Kernel();
  const here = await valueOf(kernel.init.spawn(probe)) as Awaited<ReturnType<typeof probe>>;
  const there = await valueOf(kernel.init.spawn(WORKER, { args: ["probe"] }));
  assertEquals(there, here);
  const { refusals, options, liar, freshness, events, givenUp } = here as Record<string, unknown[]>;
  for (const refusal of refusals as string[]) {
    assertMatch(refusal, /^(NO_SUCH_SYSCALL|INVALID_ARGUMENT|BAD_HANDLE): /);
  }
  assertEquals([options, liar], [77, 400_000]);
  const round = ["TIMED_OUT", ["pipe"], ["counter", "pipe"], ["counter"], "TIMED_OUT"];
  assertEquals(freshness, Array.from({ length: 20 }, () => round).flat());
  assertEquals(events, [true, true, true, true]);
  assertEquals(givenUp, ["BROKEN_PIPE", true]);
});

Deno.test("a task that is told to terminate finds the reason, also in a worker", async () => {
  await using kernel = new Kernel();
  const reasons: unknown[] = [];
  for (const program of [reasonOf, WORKER]) {
    const { reader, writer } = kernel.init.createPipe();
    const options: SpawnOptions = { name: "told", args: ["reason"], handles: { ready: reader } };
    const child = kernel.init.spawn(program, options);
    await writer.waitFor(Signals.PEER_CLOSED);
    child.send({ type: "processControl", control: "terminate" });
    reasons.push(await valueOf(child));
  }
  for (const reason of reasons) {
    const [name, code, message] = reason as string[];
    assertEquals([name, code], ["KernelError", "INTERRUPTED"]);
    assertMatch(message as string, /^Task \d+ \(told\) was told to terminate$/);
  }
});

Deno.test("a worker's pending calls go on while it blocks for what they bring about", async () => {
  await using kernel = new Kernel();
  const { init } = kernel;
  const output = init.createPipe({ capacity: 10 });
  const input = init.createPipe();
  const messages = init.createMessageQueue();
  const program = new URL("./worker_programs/blocks_itself.ts", import.meta.url);
  const child = init.spawn(program, {
    handles: { output: output.writer, messages: messages.receiver, input: input.reader },
  });
  const bytes = new Uint8Array(100);
  for (let left = 100; left > 0;) left -= await output.reader.read(bytes.subarray(0, left));
  await messages.sender.send(new Uint8Array(3));
  for (let left = 100; left > 0;) left -= await output.reader.read(bytes.subarray(0, left));
  await input.writer.write(new Uint8Array(1));
  assertEquals(await valueOf(child), [[4, 4, 2, 10], [4, 4, 2, 10], [3, 1, 100, 100]]);
});
