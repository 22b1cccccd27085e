import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { KernelError } from "../../capabilities/errors.ts";
import { Rights } from "../../capabilities/rights.ts";
import { Signals } from "../../capabilities/signals.ts";
import {
  type ArgumentSpec,
  buffer,
  byteLengthOf,
  checkWaitOptions,
  describe,
  flag,
  integer,
  oneOf,
  optional,
  readArray,
  readEntries,
  readField,
  readMap,
  record,
  rights,
  signals,
  text,
} from "../../syscalls/arguments.ts";
import {
  hostileBuffers,
  hostileObjects,
  hostilePrimitives,
  oddBuffers,
} from "./_hostile_values.ts";

function codeOf(run: () => unknown): string {
  return assertThrows(run, KernelError).code;
}

function check(spec: ArgumentSpec, value: unknown): unknown {
  return spec.check(value, spec.name);
}

Deno.test("integer() takes whole numbers between its bounds, both allowed", () => {
  const spec = integer("count", -2, 3);
  for (const good of [-2, 0, 3]) assertEquals(check(spec, good), good);
  assert(Object.is(check(spec, -0), 0));
  for (const far of [-3, 4, 2 ** 53 - 1]) {
    assertEquals(codeOf(() => check(spec, far)), "OUT_OF_RANGE");
  }
  for (const bad of [NaN, 1.5, Infinity, 2 ** 53, "1", 1n, null, undefined, [1], Object(1)]) {
    assertEquals(codeOf(() => check(spec, bad)), "INVALID_ARGUMENT");
  }
  const error = assertThrows(() => check(spec, 4), KernelError);
  assertEquals(error.message, "count must be -2 … 3, not 4");
});

Deno.test("rights() takes masks of known rights, and SAME by itself", () => {
  const spec = rights("rights");
  for (const good of [Rights.NONE, Rights.READ | Rights.WAIT, Rights.ALL, Rights.SAME]) {
    assertEquals(check(spec, good), good);
  }
  assert(Object.is(check(spec, -0), 0));
  for (
    const bad of [Rights.ALL + 1, -1, 2 ** 30, Rights.SAME | Rights.READ, Rights.SAME + 1, 1.5]
  ) {
    assertEquals(codeOf(() => check(spec, bad)), "INVALID_ARGUMENT");
  }
});

Deno.test("signals() takes signals that are allowed", () => {
  const spec = signals("signals");
  assertEquals(check(spec, Signals.READABLE | Signals.USER_7), Signals.READABLE | Signals.USER_7);
  for (const bad of [0, -1, 1 << 10, 1 << 24, 2 ** 31, 2 ** 32 + 1, NaN, 1.5, "1"]) {
    assertEquals(codeOf(() => check(spec, bad)), "INVALID_ARGUMENT");
  }
  assert(Object.is(check(signals("clear", Signals.USER_0, 0), -0), 0));
});

Deno.test("flag(), text() and oneOf() take what they say", () => {
  assertEquals([true, false].map((value) => check(flag("flag"), value)), [true, false]);
  for (const bad of [0, "true", null, undefined, Object(true)]) {
    assertEquals(codeOf(() => check(flag("flag"), bad)), "INVALID_ARGUMENT");
  }
  assertEquals(check(text("name", 3), "abc"), "abc");
  assertEquals(codeOf(() => check(text("name", 3), "abcd")), "OUT_OF_RANGE");
  assertEquals(codeOf(() => check(text("name", 3, 1), "")), "OUT_OF_RANGE");
  assertEquals(codeOf(() => check(text("name", 3), Object("abc"))), "INVALID_ARGUMENT");
  assertEquals(check(oneOf("how", ["a", "b"]), "b"), "b");
  for (const bad of ["c", "toString", ["a"], Object("a")]) {
    assertEquals(codeOf(() => check(oneOf("how", ["a", "b"]), bad)), "INVALID_ARGUMENT");
  }
});

Deno.test("buffer() takes plain Uint8Arrays only, whatever properties they have", () => {
  const spec = buffer("into");
  for (const { label, value } of hostileBuffers()) {
    assertEquals(codeOf(() => check(spec, value)), "INVALID_ARGUMENT", label);
  }
  for (const { label, value } of [...hostilePrimitives(), ...hostileObjects()]) {
    assertEquals(codeOf(() => check(spec, value)), "INVALID_ARGUMENT", label);
  }
  for (const { value, runs } of oddBuffers()) {
    assert(check(spec, value) === value);
    assertEquals(byteLengthOf(value as Uint8Array), 8);
    assertEquals(runs(), 0);
  }
});

Deno.test("record() copies named fields and nothing else", () => {
  const spec = record("options", [integer("size", 0, 9), optional(flag("fast"))]);
  const given = { size: 3, fast: undefined, other: {}, __proto__: { inherited: 1 } };
  assertEquals(check(spec, given), { size: 3 });
  assertEquals(codeOf(() => check(spec, {})), "INVALID_ARGUMENT");
  const error = assertThrows(() => check(spec, { size: 10 }), KernelError);
  assertStringIncludes(error.message, "options.size");
  for (const bad of [undefined, null, 5, "text", () => {}]) {
    assertEquals(codeOf(() => check(spec, bad)), "INVALID_ARGUMENT");
  }
});

