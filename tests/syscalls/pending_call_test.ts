import { getEventListeners } from "node:events";
import { assertEquals, assertRejects } from "@std/assert";
import {
  Kernel,
  KernelError,
  ManualClock,
  type PipeReader,
  Rights,
  Signals,
} from "@carmine/kernel";
import type { Clock } from "@carmine/kernel";
import { rejectionOf } from "../_codes.ts";

/** A kernel on a clock that also counts the calls it was asked for and not yet made or cancelled. */
function boot(): { kernel: Kernel; clock: ManualClock; scheduled: () => number } {
  const clock = new ManualClock();
  let scheduled = 0;
  const counting: Clock = {
    now: () => clock.now(),
    schedule(atMs, wake) {
      scheduled++;
      let isOver = false;
      const over = () => {
        if (!isOver) scheduled--;
        isOver = true;
      };
      const cancel = clock.schedule(atMs, () => {
        over();
        wake();
      });
      return () => {
        over();
        cancel();
      };
    },
  };
  return { kernel: new Kernel({ clock: counting }), clock, scheduled: () => scheduled };
}

function pendingWaits(kernel: Kernel): number {
  return kernel.tasks().find(({ id }) => id === kernel.init.id)?.usage.pendingWaits ?? -1;
}

const buffer = () => new Uint8Array(16);

/** Every way for a wait to end without a result. */
const ENDS: [
  name: string,
  code: string,
  end: (
    with_: { kernel: Kernel; clock: ManualClock; reader: PipeReader; abort: () => void },
  ) => void,
][] = [
  ["a time-out", "TIMED_OUT", ({ clock }) => clock.advance(1_000)],
  ["an abort", "CANCELED", ({ abort }) => abort()],
  ["a close", "BAD_HANDLE", ({ reader }) => reader.close()],
  ["a replacement", "BAD_HANDLE", ({ reader }) => void reader.replace(Rights.SAME)],
  ["a move", "BAD_HANDLE", ({ kernel, reader }) => {
    kernel.init.spawn(() => {}, { handles: { reader } });
  }],
  ["the task's end", "TASK_DEAD", ({ kernel }) => void kernel.shutdown()],
];

for (const [name, code, end] of ENDS) {
  Deno.test(`a waiting call ends with ${code} by ${name} and leaves nothing behind`, async () => {
    const { kernel, clock, scheduled } = boot();
    const { reader, writer } = kernel.init.createPipe();
    const controller = new AbortController();
    const options = { timeoutMs: 1_000, signal: controller.signal };
    const calls = [
      reader.read(buffer(), options),
      reader.waitFor(Signals.READABLE, options),
      kernel.init.waitMany([{ handle: reader, signals: Signals.READABLE }], options),
      kernel.init.waitMany(
        [{ handle: reader, signals: Signals.READABLE }, {
          handle: writer,
          signals: Signals.USER_0,
        }],
        { ...options, mode: "all" },
      ),
    ];
    assertEquals(pendingWaits(kernel), 5, "four calls, one of them on two handles");
    assertEquals(scheduled(), 4);
    assertEquals(getEventListeners(controller.signal, "abort").length, 4);
    end({ kernel, clock, reader, abort: () => controller.abort() });
    for (const call of calls) assertEquals(await rejectionOf(call), code);
    assertEquals(scheduled(), 0);
    assertEquals(getEventListeners(controller.signal, "abort").length, 0);
    if (code !== "TASK_DEAD") assertEquals(pendingWaits(kernel), 0);
    await kernel.shutdown();
  });
}

Deno.test("a call with an aborted signal is CANCELED though data is there, with the reason as cause", async () => {
  await using kernel = new Kernel();
  const { reader, writer } = kernel.init.createPipe();
  await writer.write(new Uint8Array(3));
  const reason = new Error("enough");
  const signal = AbortSignal.abort(reason);
  const error = await assertRejects(() => reader.read(buffer(), { signal }), KernelError);
  assertEquals([error.code, error.cause, error.syscall], ["CANCELED", reason, "stream_read"]);
  assertEquals(reader.availableBytes, 3);
});

Deno.test("an abort during the wait has the signal's reason as cause, whatever that is", async () => {
  await using kernel = new Kernel();
  const { reader } = kernel.init.createPipe();
  for (const reason of [new Error("enough"), "enough", 0, null]) {
    const controller = new AbortController();
    const call = reader.read(buffer(), { signal: controller.signal });
    controller.abort(reason);
    const error = await assertRejects(() => call, KernelError);
    assertEquals([error.code, error.cause], ["CANCELED", reason]);
  }
});

/** A signal some of whose properties throw, and count who looks. */
function poisonedSignal(names: readonly string[]): [AbortController, looks: () => number] {
  const controller = new AbortController();
  let looks = 0;
  for (const name of names) {
    Object.defineProperty(controller.signal, name, {
      get() {
        looks++;
        throw new Error("looked");
      },
    });
  }
  return [controller, () => looks];
}

