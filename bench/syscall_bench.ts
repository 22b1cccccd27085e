/**
 * What a task in a worker pays for a call of the kernel, against other ways of calling another
 * thread; how many calls there are a second from one task and from many; and what a busy kernel
 * isolate does to them. No handle has MAP: every call is mediated.
 *
 * ```sh
 * deno run -A bench/syscall_bench.ts
 * ```
 *
 * @module
 */
import { Kernel, Rights } from "@carmine/kernel";
import coincident from "coincident/main";
import * as Comlink from "comlink";
import { createSyncFn } from "synckit";
import { compare, type Contestant, median, quantile, table } from "./_compare.ts";
import { startWorker, taskContestant, workerContestant } from "./_threads.ts";

/** How often a bare caller looks before it sleeps: as a task's side of a page does. */
const LOOKS = 2_000;

/** Calls of one round: enough that the engine has compiled both sides when it counts. */
const CALLS = 1_500;
/** Calls of one round while the isolate is busy. */
const BUSY_CALLS = 20;

const kernel = new Kernel();

function task(name: string, kind: "sync" | "async"): Contestant {
  const counter = kernel.init.createCounter();
  const unmapped = counter.duplicate(counter.rights & ~Rights.MAP);
  return taskContestant(kernel, name, "caller_task.ts", [kind], { counter: unmapped });
}

function bellWords(): Int32Array {
  return new Int32Array(new SharedArrayBuffer(256));
}

/** Answers a doorbell in this isolate. */
async function answer(words: Int32Array): Promise<void> {
  for (let served = 0;;) {
    const ring = Atomics.waitAsync(words, 0, served);
    if (ring.async) await ring.value;
    served = Atomics.load(words, 0); // before the answer, after which the next ring may come
    Atomics.add(words, 16, 1);
    Atomics.notify(words, 16);
  }
}

function bell(name: string, looks: number): Promise<Contestant> {
  const words = bellWords();
  void answer(words);
  return workerContestant(name, "bell_caller.ts", { words, looks });
}

/** The same, answered by a thread that blocks. */
function bellToThread(name: string, looks: number): Promise<Contestant> {
  const words = bellWords();
  startWorker("bell_answerer.ts").postMessage({ words, looks });
  return workerContestant(name, "bell_caller.ts", { words, looks });
}

function postMessage(): Promise<Contestant> {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = ({ data }) => port1.postMessage(data);
  return workerContestant("postMessage", "post_caller.ts", { port: port2 }, [port2]);
}

function comlink(): Promise<Contestant> {
  const { port1, port2 } = new MessageChannel();
  Comlink.expose({ add: (n: number) => n === 0 }, port1);
  return workerContestant("comlink", "comlink_caller.ts", { port: port2 }, [port2]);
}

async function coincidentCaller(): Promise<Contestant> {
  const { Worker } = coincident();
  const worker = new Worker(new URL("./threads/coincident_caller.ts", import.meta.url));
  const { proxy } = worker as unknown as { proxy: Record<string, (n: number) => unknown> };
  const ready = new Promise<void>((resolve) => proxy.ready = () => resolve());
  proxy.add = (n) => n === 0;
  await ready;
  return { name: "coincident", run: (operations) => proxy.run?.(operations) };
}

/** Calls the other way round, from this isolate into a worker: the only way it has. */
function synckit(): Contestant {
  const call = createSyncFn(new URL("./threads/synckit_answerer.mjs", import.meta.url).href);
  return {
    name: "synckit",
    run(operations) {
      for (let i = 0; i < operations; i++) call(0);
    },
  };
}

/** How work goes on in the next turn of the event loop. */
const NEXT_TURN: Record<string, (work: () => void) => void> = {
  "a timer's turn": (work) => setTimeout(work),
  "each turn": (work) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      work();
    };
    port2.postMessage(0);
  },
};

/** Works for 10 ms at a time, until it is told to end. */
function keepBusy(nextTurn: (work: () => void) => void): () => void {
  let isOver = false;
  const work = (): void => {
    const end = performance.now() + 10;
    while (performance.now() < end);
    if (!isOver) nextTurn(work);
  };
  work();
  return () => isOver = true;
}

/** So many tasks that call at the same time; the operations are those of all. */
function together(name: string, tasks: Contestant[]): Contestant {
  return {
    name,
    // Enough for each that the order to make them weighs little.
    operations: Math.max(4_000, 400 * tasks.length),
    run: (operations) =>
      Promise.all(tasks.map(({ run }) => run(Math.ceil(operations / tasks.length)))),
  };
}

/** Measures everything, side by side. */
async function main(): Promise<void> {
  const one = task("a task's call", "sync");
  console.log(table(
    "One synchronous call",
    await compare(
      [
        one,
        await bell("bare doorbell, looks before it sleeps", LOOKS),
        await bell("bare doorbell, sleeps", 0),
        await bellToThread("to a thread that blocks, both look", LOOKS),
        await bellToThread("to a thread that blocks, both sleep", 0),
        await postMessage(),
        await comlink(),
        await coincidentCaller(),
        synckit(),
      ].map((contestant) => ({ ...contestant, operations: CALLS })),
      { rounds: 21 },
    ),
  ));

  const many = Array.from({ length: 64 }, (_, i) => task(`task ${i}`, "sync"));
  const manyAsync = Array.from({ length: 8 }, (_, i) => task(`task ${i}`, "async"));

  console.log(table(
    "\nA call, when so many tasks call at the same time",
    await compare([
      together("1 task, blocking", many.slice(0, 1)),
      together("8 tasks, blocking", many.slice(0, 8)),
      together("64 tasks, blocking", many),
      together("1 task, 100 calls at once", manyAsync.slice(0, 1)),
      together("8 tasks, 100 calls at once each", manyAsync),
    ], { rounds: 21 }),
  ));

  console.log("");
  for (const [when, nextTurn] of Object.entries(NEXT_TURN)) {
    const end = keepBusy(nextTurn);
    const busy: number[] = [];
    for (let round = 0; round < 11; round++) {
      const start = performance.now();
      await one.run(BUSY_CALLS);
      busy.push((performance.now() - start) / BUSY_CALLS);
    }
    end();
    const range = `${quantile(busy, 0.1).toFixed(1)} … ${quantile(busy, 0.9).toFixed(1)}`;
    console.log(
      `A call, when the kernel's isolate works for 10 ms in ${when}: ` +
        `${median(busy).toFixed(1)} ms (${range})`,
    );
  }
}

if (import.meta.main) {
  await main();
  Deno.exit(0); // or the bare workers go on
}
