import { assert, assertEquals, assertMatch } from "@std/assert";
import { main } from "../../examples/job_queue.ts";

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

Deno.test("examples/job_queue.ts explains itself when LIMIT is no number of jobs", async () => {
  for (const limit of ["many", "0", "-5", "1.5", "1000000001"]) {
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", new URL("../../examples/job_queue.ts", import.meta.url).pathname, limit],
    }).output();
    assertEquals([code, stdout.length], [2, 0]);
    assertMatch(new TextDecoder().decode(stderr), /^Usage: job_queue\.ts \[LIMIT\]\n/);
  }
});
