import { assertEquals, assertInstanceOf } from "@std/assert";
import {
  Counter,
  CounterCommand,
  Kernel,
  ManualClock,
  Rights,
  Signals,
  StreamError,
} from "@carmine/kernel";
import { assertCode, assertFails } from "../../_codes.ts";

const LARGEST = 2n ** 64n - 2n;
const STREAM_READ = 200;
const STREAM_WRITE = 201;
const HANDLE_CONTROL = 110;

/** Counts as the 8-byte records of a stream. */
function records(...counts: bigint[]): Uint8Array {
  const bytes = new Uint8Array(counts.length * 8);
  const view = new DataView(bytes.buffer);
  counts.forEach((count, i) => view.setBigUint64(i * 8, count, true));
  return bytes;
}

function countIn(record: Uint8Array<ArrayBuffer>): bigint {
  return new DataView(record.buffer).getBigUint64(0, true);
}

/** Whether a promise has settled by now, every microtask that was due included. */
async function isPending(promise: Promise<unknown>): Promise<boolean> {
  let pending = true;
  promise.then(() => pending = false, () => pending = false);
  for (let turn = 0; turn < 10; turn++) await null;
  return pending;
}

Deno.test("Task.createCounter() gives a counter of 0 with every right that it can use", async () => {
  await using kernel = new Kernel();
  const counter = kernel.init.createCounter();
  assertInstanceOf(counter, Counter);
  assertEquals([counter.type, counter.value, counter.isSemaphore], ["counter", 0n, false]);
  assertEquals(
    counter.rights,
    Rights.READ | Rights.WRITE | Rights.WAIT | Rights.DUPLICATE | Rights.TRANSFER | Rights.MAP |
      Rights.INSPECT | Rights.CONTROL | Rights.REVOKE,
  );
});

Deno.test("Task.createCounter() takes an initial value of 0 … 2⁶⁴ − 2, as bigint or number", async () => {
  await using kernel = new Kernel();
  for (const initial of [0, 7, 0n, 7n, LARGEST, Number.MAX_SAFE_INTEGER]) {
    assertEquals(kernel.init.createCounter({ initial }).value, BigInt(initial));
  }
  const before = kernel.tasks()[0]?.usage;
  for (const initial of [-1, -1n, 1.5, NaN, Infinity, 2 ** 53, LARGEST + 1n, "1", null, {}]) {
    assertCode(
      "INVALID_ARGUMENT",
      () => kernel.init.createCounter({ initial: initial as number }),
    );
  }
  assertCode(
    "INVALID_ARGUMENT",
    () => kernel.init.createCounter({ semaphore: 1 as unknown as boolean }),
  );
  assertEquals(kernel.tasks()[0]?.usage, before);
});

Deno.test("Counter.take() gives all that was added and resets the counter", async () => {
  await using kernel = new Kernel();
  const counter = kernel.init.createCounter();
  await counter.add(2);
  await counter.add(3n);
  assertEquals(counter.value, 5n);
  assertEquals(await counter.take(), 5n);
  assertEquals([counter.value, counter.tryTake()], [0n, undefined]);
});

Deno.test("Counter.take() gives 1 in semaphore mode", async () => {
  await using kernel = new Kernel();
  const counter = kernel.init.createCounter({ initial: 2, semaphore: true });
  assertEquals(counter.isSemaphore, true);
  assertEquals([await counter.take(), counter.tryTake(), counter.tryTake()], [1n, 1n, undefined]);
});

Deno.test("Counter.take() waits while there is nothing and takers are served in order", async () => {
  await using kernel = new Kernel();
  const counter = kernel.init.createCounter({ semaphore: true });
  const order: number[] = [];
  const takers = [0, 1, 2].map((i) => counter.take().then(() => order.push(i)));
  assertEquals(await isPending(Promise.race(takers)), true);
  assertEquals(counter.tryAdd(2), true);
  await Promise.all(takers.slice(0, 2));
  assertEquals([order, counter.value], [[0, 1], 0n]);
  await counter.add(1);
  await takers[2];
  assertEquals(order, [0, 1, 2]);
});

