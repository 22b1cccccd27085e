import { assertEquals, assertStringIncludes } from "@std/assert";
import { checkLayers } from "../../tools/check_layers.ts";

function check(files: Record<string, string>): string[] {
  return checkLayers(new Map(Object.entries(files)));
}

/** Imports that would fail in a room, each with the file that imports it. */
const FORBIDDEN: [path: string, source: string][] = [
  ["memory/ring.ts", `import { RIGHTS } from "../capabilities/rights.ts";`],
  ["memory/ring.ts", `import { x } from "npm:x";`],
  ["capabilities/rights.ts", `import type { Task } from "../kernel/task.ts";`],
  ["kernel/ipc/pipe.ts", `export { read } from "../../syscalls/dispatcher.ts";`],
  ["kernel/ipc/pipe.ts", `export type * from "../../syscalls/errors.ts";`],
  ["kernel/task.ts", `await import("../drivers/worker.ts");`],
  ["syscalls/table.ts", `import { Pipe } from "../kernel/ipc/pipe.ts";`],
  ["syscalls/table.ts", `import type { Pipe } from "../kernel/ipc/pipe.ts";`],
  ["syscalls/table.ts", `import type { PipeReader } from "./stubs/pipe.ts";`],
  ["syscalls/dispatcher.ts", `import "./stubs/pipe.ts";`],
  ["syscalls/dispatcher.ts", `import { spawn } from "../drivers/function.ts";`],
  ["syscalls/stubs/pipe.ts", `import { Pipe } from "../../kernel/ipc/pipe.ts";`],
  ["syscalls/stubs/pipe.ts", `import { dispatch } from "../dispatcher.ts";`],
  ["drivers/worker.ts", `import { Kernel } from "../boot.ts";`],
  ["drivers/worker.ts", `import { Kernel } from "@carmine/kernel";`],
  ["mod.ts", `import { assert } from "./tests/helpers.ts";`],
  ["examples/pool.ts", `import { Pipe } from "../kernel/ipc/pipe.ts";`],
];

const ALLOWED: [path: string, source: string][] = [
  ["memory/ring.ts", `import { load } from "./wait_word.ts";`],
  ["kernel/ipc/pipe.ts", `import { Ring } from "../../memory/ring.ts";`],
  ["syscalls/table.ts", `import { RIGHTS } from "../capabilities/rights.ts";`],
  ["syscalls/handlers/pipe.ts", `import { Pipe } from "../../kernel/ipc/pipe.ts";`],
  ["syscalls/stubs/pipe.ts", `import type { Door } from "../door.ts";`],
  ["syscalls/stubs/pipe.ts", `import { LAYOUT } from "../page/layout.ts";`],
  ["drivers/lock.ts", `import { registerHooks } from "node:module";`],
  ["mod.ts", `export * from "./boot.ts";`],
  ["examples/pool.ts", `import { Kernel } from "@carmine/kernel";`],
  ["tests/memory/ring_test.ts", `import fc from "fast-check";`],
];

Deno.test("checkLayers() refuses an import that leaves its room upwards", async (t) => {
  for (const [path, source] of FORBIDDEN) {
    await t.step(`${path}: ${source}`, () => {
      assertEquals(check({ [path]: `\n${source}` }).length, 1);
      assertStringIncludes(check({ [path]: `\n${source}` }).join(), `${path}:2: `);
    });
  }
});

Deno.test("checkLayers() accepts what a room may import", async (t) => {
  for (const [path, source] of ALLOWED) {
    await t.step(`${path}: ${source}`, () => assertEquals(check({ [path]: source }), []));
  }
});

Deno.test("checkLayers() refuses a file in a folder without a rule", () => {
  assertStringIncludes(check({ "misc/a.ts": "" }).join(), "misc/a.ts:1: no room");
});

Deno.test("checkLayers() shows an import cycle, of types too", () => {
  const violations = check({
    "kernel/a.ts": `import { b } from "./b.ts";`,
    "kernel/b.ts": `import {\n  c,\n} from "./ipc/c.ts";`,
    "kernel/ipc/c.ts": `import type { A } from "../a.ts";`,
    "kernel/d.ts": `import { a } from "./a.ts";`,
  });
  assertEquals(violations, [
    "kernel/a.ts:1: import cycle: kernel/a.ts → kernel/b.ts → kernel/ipc/c.ts → kernel/a.ts",
  ]);
});

Deno.test("checkLayers() refuses a node: import that an entry point would load", () => {
  const files = {
    "mod.ts": `export * from "./drivers/a.ts";`,
    "drivers/a.ts": `import { b } from "./b.ts";\nconst later = () => import("node:inspector");`,
    "drivers/b.ts": `import module from "node:module";`,
    "drivers/lock.ts": `import module from "node:module";`,
  };
  assertEquals(check(files), [
    "drivers/b.ts:1: may not import node:module statically: mod.ts or task.ts loads it",
  ]);
});

Deno.test("checkLayers() refuses Deno and Atomics outside their rooms", () => {
  const source = "const a = `${globalThis.Deno.pid}`;\nAtomics.load(a, 0);";
  assertEquals(check({ "kernel/task.ts": source }), [
    "kernel/task.ts:1: may not name Deno",
    "kernel/task.ts:2: may not name Atomics",
  ]);
  assertEquals(check({ "memory/a.ts": source }), ["memory/a.ts:1: may not name Deno"]);
  assertEquals(check({ "drivers/a.ts": source }), ["drivers/a.ts:2: may not name Atomics"]);
  assertEquals(check({ "tests/a.ts": source }), []);
  assertEquals(check({ "kernel/ipc/network.ts": "Deno.connect" }), []);
  assertEquals(check({ "kernel/ipc/pipe.ts": "type A = Deno.Conn" }).length, 1);
});

Deno.test("checkLayers() refuses decorators", () => {
  assertEquals(check({ "kernel/a.ts": "@sealed class A {}" }), [
    "kernel/a.ts:1: a decorator is not erasable syntax",
  ]);
});

Deno.test("checkLayers() looks neither into comments nor strings nor regular expressions", () => {
  const source = String.raw`#!/usr/bin/env Deno
    // import "../drivers/a.ts"; Deno
    /** @param a Deno "quoted' ~
     */
    const text = "Deno \" Deno" + 'it\'s Deno' + ~Deno #{ { a: ~}~ }.a } Deno @ \~ ~;
    const half = total / 2, other = list[0] / "Deno".length;
    const pattern = /["'~@/]Deno[/"]/u.test(text);
    const from = object.import("../drivers/a.ts");
    Deno.pid;`.replaceAll("~", "`").replaceAll("#{", "${");
  assertEquals(check({ "kernel/a.ts": source }), ["kernel/a.ts:9: may not name Deno"]);
});
