import { assertEquals } from "@std/assert";
import * as fc from "fast-check";
import { KernelError } from "../../../capabilities/errors.ts";
import { decode } from "../../../syscalls/page/decode.ts";
import { encode } from "../../../syscalls/page/encode.ts";

/** Everything that may cross, `__proto__` and half surrogate pairs included. */
const plain = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 5 },
    fc.constantFrom(undefined, null, true, false),
    fc.double(),
    fc.bigInt({ min: -(2n ** 255n), max: 2n ** 255n - 1n }),
    fc.string({ unit: "binary" }),
    fc.constantFrom("\ud800", "a\udc00b", "\ufeff", "__proto__"),
    fc.uint8Array(),
    fc.array(tie("value"), { maxLength: 5 }),
    fc.dictionary(fc.oneof(fc.string(), fc.constant("__proto__")), tie("value"), { maxKeys: 5 }),
    fc.array(fc.tuple(tie("value"), tie("value")), { maxLength: 4 }).map((pairs) => new Map(pairs)),
  ),
})).value;

Deno.test("decode() gives what encode() got", () => {
  fc.assert(fc.property(plain, (value) => {
    const copy = decode(encode(value));
    assertEquals(fc.stringify(copy), fc.stringify(rebuilt(value)));
  }));
});

/** The value with ordinary prototypes: what has none gets Object's. */
function rebuilt(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(rebuilt);
  if (value instanceof Map) {
    return new Map([...value].map(([key, element]) => [rebuilt(key), rebuilt(element)]));
  }
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, rebuilt(each)]));
}

/** Does what may be refused, but only with an error of the kernel's. */
function decodeAny(bytes: Uint8Array): void {
  try {
    decode(bytes);
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
  }
}

Deno.test("decode() takes any bytes: it gives a value or a KernelError", () => {
  const mostlyTags = fc.oneof(fc.integer({ min: 0, max: 13 }), fc.integer({ min: 0, max: 255 }));
  const bytes = fc.array(mostlyTags, { maxLength: 200 }).map((list) => Uint8Array.from(list));
  fc.assert(fc.property(bytes, decodeAny), { numRuns: 2_000 });
});

Deno.test("decode() takes the bytes of any value with some of them changed or cut off", () => {
  const change = fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 }));
  fc.assert(
    fc.property(plain, fc.array(change, { maxLength: 4 }), fc.nat(), (value, changes, cut) => {
      const bytes = encode(value).slice();
      for (const [at, byte] of changes) bytes[at % bytes.length] = byte;
      decodeAny(bytes);
      decodeAny(bytes.subarray(0, cut % bytes.length));
    }),
  );
});
