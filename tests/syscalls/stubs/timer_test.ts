import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { Kernel, KernelError, ManualClock, Rights, Signals, type Timer } from "@carmine/kernel";

function world(): { clock: ManualClock; kernel: Kernel; timer: Timer } {
  const clock = new ManualClock();
  const kernel = new Kernel({ clock });
  return { clock, kernel, timer: kernel.init.createTimer() };
}

async function isWaiting(timer: Timer): Promise<boolean> {
  const error = await assertRejects(() => timer.wait({ timeoutMs: 0 }), KernelError);
  return error.code === "TIMED_OUT";
}

function throwsWith(code: string, run: () => unknown): void {
  assertEquals(assertThrows(run, KernelError).code, code);
}

Deno.test("Timer.wait() gives 1 when a one-shot timer expires, and then waits", async () => {
  const { clock, kernel, timer } = world();
  timer.set({ delayMs: 100 });
  clock.advance(99);
  assert(await isWaiting(timer));
  const waiting = timer.wait();
  clock.advance(1);
  assertEquals(await waiting, 1);
  clock.advance(1_000);
  assert(await isWaiting(timer));
  timer.set({ delayMs: 1, periodMs: 0 }); // as when the period is left out
  clock.advance(1_000);
  assertEquals(await timer.wait(), 1);
  clock.advance(1_000);
  assert(await isWaiting(timer));
  await kernel.shutdown();
});

Deno.test("Timer.wait() counts the expirations of a periodic timer since the last wait", async () => {
  const { clock, kernel, timer } = world();
  timer.set({ delayMs: 100, periodMs: 50 });
  clock.advance(100);
  assertEquals(await timer.wait(), 1);
  clock.advance(49);
  assert(await isWaiting(timer));
  clock.advance(1);
  assertEquals(await timer.wait(), 1);
  clock.advance(175);
  assertEquals(await timer.wait(), 3);
  clock.advance(25);
  assertEquals(await timer.wait(), 1, "the period does not drift");
  await kernel.shutdown();
});

Deno.test("Timer.wait() counts a long time without a call for each expiration", async () => {
  const { clock, kernel, timer } = world();
  timer.set({ delayMs: 1, periodMs: 1 });
  clock.advance(1e9);
  assertEquals(await timer.wait(), 1e9);
  await kernel.shutdown();
});

Deno.test("Timer.wait() lowers SIGNALED", async () => {
  const { clock, kernel, timer } = world();
  timer.set({ delayMs: 5, periodMs: 5 });
  assertEquals(timer.tryWaitFor(Signals.SIGNALED), 0);
  clock.advance(5);
  assertEquals(timer.tryWaitFor(Signals.SIGNALED), Signals.SIGNALED);
  await timer.wait();
  assertEquals(timer.tryWaitFor(Signals.SIGNALED), 0);
  await kernel.shutdown();
});

Deno.test("Timer.wait() waits while the timer is unset or cancelled", async () => {
  const { clock, kernel, timer } = world();
  assert(await isWaiting(timer));
  timer.set({ delayMs: 10 });
  clock.advance(10);
  timer.cancel();
  assert(await isWaiting(timer));
  timer.set({ delayMs: 10, periodMs: 10 });
  timer.cancel();
  clock.advance(100);
  assert(await isWaiting(timer));
  timer.cancel();
  const waiting = timer.wait();
  timer.set({ delayMs: 1 });
  clock.advance(1);
  assertEquals(await waiting, 1);
  await kernel.shutdown();
});

Deno.test("Timer.set() replaces what was set, expirations included", async () => {
  const { clock, kernel, timer } = world();
  timer.set({ delayMs: 10, periodMs: 10 });
  clock.advance(35);
  timer.set({ delayMs: 100 });
  assertEquals(timer.tryWaitFor(Signals.SIGNALED), 0);
  clock.advance(99);
  assert(await isWaiting(timer));
  clock.advance(1);
  assertEquals(await timer.wait(), 1);
  await kernel.shutdown();
});

Deno.test("Timer.set() with a delay of 0 expires at once", async () => {
  const { clock, kernel, timer } = world();
  timer.set({ delayMs: 0, periodMs: 10 });
  assertEquals(await timer.wait(), 1);
  clock.advance(20);
  assertEquals(await timer.wait(), 2);
  await kernel.shutdown();
});

Deno.test("Timer.set() refuses times that are none and changes nothing", async () => {
  const { clock, kernel, timer } = world();
  timer.set({ delayMs: 10 });
  throwsWith("INVALID_ARGUMENT", () => timer.set({ delayMs: NaN }));
  throwsWith("INVALID_ARGUMENT", () => timer.set({ delayMs: "1" as unknown as number }));
  throwsWith("INVALID_ARGUMENT", () => timer.set(undefined as unknown as { delayMs: number }));
  throwsWith("OUT_OF_RANGE", () => timer.set({ delayMs: -1 }));
  throwsWith("OUT_OF_RANGE", () => timer.set({ delayMs: Infinity }));
  throwsWith("OUT_OF_RANGE", () => timer.set({ delayMs: 1, periodMs: 0.5 }));
  throwsWith("OUT_OF_RANGE", () => timer.set({ delayMs: 1, periodMs: -1 }));
  clock.advance(10);
  assertEquals(await timer.wait(), 1);
  await kernel.shutdown();
});

Deno.test("Timer needs WRITE to set and cancel, and READ to wait", async () => {
  const { kernel, timer } = world();
  const reader = timer.duplicate(timer.rights & ~Rights.WRITE);
  throwsWith("ACCESS_DENIED", () => reader.set({ delayMs: 1 }));
  throwsWith("ACCESS_DENIED", () => reader.cancel());
  const writer = timer.duplicate(Rights.WRITE);
  const error = await assertRejects(() => writer.wait(), KernelError);
  assertEquals(error.code, "ACCESS_DENIED");
  await kernel.shutdown();
});

Deno.test("Timer.wait() serves waiters first-in first-out, one an expiration", async () => {
  const { clock, kernel, timer } = world();
  timer.set({ delayMs: 10, periodMs: 10 });
  const order: string[] = [];
  const waiting = ["first", "second"].map((name) => timer.wait().then(() => order.push(name)));
  clock.advance(10);
  await waiting[0];
  assertEquals(order, ["first"]);
  clock.advance(10);
  await waiting[1];
  assertEquals(order, ["first", "second"]);
  await kernel.shutdown();
});

Deno.test("Timer stops when its last handle is closed", async () => {
  const scheduled = new Set<number>();
  let next = 0;
  const clock = {
    now: () => 0,
    schedule() {
      const call = next++;
      scheduled.add(call);
      return () => void scheduled.delete(call);
    },
  };
  const kernel = new Kernel({ clock });
  const timer = kernel.init.createTimer();
  const twin = timer.duplicate();
  timer.set({ delayMs: 10, periodMs: 10 });
  timer.close();
  assertEquals(scheduled.size, 1);
  twin.close();
  assertEquals(scheduled.size, 0);
  await kernel.shutdown();
});

Deno.test("Timer runs on the real clock", async () => {
  await using kernel = new Kernel();
  const timer = kernel.init.createTimer();
  timer.set({ delayMs: 1, periodMs: 1 });
  let total = 0;
  while (total < 5) {
    const count = await timer.wait();
    assert(count >= 1);
    total += count;
  }
});
