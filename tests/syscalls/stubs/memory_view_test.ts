import { assertEquals, assertThrows } from "@std/assert";
import { Kernel, ManualClock, MemoryView, Rights, SharedMemory } from "@carmine/kernel";
import { assertCode, assertFails } from "../../_codes.ts";

const PAGE = 4_096;

async function isPending(promise: Promise<unknown>): Promise<boolean> {
  let pending = true;
  promise.then(() => pending = false, () => pending = false);
  for (let turn = 0; turn < 10; turn++) await null;
  return pending;
}

Deno.test("MemoryView can't be constructed by a program", () => {
  assertThrows(() => new MemoryView(), TypeError);
});

Deno.test("MemoryView's atomics load, store, add and exchange 32-bit words", async () => {
  await using kernel = new Kernel();
  const view = kernel.init.createSharedMemory(PAGE).map({ offset: 8, length: 12 });
  assertEquals(view.store(0, -5), -5);
  assertEquals([view.load(0), view.int32[0]], [-5, -5]);
  assertEquals([view.add(0, 7), view.load(0)], [-5, 2]);
  assertEquals([view.compareExchange(0, 1, 9), view.load(0)], [2, 2]);
  assertEquals([view.compareExchange(0, 2, 9), view.load(0)], [2, 9]);
  view.store(2, 2 ** 31 - 1);
  assertEquals([view.add(2, 1), view.load(2)], [2 ** 31 - 1, -(2 ** 31)]);
});

Deno.test("MemoryView's atomics check index and value before any effect", async () => {
  await using kernel = new Kernel();
  const view = kernel.init.createSharedMemory(PAGE).map({ length: 10 });
  const hostile = {
    valueOf(): number {
      throw new Error("it was asked for its value");
    },
  };
  for (const index of [2, -1, 2 ** 32, 2 ** 53 - 1]) {
    assertCode("OUT_OF_RANGE", () => view.load(index));
    assertCode("OUT_OF_RANGE", () => view.store(index, 1));
    assertCode("OUT_OF_RANGE", () => view.add(index, 1));
    assertCode("OUT_OF_RANGE", () => view.compareExchange(index, 0, 1));
    assertCode("OUT_OF_RANGE", () => view.notify(index));
    await assertFails("OUT_OF_RANGE", view.wait(index, 0));
  }
  for (const bad of [0.5, NaN, "0", null, undefined, 0n, hostile] as number[]) {
    assertCode("INVALID_ARGUMENT", () => view.load(bad));
    assertCode("INVALID_ARGUMENT", () => view.store(0, bad));
    assertCode("INVALID_ARGUMENT", () => view.add(0, bad));
    assertCode("INVALID_ARGUMENT", () => view.compareExchange(0, bad, 1));
    assertCode("INVALID_ARGUMENT", () => view.compareExchange(0, 0, bad));
    await assertFails("INVALID_ARGUMENT", view.wait(bad, 0));
    await assertFails("INVALID_ARGUMENT", view.wait(0, bad));
  }
  for (const value of [2 ** 31, -(2 ** 31) - 1, 2 ** 40]) {
    assertCode("OUT_OF_RANGE", () => view.store(0, value));
    await assertFails("OUT_OF_RANGE", view.wait(0, value));
  }
  assertEquals(view.load(0), 0);
});

Deno.test("MemoryView of a misaligned offset has bytes, and words only where they are aligned", async () => {
  await using kernel = new Kernel();
  const memory = kernel.init.createSharedMemory(PAGE);
  const odd = memory.map({ offset: 3 });
  assertEquals(odd.bytes.byteOffset, 3);
  assertCode("INVALID_ARGUMENT", () => odd.int32);
  assertCode("INVALID_ARGUMENT", () => odd.load(0));
  assertCode("INVALID_ARGUMENT", () => odd.notify(0));
  await assertFails("INVALID_ARGUMENT", odd.wait(0, 0));
  const four = memory.map({ offset: 4, length: 7 });
  assertEquals(four.int32.length, 1);
  assertCode("INVALID_ARGUMENT", () => four.bigInt64);
});

Deno.test("MemoryView.wait() is over at once when the word holds another value", async () => {
  await using kernel = new Kernel();
  const view = kernel.init.createSharedMemory(PAGE).map();
  view.store(1, 5);
  assertEquals(await view.wait(1, 4), "not-equal");
  assertEquals(await view.wait(1, 4, { timeoutMs: 0 }), "not-equal");
  await assertFails("TIMED_OUT", view.wait(1, 5, { timeoutMs: 0 }));
  assertEquals(view.notify(1), 0);
});

Deno.test("MemoryView.notify() ends waits first-in first-out, and tells how many", async () => {
  await using kernel = new Kernel();
  const memory = kernel.init.createSharedMemory(PAGE);
  const [view, other] = [memory.map(), memory.map({ offset: 4 })];
  const order: number[] = [];
  const waits = [0, 1, 2, 3].map((i) =>
    (i % 2 === 0 ? view.wait(1, 0) : other.wait(0, 0)).then((how) => order.push(i) && how)
  );
  const elsewhere = view.wait(0, 0);
  assertEquals(view.notify(1, 0), 0);
  assertEquals(view.notify(1, 2), 2);
  assertEquals(await Promise.all(waits.slice(0, 2)), ["ok", "ok"]);
  assertEquals([order, await isPending(Promise.race(waits.slice(2)))], [[0, 1], true]);
  assertEquals(other.notify(0), 2);
  assertEquals(await Promise.all(waits), ["ok", "ok", "ok", "ok"]);
  assertEquals(order, [0, 1, 2, 3]);
  assertEquals([view.notify(1), view.notify(1, 1), view.notify(0, 5)], [0, 0, 1]);
  assertEquals(await elsewhere, "ok");
});

