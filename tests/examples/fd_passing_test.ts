import { assert, assertEquals, assertMatch } from "@std/assert";
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

Deno.test("examples/fd_passing.ts says what can't be read", async () => {
  const [folder] = await main("tests", ["std"]);
  assert(folder?.refusal?.includes("EISDIR"), folder?.refusal);
});

Deno.test({
  name: "examples/fd_passing.ts leaves no file open",
  ignore: Deno.build.os === "windows", // there is no such limit
  async fn() {
    const example = new URL("../../examples/fd_passing.ts", import.meta.url).pathname;
    const names = new Array<string>(300).fill("assert.ts");
    const { stdout } = await new Deno.Command("sh", {
      args: [
        "-c",
        'ulimit -n 200 && exec "$0" run --allow-read "$@"',
        ...[Deno.execPath(), example, "tests/std", ...names],
      ],
    }).output();
    const lines = new TextDecoder().decode(stdout).trim().split("\n");
    assertEquals([lines.length, new Set(lines).size], [300, 1]);
    assertMatch(lines[0] ?? "", /^\d+ \d+ assert\.ts$/);
  },
});