Deno.test("Counter.add() waits while the sum would pass 2⁶⁴ − 2", async () => {
  await using kernel = new Kernel();
  const counter = kernel.init.createCounter({ initial: LARGEST - 1n });
  assertEquals(counter.tryAdd(2), false);
  assertEquals(counter.tryAdd(1), true);
  const adding = counter.add(LARGEST);
  assertEquals([await isPending(adding), counter.value], [true, LARGEST]);
  assertEquals(counter.tryTake(), LARGEST);
  await adding;
  assertEquals(counter.value, LARGEST);
});

Deno.test("Counter.add() of 2⁶⁴ − 1, and of what is no count, is INVALID_ARGUMENT", async () => {
  await using kernel = new Kernel();
  const counter = kernel.init.createCounter();
  for (const n of [LARGEST + 1n, 2n ** 64n, -1n, -1, 0.5, NaN, 2 ** 53, "1", undefined, {}]) {
    await assertFails("INVALID_ARGUMENT", counter.add(n as number));
    assertCode("INVALID_ARGUMENT", () => counter.tryAdd(n as number));
  }
  assertEquals(counter.value, 0n);
});

Deno.test("Counter.add() of a large amount is not starved by small ones behind it", async () => {
  await using kernel = new Kernel();
  const counter = kernel.init.createCounter({ initial: 10 });
  const large = counter.add(LARGEST - 5n);
  assertEquals(counter.tryAdd(1), false);
  const small = counter.add(1);
  assertEquals([await isPending(large), await isPending(small)], [true, true]);
  assertEquals(counter.tryTake(), 10n); // takers pass
  await large;
  await small;
  assertEquals(counter.value, LARGEST - 4n);
});

Deno.test("Counter.add() of 0 never waits, behind whomever it comes", async () => {
  await using kernel = new Kernel();
  const counter = kernel.init.createCounter({ initial: LARGEST });
  const adding = counter.add(1);
  assertEquals(counter.tryAdd(0), true);
  await counter.add(0n);
  assertEquals(await isPending(adding), true);
  counter.tryTake();
  await adding;
});

Deno.test("Counter.add() that gives up lets those behind it go on", async () => {
  const clock = new ManualClock();
  await using kernel = new Kernel({ clock });
  const counter = kernel.init.createCounter({ initial: 10 });
  const abort = new AbortController();
  const first = assertFails("TIMED_OUT", counter.add(LARGEST, { timeoutMs: 5 }));
  const second = assertFails("CANCELED", counter.add(LARGEST, { signal: abort.signal }));
  const third = counter.add(1);
  clock.advance(5);
  await first;
  assertEquals(await isPending(third), true);
  abort.abort("enough");
  assertEquals((await second).cause, "enough");
  await third;
  assertEquals(counter.value, 11n);
});

Deno.test("Counter.take() ends with TIMED_OUT, at once for a time-out of 0", async () => {
  const clock = new ManualClock();
  await using kernel = new Kernel({ clock });
  const counter = kernel.init.createCounter();
  await assertFails("TIMED_OUT", counter.take({ timeoutMs: 0 }));
  const taking = assertFails("TIMED_OUT", counter.take({ timeoutMs: 1000 }));
  clock.advance(1000);
  await taking;
  counter.tryAdd(1);
  assertEquals(await counter.take({ timeoutMs: 0 }), 1n);
});

Deno.test("Counter.take() prefers an aborted signal to what is there", async () => {
  await using kernel = new Kernel();
  const counter = kernel.init.createCounter({ initial: 1 });
  const error = await assertFails("CANCELED", counter.take({ signal: AbortSignal.abort("no") }));
  assertEquals([error.cause, counter.value], ["no", 1n]);
});

Deno.test("Counter.take() ends with BAD_HANDLE when its handle is closed, with REVOKED when revoked", async () => {
  await using kernel = new Kernel();
  const counter = kernel.init.createCounter();
  const copy = counter.duplicate();
  const closed = assertFails("BAD_HANDLE", copy.take());
  copy.close();
  await closed;
  const lent = counter.duplicate();
  const revoked = assertFails("REVOKED", lent.take());
  counter.revoke();
  await revoked;
});

Deno.test("Counter: the end of a handle ends all waits on it, and lets none of them through", async () => {
  await using kernel = new Kernel();
  const counter = kernel.init.createCounter({ initial: 5 });
  for (const end of ["close", "revoke"] as const) {
    const lent = counter.duplicate();
    // The first can't go on; the second could, if only the first were gone.
    const first = lent.add(LARGEST);
    const second = lent.add(1);
    const code = end === "close" ? "BAD_HANDLE" : "REVOKED";
    const ends = Promise.all([assertFails(code, first), assertFails(code, second)]);
    if (end === "close") lent.close();
    else counter.revoke();
    await ends;
    assertEquals(counter.value, 5n);
  }
});

