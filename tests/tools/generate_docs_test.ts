import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { Capability } from "../../capabilities/capability.ts";
import { DEFAULT_LIMITS } from "../../capabilities/limits.ts";
import { Rights } from "../../capabilities/rights.ts";
import { Signals } from "../../capabilities/signals.ts";
import { buffer, handle } from "../../syscalls/argument_kinds.ts";
import { SYSCALLS } from "../../syscalls/table.ts";
import { syscall } from "../../syscalls/table/define.ts";
import { findMisnumbered, renderLimits, renderPage } from "../../tools/generate_docs.ts";

const EXAMPLE = syscall<[], void>({
  number: 299,
  name: "stream_lick",
  verb: "lick",
  summary: "Tastes a stream.",
  args: [
    handle({
      capability: Capability.STREAM,
      rights: Rights.READ | Rights.MAP,
      waits: Signals.READABLE,
    }),
    buffer("into"),
  ],
  errors: ["BROKEN_PIPE", "NO_SPACE: the tongue is full"],
  whileStopped: true,
});

Deno.test("renderPage() tells all that the table says about a syscall", () => {
  const page = renderPage([EXAMPLE]);
  for (
    const part of [
      "## Streams (200–299)",
      "[stream_lick](#stream_lick) 299",
      "### stream_lick",
      "`stream_lick(handle, into)` · number 299",
      "Tastes a stream.",
      "- `handle`: handle to an object with the capability stream",
      "- `into`: Uint8Array",
      "- READ | MAP on `handle`",
      "- until READABLE is up on `handle`",
      "- WRONG_TYPE: ",
      "- ACCESS_DENIED: ",
      "- BROKEN_PIPE: nobody is left",
      "- NO_SPACE: the tongue is full.",
      "Goes through while the calling task is stopped.",
    ]
  ) assertStringIncludes(page, part);
});

Deno.test("renderPage() has a chapter for each of the table's syscalls", () => {
  const page = renderPage(Object.values(SYSCALLS));
  for (const { name } of Object.values(SYSCALLS)) {
    assertEquals(page.split(`\n### ${name}\n`).length, 2, name);
  }
});

Deno.test("renderPage() throws for an error code that is none", () => {
  assertThrows(() => renderPage([{ ...EXAMPLE, errors: ["NO_TONGUE"] }]), TypeError, "NO_TONGUE");
});

Deno.test("renderLimits() has what the comment of each limit says", () => {
  const page = renderLimits(Deno.readTextFileSync("capabilities/limits.ts"));
  for (const name of Object.keys(DEFAULT_LIMITS)) assertStringIncludes(page, `## ${name}\n`);
  assertStringIncludes(page, "Default 1,024; counted for the task alone.");
  assertStringIncludes(page, "Stops fork bombs.");
  assertEquals(page.includes("@default"), false);
  assertThrows(() => renderLimits("export interface Limits {}"), TypeError, "handles");
});

Deno.test("findMisnumbered() finds numbers that are taken or in no range", () => {
  assertEquals(findMisnumbered(Object.values(SYSCALLS)), []);
  assertEquals(findMisnumbered([EXAMPLE, { ...EXAMPLE, name: "other" }]).length, 1);
  assertEquals(findMisnumbered([{ ...EXAMPLE, number: 500 }]).length, 1);
  assertEquals(findMisnumbered([{ ...EXAMPLE, number: 1_000 }]).length, 1);
});
