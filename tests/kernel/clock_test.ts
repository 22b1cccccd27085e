import { assert, assertEquals, assertThrows } from "@std/assert";
import { FakeTime } from "@std/testing/time";
import { ManualClock, SystemClock } from "../../kernel/clock.ts";

Deno.test("ManualClock.advance() makes due calls in order, each at its own time", () => {
  const clock = new ManualClock();
  const calls: [string, number][] = [];
  clock.schedule(20, () => calls.push(["late", clock.now()]));
  clock.schedule(10, () => {
    calls.push(["first", clock.now()]);
    clock.schedule(15, () => calls.push(["nested", clock.now()]));
  });
  clock.schedule(10, () => calls.push(["second", clock.now()]));
  clock.schedule(31, () => calls.push(["not yet", clock.now()]));
  clock.advance(30);
  assertEquals(calls, [["first", 10], ["second", 10], ["nested", 15], ["late", 20]]);
  assertEquals(clock.now(), 30);
});

Deno.test("ManualClock.schedule() returns how to cancel the call", () => {
  const clock = new ManualClock();
  let called = false;
  const cancel = clock.schedule(5, () => called = true);
  cancel();
  cancel();
  clock.advance(10);
  assertEquals(called, false);
});

Deno.test("ManualClock.advance() refuses what is no distance", () => {
  const clock = new ManualClock();
  for (const ms of [-1, NaN, Infinity]) assertThrows(() => clock.advance(ms), RangeError);
  assertThrows(() => clock.schedule(NaN, () => {}), RangeError);
  assertEquals(clock.now(), 0);
});

Deno.test("ManualClock.advance() makes the other calls when one throws, then throws", () => {
  const clock = new ManualClock();
  let called = false;
  clock.schedule(1, () => {
    throw new Error("first");
  });
  clock.schedule(2, () => called = true);
  assertThrows(() => clock.advance(5), Error, "first");
  assertEquals([called, clock.now()], [true, 5]);
});

Deno.test("ManualClock.now() never goes back, also when a call advances the clock", () => {
  const clock = new ManualClock();
  clock.schedule(5, () => clock.advance(100));
  clock.advance(10);
  assertEquals(clock.now(), 105);
});

/** The real clock on the time that FakeTime fakes, which `performance.now()` is none of. */
class FakedSystemClock extends SystemClock {
  override now(): number {
    return Date.now();
  }
}

Deno.test("SystemClock.now() rises, in milliseconds since the epoch", () => {
  const clock = new SystemClock();
  const first = clock.now();
  assert(first > Date.UTC(2020, 0) && clock.now() >= first);
});

Deno.test("SystemClock.schedule() calls at the time and not before", () => {
  using time = new FakeTime();
  const clock = new FakedSystemClock();
  const startMs = clock.now();
  let calledAtMs = 0;
  clock.schedule(startMs + 1_000, () => calledAtMs = clock.now());
  time.tick(999);
  assertEquals(calledAtMs, 0);
  time.tick(2);
  assert(calledAtMs >= startMs + 1_000);
});

Deno.test("SystemClock.schedule() waits longer than the platform's timers can", () => {
  using time = new FakeTime();
  const clock = new FakedSystemClock();
  let called = false;
  const longMs = 2 ** 31 + 1_000;
  clock.schedule(clock.now() + longMs, () => called = true);
  time.tick(2 ** 31 - 1);
  assertEquals(called, false);
  time.tick(1_002);
  assertEquals(called, true);
});

Deno.test("SystemClock.schedule() returns how to cancel the call", () => {
  using time = new FakeTime();
  const clock = new FakedSystemClock();
  let called = false;
  clock.schedule(clock.now() + 10, () => called = true)();
  time.tick(100);
  assertEquals(called, false);
});
