import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  type Handle,
  Kernel,
  KernelError,
  ManualClock,
  Rights,
  Signals,
  type WaitSet,
} from "@carmine/kernel";

const { READABLE, WRITABLE, PEER_CLOSED, USER_0, USER_1 } = Signals;
const bytes = (...values: number[]): Uint8Array => new Uint8Array(values);

function throwsWith(code: string, run: () => unknown): void {
  assertEquals(assertThrows(run, KernelError).code, code);
}

async function rejectsWith(code: string, promise: Promise<unknown>): Promise<void> {
  assertEquals((await assertRejects(() => promise, KernelError)).code, code);
}

/** What is ready now; nothing where a wait would wait. */
async function ready(set: WaitSet, max?: number): Promise<unknown[]> {
  try {
    return await set.wait(max === undefined ? { timeoutMs: 0 } : { timeoutMs: 0, max });
  } catch (error) {
    if (error instanceof KernelError && error.code === "TIMED_OUT") return [];
    throw error;
  }
}

Deno.test("WaitSet.wait() reports members by key, with the signals asked for and up", async () => {
  await using kernel = new Kernel();
  const { init } = kernel;
  const set = init.createWaitSet();
  const { reader, writer } = init.createPipe();
  set.add(reader, READABLE | PEER_CLOSED, "reader");
  set.add(writer, WRITABLE | PEER_CLOSED, 7);
  assertEquals(await set.wait(), [{ key: 7, signals: WRITABLE }]);
  writer.tryWrite(bytes(1));
  writer.close();
  assertEquals(await set.wait(), [{ key: "reader", signals: READABLE | PEER_CLOSED }]);
});

Deno.test("WaitSet.wait() waits until a member becomes ready", async () => {
  await using kernel = new Kernel();
  const { init } = kernel;
  const set = init.createWaitSet();
  const { reader, writer } = init.createPipe();
  set.add(reader, READABLE, "in");
  const waiting = set.wait();
  writer.tryWrite(bytes(1));
  assertEquals(await waiting, [{ key: "in", signals: READABLE }]);
});

Deno.test("WaitSet.wait() throws TIMED_OUT and CANCELED", async () => {
  const clock = new ManualClock();
  await using kernel = new Kernel({ clock });
  const set = kernel.init.createWaitSet();
  await rejectsWith("TIMED_OUT", set.wait({ timeoutMs: 0 }));
  const late = rejectsWith("TIMED_OUT", set.wait({ timeoutMs: 20 }));
  clock.advance(20);
  await late;
  await rejectsWith("CANCELED", set.wait({ signal: AbortSignal.abort() }));
});

Deno.test("WaitSet reports a level-triggered member for as long as it is ready", async () => {
  await using kernel = new Kernel();
  const { init } = kernel;
  const set = init.createWaitSet();
  const { reader, writer } = init.createPipe();
  set.add(reader, READABLE, "in");
  writer.tryWrite(bytes(1, 2));
  const up = [{ key: "in", signals: READABLE }];
  assertEquals([await ready(set), await ready(set)], [up, up]);
  reader.tryRead(bytes(0));
  assertEquals(await ready(set), up);
  reader.tryRead(bytes(0));
  assertEquals(await ready(set), []);
  writer.tryWrite(bytes(3));
  assertEquals(await ready(set), up);
});

Deno.test("WaitSet reports each rise of an edge-triggered member once", async () => {
  await using kernel = new Kernel();
  const { init } = kernel;
  const set = init.createWaitSet();
  const { reader, writer } = init.createPipe();
  set.add(reader, READABLE, "in", { edge: true });
  const up = [{ key: "in", signals: READABLE }];
  writer.tryWrite(bytes(1));
  assertEquals([await ready(set), await ready(set)], [up, []]);
  writer.tryWrite(bytes(2));
  assertEquals(await ready(set), [], "more of the same is no rise");
  reader.tryRead(new Uint8Array(2));
  writer.tryWrite(bytes(3));
  assertEquals([await ready(set), await ready(set)], [up, []]);
  reader.tryRead(bytes(0));
  assertEquals(await ready(set), [], "a fall is no rise");
});

