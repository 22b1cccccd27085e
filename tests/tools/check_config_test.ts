import { assertEquals } from "@std/assert";
import { checkConfig } from "../../tools/check_config.ts";

const deno = {
  name: "a",
  exports: { ".": "./mod.ts" },
  imports: { "@std/assert": "./assert.ts", "x": "npm:x@1.2.3", "y/": "npm:/@y/z@1.0.0/" },
};
const jsr = { ...deno, imports: { ...deno.imports, "@std/assert": "jsr:@std/assert@1" } };
const node = { name: "a", exports: deno.exports };

Deno.test("checkConfig() accepts files that differ in the imports of @std/ alone", () => {
  assertEquals(checkConfig(deno, jsr, node, "{}"), []);
});

Deno.test("checkConfig() names each difference and each loose end", () => {
  const loose = { ...deno, imports: { ...deno.imports, "x": "npm:x@1" } };
  const problems = checkConfig(loose, { ...jsr, exports: {} }, { ...node, name: "b" }, "https://a");
  assertEquals(problems, [
    "deno.jsr.json: differs from deno.json in more than the imports of @std/",
    "deno.json: x is not pinned to one version",
    "package.json: name or exports differ from deno.json",
    "deno.lock: names a host",
  ]);
  assertEquals(checkConfig(deno, deno, node, ""), [
    "deno.jsr.json: @std/assert is not taken from JSR",
  ]);
});
