import { assertEquals } from "@std/assert";
import { copyBytes, copyFrom } from "../../memory/atomics.ts";

const LENGTHS = [0, 1, 383, 384, 385, 16_383, 16_384, 16_385, 40_001];
const PLACES = [0, 1, 4, 7, 8, 13];
const MOST = 40_001 + 64;

/** Bytes that tell where they come from. */
function filled(buffer: ArrayBufferLike): Uint8Array {
  return new Uint8Array(buffer).map((_, i) => i % 251);
}

for (const name of ["copyBytes", "copyFrom"] as const) {
  Deno.test(`${name}() copies exactly the bytes asked for, wherever they lie`, () => {
    const source = filled(new ArrayBuffer(MOST));
    const shared = new Uint8Array(new SharedArrayBuffer(MOST));
    for (const length of LENGTHS) {
      for (const from of PLACES) {
        for (const to of PLACES) {
          // Half of each place is where the view begins, half where the copy begins in it.
          const [viewAt, at] = [to >> 1, to - (to >> 1)];
          let copied: Uint8Array;
          if (name === "copyBytes") {
            shared.fill(255);
            const [sourceAt, start] = [from >> 1, from - (from >> 1)];
            copyBytes(shared.subarray(viewAt), at, source.subarray(sourceAt), start, length);
            copied = shared;
          } else {
            shared.set(source);
            copied = new Uint8Array(MOST).fill(255);
            copyFrom(copied.subarray(viewAt), at, shared.buffer, from, length);
          }
          const expected = new Uint8Array(MOST).fill(255);
          expected.set(source.subarray(from, from + length), to);
          assertEquals(
            copied.every((byte, i) => byte === expected[i]),
            true,
            `${length} ${from} ${to}`,
          );
        }
      }
    }
  });
}
