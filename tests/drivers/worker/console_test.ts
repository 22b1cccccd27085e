import { assertEquals } from "@std/assert";
import { format, makeConsole } from "../../../drivers/worker/console.ts";

Deno.test("format() prints values as a line of source would name them", () => {
  assertEquals(
    format(["text", 1, 2n, -0, null, undefined, true]),
    "text 1 2n -0 null undefined true",
  );
  assertEquals(
    format([{ a: [1, "b"], c: new Map([[1, 2]]) }]),
    '{ a: [ 1, "b" ], c: Map(1) { 1 => 2 } }',
  );
  assertEquals(
    format([new Set([1]), new Uint8Array(2), Symbol("s")]),
    "Set(1) { 1 } Uint8Array(2) [ 0, 0 ] Symbol(s)",
  );
  assertEquals(format([[], {}, class Named {}]), "[] {} [Function: Named]");
});

Deno.test("format() fills in directives", () => {
  assertEquals(format(["%s has %d of %j%%", "x", "2", [1], "more"]), "x has 2 of [1]% more");
  assertEquals(format(["%i %f %c%o %s", 1.5, 1.5, "css", { a: 1 }]), "1 1.5 { a: 1 } %s");
});

Deno.test("format() ends on cycles, depth and length", () => {
  const cycle: Record<string, unknown> = {};
  cycle["self"] = cycle;
  assertEquals(format([cycle]), "{ self: [Circular] }");
  assertEquals(format([{ a: { b: { c: { d: 1 } } } }]), "{ a: { b: { c: [Object] } } }");
  assertEquals(format([Array(1000).fill(0)]).includes("… 900 more"), true);
});

Deno.test("makeConsole() gives methods that never throw, whatever they print and to whom", () => {
  const written: string[] = [];
  const hostile = {
    get property(): never {
      throw new Error("from a getter");
    },
  };
  const console = makeConsole((text) => {
    written.push(text);
    throw new Error("nobody reads");
  }) as unknown as Record<string, (...values: unknown[]) => void>;
  for (const method of Object.values(console)) {
    method();
    method(hostile);
    method(Symbol("label"), hostile);
  }
  assertEquals(written.includes("[a value whose own code threw]\n"), true);
});

Deno.test("makeConsole() writes a line a call, indented by its groups", () => {
  const written: string[] = [];
  const console = makeConsole((text) => written.push(text)) as Console;
  console.log("a\nb");
  console.group("group");
  console.error("c\nd");
  console.groupEnd();
  console.assert(true, "silent");
  console.assert(false, "loud");
  console.count();
  console.count();
  assertEquals(written, [
    "a\nb\n",
    "group\n",
    "  c\n  d\n",
    "Assertion failed loud\n",
    "default: 1\n",
    "default: 2\n",
  ]);
});