Deno.test("WaitSet reports an edge-triggered member that was ready when it was added", async () => {
  await using kernel = new Kernel();
  const { init } = kernel;
  const set = init.createWaitSet();
  const { writer } = init.createPipe();
  set.add(writer, WRITABLE, "out", { edge: true });
  assertEquals(await ready(set), [{ key: "out", signals: WRITABLE }]);
  assertEquals(await ready(set), []);
});

Deno.test("WaitSet forgets an edge-triggered rise that fell before anybody looked", async () => {
  await using kernel = new Kernel();
  const { init } = kernel;
  const set = init.createWaitSet();
  const { reader, writer } = init.createPipe();
  set.add(reader, READABLE, "in", { edge: true });
  writer.tryWrite(bytes(1));
  reader.tryRead(bytes(0));
  assertEquals(await ready(set), []);
});

Deno.test("WaitSet sees each signal's rise of an edge-triggered member", async () => {
  await using kernel = new Kernel();
  const { init } = kernel;
  const set = init.createWaitSet();
  const timer = init.createTimer();
  set.add(timer, USER_0 | USER_1, "user", { edge: true });
  timer.signal(0, USER_0);
  assertEquals(await ready(set), [{ key: "user", signals: USER_0 }]);
  timer.signal(0, USER_1);
  assertEquals(await ready(set), [{ key: "user", signals: USER_0 | USER_1 }]);
  timer.signal(USER_0, 0);
  assertEquals(await ready(set), []);
  timer.signal(0, USER_0);
  assertEquals(await ready(set), [{ key: "user", signals: USER_0 | USER_1 }]);
});

Deno.test("WaitSet sees a fall and a rise between two operations of others that wait", async () => {
  await using kernel = new Kernel();
  const { init } = kernel;
  const set = init.createWaitSet();
  const { reader, writer } = init.createPipe({ capacity: 1 });
  set.add(reader, READABLE, "in", { edge: true });
  const writing = writer.write(bytes(1, 2, 3));
  const up = [{ key: "in", signals: READABLE }];
  assertEquals(await ready(set), up);
  // Each read makes room that the pending write fills before anybody else runs.
  reader.tryRead(bytes(0));
  assertEquals(await ready(set), up);
  reader.tryRead(bytes(0));
  assertEquals(await ready(set), up);
  await writing;
});

Deno.test("WaitSet sees the falls and rises of message queues and timers", async () => {
  const clock = new ManualClock();
  await using kernel = new Kernel({ clock });
  const { init } = kernel;
  const set = init.createWaitSet();
  const { sender, receiver } = init.createMessageQueue({ maxMessages: 1 });
  const timer = init.createTimer();
  const keys = async () => (await ready(set) as { key: unknown }[]).map(({ key }) => key);
  set.add(sender, WRITABLE, "sender", { edge: true });
  set.add(receiver, READABLE, "receiver", { edge: true });
  set.add(timer, Signals.SIGNALED, "timer", { edge: true });
  assertEquals(await keys(), ["sender"]);
  for (let round = 0; round < 3; round++) {
    sender.trySend(bytes(1));
    assertEquals(await keys(), ["receiver"]);
    receiver.tryReceive();
    assertEquals(await keys(), ["sender"]);
    timer.set({ delayMs: 5 });
    clock.advance(5);
    assertEquals(await keys(), ["timer"]);
    if (round === 1) timer.cancel();
    else await timer.wait();
  }
  assertEquals(await keys(), []);
});

Deno.test("WaitSet sees a periodic timer fall with each wait for it", async () => {
  const clock = new ManualClock();
  await using kernel = new Kernel({ clock });
  const set = kernel.init.createWaitSet();
  const timer = kernel.init.createTimer();
  set.add(timer, Signals.SIGNALED, "tick", { edge: true });
  timer.set({ delayMs: 5, periodMs: 5 });
  for (let round = 0; round < 3; round++) {
    clock.advance(5);
    assertEquals(await ready(set), [{ key: "tick", signals: Signals.SIGNALED }]);
    assertEquals(await timer.wait(), 1);
  }
});