Deno.test("MemoryView.notify() is not spent on waits that have ended", async () => {
  const clock = new ManualClock();
  await using kernel = new Kernel({ clock });
  const view = kernel.init.createSharedMemory(PAGE).map();
  const abort = new AbortController();
  const late = assertFails("TIMED_OUT", view.wait(0, 0, { timeoutMs: 10 }));
  const aborted = assertFails("CANCELED", view.wait(0, 0, { signal: abort.signal }));
  const third = view.wait(0, 0);
  clock.advance(10);
  abort.abort();
  await Promise.all([late, aborted]);
  assertEquals(view.notify(0, 1), 1);
  assertEquals(await third, "ok");
  assertEquals([view.notify(0, 1), view.notify(0)], [0, 0]);
  const fourth = view.wait(0, 0);
  assertEquals([view.notify(0), await fourth], [1, "ok"]);
});

Deno.test("MemoryView.wait() and notify() work with other threads' own", async () => {
  await using kernel = new Kernel();
  const view = kernel.init.createSharedMemory(PAGE).map({ offset: 16 });
  const code = `onmessage = ({ data: buffer }) => {
    const words = new Int32Array(buffer);
    Atomics.store(words, 5, 1);            // the view's word 1
    while (Atomics.notify(words, 5) === 0); // until somebody waits
    const how = Atomics.wait(words, 6, 0); // the view's word 2
    Atomics.store(words, 7, how === "ok" ? 1 : 2);
    Atomics.notify(words, 7);
  };`;
  const worker = new Worker(`data:text/javascript,${encodeURIComponent(code)}`, { type: "module" });
  worker.postMessage(view.bytes.buffer);
  const first = await view.wait(1, 0);
  if (first === "not-equal") await view.wait(1, 1); // it goes on until somebody is met
  const last = view.wait(3, 0);
  const poke = setInterval(() => view.notify(2), 0); // it may not wait yet
  assertEquals(await last, "ok");
  clearInterval(poke);
  assertEquals(view.load(3), 1);
  worker.terminate();
});

Deno.test("MemoryView.wait() that has ended passes on another thread's notification", async () => {
  const clock = new ManualClock();
  await using kernel = new Kernel({ clock });
  const view = kernel.init.createSharedMemory(PAGE).map();
  const gone = assertFails("TIMED_OUT", view.wait(0, 0, { timeoutMs: 1 }));
  const stays = view.wait(0, 0);
  clock.advance(1);
  await gone;
  const code = `onmessage = ({ data: buffer }) => Atomics.notify(new Int32Array(buffer), 0, 1);`;
  const worker = new Worker(`data:text/javascript,${encodeURIComponent(code)}`, { type: "module" });
  worker.postMessage(view.bytes.buffer);
  assertEquals(await stays, "ok");
  worker.terminate();
});

Deno.test("MemoryView.wait() on a snapshot waits on the memory itself", async () => {
  await using kernel = new Kernel();
  const memory = kernel.init.createSharedMemory(PAGE);
  const view = memory.map();
  const reader = memory.duplicate(Rights.READ | Rights.MAP);
  const snapshot = reader.map({ offset: 8 });
  const waiting = snapshot.wait(0, 0);
  view.store(2, 1);
  view.notify(2);
  assertEquals([await waiting, snapshot.load(0)], ["ok", 0]);
  assertEquals(await snapshot.wait(0, 0), "not-equal");
});

Deno.test("MemoryView.unmap() makes every later use INVALID_STATE, and ends waits so", async () => {
  await using kernel = new Kernel();
  const memory = kernel.init.createSharedMemory(PAGE);
  const view = memory.map();
  const waiting = assertFails("INVALID_STATE", view.wait(0, 0));
  view.unmap();
  view.unmap();
  await waiting;
  assertEquals(memory.mappingCount, 0);
  assertCode("INVALID_STATE", () => view.bytes);
  assertCode("INVALID_STATE", () => view.int32);
  assertCode("INVALID_STATE", () => view.bigInt64);
  assertCode("INVALID_STATE", () => view.load(0));
  assertCode("INVALID_STATE", () => view.store(0, 1));
  assertCode("INVALID_STATE", () => view.add(0, 1));
  assertCode("INVALID_STATE", () => view.compareExchange(0, 0, 1));
  assertCode("INVALID_STATE", () => view.notify(0));
  await assertFails("INVALID_STATE", view.wait(0, 0));
});

Deno.test("MemoryView is unmapped at the end of a using block", async () => {
  await using kernel = new Kernel();
  const memory = kernel.init.createSharedMemory(PAGE);
  {
    using view = memory.map();
    view.store(0, 1);
    assertEquals(memory.mappingCount, 1);
  }
  assertEquals(memory.mappingCount, 0);
});

Deno.test("MemoryView.wait() counts against pendingWaits, and a refused one leaves nothing", async () => {
  await using kernel = new Kernel({ limits: { pendingWaits: 1 } });
  const view = kernel.init.createSharedMemory(PAGE).map();
  const first = view.wait(0, 0);
  await assertFails("LIMIT_EXCEEDED", view.wait(0, 0));
  assertEquals([view.notify(0), await first], [1, "ok"]);
});

Deno.test("MemoryView of one task means nothing to another", async () => {
  await using kernel = new Kernel();
  const memory = kernel.init.createSharedMemory(PAGE);
  memory.map();
  const child = kernel.init.spawn((task) => {
    assertCode("INVALID_STATE", () => task.syscall(701, 1));
    return task.handle("memory", SharedMemory).mappingCount;
  }, { handles: { memory: memory.duplicate() } });
  assertEquals(await child.wait(), { state: "exited", code: 0, value: 1 });
});