Deno.test("a signal's own properties are not looked at and not called", async () => {
  await using kernel = new Kernel();
  const { reader, writer } = kernel.init.createPipe();
  const methods = ["reason", "addEventListener", "removeEventListener"];
  const [{ signal }, looks] = poisonedSignal(["aborted", ...methods]);
  const call = reader.read(buffer(), { signal });
  writer.tryWrite(new Uint8Array(2));
  assertEquals(await call, 2);
  // The platform itself looks at `aborted` when it aborts.
  const [controller, otherLooks] = poisonedSignal(methods);
  const second = reader.read(buffer(), { signal: controller.signal });
  controller.abort();
  assertEquals(await rejectionOf(second), "CANCELED");
  assertEquals([looks(), otherLooks()], [0, 0]);
});

Deno.test("a waiting call that gets its result leaves no listener and no timer behind", async () => {
  const { kernel, scheduled } = boot();
  const { reader, writer } = kernel.init.createPipe();
  const { signal } = new AbortController();
  const call = reader.read(buffer(), { signal, timeoutMs: 1_000 });
  writer.tryWrite(new Uint8Array(1));
  assertEquals(await call, 1);
  assertEquals([getEventListeners(signal, "abort").length, scheduled()], [0, 0]);
  assertEquals(pendingWaits(kernel), 0);
  await kernel.shutdown();
});

Deno.test("timeoutMs: 0 tries once", async () => {
  const { kernel, scheduled } = boot();
  const { reader, writer } = kernel.init.createPipe({ capacity: 10 });
  assertEquals(await rejectionOf(reader.read(buffer(), { timeoutMs: 0 })), "TIMED_OUT");
  assertEquals(await rejectionOf(reader.read(buffer(), { timeoutMs: -0 })), "TIMED_OUT");
  writer.tryWrite(new Uint8Array(4));
  assertEquals(await reader.read(buffer(), { timeoutMs: 0 }), 4);
  const error = await assertRejects(
    () => writer.write(new Uint8Array(5_000), { timeoutMs: 0 }),
    KernelError,
  );
  assertEquals([error.code, error.transferred], ["TIMED_OUT", 10]);
  assertEquals([pendingWaits(kernel), scheduled()], [0, 0]);
  await kernel.shutdown();
});

Deno.test("a time-out longer than any timer's is taken", async () => {
  const { kernel, clock } = boot();
  const { reader, writer } = kernel.init.createPipe();
  const calls = [Infinity, Number.MAX_VALUE, 2 ** 53].map((timeoutMs) =>
    reader.read(new Uint8Array(1), { timeoutMs })
  );
  clock.advance(2 ** 40);
  writer.tryWrite(new Uint8Array(3));
  assertEquals(await Promise.all(calls), [1, 1, 1]);
  await kernel.shutdown();
});

Deno.test("calls that wait are served first come, first served", async () => {
  await using kernel = new Kernel();
  const { reader, writer } = kernel.init.createPipe();
  const order: number[] = [];
  const calls = Array.from({ length: 1_000 }, async (_, i) => {
    const into = new Uint8Array(1);
    await reader.read(into);
    order.push(i);
    return into[0];
  });
  const bytes = Uint8Array.from({ length: 1_000 }, (_, i) => i);
  await writer.write(bytes);
  assertEquals(await Promise.all(calls), [...bytes]);
  assertEquals(order, Array.from({ length: 1_000 }, (_, i) => i));
  assertEquals(pendingWaits(kernel), 0);
});

Deno.test("a revoked handle's calls end with REVOKED in every task", async () => {
  await using kernel = new Kernel();
  const { reader } = kernel.init.createPipe();
  const lent = reader.duplicate();
  const results: string[] = [];
  const child = kernel.init.spawn(async (task) => {
    const mine = task.handle<PipeReader>("lent");
    const again = mine.duplicate();
    const codes = await Promise.all([
      rejectionOf(mine.read(buffer())),
      rejectionOf(again.waitFor(Signals.READABLE)),
      rejectionOf(task.waitMany([{ handle: again, signals: Signals.READABLE }])),
    ]);
    results.push(...codes);
    return mine.closed && again.closed;
  }, { handles: { lent } });
  await Promise.resolve();
  await Promise.resolve();
  reader.revoke();
  assertEquals(await child.wait(), { state: "exited", code: 0, value: true });
  assertEquals(results, ["REVOKED", "REVOKED", "REVOKED"]);
  assertEquals(reader.closed, false);
});

Deno.test("a buffer that is detached while its call waits ends the call and loses nothing", async () => {
  await using kernel = new Kernel();
  const { reader, writer } = kernel.init.createPipe();
  const into = buffer();
  const call = reader.read(into);
  structuredClone(into.buffer, { transfer: [into.buffer] });
  writer.tryWrite(new Uint8Array([7, 8]));
  assertEquals(await rejectionOf(call), "INVALID_ARGUMENT");
  assertEquals(reader.availableBytes, 2);
  assertEquals(pendingWaits(kernel), 0);
});

