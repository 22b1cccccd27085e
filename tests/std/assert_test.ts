import {
  assert,
  assertEquals,
  assertInstanceOf,
  AssertionError,
  assertObjectMatch,
  assertRejects,
  assertStrictEquals,
  assertThrows,
  unreachable,
} from "@std/assert";

class CodeError extends Error {
  readonly code: string;

  constructor(code: string) {
    super(`failed with ${code}`);
    this.code = code;
  }
}

Deno.test("assertThrows() returns the error with the class that was asked for", () => {
  const throws = (): never => {
    throw new CodeError("E1");
  };
  assertEquals(assertThrows(throws, CodeError, "failed with").code, "E1");
  assertThrows(() => assertThrows(throws, CodeError, "another message"), AssertionError);
  assertThrows(() => assertThrows(throws, TypeError), AssertionError);
});

Deno.test("assertRejects() resolves with the error with the class that was asked for", async () => {
  const error = await assertRejects(() => Promise.reject(new CodeError("E2")), CodeError);
  assertEquals(error.code, "E2");
  await assertRejects(
    () => assertRejects(() => unreachable("thrown, not rejected"), Error),
    AssertionError,
    "throws when expected to reject",
  );
});

Deno.test("assertInstanceOf(), assertStrictEquals() and assert() narrow the type", () => {
  const value: unknown = new CodeError("E3");
  assertInstanceOf(value, CodeError);
  const code: string = value.code;
  const copy: unknown = code;
  assertStrictEquals(copy, "E3");
  const narrowed: "E3" = copy;
  const maybe: string | undefined = [narrowed][0];
  assert(maybe);
  assertEquals(maybe.length, 2);
});

Deno.test("assertObjectMatch() ignores what is not expected", () => {
  assertObjectMatch({ a: 1, b: { c: 2, d: 3 } }, { b: { c: 2 } });
  assertThrows(() => assertObjectMatch({ a: 1 }, { a: 2 }), AssertionError);
});
