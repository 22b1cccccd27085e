import { assert, assertEquals } from "@std/assert";
import { main, progressBar } from "../../examples/job_queue.ts";

Deno.test("examples/job_queue.ts counts primes in jobs that workers share", async () => {
  const progress: number[] = [];
  const summary = await main(1_000_000, (part) => progress.push(part));
  assertEquals(summary.primes, 78_498);
  assertEquals(summary.urgent, 168);
  assert(summary.overtaken > 0, "the urgent job went before others");
  assertEquals(progress.length, 20);
  assertEquals(progress.at(-1), 1);
  assertEquals([...summary.jobsByWorker.values()].reduce((sum, jobs) => sum + jobs, 0), 20);
  assertEquals(summary.jobsByWorker.size, 4, "every worker had its share");
});

Deno.test("examples/job_queue.ts draws a progress bar", () => {
  assertEquals(progressBar(0, 4), "[░░░░]   0 %");
  assertEquals(progressBar(0.5, 4), "[██░░]  50 %");
  assertEquals(progressBar(1, 4), "[████] 100 %");
});
