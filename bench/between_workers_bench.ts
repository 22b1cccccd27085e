/**
 * Messages and sockets between two tasks in workers, this isolate only hosting the kernel, against
 * what else connects two workers.
 *
 * ```sh
 * deno run -A bench/between_workers_bench.ts
 * ```
 *
 * @module
 */
import { Kernel } from "@carmine/kernel";
import { compare, type Contestant, table } from "./_compare.ts";
import { startTask, startWorker, taskContestant, twoQueues, workerContestant } from "./_threads.ts";

/** Messages, or chunks, one way before one comes back. */
const BATCH = 1_000;
const CHUNKS = 100;
const kernel = new Kernel({ limits: { objects: 100_000, bufferBytes: 1 << 30 } });
const { init } = kernel;

function queues(name: string, mode: string, batch = 1): Contestant {
  const { near, far } = twoQueues({ createMessageQueue: () => init.createMessageQueue() });
  const echo = mode === "calls" ? "reply" : "echo";
  startTask(kernel, "echo_task.ts", { args: [echo, String(batch)], handles: far });
  return taskContestant(kernel, name, "message_task.ts", [mode, String(batch)], near);
}

/** Two bare workers with a channel between them. */
function channel(name: string, caller: string, echo: string, batch = 1): Promise<Contestant> {
  const { port1, port2 } = new MessageChannel();
  startWorker(echo).postMessage({ port: port2, batch }, [port2]);
  return workerContestant(name, caller, { port: port1, batch }, [port1]);
}

function sockets(size: number, chunks: number): Contestant {
  const [near, far] = init.createSocketPair();
  const bytes = chunks > 1 ? size * chunks : 0;
  startTask(kernel, "socket_echo_task.ts", { args: [String(bytes)], handles: { socket: far } });
  const args = [String(size), String(chunks)];
  return taskContestant(kernel, "socket", "socket_task.ts", args, { socket: near });
}

async function unixSockets(size: number, chunks: number): Promise<Contestant> {
  const path = `${await Deno.makeTempDir()}/socket`;
  const start = { path, size, chunks };
  const contestant = await workerContestant("Deno's unix socket", "unix_caller.ts", start);
  const bytes = chunks > 1 ? size * chunks : 0;
  startWorker("unix_echo.ts").postMessage({ path, size: bytes });
  return contestant;
}

/** All of them in rounds of so many operations: whole batches, and enough to warm up. */
async function sideBySide(title: string, operations: number, contestants: Contestant[]) {
  const all = contestants.map((contestant) => ({ ...contestant, operations }));
  console.log(table(title, await compare(all, { rounds: 21 })));
}

/** Measures everything, side by side. */
async function main(): Promise<void> {
  await sideBySide("A message there and back", 1_000, [
    queues("two queues", "round trips"),
    queues("call and reply", "calls"),
    await channel("MessageChannel", "channel_caller.ts", "channel_echo.ts"),
    await channel("comlink", "comlink_messages.ts", "comlink_echo.ts"),
  ]);
  await sideBySide("\nA message one way, a thousand at a time", 4 * BATCH, [
    queues("queue", "one way", BATCH),
    await channel("MessageChannel", "channel_caller.ts", "channel_echo.ts", BATCH),
    await channel("comlink, and its answer", "comlink_messages.ts", "comlink_echo.ts", BATCH),
  ]);
  for (const size of [64, 1_024, 65_536]) {
    await sideBySide(`\n${size} bytes there and back`, 200, [
      sockets(size, 1),
      await unixSockets(size, 1),
    ]);
    await sideBySide(`\n${size} bytes one way, a hundred at a time`, 5 * CHUNKS, [
      sockets(size, CHUNKS),
      await unixSockets(size, CHUNKS),
    ]);
  }
}

if (import.meta.main) {
  await main();
  Deno.exit(0); // or the bare workers go on
}
