/**
 * Bytes from one worker to another: a mapped pipe, with no kernel on the way, against the same ring
 * in C (built here where there is a compiler), ringbuf.js, message ports and plain copies; and the
 * round trip through two mapped pipes against bare words.
 *
 * ```sh
 * deno run -A bench/worker_pipe_bench.ts
 * ```
 *
 * @module
 */
import { type Handle, Kernel } from "@carmine/kernel";
import { compare, type Contestant, Measured, table } from "./_compare.ts";
import { startTask, taskContestant, workerContestant } from "./_threads.ts";
import type { PortRole } from "./threads/port.ts";

const CAPACITY_BYTES = 65_536;
const kernel = new Kernel();

/** Two threads that move the same messages; a round is over when both are done. */
function pair(name: string, sides: readonly Contestant[]): Contestant {
  return { name, run: (operations) => Promise.all(sides.map(({ run }) => run(operations))) };
}

function mappedPipe(
  bytes: number,
  name = "mapped pipe",
  file = "pipe_task.ts",
  capacity = CAPACITY_BYTES,
): Contestant {
  const { reader, writer } = kernel.init.createPipe({ capacity });
  const side = (handles: Record<string, Handle>) =>
    taskContestant(kernel, "", file, [String(bytes)], handles);
  return pair(name, [side({ in: reader }), side({ out: writer })]);
}

async function ringbuf(bytes: number): Promise<Contestant> {
  const memory = new SharedArrayBuffer(CAPACITY_BYTES + 1 + 8);
  const side = (writes: boolean) => workerContestant("", "ringbuf.ts", { memory, bytes, writes });
  return pair("ringbuf.js", [await side(false), await side(true)]);
}

async function ports(
  name: string,
  bytes: number,
  from: PortRole,
  to: PortRole = "receives",
): Promise<Contestant> {
  const { port1, port2 } = new MessageChannel();
  return pair(name, [
    await workerContestant("", "port.ts", { port: port1, bytes, role: to }, [port1]),
    await workerContestant("", "port.ts", { port: port2, bytes, role: from }, [port2]),
  ]);
}

/** The two copies that any ring makes, in one thread. */
function copies(bytes: number): Contestant {
  const memory = new Uint8Array(new SharedArrayBuffer(CAPACITY_BYTES));
  const [from, to] = [new Uint8Array(bytes), new Uint8Array(bytes)];
  const view = memory.subarray(0, bytes);
  return {
    name: "two copies in one thread",
    run(operations) {
      for (let i = 0; i < operations; i++) {
        view.set(from);
        to.set(view);
      }
    },
  };
}

/** The program of ring.c, if it can be built. */
async function buildRing(): Promise<string | undefined> {
  const file = await Deno.makeTempFile();
  const source = new URL("./ring.c", import.meta.url).pathname;
  try {
    const cc = new Deno.Command("cc", { args: ["-O2", "-pthread", source, "-o", file] });
    return (await cc.output()).success ? file : undefined;
  } catch {
    return undefined;
  }
}

function ringInC(program: string, bytes: number): Contestant {
  return {
    name: "the same ring in C",
    async run(operations) {
      const args = [bytes, CAPACITY_BYTES, operations * bytes].map(String);
      const { stdout } = await new Deno.Command(program, { args }).output();
      const [, seconds] = new TextDecoder().decode(stdout).split(" ");
      return new Measured(Number(seconds) * 1_000); // a process takes its time to start
    },
  };
}

/** Round trips; `name` says who waits how. */
function pipes(): Contestant {
  const there = kernel.init.createPipe();
  const back = kernel.init.createPipe();
  startTask(kernel, "ping_task.ts", {
    args: ["echo"],
    handles: { in: there.reader, out: back.writer },
  });
  const handles = { out: there.writer, in: back.reader };
  return taskContestant(kernel, "two mapped pipes, 64 bytes", "ping_task.ts", ["ping"], handles);
}

async function words(name: string, sleeps: boolean): Promise<Contestant> {
  const words = new Int32Array(new SharedArrayBuffer(128));
  const side = (isEcho: boolean) =>
    workerContestant("", "ping_words.ts", { words, isEcho, sleeps });
  return pair(name, [await side(true), await side(false)]);
}

/** Measures everything, side by side. */
async function main(): Promise<void> {
  const program = await buildRing();
  for (const bytes of [64, 1_024, 65_536]) {
    const results = await compare([
      ...(program === undefined ? [] : [ringInC(program, bytes)]),
      mappedPipe(bytes),
      await ringbuf(bytes),
      await ports("MessageChannel, cloned", bytes, "clones"),
      await ports("MessageChannel, transferred", bytes, "transfers"),
      copies(bytes),
    ], { rounds: 11, roundMs: 100 });
    console.log(table(`${bytes} bytes from worker to worker`, results, bytes));
  }
  if (program !== undefined) await Deno.remove(program);
  for (const bytes of [1_024, 65_536]) {
    const results = await compare([
      mappedPipe(bytes, "mapped pipe, reserve … consume", "place_task.ts", bytes * 4),
      await ports("MessageChannel, transferred", bytes, "handsOver", "takesOver"),
    ], { rounds: 11, roundMs: 100 });
    console.log(table(`${bytes} bytes that nobody copies`, results));
  }
  const trips = await compare([
    { ...await words("one word each way, spinning", false), operations: 200_000 },
    { ...await words("one word each way, sleeping", true), operations: 1_000 },
    { ...pipes(), operations: 200_000 },
  ], { rounds: 11 });
  console.log(table("a round trip between workers", trips));
}

if (import.meta.main) {
  await main();
  Deno.exit(0); // or the bare workers go on
}