Deno.test("Counter.takeSync() and addSync() are NOT_SUPPORTED in the kernel's isolate", async () => {
  await using kernel = new Kernel();
  const counter = kernel.init.createCounter({ initial: 1 });
  assertCode("NOT_SUPPORTED", () => counter.takeSync());
  assertCode("NOT_SUPPORTED", () => counter.addSync(1));
  assertEquals(counter.value, 1n);
});

Deno.test("Counter.waitFor() sees READABLE above 0 and WRITABLE below 2⁶⁴ − 2", async () => {
  await using kernel = new Kernel();
  const both = Signals.READABLE | Signals.WRITABLE;
  const counter = kernel.init.createCounter();
  assertEquals(counter.tryWaitFor(both), Signals.WRITABLE);
  const readable = counter.waitFor(Signals.READABLE);
  counter.tryAdd(LARGEST);
  assertEquals(await readable, Signals.READABLE);
  assertEquals(counter.tryWaitFor(both), Signals.READABLE);
  const writable = counter.waitFor(Signals.WRITABLE);
  counter.tryTake();
  assertEquals(await writable, Signals.WRITABLE);
});

Deno.test("Counter.setSemaphore() switches the mode and keeps the count", async () => {
  await using kernel = new Kernel();
  const counter = kernel.init.createCounter({ initial: 5 });
  counter.setSemaphore(true);
  assertEquals([counter.isSemaphore, counter.tryTake(), counter.value], [true, 1n, 4n]);
  counter.setSemaphore(false);
  assertEquals([counter.isSemaphore, counter.tryTake(), counter.value], [false, 4n, 0n]);
});

Deno.test("CounterCommand.SET_SEMAPHORE answers the mode before; other commands are NOT_SUPPORTED", async () => {
  await using kernel = new Kernel();
  const { init } = kernel;
  const counter = init.createCounter();
  const control = (command: number, argument: number) =>
    init.syscall(HANDLE_CONTROL, counter.number, command, argument);
  assertEquals(control(CounterCommand.SET_SEMAPHORE, 1), 0);
  assertEquals(control(CounterCommand.SET_SEMAPHORE, 0), 1);
  assertCode("INVALID_ARGUMENT", () => control(CounterCommand.SET_SEMAPHORE, 2));
  assertCode("NOT_SUPPORTED", () => control(99, 0));
  assertEquals(counter.isSemaphore, false);
});

Deno.test("Counter as a stream moves 8-byte little-endian records", async () => {
  await using kernel = new Kernel();
  const { init } = kernel;
  const counter = init.createCounter();
  assertEquals(await init.syscall(STREAM_WRITE, counter.number, records(258n)), 8);
  const into = new Uint8Array(16).fill(255);
  assertEquals(await init.syscall(STREAM_READ, counter.number, into), 8);
  assertEquals([...into.subarray(0, 9)], [2, 1, 0, 0, 0, 0, 0, 0, 255]);
  const reading = init.syscall(STREAM_READ, counter.number, into) as Promise<number>;
  assertEquals(await isPending(reading), true);
  counter.tryAdd(LARGEST);
  assertEquals([await reading, countIn(into)], [8, LARGEST]);
});

Deno.test("Counter as a stream adds each record of a write, as room comes", async () => {
  await using kernel = new Kernel();
  const { init } = kernel;
  const counter = init.createCounter();
  const bytes = records(1n, LARGEST, 3n);
  const writing = init.syscall(STREAM_WRITE, counter.number, bytes) as Promise<number>;
  assertEquals([await isPending(writing), counter.value], [true, 1n]);
  assertEquals([counter.tryTake(), counter.value], [1n, LARGEST]);
  assertEquals(counter.tryTake(), LARGEST);
  assertEquals([await writing, counter.value], [24, 3n]);
});

