import { assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import { IpcError, KernelError } from "../../../capabilities/errors.ts";
import { MAX_ERRORS, MAX_NUMBER_KEYS, MAX_VALUES, Tag } from "../../../syscalls/page/codec.ts";
import { decode } from "../../../syscalls/page/decode.ts";
import { encode } from "../../../syscalls/page/encode.ts";

/** The code of the error that encoding gives. */
function refusal(value: unknown): string {
  return assertThrows(() => encode(value), KernelError).code;
}

Deno.test("encode() refuses what is no plain data", () => {
  for (
    const value of [
      () => {},
      Symbol("s"),
      new Date(),
      new (class Options {})(),
      new Int32Array(1),
      new Set(),
      Object.create({ inherited: 1 }),
      { deep: [() => {}] },
      1n << 256n,
      Array(MAX_VALUES).fill(0),
    ]
  ) assertEquals(refusal(value), "NOT_SUPPORTED");
});

Deno.test("encode() refuses cycles and values nested too deeply", () => {
  const cycle: unknown[] = [];
  cycle.push(cycle);
  assertEquals(refusal(cycle), "NOT_SUPPORTED");
});

Deno.test("encode() refuses values that throw when they are read", () => {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  assertEquals(refusal(proxy), "NOT_SUPPORTED");
  const throws = {
    get bomb(): never {
      throw new RangeError("boom");
    },
  };
  assertEquals(refusal(throws), "NOT_SUPPORTED");
});

Deno.test("encode() reads an array once, so one that changes meanwhile stays readable", () => {
  const array: unknown[] = [{
    get shrink(): number {
      array.length = 1;
      return 1;
    },
  }, 2];
  assertEquals(decode(encode(array)), [{ shrink: 1 }, 2]);
});

Deno.test("encode() may be called by code that reading a value runs", () => {
  let inner: unknown;
  const outer = {
    before: "outer",
    get nested(): string {
      inner = decode(encode(["inner"]));
      return "outer, too";
    },
  };
  assertEquals(decode(encode(outer)), { before: "outer", nested: "outer, too" });
  assertEquals(inner, ["inner"]);
});

Deno.test("decode() calls no setter that somebody put on all objects", () => {
  const bytes = encode({ trap: 1, other: 2 }).slice();
  let calls = 0;
  Object.defineProperty(Object.prototype, "trap", { configurable: true, set: () => calls++ });
  try {
    assertEquals(Object.entries(decode(bytes) as object), [["trap", 1], ["other", 2]]);
  } finally {
    Reflect.deleteProperty(Object.prototype, "trap");
  }
  assertEquals(calls, 0);
});

Deno.test("decode() gives each name as it was, also those that look alike", () => {
  const names = ["ab", "aab", "abb", "aXb", "aYb", "", "é", "\ud800", "x".repeat(60)];
  const value = Object.fromEntries(names.map((name, i) => [name, i]));
  for (let i = 0; i < 2; i++) assertEquals(decode(encode(value)), value);
});

Deno.test("decode() makes __proto__ a property like any other", () => {
  const hostile: unknown = JSON.parse('{"__proto__":{"polluted":true},"constructor":1}');
  const copy = decode(encode(hostile)) as Record<string, unknown>;
  assertEquals(Object.getPrototypeOf(copy), Object.prototype);
  assertEquals(copy.polluted, undefined);
  assertEquals(Object.keys(copy), ["__proto__", "constructor"]);
});

Deno.test("encode() and decode() carry errors with what they say, without their causes", () => {
  const plain = decode(encode(new RangeError("too far", { cause: () => {} }))) as Error;
  assertEquals([plain.name, plain.message, plain.cause], ["RangeError", "too far", undefined]);
  const ours = new IpcError("MESSAGE_TOO_LONG", "no", { syscall: "send", needed: 7 });
  const copy = decode(encode({ error: ours })) as { error: IpcError };
  assertInstanceOf(copy.error, IpcError);
  assertEquals(
    [copy.error.code, copy.error.message, copy.error.syscall, copy.error.needed],
    ["MESSAGE_TOO_LONG", "no", "send", 7],
  );
  assertEquals(copy.error.stack, ours.stack);
});

Deno.test("decode() gives URLs as strings", () => {
  assertEquals(decode(encode(new URL("file:///a/b.ts"))), "file:///a/b.ts");
});

Deno.test("decode() gives bytes of their own", () => {
  const frame = encode(Uint8Array.of(1, 2, 3));
  const bytes = decode(frame);
  frame.fill(9);
  assertEquals(bytes, Uint8Array.of(1, 2, 3));
});

Deno.test("decode() refuses lengths and counts that the bytes can't hold", () => {
  const most = [0xff, 0xff, 0xff, 0xff];
  for (const tag of [5, 6, 7, 8, 9, 10, 11, 12]) {
    assertThrows(() => decode(Uint8Array.of(tag, ...most)), KernelError, "malformed");
  }
});

Deno.test("decode() refuses more values than may cross, however small they are", () => {
  const count = MAX_VALUES + 1;
  const frame = new Uint8Array(5 + 5 * count);
  frame[0] = 8;
  new DataView(frame.buffer).setUint32(1, count, true);
  for (let i = 0; i < count; i++) frame[5 + 5 * i] = 9; // empty maps
  assertThrows(() => decode(frame), KernelError, "malformed");
});

Deno.test("decode() refuses nesting that would use up the stack", () => {
  const frame = new Uint8Array(5 * 100_000 + 1);
  for (let i = 0; i < 100_000; i++) {
    frame[5 * i] = 8;
    frame[5 * i + 1] = 1;
  }
  assertThrows(() => decode(frame), KernelError, "nested too deeply");
});

Deno.test("decode() refuses a word that is left over, and no bytes at all", () => {
  assertEquals(decode(new Uint8Array(8)), undefined);
  assertThrows(() => decode(new Uint8Array(9)), KernelError, "left over");
  assertThrows(() => decode(new Uint8Array()), KernelError, "too early");
});

Deno.test("encode() loses nothing wherever its buffer has to grow", () => {
  for (let length = 0; length < 1_100; length++) {
    const value = ["x".repeat(length), true, 1, [false], "end"];
    assertEquals(decode(encode(value)), value);
  }
});

Deno.test("decode() takes no more number keys than can all lie in one bucket without harm", () => {
  const keys = (count: number, key: (i: number) => unknown): Uint8Array<ArrayBuffer> => {
    const list = encode(Array.from({ length: 2 * count }, (_, i) => key(i >> 1)));
    list[0] = Tag.MAP; // pairs are written as a list of twice as many
    new DataView(list.buffer, list.byteOffset).setUint32(1, count, true);
    return list;
  };
  // V8 hashes a string that is an array's index by its value: these would all lie in one bucket.
  const index = (i: number) => String(i * 2 ** 16);
  for (const key of [(i: number) => i + 0.5, (i: number) => BigInt(i) << 64n, index]) {
    assertEquals((decode(keys(MAX_NUMBER_KEYS, key)) as Map<unknown, unknown>).size, 4_096);
    assertThrows(() => decode(keys(MAX_NUMBER_KEYS + 1, key)), KernelError, "number keys");
  }
  const strings = new Map(Array.from({ length: MAX_NUMBER_KEYS + 1 }, (_, i) => [`k${i}`, i]));
  strings.set("", 0).set("4294967295x", 1).set("12345678901", 2);
  assertEquals(decode(encode(strings)), strings);
});

Deno.test("encode() refuses more number keys of maps, and more errors, than may cross", () => {
  const pairs = Array.from({ length: MAX_NUMBER_KEYS + 1 }, (_, i) => [i, i] as const);
  assertThrows(() => encode(new Map(pairs)), KernelError, "arrays of pairs can");
  const indices = pairs.map(([i]) => [String(i), i] as const);
  assertThrows(() => encode(new Map(indices)), KernelError, "arrays of pairs can");
  assertEquals(decode(encode(pairs)), pairs);
  const errors = Array.from({ length: MAX_ERRORS + 1 }, () => new Error());
  assertThrows(() => encode(errors), KernelError, "more than 1024 errors");
  assertEquals((decode(encode(errors.slice(1))) as unknown[]).length, MAX_ERRORS);
});

Deno.test("encode() counts errors and number keys anew for each value", () => {
  for (let i = 0; i <= MAX_ERRORS; i++) encode(new Error());
  for (let i = 0; i <= MAX_NUMBER_KEYS; i++) encode(new Map([[i, i]]));
});

Deno.test("decode() takes no more errors than may cross", () => {
  const errors = Array.from({ length: MAX_ERRORS }, () => new Error(""));
  const frame = encode([{ name: "Error", message: "" }, ...errors]);
  frame[5] = Tag.ERROR; // of the object, which is written like one
  assertThrows(() => decode(frame), KernelError, "too many errors");
});

Deno.test("decode() gives a string of half surrogates whole, whatever its length", () => {
  for (const length of [1, 4_095, 4_096, 4_097, 100_000]) {
    const text = "\ud800a".repeat(length).slice(0, length);
    assertEquals(decode(encode(text)), text);
  }
});