Deno.test("WaitSet.add() throws ALREADY_EXISTS for a key in use, also after its kind", async () => {
  await using kernel = new Kernel();
  const { init } = kernel;
  const set = init.createWaitSet();
  const { reader, writer } = init.createPipe();
  set.add(reader, READABLE, 1);
  throwsWith("ALREADY_EXISTS", () => set.add(writer, WRITABLE, 1));
  set.add(writer, WRITABLE, "1");
  set.add(reader, READABLE, 2);
  assertEquals(await ready(set), [{ key: "1", signals: WRITABLE }]);
});

Deno.test("WaitSet.add() refuses keys and signals that are none", () => {
  const { init } = new Kernel();
  const set = init.createWaitSet();
  const { reader } = init.createPipe();
  for (const key of [NaN, Infinity, undefined, null, {}, 1n, true]) {
    throwsWith("INVALID_ARGUMENT", () => set.add(reader, READABLE, key as number));
  }
  for (const signals of [0, -1, 1.5, 2 ** 40, "1"]) {
    throwsWith("INVALID_ARGUMENT", () => set.add(reader, signals as number, "key"));
  }
  throwsWith("BAD_HANDLE", () => set.add({} as Handle, READABLE, "key"));
  throwsWith(
    "INVALID_ARGUMENT",
    () => set.add(reader, READABLE, "key", { edge: 1 as unknown as boolean }),
  );
});

Deno.test("WaitSet.modify() changes the signals, and counts as adding anew", async () => {
  await using kernel = new Kernel();
  const { init } = kernel;
  const set = init.createWaitSet();
  const { writer } = init.createPipe();
  set.add(writer, PEER_CLOSED, "out", { edge: true });
  assertEquals(await ready(set), []);
  set.modify("out", WRITABLE);
  assertEquals([await ready(set), await ready(set)], [[{ key: "out", signals: WRITABLE }], []]);
  set.modify("out", WRITABLE);
  assertEquals(await ready(set), [{ key: "out", signals: WRITABLE }]);
  set.modify("out", PEER_CLOSED);
  assertEquals(await ready(set), []);
  throwsWith("INVALID_ARGUMENT", () => set.modify("other", WRITABLE));
});

Deno.test("WaitSet.remove() takes a member out and frees its key", async () => {
  await using kernel = new Kernel();
  const { init } = kernel;
  const set = init.createWaitSet();
  const { writer } = init.createPipe();
  set.add(writer, WRITABLE, "out");
  set.remove("out");
  assertEquals(await ready(set), []);
  throwsWith("INVALID_ARGUMENT", () => set.remove("out"));
  set.add(writer, WRITABLE, "out");
  assertEquals(await ready(set), [{ key: "out", signals: WRITABLE }]);
});

Deno.test("WaitSet members leave silently when closed, moved or revoked", async () => {
  await using kernel = new Kernel();
  const { init } = kernel;
  const set = init.createWaitSet();
  const { sender, receiver } = init.createMessageQueue();
  const closed = init.createPipe().writer;
  const moved = init.createPipe();
  const owner = init.createPipe();
  const revoked = owner.writer.duplicate();
  set.add(closed, WRITABLE, "closed");
  set.add(moved.writer, WRITABLE, "moved");
  set.add(revoked, WRITABLE, "revoked");
  assertEquals((await ready(set)).length, 3);
  const before = kernel.tasks()[0]?.usage.pendingWaits;
  closed.close();
  owner.writer.revoke();
  sender.trySend(bytes(), { handles: [moved.writer] });
  assertEquals(await ready(set), []);
  for (const key of ["closed", "moved", "revoked"]) set.add(receiver, PEER_CLOSED, key);
  assertEquals(kernel.tasks()[0]?.usage.pendingWaits, before);
});

Deno.test("WaitSet.wait() reports at most max, and everybody gets a turn", async () => {
  await using kernel = new Kernel();
  const { init } = kernel;
  const set = init.createWaitSet();
  for (let key = 0; key < 5; key++) set.add(init.createPipe().writer, WRITABLE, key);
  const seen: unknown[] = [];
  for (let i = 0; i < 5; i++) {
    const two = await set.wait({ max: 2 });
    assertEquals(two.length, 2);
    seen.push(...two.map(({ key }) => key));
  }
  assertEquals(seen, [0, 1, 2, 3, 4, 0, 1, 2, 3, 4]);
  await rejectsWith("OUT_OF_RANGE", set.wait({ max: 0 }));
  await rejectsWith("INVALID_ARGUMENT", set.wait({ max: 1.5 }));
});

