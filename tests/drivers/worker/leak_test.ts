/**
 * What tasks in workers leave behind: nothing.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { resultOfChild } from "./_child.ts";

const MIB = 1_024 * 1_024;
/** Threads and files that the platform itself has more or less of at times. */
const SPARE = 12;

interface Held {
  readonly heldBytes: number;
  readonly residentBytes: number;
}

Deno.test("1,000 tasks one after another, and 64 at once, leave no thread, memory, handle, file or lock", async () => {
  // Its counts are in /proc, which Deno shows to nobody who may not do everything.
  const result = await resultOfChild("./_leak_child.ts", ["--allow-all"]);
  assertEquals([result.ended, result.alive], [1_000, 64]);
  assertEquals(result.states, { killed: 600, exited: 100, crashed: 300 });
  assertEquals([result.left, result.lingering, result.locks], [["init"], [], 0]);
  assertEquals(result.usageAfter, result.usageBefore);
  const [threads, threadsLeft] = result.threads as [number, number];
  assert(threadsLeft <= threads + SPARE, `${threads}, then ${threadsLeft} threads`);
  const [files, filesLeft] = result.files as [number, number];
  assert(filesLeft <= files + SPARE, `${files}, then ${filesLeft} open files`);
  const marks = result.marks as Held[];
  const [early, late] = [marks[0], marks.at(-1)] as [Held, Held];
  const grown = late.heldBytes - early.heldBytes;
  assert(grown < 2 * MIB, `the kernel's isolate holds ${grown} bytes more`);
  // Deno itself keeps 50 to 85 MiB of threads that ended while they started. A bare thread that stays
  // takes 7 MiB: 20 of the 800 would be seen.
  const residentGrown = late.residentBytes - early.residentBytes;
  assert(residentGrown < 140 * MIB, `the process has ${residentGrown} bytes more`);
});
