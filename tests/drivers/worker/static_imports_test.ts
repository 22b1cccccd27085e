/**
 * What a task's modules import statically is loaded by Deno before any hook of the lock's is asked.
 * Here each form has a worker of its own, because one denied import fails a module as a whole.
 *
 * @module
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { pooledMap } from "./_pooled_map.ts";
import { runSource, runTask } from "./_harness.ts";

interface BuiltinModules {
  builtinModules: string[];
}

/** Modules of Node's that Deno has and doesn't list; its loader knows each by its name. */
const UNLISTED = [
  "_http_agent",
  "_http_client",
  "_http_common",
  "_http_incoming",
  "_http_outgoing",
  "_http_server",
  "_stream_duplex",
  "_stream_readable",
  "_tls_common",
  "_tls_wrap",
  "internal/process",
  "repl",
  "sqlite",
  "test",
  "test/reporters",
];

function builtinModules(): string[] {
  const { process } = globalThis as unknown as {
    process: { getBuiltinModule(name: string): BuiltinModules };
  };
  const listed = process.getBuiltinModule("node:module").builtinModules
    .map((name) => name.replace(/^node:/, ""));
  return [...new Set([...listed, ...UNLISTED])];
}

async function assertNeverRuns(source: string): Promise<string> {
  const { end, reports } = await runSource(`${source}\nreport("ran");`);
  assertEquals(reports, [], source);
  assert(end.state === "failedToLoad", `${source} ended as ${end.state}`);
  return end.error.message;
}

Deno.test("A task can't import any of Node's modules statically", async () => {
  const names = builtinModules();
  assert(names.length > 60);
  const forms = names.flatMap((name) => [
    `import * as module from "node:${name}";`,
    `export * from "node:${name}";`,
  ]);
  for await (const message of pooledMap(4, forms, assertNeverRuns)) {
    assertMatch(message, /may not import|No such built-in module/);
  }
});

const FORMS = [
  `import "process";`,
  `import "ext:core/mod.js";`,
  `import "ext:core/ops";`,
  `import "jsr:@std/assert";`,
  `import "https://127.0.0.1:1/module.js";`,
  `import "blob:null/4f7b3d0e-0000-4000-8000-000000000000";`,
  `import "data:text/javascript,1";`,
  `import "file:///etc/passwd";`,
  `import text from "file:///etc/passwd" with { type: "text" };`,
  `import bytes from "file:///etc/passwd" with { type: "bytes" };`,
  `import secret from "${new URL("./_secret.json", import.meta.url)}" with { type: "json" };`,
  `import * as lock from "${new URL("../../../drivers/worker/inside.ts", import.meta.url)}";`,
  `import defer * as module from "node:process";`,
  `import source module from "node:process";`,
  `import type { A } from "./x.ts"; import "node:process";`,
  `export { default } from "node:process";`,
];

for (const form of FORMS) {
  Deno.test(`A task can't ${form}`, async () => void await assertNeverRuns(form));
}

Deno.test("A static import of a task is refused before anything is fetched", async () => {
  const asked: string[] = [];
  await using server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, (request) => {
    asked.push(request.url);
    return new Response("export {};", { headers: { "content-type": "text/javascript" } });
  });
  const url = `http://127.0.0.1:${server.addr.port}/module.js`;
  await assertNeverRuns(`import "${url}?static";`);
  await assertNeverRuns(`import data from "${url}?json" with { type: "json" };`);
  const { reports } = await runSource(`
    await import("${url}?literal").then(() => report("loaded"), () => report("denied"));
    await import(["${url}", "computed"].join("?")).catch(() => report("denied"));
  `);
  assertEquals(reports, ["denied", "denied"]);
  assertEquals(asked, []);
});

Deno.test("What a task loads from its own folder has its denied imports refused too", async () => {
  const { end } = await runTask("./attacks/_static_worker_threads.ts");
  assert(end.state === "failedToLoad");
  assertMatch(end.error.message, /may not import node:worker_threads/);
});
