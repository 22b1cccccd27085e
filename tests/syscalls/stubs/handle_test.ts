import { assert, assertEquals, assertInstanceOf, assertRejects, assertThrows } from "@std/assert";
import {
  type Handle,
  Kernel,
  KernelError,
  type Message,
  PipeReader,
  PipeWriter,
  Rights,
  Signals,
  TaskHandle,
} from "@carmine/kernel";
import { codeOf } from "../../_codes.ts";

Deno.test("Handle can't be constructed by anybody but the kernel", () => {
  const forge = (Class: unknown, ...args: unknown[]) =>
    new (Class as new (...args: unknown[]) => unknown)(...args);
  for (const Class of [PipeReader, PipeWriter, TaskHandle]) {
    assertThrows(() => forge(Class), TypeError, "can't be constructed");
    assertThrows(
      () => forge(Class, { number: 1, rights: Rights.ALL, type: "pipe reader", door: {} }),
      TypeError,
      "can't be constructed",
    );
  }
  class Forged extends PipeReader {}
  assertThrows(() => forge(Forged), TypeError, "Forged can't be constructed");
});

Deno.test("Handle.duplicate() makes a handle of the same class with some of the rights", async () => {
  await using kernel = new Kernel();
  const { reader } = kernel.init.createPipe();
  const same = reader.duplicate();
  assertInstanceOf(same, PipeReader);
  assertEquals([same.rights, same.type], [reader.rights, "pipe reader"]);
  assert(same.number !== reader.number);
  assertEquals(reader.duplicate(Rights.SAME).rights, reader.rights);
  assertEquals(reader.duplicate(Rights.READ).rights, Rights.READ);
  assertEquals(reader.duplicate(Rights.NONE).rights, Rights.NONE);
  assertEquals(codeOf(() => reader.duplicate(Rights.WRITE)), "ACCESS_DENIED");
  assertEquals(codeOf(() => reader.duplicate(Rights.ALL)), "ACCESS_DENIED");
  const mute = reader.duplicate(reader.rights & ~Rights.DUPLICATE);
  assertEquals(codeOf(() => mute.duplicate()), "ACCESS_DENIED");
});

Deno.test("Handle.duplicate() is not led astray by a constructor of the program's", async () => {
  await using kernel = new Kernel();
  const { reader } = kernel.init.createPipe();
  let calls = 0;
  Object.defineProperty(reader, "constructor", {
    get() {
      calls++;
      return class {};
    },
  });
  assertInstanceOf(reader.duplicate(), PipeReader);
  assertEquals(calls, 0);
});

Deno.test("Handle.replace() consumes the handle and keeps its place in the tree", async () => {
  await using kernel = new Kernel();
  const { reader } = kernel.init.createPipe();
  const lent = reader.duplicate();
  const child = lent.duplicate();
  const less = lent.replace(Rights.READ);
  assertEquals([lent.closed, less.rights, child.closed], [true, Rights.READ, false]);
  assertEquals(codeOf(() => lent.query()), "BAD_HANDLE");
  assertEquals(codeOf(() => less.replace(Rights.READ | Rights.WAIT)), "ACCESS_DENIED");
  assertEquals(less.closed, false);
  reader.revoke();
  assertEquals([less.closed, child.closed], [true, true]);
  assertEquals(codeOf(() => less.tryRead(new Uint8Array(1))), "REVOKED");
});

Deno.test("Handle.replace() works in a full table", async () => {
  await using kernel = new Kernel({ limits: { handles: 2 } });
  const { reader, writer } = kernel.init.createPipe();
  assertEquals(codeOf(() => reader.duplicate()), "TOO_MANY_HANDLES");
  assertEquals(reader.replace(Rights.SAME).rights, reader.rights);
  assertEquals(writer.closed, false);
});

Deno.test("Handle.revoke() needs REVOKE and leaves the handle itself", async () => {
  await using kernel = new Kernel();
  const { reader } = kernel.init.createPipe();
  const lent = reader.duplicate(reader.rights & ~Rights.REVOKE);
  const further = lent.duplicate();
  assertEquals(codeOf(() => lent.revoke()), "ACCESS_DENIED");
  reader.revoke();
  assertEquals([reader, lent, further].map(({ closed }) => closed), [false, true, true]);
});

Deno.test("Handle.close() twice does nothing, and `using` closes", async () => {
  await using kernel = new Kernel();
  let handle: PipeReader;
  {
    using reader = kernel.init.createPipe().reader;
    handle = reader;
    assertEquals(handle.closed, false);
  }
  assertEquals(handle.closed, true);
  handle.close();
  handle[Symbol.dispose]();
  for (
    const use of [
      () => handle.query(),
      () => handle.duplicate(),
      () => handle.setRole("stdin"),
      () => handle.signal(0, Signals.USER_0),
      () => handle.tryRead(new Uint8Array(1)),
    ]
  ) assertEquals(codeOf(use), "BAD_HANDLE");
});

Deno.test("Handle.query() and setRole() are always one's own", async () => {
  await using kernel = new Kernel();
  const { reader, writer } = kernel.init.createPipe({ nonblocking: true, closeOnSpawn: true });
  const bare = reader.duplicate(Rights.NONE);
  assertEquals(bare.query(), {
    type: "pipe reader",
    rights: Rights.NONE,
    role: "regular",
    access: "none",
    closeOnSpawn: true,
    nonblocking: true,
  });
  bare.setRole("stdin");
  assertEquals([bare.query().role, reader.query().role], ["stdin", "regular"]);
  assertEquals([reader.query().access, writer.query().access], ["read", "write"]);
  assertEquals(codeOf(() => bare.setRole("boss" as "stdin")), "INVALID_ARGUMENT");
});

