import { assert, assertEquals, assertThrows } from "@std/assert";
import { HandleEntry } from "../../capabilities/handle.ts";
import { DEFAULT_LIMITS } from "../../capabilities/limits.ts";
import { Signals } from "../../capabilities/signals.ts";
import { Account } from "../../kernel/account.ts";
import { ExampleObject } from "../capabilities/_example_object.ts";

Deno.test("KernelObject.id is never used twice", () => {
  const ids = Array.from({ length: 100 }, () => new ExampleObject().id);
  assertEquals(new Set(ids).size, 100);
});

Deno.test("KernelObject gives back what it was charged when its last handle closes", () => {
  const account = new Account(DEFAULT_LIMITS);
  const object = new ExampleObject();
  object.lease = account.lease(10);
  const handles = [new HandleEntry(object, 0), new HandleEntry(object, 0)];
  handles[0]?.close("closed");
  assertEquals(account.usage.objects, 1);
  handles[1]?.close("closed");
  assertEquals([account.usage.objects, account.usage.bufferBytes, object.ends], [0, 0, 1]);
});

Deno.test("KernelObject.setUserSignals() lowers, then raises, and leaves the object's own", () => {
  const object = new ExampleObject();
  object.raise(Signals.READABLE);
  object.setUserSignals(0, Signals.USER_0 | Signals.USER_7);
  assertEquals(object.signals, Signals.READABLE | Signals.USER_0 | Signals.USER_7);
  object.setUserSignals(Signals.USER_0 | Signals.USER_7, Signals.USER_0);
  assertEquals(object.signals, Signals.READABLE | Signals.USER_0);
});

Deno.test("KernelObject.assertInvariants() finds a count that is off", () => {
  const object = new ExampleObject();
  object.assertInvariants();
  object.handleClosed({});
  assertThrows(() => object.assertInvariants(), Error, "negative");
  assert(object.ends === 1);
});