Deno.test("Counter as a stream refuses what are no whole records, and changes nothing", async () => {
  await using kernel = new Kernel();
  const { init } = kernel;
  const counter = init.createCounter({ initial: 1 });
  for (const length of [0, 1, 7, 9, 12]) {
    const bytes = new Uint8Array(length);
    const write = assertFails(
      "INVALID_ARGUMENT",
      init.syscall(STREAM_WRITE, counter.number, bytes) as Promise<number>,
    );
    assertInstanceOf(await write, StreamError);
    if (length >= 8) continue;
    await assertFails(
      "INVALID_ARGUMENT",
      init.syscall(STREAM_READ, counter.number, bytes) as Promise<number>,
    );
  }
  const tooMuch = records(1n, LARGEST + 1n);
  await assertFails(
    "INVALID_ARGUMENT",
    init.syscall(STREAM_WRITE, counter.number, tooMuch) as Promise<number>,
  );
  assertEquals(counter.value, 1n);
});

Deno.test("Counter as a stream asks a buffer with properties of its own nothing", async () => {
  await using kernel = new Kernel();
  const { init } = kernel;
  const counter = init.createCounter();
  const hostile = records(9n);
  for (const name of ["buffer", "byteLength", "byteOffset", "length"]) {
    Object.defineProperty(hostile, name, {
      get() {
        throw new Error(`${name} was asked for`);
      },
    });
  }
  assertEquals(await init.syscall(STREAM_WRITE, counter.number, hostile), 8);
  assertEquals(counter.value, 9n);
  assertEquals(await init.syscall(STREAM_READ, counter.number, hostile), 8);
  assertEquals(counter.value, 0n);
});

Deno.test("Counter's operations need the rights that the design gives them", async () => {
  await using kernel = new Kernel();
  const { init } = kernel;
  const READ_ANY = Rights.READ | Rights.WRITE | Rights.INSPECT;
  const operations: [Rights, (counter: Counter) => unknown][] = [
    [Rights.WRITE, (counter) => counter.tryAdd(1)],
    [Rights.READ, (counter) => counter.tryTake()],
    [READ_ANY, (counter) => counter.value],
    [READ_ANY, (counter) => counter.isSemaphore],
    [Rights.WAIT, (counter) => counter.tryWaitFor(Signals.READABLE)],
    [Rights.CONTROL, (counter) => counter.setSemaphore(true)],
    [Rights.CONTROL, (counter) => counter.signal(0, Signals.USER_0)],
  ];
  const rights = [
    Rights.READ,
    Rights.WRITE,
    Rights.WAIT,
    Rights.DUPLICATE,
    Rights.TRANSFER,
    Rights.MAP,
    Rights.INSPECT,
    Rights.CONTROL,
    Rights.REVOKE,
  ];
  for (const right of rights) {
    const counter = init.createCounter({ initial: 1 }).duplicate(right);
    for (const [allowing, operation] of operations) {
      if ((allowing & right) !== 0) operation(counter);
      else assertCode("ACCESS_DENIED", () => operation(counter));
    }
    if (right !== Rights.WRITE) await assertFails("ACCESS_DENIED", counter.add(1));
    if (right !== Rights.READ) await assertFails("ACCESS_DENIED", counter.take());
  }
});

Deno.test("Counter's operations are WRONG_TYPE on other objects", async () => {
  await using kernel = new Kernel();
  const { reader } = kernel.init.createPipe();
  assertCode("WRONG_TYPE", () => kernel.init.syscall(623, reader.number));
  await assertFails("WRONG_TYPE", kernel.init.syscall(622, reader.number) as Promise<unknown>);
});

Deno.test("Counter's charges are given back when its last handle is closed", async () => {
  await using kernel = new Kernel({ limits: { objects: 1 } });
  const { init } = kernel;
  const counter = init.createCounter();
  const copy = counter.duplicate();
  assertCode("LIMIT_EXCEEDED", () => init.createCounter());
  counter.close();
  assertCode("LIMIT_EXCEEDED", () => init.createCounter());
  copy.close();
  init.createCounter().close();
  assertEquals(kernel.tasks()[0]?.usage.objects, 0);
});

Deno.test("Counter that a task leaves behind wakes nobody and leaks nothing", async () => {
  await using kernel = new Kernel();
  const before = kernel.tasks()[0]?.usage;
  const child = kernel.init.spawn(async (task) => {
    const counter = task.createCounter();
    void counter.take();
    await null;
    return counter.value;
  });
  assertEquals((await child.wait()).state, "exited");
  child.close();
  assertEquals(kernel.tasks()[0]?.usage, before);
});
