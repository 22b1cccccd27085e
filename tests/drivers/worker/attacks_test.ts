/**
 * Runs the hostile corpus: each file of `attacks/` is a task that tries to get at something, and
 * says so through the tests' own channel. None may reach anything, and each must have tried.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { runTask } from "./_harness.ts";

/** The attacks, and how many attempts each makes at least. */
const ATTACKS: Record<string, number> = {
  "commonjs.ts": 11,
  "dynamic_imports.ts": 400,
  "forged_end.ts": 8,
  "globals.ts": 200,
  "poisoned_lists.ts": 7,
  "pollution.ts": 18,
  "private_modules.ts": 40,
  "reachability.ts": 20,
  "stack_overflow.ts": 40,
  "stack_traces.ts": 13,
  "static_imports.ts": 15,
  "wasm_imports.ts": 2,
};

for (const [file, attempts] of Object.entries(ATTACKS)) {
  Deno.test(`attacks/${file} reaches nothing`, async () => {
    const { end, reports } = await runTask(`./attacks/${file}`);
    assertEquals(reports.filter((line) => line.startsWith("REACHED")), []);
    assertEquals(end, { state: "returned" });
    const held = reports.filter((line) => line.startsWith("held:")).length;
    assert(held >= attempts, `only ${held} attempts were made`);
  });
}

Deno.test("attacks/ holds no attack that isn't run", () => {
  const files = [...Deno.readDirSync(new URL("./attacks/", import.meta.url))]
    .filter(({ isFile, name }) => isFile && name.endsWith(".ts") && !name.startsWith("_"))
    .map(({ name }) => name);
  assertEquals(files.sort(), Object.keys(ATTACKS).sort());
});
