import { assert, assertEquals, assertMatch } from "@std/assert";
import { countLetters } from "../../examples/shared_counter.ts";

Deno.test("examples/shared_counter.ts counts every letter, and loses some without atomics", async () => {
  const text = new TextEncoder().encode("Aab! ".repeat(1_000));
  const { letters, counted, lost } = await countLetters(text);
  assertEquals(letters.slice(0, 3), [["a", 2_000], ["b", 1_000], ["c", 0]]);
  assertEquals(counted, 5_000);
  assert(lost > 0 && lost < 5_000, `${lost} lost`);
});

Deno.test("examples/shared_counter.ts counts an empty text", async () => {
  const { counted, lost } = await countLetters(new Uint8Array(0));
  assertEquals([counted, lost], [0, 0]);
});

Deno.test("examples/shared_counter.ts says what is wrong with a file that it can't read", async () => {
  const example = new URL("../../examples/shared_counter.ts", import.meta.url).pathname;
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-read", example, "/no/such/file"],
  }).output();
  assertEquals([code, stdout.length], [1, 0]);
  assertMatch(new TextDecoder().decode(stderr), /^ENOENT: [^\n]*\n$/);
});
