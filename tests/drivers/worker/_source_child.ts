/** Runs the task whose source is the environment's TASK, and prints how it ended. */
import { runSource } from "./_harness.ts";

const { end, reports } = await runSource(Deno.env.get("TASK") ?? "");
console.log(JSON.stringify({ state: end.state, reports }));
