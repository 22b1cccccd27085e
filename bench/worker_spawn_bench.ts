/**
 * Starting a task in a worker: from `spawn` until its first syscall has been answered, against a
 * bare permissionless worker until its first message. And the memory that an idle one takes.
 *
 *     deno bench --allow-read --allow-sys bench/worker_spawn_bench.ts
 *     deno run --allow-read --allow-sys bench/worker_spawn_bench.ts   # in turns, with ratios, memory
 */
import { Kernel } from "@carmine/kernel";
import { compare, type Contestant, ratio } from "./_compare.ts";

const dataUrl = (source: string): string => `data:text/javascript,${encodeURIComponent(source)}`;

const BARE = dataUrl("postMessage(1);");
/** Writes a byte, and stays. */
const TASK = new URL(dataUrl(`
  import { PipeWriter } from ${JSON.stringify(import.meta.resolve("@carmine/kernel"))};
  import { task } from ${JSON.stringify(import.meta.resolve("@carmine/kernel/task"))};
  task.handle("output", PipeWriter).writeSync(new Uint8Array(1));
  await new Promise(() => {});
`));

/** A worker that has posted its first message; gives what ends it. */
async function startBare(): Promise<() => void> {
  const worker = new Worker(BARE, { type: "module", deno: { permissions: "none" } });
  await new Promise((resolve) => worker.onmessage = resolve);
  return () => worker.terminate();
}

const kernel = new Kernel();
const kernelWithSpare = new Kernel({ spareThreads: 1 });

/** A task whose first syscall has been answered; gives what ends it. */
async function startTask(kernel: Kernel): Promise<() => Promise<unknown>> {
  const { reader, writer } = kernel.init.createPipe();
  const child = kernel.init.spawn(TASK, { handles: { output: writer } });
  await reader.read(new Uint8Array(1));
  reader.close();
  return () => {
    child.kill();
    return child.wait();
  };
}

/** Lets what the last round left end, and a spare thread be made. */
const prepare = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 200));

const contestants: Contestant[] = [
  {
    name: "bare worker, no permission: first message",
    prepare,
    async run(operations) {
      for (let i = 0; i < operations; i++) (await startBare())();
    },
  },
  {
    name: "task in a worker: first syscall",
    prepare,
    async run(operations) {
      for (let i = 0; i < operations; i++) void (await startTask(kernel))();
    },
  },
  {
    name: "task in a spare thread: first syscall",
    prepare,
    async run(operations) {
      for (let i = 0; i < operations; i++) void (await startTask(kernelWithSpare))();
    },
  },
];

for (const [i, { name, run }] of contestants.entries()) {
  Deno.bench({ name, group: "start", baseline: i === 0, fn: () => run(1) as Promise<void> });
}

const IDLE = 32;

/** Resident memory of each of many that stay, in MB. */
async function memoryOf(start: () => Promise<unknown>): Promise<number> {
  const before = Deno.memoryUsage().rss;
  for (let i = 0; i < IDLE; i++) await start();
  return (Deno.memoryUsage().rss - before) / IDLE / 1e6;
}

if (import.meta.main) {
  const results = await compare(contestants, { rounds: 41, roundMs: 1, warmUp: 1 });
  const [bare] = results;
  for (const result of results) {
    const { median, low, high } = ratio(bare ?? result, result);
    const spread = `${median.toFixed(2)} (${low.toFixed(2)} … ${high.toFixed(2)})`;
    console.log(`${result.name}: ${(result.ns / 1e6).toFixed(1)} ms, ${spread} times the first`);
  }
  // All of them stay until the end, so that none gets memory which another has left.
  console.log(`${IDLE} idle at a time, resident memory of each:`);
  console.log(`  bare worker: ${(await memoryOf(startBare)).toFixed(1)} MB`);
  console.log(`  task in a worker: ${(await memoryOf(() => startTask(kernel))).toFixed(1)} MB`);
  await Promise.all([kernel.shutdown(), kernelWithSpare.shutdown()]);
  Deno.exit(); // or the bare workers go on
}