Deno.test("a long write from an array without a prototype ends", async () => {
  await using kernel = new Kernel();
  const { reader, writer } = kernel.init.createPipe({ capacity: 100 });
  const bytes = Object.setPrototypeOf(new Uint8Array(150).fill(7), null) as Uint8Array;
  const call = writer.write(bytes);
  const into = new Uint8Array(200);
  assertEquals(await reader.read(into), 100);
  assertEquals(await call, 150);
  assertEquals(await reader.read(into), 50);
});

Deno.test("the limit on waiting calls refuses one more, and says what a long write had moved", async () => {
  await using kernel = new Kernel({ limits: { pendingWaits: 2 } });
  const { reader, writer } = kernel.init.createPipe({ capacity: 100 });
  const waiting = [reader.waitFor(Signals.USER_0), reader.waitFor(Signals.USER_0)];
  const error = await assertRejects(() => writer.write(new Uint8Array(5_000)), KernelError);
  assertEquals([error.code, error.transferred], ["LIMIT_EXCEEDED", 100]);
  reader.signal(0, Signals.USER_0);
  assertEquals(await Promise.all(waiting), [Signals.USER_0, Signals.USER_0]);
});

Deno.test("a call that waits on something else than its handle's object ends with the handle", async () => {
  await using kernel = new Kernel();
  const { init } = kernel;
  const { sender, receiver } = init.createMessageQueue();
  const reply = sender.call(new Uint8Array(1));
  await receiver.receive(); // from here on the caller waits for the reply alone
  sender.close();
  assertEquals(await rejectionOf(reply), "BAD_HANDLE");
  assertEquals(pendingWaits(kernel), 0);
});

Deno.test("waitMany() takes any, or all at the same time", async () => {
  await using kernel = new Kernel();
  const { init } = kernel;
  const pipes = [init.createPipe(), init.createPipe()];
  const items = pipes.map(({ reader }) => ({ handle: reader, signals: Signals.READABLE }));
  const [first, second] = items.map(({ handle }) => handle) as [PipeReader, PipeReader];
  const all = init.waitMany(items, { mode: "all" });
  const any = init.waitMany(items);
  let isAllDone = false;
  void all.then(() => isAllDone = true);
  pipes[1]?.writer.tryWrite(new Uint8Array(1));
  assertEquals(await any, [{ handle: second, signals: Signals.READABLE }]);
  second.tryRead(buffer());
  pipes[0]?.writer.tryWrite(new Uint8Array(1));
  await Promise.resolve();
  assertEquals(isAllDone, false); // never both at the same time
  pipes[1]?.writer.tryWrite(new Uint8Array(1));
  assertEquals((await all).map(({ handle }) => handle), [first, second]);
  assertEquals(pendingWaits(kernel), 0);
});

Deno.test("waitMany() needs WAIT on each handle and an open handle each", async () => {
  await using kernel = new Kernel();
  const { init } = kernel;
  const { reader, writer } = init.createPipe();
  const mute = reader.duplicate(Rights.READ);
  const good = { handle: writer, signals: Signals.WRITABLE };
  const bad = { handle: mute, signals: Signals.READABLE };
  assertEquals(await rejectionOf(init.waitMany([good, bad])), "ACCESS_DENIED");
  mute.close();
  assertEquals(await rejectionOf(init.waitMany([good, bad])), "BAD_HANDLE");
  assertEquals(await rejectionOf(init.waitMany([])), "INVALID_ARGUMENT");
});

Deno.test("a nonblocking handle's operations throw WOULD_BLOCK, but its signals can be waited for", async () => {
  await using kernel = new Kernel();
  const { reader, writer } = kernel.init.createPipe({ nonblocking: true });
  assertEquals(await rejectionOf(reader.read(buffer())), "WOULD_BLOCK");
  const up = reader.waitFor(Signals.READABLE);
  writer.tryWrite(new Uint8Array(1));
  assertEquals(await up, Signals.READABLE);
});

Deno.test("a clock that throws makes the call fail and leaves nothing behind", async () => {
  const failing: Clock = {
    now: () => 0,
    schedule() {
      throw new Error("no time");
    },
  };
  await using kernel = new Kernel({ clock: failing });
  const { reader, writer } = kernel.init.createPipe();
  assertEquals(await rejectionOf(reader.read(buffer(), { timeoutMs: 5 })), "INVALID_STATE");
  assertEquals(pendingWaits(kernel), 0);
  writer.tryWrite(new Uint8Array(3));
  assertEquals(reader.tryRead(buffer()), 3);
});

Deno.test("a clock that calls at once times the call out", async () => {
  let cancels = 0;
  const hasty: Clock = {
    now: () => 0,
    schedule(_atMs, wake) {
      wake();
      return () => cancels++;
    },
  };
  await using kernel = new Kernel({ clock: hasty });
  const { reader } = kernel.init.createPipe();
  const { signal } = new AbortController();
  assertEquals(await rejectionOf(reader.read(buffer(), { timeoutMs: 5, signal })), "TIMED_OUT");
  assertEquals(pendingWaits(kernel), 0);
  assertEquals([cancels, getEventListeners(signal, "abort").length], [1, 0]);
});
