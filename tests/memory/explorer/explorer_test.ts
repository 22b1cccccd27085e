import { assert, assertEquals } from "@std/assert";
import { loadExplorable, type PlantedBug } from "./explorable.ts";
import { explore, exploreAtRandom, seam } from "./scheduler.ts";
import { HONEST, type Scenario } from "./scenarios.ts";
const modules = await loadExplorable(seam);
const only = Deno.args[0] ?? "";
const bound = Number(Deno.args[1] ?? 2);
for (const [name, scenario] of Object.entries(HONEST)) {
  if (!name.includes(only)) continue;
  const a = performance.now();
  const e = explore(() => scenario(modules), bound);
  const b = performance.now();
  console.log(
    name.padEnd(55),
    String(e.runs).padStart(8),
    (b - a).toFixed(0),
    "ms",
    e.failure?.schedule ?? "",
    e.failure?.error.message.slice(0, 300) ?? "",
  );
  if (e.failure && only) console.log(e.failure.error);
}
