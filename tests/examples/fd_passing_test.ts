import { assert, assertEquals } from "@std/assert";
import { main } from "../../examples/fd_passing.ts";

Deno.test("examples/fd_passing.ts passes open files, and no others", async () => {
  const answers = await main("tests/std", ["assert.ts", "nothing.ts", "../../README.md", "/etc"]);
  const [real, missing, above, absolute] = answers;
  const text = await Deno.readTextFile("tests/std/assert.ts");
  assertEquals(real, {
    name: "assert.ts",
    lines: text.split("\n").length - 1,
    words: text.split(/\s+/).filter((word) => word !== "").length,
  });
  assert(missing?.refusal?.includes("nothing.ts"), missing?.refusal);
  for (const outside of [above, absolute]) {
    assertEquals(outside?.refusal, "it is not in this folder");
  }
});