Deno.test("Handle.signal() raises and lowers user signals; others are not the program's", async () => {
  await using kernel = new Kernel();
  const { reader } = kernel.init.createPipe();
  const { USER_0, USER_7, READABLE } = Signals;
  const seen = reader.duplicate().waitFor(USER_0 | USER_7);
  reader.signal(0, USER_0);
  assertEquals(await seen, USER_0);
  reader.signal(USER_0, USER_7);
  assertEquals(reader.tryWaitFor(USER_0 | USER_7), USER_7);
  reader.signal(0, 0);
  assertEquals(codeOf(() => reader.signal(0, READABLE)), "INVALID_ARGUMENT");
  assertEquals(codeOf(() => reader.signal(READABLE, 0)), "INVALID_ARGUMENT");
  const weak = reader.duplicate(reader.rights & ~Rights.CONTROL);
  assertEquals(codeOf(() => weak.signal(0, USER_0)), "ACCESS_DENIED");
});

Deno.test("Handle.waitFor() resolves with the signals that are up and asked for", async () => {
  await using kernel = new Kernel();
  const { reader, writer } = kernel.init.createPipe();
  assertEquals(reader.tryWaitFor(Signals.READABLE), 0);
  const up = reader.waitFor(Signals.READABLE | Signals.PEER_CLOSED);
  writer.tryWrite(new Uint8Array(1));
  assertEquals(await up, Signals.READABLE);
  assertEquals(await writer.waitFor(Signals.WRITABLE), Signals.WRITABLE);
  const weak = reader.duplicate(Rights.READ);
  const error = await assertRejects(() => weak.waitFor(Signals.READABLE), KernelError);
  assertEquals(error.code, "ACCESS_DENIED");
  assertEquals(codeOf(() => weak.tryWaitFor(Signals.READABLE)), "ACCESS_DENIED");
  assertEquals(codeOf(() => reader.tryWaitFor(0)), "INVALID_ARGUMENT");
});

Deno.test("a thousand who look on are all told of one signal", async () => {
  await using kernel = new Kernel();
  const { reader } = kernel.init.createPipe();
  const waiting = Array.from({ length: 1_000 }, () => reader.waitFor(Signals.USER_3));
  reader.signal(0, Signals.USER_3);
  assertEquals(new Set(await Promise.all(waiting)), new Set([Signals.USER_3]));
});

Deno.test("the …Sync forms are NOT_SUPPORTED where the kernel runs in the same isolate", async () => {
  await using kernel = new Kernel();
  const { reader } = kernel.init.createPipe();
  const child = kernel.init.spawn(() => {});
  const item = { handle: reader, signals: Signals.READABLE };
  for (
    const call of [
      () => reader.waitForSync(Signals.READABLE),
      () => child.waitSync(),
      () => kernel.init.waitManySync([item]),
    ]
  ) assertEquals(codeOf(call), "NOT_SUPPORTED");
});

Deno.test("a handle object works only for the task that holds it", async () => {
  await using kernel = new Kernel();
  const { reader, writer } = kernel.init.createPipe();
  const child = kernel.init.spawn((task) => {
    const own = task.createPipe().reader;
    const codes = [
      codeOf(() => task.spawn(() => {}, { handles: { reader } })),
      codeOf(() => task.spawn(() => {}, { handles: { writer: Object.create(writer) } })),
      codeOf(() => task.spawn(() => {}, { handles: { own: own.number as unknown as Handle } })),
      codeOf(() => task.syscall(100, reader.number + 65_536)),
    ];
    return codes;
  });
  const status = await child.wait();
  assertEquals(status.state === "exited" && status.value, Array(4).fill("BAD_HANDLE"));
  assertEquals([reader.closed, writer.closed], [false, false]);
});

Deno.test("a call that is given no handle of its task says what was attempted, and on what", async () => {
  await using kernel = new Kernel();
  const { init } = kernel;
  const foreign = new Kernel().init.createTimer();
  const { sender, receiver } = init.createMessageQueue();
  const [stream] = init.createSocketPair();
  const [packets] = init.createSocketPair({ type: "seqpacket" });
  const set = init.createWaitSet();
  const group = init.createGroup("some");
  const task = foreign as unknown as TaskHandle;
  const handles = [foreign];
  const item = { handle: foreign, signals: Signals.SIGNALED };
  const attempts: [attempt: string, on: Handle | undefined, call: () => unknown][] = [
    ["send to", sender, () => sender.trySend(new Uint8Array(), { handles })],
    ["send to", sender, () => sender.send(new Uint8Array(), { handles })],
    ["call through", sender, () => sender.call(new Uint8Array(), { handles })],
    [
      "reply through",
      receiver,
      () => receiver.reply({ transactionId: 1 } as Message, new Uint8Array(), { handles }),
    ],
    ["send through", packets, () => packets.send(new Uint8Array(), { handles })],
    ["send a handle through", stream, () => stream.sendHandle(foreign)],
    ["add to", set, () => set.add(foreign, Signals.SIGNALED, 1)],
    ["add a task to", group, () => group.join(task)],
    ["remove a task from", group, () => group.leave(task)],
    ["spawn a task", undefined, () => init.spawn(() => {}, { handles: { foreign } })],
    ["wait on many", undefined, () => init.waitMany([item])],
  ];
  for (const [attempt, on, call] of attempts) {
    const object = on === undefined ? "" : ` handle ${on.number} (${on.type})`;
    const error = await assertRejects(async () => await call(), KernelError);
    assertEquals(error.code, "BAD_HANDLE");
    const why = `handle ${foreign.number} belongs to another task`;
    assertEquals(error.message, `Cannot ${attempt}${object}: ${why}`);
    assert(error.syscall !== undefined);
  }
});
