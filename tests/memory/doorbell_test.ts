import { assertEquals } from "@std/assert";
import { Doorbell, Flag } from "../../memory/doorbell.ts";

/** Waiting on shared memory doesn't keep the main isolate alive; a timer does. */
function keepAlive(): Disposable {
  const timer = setInterval(() => {}, 60_000);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

function words(): Int32Array {
  return new Int32Array(new SharedArrayBuffer(64));
}

Deno.test("Doorbell.changed() resolves for a ring before it and for one after it", async () => {
  using _ = keepAlive();
  const bell = new Doorbell(words(), 3);
  const before = bell.count;
  bell.ring();
  await bell.changed(before);
  const seen = bell.count;
  const changed = bell.changed(seen);
  bell.ring();
  await changed;
  assertEquals(bell.count, seen + 1);
});

Deno.test("Flag is up from raise() to lower()", () => {
  const flag = new Flag(words(), 1);
  assertEquals(flag.isUp, false);
  flag.raise();
  flag.raise();
  assertEquals(flag.isUp, true);
  flag.lower();
  assertEquals(flag.isUp, false);
});
