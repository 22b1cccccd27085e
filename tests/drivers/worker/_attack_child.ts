/** Runs the attack that the environment's ATTACK names, and prints what it reached. */
import { runTask } from "./_harness.ts";

const { end, reports } = await runTask(`./attacks/${Deno.env.get("ATTACK")}`);
const reached = reports.filter((line) => line.startsWith("REACHED"));
console.log(JSON.stringify({ state: end.state, reached, attempts: reports.length }));
