import { assertEquals } from "@std/assert";
import { type Counter, Signals } from "@carmine/kernel";
import type { CounterObject } from "../../../kernel/ipc/counter.ts";
import { codeOf, settle, Threads } from "../../_threads.ts";

Deno.test("a counter that was taken from its threads for a while can be revoked as any other", async () => {
  using threads = new Threads();
  const counter = threads.init.createCounter();
  const object = threads.entryOf(threads.core.init, counter).object as CounterObject;
  const { stub, seats } = threads.spawn({ counter: counter.duplicate() });
  const mapped = stub.handle<Counter>("counter");
  assertEquals(mapped.tryAdd(1), true);
  assertEquals(seats.size, 1);
  const heard: bigint[] = [];
  const stopListening = object.addWriteListener(() => heard.push(object.value));
  assertEquals(mapped.tryAdd(1), true); // the kernel does it now
  assertEquals(heard, [2n]);
  assertEquals(seats.size, 0);
  stopListening();
  const again = mapped.duplicate(); // the first handle's stub calls the kernel from now on
  assertEquals([again.tryAdd(1), mapped.tryAdd(1)], [true, true]);
  counter.revoke();
  assertEquals(seats.size, 0);
  assertEquals(await codeOf(() => again.tryAdd(1)), "REVOKED");
  assertEquals(await codeOf(() => mapped.tryAdd(1)), "REVOKED");
  assertEquals(counter.value, 4n);
});

Deno.test("a mapped counter that was closed counts no more, though its thread has another", async () => {
  using threads = new Threads();
  const counter = threads.init.createCounter({ semaphore: true });
  const handles = { first: counter.duplicate(), second: counter.duplicate() };
  const { stub, seats } = threads.spawn(handles);
  const [first, second] = [stub.handle<Counter>("first"), stub.handle<Counter>("second")];
  assertEquals([first.tryAdd(1), second.tryAdd(1)], [true, true]);
  assertEquals([first.tryTake(), first.tryTake(), first.tryTake()], [1n, 1n, undefined]);
  const waiting = codeOf(() => first.take());
  await settle();
  first.close();
  assertEquals(await waiting, "BAD_HANDLE");
  assertEquals(await codeOf(() => first.tryAdd(1)), "BAD_HANDLE");
  assertEquals([second.tryAdd(3), second.tryTake(), second.value], [true, 1n, 2n]);
  assertEquals(seats.size, 1);
});

Deno.test("who waits for a counter in the kernel is woken by threads, and the other way round", async () => {
  using threads = new Threads();
  const counter = threads.init.createCounter();
  const most = 2n ** 64n - 2n;
  const { stub } = threads.spawn({ counter: counter.duplicate() });
  const mapped = stub.handle<Counter>("counter");
  mapped.tryAdd(0);
  for (let i = 0; i < 20; i++) {
    const [here, looking] = [counter.take(), counter.waitFor(Signals.WRITABLE)];
    await settle();
    mapped.tryAdd(i + 1);
    assertEquals(await here, BigInt(i + 1));
    await looking;
    const there = mapped.take();
    await settle();
    counter.tryAdd(i + 1);
    assertEquals(await there, BigInt(i + 1));
    counter.tryAdd(most);
    const adding = i % 2 === 0 ? counter.add(5) : mapped.add(5);
    await settle();
    assertEquals((i % 2 === 0 ? mapped : counter).tryTake(), most);
    await adding;
    assertEquals(mapped.tryTake(), 5n);
  }
});
