import { assert, assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { deadline, delay } from "@std/async";
import { FakeTime, TimeError } from "@std/testing/time";

Deno.test("FakeTime.tick() runs each timer at its own time, in order", () => {
  using time = new FakeTime(1_000);
  const seen: [string, number][] = [];
  setTimeout(() => seen.push(["late", Date.now()]), 20);
  setTimeout(() => seen.push(["early", Date.now()]), 10);
  const interval = setInterval(() => seen.push(["interval", Date.now()]), 15);
  time.tick(30);
  clearInterval(interval);
  time.tick(30);
  assertEquals(seen, [["early", 1_010], ["interval", 1_015], ["late", 1_020], ["interval", 1_030]]);
  assertEquals(time.now, 1_060);
  assertEquals(time.start, 1_000);
});

Deno.test("FakeTime.next() runs all timers that are due at the next time, and no others", () => {
  using time = new FakeTime(0);
  let count = 0;
  for (const ms of [5, 5, 6]) setTimeout(() => count++, ms);
  assert(time.next());
  assertEquals([count, time.now], [2, 5]);
  time.runAll();
  assertEquals([count, time.now, time.next()], [3, 6, false]);
});

Deno.test("FakeTime drives delay(), deadline() and AbortSignal.timeout()", async () => {
  using time = new FakeTime();
  const slow = delay(1_000);
  const late = assertRejects(() => deadline(slow, 400), DOMException);
  await time.tickAsync(400);
  assertEquals((await late).name, "TimeoutError");
  await time.runAllAsync();
  await slow;
});

Deno.test("FakeTime.restoreFor() keeps the pending fake timers", async () => {
  using time = new FakeTime(0);
  let rang = false;
  setTimeout(() => rang = true, 10);
  assert(await FakeTime.restoreFor(() => Date.now()) > 0);
  time.tick(10);
  assert(rang);
});

Deno.test("FakeTime.restore() puts every real function back, once", () => {
  const before = [Date, setTimeout, setInterval, AbortSignal.timeout];
  const time = new FakeTime();
  assertThrows(() => new FakeTime(), TimeError, "already faked");
  time.restore();
  before.forEach((real, index) =>
    assertStrictEquals([Date, setTimeout, setInterval, AbortSignal.timeout][index], real)
  );
  assertThrows(() => time.restore(), TimeError, "already restored");
});
