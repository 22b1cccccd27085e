import { assertEquals } from "@std/assert";
import { MAX_ERROR_TEXT, parseWorkerMessage } from "../../../drivers/worker/protocol.ts";

Deno.test("parseWorkerMessage() takes the messages that there are", () => {
  const report = { name: "TypeError", message: "m", stack: "s" };
  assertEquals(parseWorkerMessage(["ready"]), ["ready"]);
  assertEquals(parseWorkerMessage(["returned", "more"]), ["returned"]);
  assertEquals(parseWorkerMessage(["crashed", report]), ["crashed", report]);
  assertEquals(parseWorkerMessage(["failedToLoad", report]), ["failedToLoad", report]);
});

Deno.test("parseWorkerMessage() takes nothing else", () => {
  for (const data of [undefined, null, 1, "ready", {}, [], [1], ["kill"], { 0: "ready" }]) {
    assertEquals(parseWorkerMessage(data), undefined);
  }
});

Deno.test("parseWorkerMessage() makes three bounded strings of whatever an error claims to be", () => {
  const empty = { name: "", message: "", stack: "" };
  assertEquals(parseWorkerMessage(["crashed"]), ["crashed", empty]);
  assertEquals(parseWorkerMessage(["crashed", null]), ["crashed", empty]);
  assertEquals(parseWorkerMessage(["crashed", { name: 1, message: {} }]), ["crashed", empty]);
  const long = { ...empty, message: "x".repeat(MAX_ERROR_TEXT + 1) };
  const cut = { ...empty, message: "x".repeat(MAX_ERROR_TEXT) };
  assertEquals(parseWorkerMessage(["crashed", long]), ["crashed", cut]);
});