Deno.test("readField() tells what a getter threw as the cause, even a forged KernelError", () => {
  for (const thrown of [new Error("getter"), new KernelError("REVOKED", "forged"), "text"]) {
    const from = {
      get field() {
        throw thrown;
      },
    };
    const error = assertThrows(() => readField(from, "field", "options"), KernelError);
    assertEquals([error.code, error.cause], ["INVALID_ARGUMENT", thrown]);
    assertEquals(error.message, "options.field can't be read");
  }
});

Deno.test("readArray() copies arrays up to a length, each element read once", () => {
  assertEquals(readArray([1, "b"], "items", 2), [1, "b"]);
  assertEquals(codeOf(() => readArray([1, 2, 3], "items", 2)), "OUT_OF_RANGE");
  assertEquals(codeOf(() => readArray(new Array(2 ** 32 - 1), "items", 2)), "OUT_OF_RANGE");
  let reads = 0;
  const counting = new Proxy([7], { get: (of, name) => (reads++, Reflect.get(of, name)) });
  assertEquals(readArray(counting, "items", 2), [7]);
  assertEquals(reads, 2); // the length and the element
  const forged = new Proxy([], {
    get() {
      throw new KernelError("REVOKED", "forged");
    },
  });
  assertEquals(codeOf(() => readArray(forged, "items", 2)), "INVALID_ARGUMENT");
  for (const length of [NaN, -0.5, Infinity, 2 ** 53, "2", {}, 7n]) {
    const lying = new Proxy([], {
      get: (of, name) => name === "length" ? length : Reflect.get(of, name),
    });
    const run = () => readArray(lying, "items", 2);
    if (length !== -0.5) assertEquals(codeOf(run), "OUT_OF_RANGE", String(length));
    else assertEquals(run(), []);
  }
  for (const { label, value } of [...hostileObjects(), ...hostilePrimitives()]) {
    try {
      readArray(value, "items", 2);
    } catch (error) {
      assert(error instanceof KernelError, label);
    }
  }
});

Deno.test("readEntries() gives an object's own properties, each read once", () => {
  assertEquals(readEntries({ a: 1, b: 2 }, "handles", 2), [["a", 1], ["b", 2]]);
  assertEquals(readEntries(Object.create({ inherited: 1 }), "handles", 2), []);
  assertEquals(codeOf(() => readEntries({ a: 1, b: 2 }, "handles", 1)), "OUT_OF_RANGE");
  for (const bad of [null, undefined, 5, "text"]) {
    assertEquals(codeOf(() => readEntries(bad, "handles", 1)), "INVALID_ARGUMENT");
  }
});

Deno.test("readMap() copies a true Map and calls nothing of its owner's", () => {
  class Lying extends Map<unknown, unknown> {
    override get size(): never {
      throw new Error("size");
    }
    override forEach(): never {
      throw new Error("forEach");
    }
    override [Symbol.iterator](): never {
      throw new Error("iterator");
    }
  }
  const lying = new Lying();
  lying.set("a", 1);
  assertEquals(readMap(lying, "handles", 2), [["a", 1]]);
  assertEquals(codeOf(() => readMap(new Map([[1, 1], [2, 2]]), "handles", 1)), "OUT_OF_RANGE");
  for (
    const bad of [{}, new Proxy(new Map(), {}), Object.create(Map.prototype), [["a", 1]], null]
  ) {
    assertEquals(codeOf(() => readMap(bad, "handles", 1)), "INVALID_ARGUMENT");
  }
});

Deno.test("checkWaitOptions() reads each option once", () => {
  let reads = 0;
  const given = {
    get timeoutMs() {
      reads++;
      return 5;
    },
    get signal() {
      reads++;
      return undefined;
    },
  };
  assertEquals(checkWaitOptions(given), { signal: undefined, timeoutMs: 5 });
  assertEquals(reads, 2);
  assertEquals(checkWaitOptions(undefined), { signal: undefined, timeoutMs: Infinity });
  for (const timeoutMs of [-1, NaN, "5", null, 5n]) {
    assertEquals(codeOf(() => checkWaitOptions({ timeoutMs })), "INVALID_ARGUMENT");
  }
  for (const signal of [{ aborted: false }, null, Object.create(AbortSignal.prototype), 5]) {
    assertEquals(codeOf(() => checkWaitOptions({ signal })), "INVALID_ARGUMENT");
  }
});

Deno.test("describe() says what a value is in few characters, and calls nothing of it", () => {
  for (const { label, value, runs } of [...hostilePrimitives(), ...hostileObjects()]) {
    assert(describe(value).length < 60, label);
    assertEquals(runs(), 0, label);
  }
  assertEquals(
    [7n, -0, "a", [], {}, null, undefined, Symbol("s")].map(describe),
    ["7n", "0", '"a"', "an array", "an object", "null", "undefined", "a symbol"],
  );
});
