/** Runs a task whose folder holds a symbolic link to the folder above, and prints what it read. */
import { runTask } from "./_harness.ts";

const folder = await Deno.makeTempDir({ prefix: "carmine-" });
try {
  await Deno.writeTextFile(`${folder}/outside.json`, `"read"`);
  await Deno.mkdir(`${folder}/plugin`);
  await Deno.symlink("..", `${folder}/plugin/up`);
  await Deno.writeTextFile(
    `${folder}/plugin/main.ts`,
    `import text from "./up/outside.json" with { type: "json" }; report(text);`,
  );
  const { end, reports } = await runTask(new URL(`file://${folder}/plugin/main.ts`));
  console.log(JSON.stringify({ state: end.state, reports }));
} finally {
  await Deno.remove(folder, { recursive: true });
}