Deno.test("WaitSet can't be transferred, and its members stay the task's own", async () => {
  await using kernel = new Kernel();
  const { init } = kernel;
  const set = init.createWaitSet();
  const { sender } = init.createMessageQueue();
  assertEquals(set.rights & Rights.TRANSFER, 0);
  throwsWith("ACCESS_DENIED", () => sender.trySend(bytes(), { handles: [set] }));
  throwsWith("ACCESS_DENIED", () => sender.trySend(bytes(), { handles: [set], duplicate: true }));
  throwsWith("ACCESS_DENIED", () => init.spawn(() => {}, { handles: { set } }));
});

Deno.test("WaitSet needs WRITE to change, WAIT to wait, and WAIT on each member", async () => {
  await using kernel = new Kernel();
  const { init } = kernel;
  const set = init.createWaitSet();
  const { reader } = init.createPipe();
  const watcher = set.duplicate(Rights.WAIT);
  throwsWith("ACCESS_DENIED", () => watcher.add(reader, READABLE, 1));
  throwsWith("ACCESS_DENIED", () => watcher.modify(1, READABLE));
  throwsWith("ACCESS_DENIED", () => watcher.remove(1));
  const changer = set.duplicate(Rights.WRITE);
  await rejectsWith("ACCESS_DENIED", changer.wait());
  const silent = reader.duplicate(Rights.READ);
  throwsWith("ACCESS_DENIED", () => set.add(silent, READABLE, 1));
});

Deno.test("WaitSet can be a member of another one, but not of itself", async () => {
  await using kernel = new Kernel();
  const { init } = kernel;
  const [outer, middle, inner] = [init.createWaitSet(), init.createWaitSet(), init.createWaitSet()];
  throwsWith("INVALID_ARGUMENT", () => inner.add(inner, READABLE, 0));
  outer.add(middle, READABLE, "middle");
  middle.add(inner, READABLE, "inner");
  throwsWith("INVALID_ARGUMENT", () => inner.add(outer, READABLE, 0));
  const { reader, writer } = init.createPipe();
  inner.add(reader, READABLE, "in");
  const waiting = outer.wait();
  writer.tryWrite(bytes(1));
  assertEquals(await waiting, [{ key: "middle", signals: READABLE }]);
  reader.tryRead(bytes(0));
  assertEquals(await ready(outer), []);
});

Deno.test("WaitSet members count as pending waits, and leave with the set", async () => {
  await using kernel = new Kernel({ limits: { pendingWaits: 2 } });
  const { init } = kernel;
  const set = init.createWaitSet();
  const { reader } = init.createPipe();
  set.add(reader, READABLE, 1);
  set.add(reader, READABLE, 2);
  throwsWith("LIMIT_EXCEEDED", () => set.add(reader, READABLE, 3));
  set.close();
  assertEquals(kernel.tasks()[0]?.usage.pendingWaits, 0);
});

Deno.test("WaitSet.wait() that waits ends with BAD_HANDLE when the set is closed", async () => {
  await using kernel = new Kernel();
  const set = kernel.init.createWaitSet();
  const waiting = rejectsWith("BAD_HANDLE", set.wait());
  set.close();
  await waiting;
});

Deno.test("WaitSet takes 10,000 sources and reports the one that is ready", async () => {
  await using kernel = new Kernel({ limits: { handles: 30_000 } });
  const { init } = kernel;
  const set = init.createWaitSet();
  const timers = Array.from({ length: 10_000 }, () => init.createTimer());
  timers.forEach((timer, key) => set.add(timer, USER_0, key));
  const waiting = set.wait();
  timers[6_789]?.signal(0, USER_0);
  assertEquals(await waiting, [{ key: 6_789, signals: USER_0 }]);
  for (const timer of timers) timer.close();
  assert(kernel.tasks()[0]?.usage.pendingWaits === 0);
});
