import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { KernelError } from "../../capabilities/errors.ts";
import { Rights } from "../../capabilities/rights.ts";
import { Signals } from "../../capabilities/signals.ts";
import {
  type ArgumentSpec,
  buffer,
  flag,
  integer,
  oneOf,
  optional,
  record,
  rights,
  signals,
  text,
} from "../../syscalls/argument_kinds.ts";
import { byteLengthOf } from "../../syscalls/arguments.ts";
import {
  hostileBuffers,
  hostileObjects,
  hostilePrimitives,
  oddBuffers,
} from "./_hostile_values.ts";
import { codeOf } from "../_codes.ts";

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
