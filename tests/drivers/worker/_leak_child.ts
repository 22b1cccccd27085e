/**
 * Starts and ends 1,000 tasks in workers, then 64 at once, and prints what is left of them. Runs in
 * a process of its own, of which all threads and all memory are known.
 *
 * @module
 */
import { type ExitStatus, Kernel, type TaskHandle } from "@carmine/kernel";
import { collect } from "../../_garbage.ts";

const TASKS = 1_000;
const AT_ONCE = 64;
/** The platform's own, give or take. */
const SPARE_FILES = 8;
/** Rows of tasks, each one after another, so that no core is idle. */
const ROWS = 2;
const MARKS = [2, 4, 6, 8, 10].map((n) => n * TASKS / 10);

const PROGRAM = new URL("../worker_programs/ends.ts", import.meta.url);
const UNLOADABLE = new URL("data:text/javascript,import 'node:fs'");

const kernel = new Kernel();
const { init } = kernel;
const ready = init.createCounter();
const never = init.createCounter({ semaphore: true });

function start(how: string): TaskHandle {
  return init.spawn(PROGRAM, {
    args: [how],
    handles: { ready: ready.duplicate(), never: never.duplicate() },
  });
}

/** Kills a task that `wait` has let get so far, if it has not ended already. */
async function killAfter(wait: () => unknown): Promise<ExitStatus> {
  using child = start("waits");
  await wait();
  child.kill();
  return await child.wait();
}

async function end(child: TaskHandle): Promise<ExitStatus> {
  using ending = child;
  return await ending.wait();
}

const timer = (ms: number) => (): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, ms));

/** Every way to end; half of the tasks are killed before they have begun. */
const WAYS: readonly (() => Promise<ExitStatus>)[] = [
  () => killAfter(() => {}),
  () => end(start("exits")),
  () => killAfter(() => null),
  () => end(start("throws late")),
  () => killAfter(timer(0)),
  () => end(init.spawn(UNLOADABLE)),
  () => killAfter(timer(3)),
  () => end(start("rejects")),
  () => killAfter(timer(9)),
  () => killAfter(timer(60)),
];

interface Held {
  readonly heldBytes: number;
  readonly residentBytes: number;
}

/** What this process holds when everything that has ended is gone. */
async function held(): Promise<Held> {
  for (let i = 0; i < 3; i++) {
    collect();
    await timer(0)();
  }
  const { heapUsed, external, rss } = Deno.memoryUsage();
  return { heldBytes: heapUsed + external, residentBytes: rss };
}

/** Entries of a folder of the system's about this process. */
function count(folder: "task" | "fd"): number {
  if (Deno.build.os !== "linux") return 0;
  return [...Deno.readDirSync(`/proc/self/${folder}`)].length;
}

const states: Record<string, number> = {};
let started = 0;

async function row(upTo: number): Promise<void> {
  while (started < upTo) {
    const way = WAYS[started++ % WAYS.length] as () => Promise<ExitStatus>;
    const { state } = await way();
    states[state] = (states[state] ?? 0) + 1;
  }
}

/** Starts many, waits until all of them run, and ends one half by a kill; the others return. */
async function many(): Promise<number> {
  ready.tryTake();
  const children = Array.from({ length: AT_ONCE }, () => start("blocks"));
  for (let begun = 0n; begun < AT_ONCE;) begun += await ready.take();
  const alive = kernel.tasks().length - 1;
  for (const child of children.slice(AT_ONCE / 2)) child.kill();
  never.tryAdd(AT_ONCE / 2);
  for (const child of children) await end(child);
  return alive;
}

await row(ROWS * WAYS.length);
const threads = count("task");
const files = count("fd");
const usage = kernel.tasks()[0]?.usage;
const marks: Held[] = [];
for (const mark of MARKS) {
  await Promise.all(Array.from({ length: ROWS }, () => row(mark)));
  marks.push(await held());
}
const ended = started;
const alive = await many();
// Threads end after their tasks; one that never did would be the test's own end.
const { locks } = navigator as unknown as {
  locks: { query(): Promise<{ held: unknown[]; pending: unknown[] }> };
};
while ((await locks.query()).held.length > 0) await timer(10)();
while (kernel.tasks().some(({ state }) => state === "lingering")) await timer(10)();
const left = kernel.tasks();
const { lingering } = await kernel.shutdown();
const { held: heldLocks, pending } = await locks.query();
// The platform keeps idle threads, and what they have open, for ten seconds. What is left after
// that, the test sees.
for (let i = 0; i < 300 && (count("task") > threads || count("fd") > files + SPARE_FILES); i++) {
  await timer(50)();
}
console.log(JSON.stringify({
  ended,
  alive,
  states,
  left: left.map(({ name }) => name),
  lingering,
  usageBefore: usage,
  usageAfter: left[0]?.usage,
  locks: heldLocks.length + pending.length,
  threads: [threads, count("task")],
  files: [files, count("fd")],
  marks,
}));
