import { assert, assertEquals } from "@std/assert";
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
