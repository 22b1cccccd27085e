import { assertEquals, assertThrows } from "@std/assert";
import { KernelError, Signals } from "@carmine/kernel";
import { LARGEST_COUNT } from "../../../capabilities/counter_ops.ts";
import { WOULD_BLOCK } from "../../../capabilities/stream_ops.ts";
import { CounterObject } from "../../../kernel/ipc/counter.ts";

Deno.test("CounterObject.addWriteListener() hears of each addition, after it, until it is ended", () => {
  const counter = new CounterObject({ initial: LARGEST_COUNT - 3n });
  const heard: [string, bigint][] = [];
  const end = counter.addWriteListener(() => heard.push(["first", counter.value]));
  counter.addWriteListener(() => heard.push(["second", counter.value]));
  assertEquals(counter.tryAdd(1n), true);
  assertEquals(counter.tryAdd(3n), false);
  assertEquals(heard, [["first", LARGEST_COUNT - 2n], ["second", LARGEST_COUNT - 2n]]);
  end();
  end();
  assertEquals(counter.tryAdd(0n), true);
  assertEquals(counter.tryWrite(new Uint8Array([1, 0, 0, 0, 0, 0, 0, 0])), 8);
  assertEquals(heard.slice(2), [["second", LARGEST_COUNT - 2n], ["second", LARGEST_COUNT - 1n]]);
  counter.assertInvariants();
});

Deno.test("CounterObject.addWriteListener() counts a listener as often as it was added", () => {
  const counter = new CounterObject();
  let heard = 0;
  const listener = () => heard++;
  const end = counter.addWriteListener(listener);
  counter.addWriteListener(listener);
  counter.tryAdd(1n);
  end();
  counter.tryAdd(1n);
  assertEquals(heard, 3);
});

Deno.test("CounterObject.addWriteListener() lets a listener take, and end itself", () => {
  const counter = new CounterObject();
  const taken: unknown[] = [];
  const end = counter.addWriteListener(() => {
    taken.push(counter.tryTake());
    end();
  });
  counter.tryAdd(2n);
  counter.tryAdd(3n);
  assertEquals([taken, counter.value], [[2n], 3n]);
});

Deno.test("CounterObject.tryAdd() stands when a write listener throws, and others still hear", async () => {
  const reported = Promise.withResolvers<unknown>();
  const onError = (event: ErrorEvent) => {
    event.preventDefault();
    reported.resolve(event.error);
  };
  globalThis.addEventListener("error", onError);
  try {
    const counter = new CounterObject();
    const fault = new Error("the listener's own");
    let heard = 0;
    counter.addWriteListener(() => {
      throw fault;
    });
    counter.addWriteListener(() => heard++);
    assertEquals([counter.tryAdd(1n), counter.value, heard], [true, 1n, 1]);
    assertEquals(await reported.promise, fault);
  } finally {
    globalThis.removeEventListener("error", onError);
  }
});

Deno.test("CounterObject forgets its listeners with its last handle", () => {
  const counter = new CounterObject();
  let heard = 0;
  counter.addWriteListener(() => heard++);
  const handle = {};
  counter.handleOpened(handle);
  counter.handleClosed(handle);
  counter.tryAdd(1n);
  assertEquals(heard, 0);
});

Deno.test("CounterObject.signals follow the value", () => {
  const counter = new CounterObject({ semaphore: true });
  assertEquals(counter.signals, Signals.WRITABLE);
  counter.tryAdd(LARGEST_COUNT);
  assertEquals(counter.signals, Signals.READABLE);
  assertEquals([counter.tryTake(), counter.signals], [1n, Signals.READABLE | Signals.WRITABLE]);
});

Deno.test("CounterObject.tryRead() and tryWrite() answer WOULD_BLOCK and change nothing", () => {
  const counter = new CounterObject();
  const into = new Uint8Array(8).fill(9);
  assertEquals([counter.tryRead(into), into[0]], [WOULD_BLOCK, 9]);
  counter.tryAdd(LARGEST_COUNT);
  assertEquals(counter.tryWrite(new Uint8Array([1, 0, 0, 0, 0, 0, 0, 0])), WOULD_BLOCK);
  assertThrows(() => counter.tryRead(new Uint8Array(7)), KernelError);
  assertEquals(counter.value, LARGEST_COUNT);
});
