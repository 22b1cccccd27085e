import { assert, assertEquals, assertThrows } from "@std/assert";
import { KernelError } from "../../capabilities/errors.ts";
import {
  checkWaitOptions,
  describe,
  readArray,
  readEntries,
  readField,
  readMap,
} from "../../syscalls/arguments.ts";
import { hostileObjects, hostilePrimitives } from "./_hostile_values.ts";
import { codeOf } from "../_codes.ts";

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
