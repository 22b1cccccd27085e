/**
 * When a process that runs tasks in workers ends: each case is a process of its own.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { runChild } from "./_child.ts";

/** What a process says, and with which code it ends, when nothing of it decides about that. */
const WAYS: Record<string, [says: string, code: number]> = {
  "waits": ["exited", 0],
  "leaves": ["exited", 0],
  "waits for two that share a pipe": ["exited\nexited", 0],
  "reads what another writes": ["8000", 0],
  "shuts down": ["0", 0],
  "shuts down at once": ["0", 0],
  "kills at once": ["killed", 0],
  "lingers": ["ends.ts lingering\n1", 3],
};

for (const [way, [says, code]] of Object.entries(WAYS)) {
  Deno.test(`a process that only ${way} lives as long as a task in a worker does`, async () => {
    const outcome = await runChild("./_loop_child.ts", ["--allow-read", "--allow-env"], {
      WAY: way,
    });
    assertEquals(outcome, { code, stdout: `${says}\n`, stderr: "" });
  });
}
