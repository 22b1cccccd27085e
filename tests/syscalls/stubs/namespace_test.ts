import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  type ErrorCode,
  Kernel,
  KernelError,
  Listener,
  ManualClock,
  Namespace,
  PipeReader,
  PipeWriter,
  Rights,
  Signals,
  type Socket,
} from "@carmine/kernel";

function assertThrowsCode(code: ErrorCode, action: () => unknown): void {
  assertEquals(assertThrows(action, KernelError).code, code);
}

async function assertRejectsCode(code: ErrorCode, call: Promise<unknown>): Promise<void> {
  assertEquals((await assertRejects(() => call, KernelError)).code, code);
}

/** What has settled by the time that everything that can happen now has happened. */
async function settled<T>(calls: Promise<T>[]): Promise<boolean[]> {
  const isSettled = calls.map(() => false);
  calls.forEach((call, i) => call.then(() => isSettled[i] = true, () => isSettled[i] = true));
  for (let i = 0; i < 20; i++) await null;
  return isSettled;
}

function byte(value: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array([value]);
}

Deno.test("Namespace.connect() resolves once the connection is in the backlog", async () => {
  await using kernel = new Kernel();
  const names = kernel.init.createNamespace();
  const listener = names.listen("here");
  const client = await names.connect("here");
  assertEquals(client.socketType, "stream");
  client.tryWrite(byte(7));
  const server = await listener.accept();
  const buffer = byte(0);
  assertEquals([await server.read(buffer), buffer[0]], [1, 7]);
});

Deno.test("Namespace.listen() takes any non-empty name of at most 255 bytes", async () => {
  await using kernel = new Kernel();
  const names = kernel.init.createNamespace();
  for (const name of ["a", "../etc", "\0", "__proto__", " ", "x".repeat(255), "é".repeat(127)]) {
    const listener = names.listen(name);
    assert(listener instanceof Listener);
    (await names.connect(name)).close();
  }
  for (const name of ["", "x".repeat(256), "é".repeat(128)]) {
    assertThrowsCode("OUT_OF_RANGE", () => names.listen(name));
    await assertRejectsCode("OUT_OF_RANGE", names.connect(name));
  }
  assertThrowsCode("INVALID_ARGUMENT", () => names.listen(5 as unknown as string));
  assertThrowsCode("INVALID_ARGUMENT", () => names.listen("n", { type: "datagram" as "stream" }));
  assertThrowsCode("OUT_OF_RANGE", () => names.listen("n", { backlog: -1 }));
  await assertRejectsCode("CONNECTION_REFUSED", names.connect("n"));
});

Deno.test("Namespace.listen() needs WRITE, connect() READ", async () => {
  await using kernel = new Kernel();
  const names = kernel.init.createNamespace();
  const listening = names.duplicate(Rights.WRITE);
  const connecting = names.duplicate(Rights.READ);
  assertThrowsCode("ACCESS_DENIED", () => connecting.listen("here"));
  const listener = listening.listen("here");
  await assertRejectsCode("ACCESS_DENIED", listening.connect("here"));
  await connecting.connect("here");
  assertThrowsCode("ACCESS_DENIED", () => listener.duplicate(Rights.WAIT).tryAccept());
});

Deno.test("Namespace.listen() to a taken name is ADDRESS_IN_USE, and each namespace has its own", async () => {
  await using kernel = new Kernel();
  const [names, others] = [kernel.init.createNamespace(), kernel.init.createNamespace()];
  const listener = names.listen("here");
  assertThrowsCode("ADDRESS_IN_USE", () => names.listen("here"));
  others.listen("here");
  listener.close();
  names.listen("here");
});

Deno.test("Namespace.connect() to an unknown name is CONNECTION_REFUSED", async () => {
  await using kernel = new Kernel();
  await assertRejectsCode("CONNECTION_REFUSED", kernel.init.createNamespace().connect("nobody"));
});

Deno.test("Namespace.connect() waits while the backlog is full, first come first served", async () => {
  await using kernel = new Kernel();
  const names = kernel.init.createNamespace();
  const listener = names.listen("here", { type: "seqpacket", backlog: 2 });
  const calls = [1, 2, 3, 4].map(async (value) => {
    const socket = await names.connect("here");
    await socket.send(byte(value));
    return socket;
  });
  assertEquals(await settled(calls), [true, true, false, false]);
  const order: (number | undefined)[] = [];
  for (let i = 0; i < 4; i++) {
    order.push((await (await listener.accept()).receive()).bytes[0]);
    assertEquals((await settled(calls)).filter(Boolean).length, Math.min(4, 3 + i));
  }
  assertEquals(order, [1, 2, 3, 4]);
});

Deno.test("Namespace.connect(): a full backlog of one name doesn't hold another name's up", async () => {
  await using kernel = new Kernel();
  const names = kernel.init.createNamespace();
  using _full = names.listen("full", { backlog: 1 });
  using _free = names.listen("free");
  await names.connect("full");
  const waiting = names.connect("full");
  await names.connect("free");
  assertEquals(await settled([waiting]), [false]);
});

Deno.test("Namespace.listen(): a backlog of 0 counts as 1, the default is 16", async () => {
  await using kernel = new Kernel();
  const names = kernel.init.createNamespace();
  using _zero = names.listen("zero", { backlog: 0 });
  using _default = names.listen("default");
  const toZero = [names.connect("zero"), names.connect("zero")];
  assertEquals(await settled(toZero), [true, false]);
  const toDefault = Array.from({ length: 17 }, () => names.connect("default"));
  assertEquals((await settled(toDefault)).filter(Boolean).length, 16);
});

Deno.test("Namespace.connect() that waits ends by time-out, abort, and its handle's close", async () => {
  const clock = new ManualClock();
  await using kernel = new Kernel({ clock });
  const names = kernel.init.createNamespace();
  const listener = names.listen("here", { backlog: 1 });
  await names.connect("here");
  const timed = names.connect("here", { timeoutMs: 100 });
  clock.advance(100);
  await assertRejectsCode("TIMED_OUT", timed);
  await assertRejectsCode("TIMED_OUT", names.connect("here", { timeoutMs: 0 }));
  const abort = new AbortController();
  const aborted = names.connect("here", { signal: abort.signal });
  abort.abort();
  await assertRejectsCode("CANCELED", aborted);
  const lent = names.duplicate();
  const closed = lent.connect("here");
  lent.close();
  await assertRejectsCode("BAD_HANDLE", closed);
  const derived = names.duplicate();
  const revoked = derived.connect("here");
  names.revoke();
  await assertRejectsCode("REVOKED", revoked);
  listener.tryAccept();
  assertEquals(listener.tryAccept(), undefined, "none of them has left a connection behind");
});

Deno.test("Listener: closing refuses connects that wait and closes what was not accepted", async () => {
  await using kernel = new Kernel();
  const names = kernel.init.createNamespace();
  const listener = names.listen("here", { backlog: 1 });
  const inBacklog = await names.connect("here");
  const reading = inBacklog.read(byte(0));
  const waiting = [names.connect("here"), names.connect("here")];
  listener.close();
  for (const call of waiting) await assertRejectsCode("CONNECTION_REFUSED", call);
  assertEquals(await reading, 0);
  assert(!inBacklog.isConnected);
  const again = names.listen("here");
  assertEquals(again.tryAccept(), undefined);
});

Deno.test("Listener: closes with its task, however that ends", async () => {
  await using kernel = new Kernel();
  const names = kernel.init.createNamespace();
  const server = kernel.init.spawn((task) => {
    task.handle("names", Namespace).listen("here");
    return new Promise(() => {});
  }, { handles: { names: names.duplicate() } });
  await settled([]);
  const client = await names.connect("here");
  server.kill();
  assert(!client.isConnected);
  await assertRejectsCode("CONNECTION_REFUSED", names.connect("here"));
});

Deno.test("Listener.accept() waits and takes connections in order; tryAccept() never waits", async () => {
  await using kernel = new Kernel();
  const names = kernel.init.createNamespace();
  const listener = names.listen("here", { type: "seqpacket" });
  assertEquals(listener.tryAccept(), undefined);
  assertEquals(listener.tryWaitFor(Signals.READABLE), 0);
  const accepting = [listener.accept(), listener.accept()];
  for (const value of [1, 2, 3]) await (await names.connect("here")).send(byte(value));
  const servers = [...await Promise.all(accepting), listener.tryAccept()];
  const values = servers.map((server) => server?.tryReceive()?.bytes[0]);
  assertEquals(values, [1, 2, 3]);
});

Deno.test("Listener is an async iterable that ends when nobody can connect any more", async () => {
  await using kernel = new Kernel();
  const names = kernel.init.createNamespace();
  const listener = names.listen("here");
  const clients: Socket[] = [await names.connect("here"), await names.connect("here")];
  names.close();
  let accepted = 0;
  for await (const server of listener) {
    accepted++;
    server.close();
  }
  assertEquals(accepted, 2);
  assert(clients.every((client) => !client.isConnected));
  await assertRejectsCode("PEER_CLOSED", listener.accept());
});

Deno.test("Listener: leaving its iteration early leaves it open", async () => {
  await using kernel = new Kernel();
  const names = kernel.init.createNamespace();
  const listener = names.listen("here");
  await names.connect("here");
  for await (const _ of listener) break;
  await names.connect("here");
  assert(await listener.accept());
});

Deno.test("Listener: leaving its iteration while it waits loses no connection", async () => {
  await using kernel = new Kernel();
  const names = kernel.init.createNamespace();
  const listener = names.listen("here");
  const connections = listener[Symbol.asyncIterator]();
  const next = connections.next();
  await connections.return?.();
  assertEquals(await next, { done: true, value: undefined });
  await names.connect("here");
  assert(listener.tryAccept(), "the iteration that was left has not taken it");
});

Deno.test("Listener.accept() leaves the connection first when the task's table is full", async () => {
  await using kernel = new Kernel();
  const names = kernel.init.createNamespace();
  const listener = names.listen("here");
  const client = await names.connect("here");
  const child = kernel.init.spawn(async (task) => {
    const listener = task.handle("listener", Listener);
    const error = await assertRejects(() => listener.accept(), KernelError);
    task.handle("ballast").close();
    const socket = await listener.accept();
    return [error.code, socket.peerTaskId];
  }, {
    limits: { handles: 2 },
    handles: { listener, ballast: kernel.init.createTimer() },
  });
  const status = await child.wait();
  assertEquals(status, { state: "exited", code: 0, value: ["TOO_MANY_HANDLES", kernel.init.id] });
  assert(!client.isConnected);
});

Deno.test("Namespace.connect() pays for the connection until it is accepted", async () => {
  await using kernel = new Kernel();
  const names = kernel.init.createNamespace();
  const listener = names.listen("here");
  const { reader, writer } = kernel.init.createPipe();
  const done = kernel.init.createPipe();
  const child = kernel.init.spawn(async (task) => {
    const names = task.handle("names", Namespace);
    const first = await names.connect("here");
    const error = await assertRejects(() => names.connect("here"), KernelError);
    await task.handle("tell", PipeWriter).write(byte(1));
    await task.handle("go", PipeReader).read(byte(0));
    await names.connect("here");
    return [error.code, first.isConnected];
  }, {
    limits: { objects: 3 },
    handles: { names: names.duplicate(), go: reader, tell: done.writer },
  });
  await done.reader.read(byte(0));
  const server = await listener.accept();
  await writer.write(byte(1));
  assertEquals(await child.wait(), {
    state: "exited",
    code: 0,
    value: ["LIMIT_EXCEEDED", true],
  });
  assert(!server.isConnected);
});

Deno.test("Namespace: the blocking twins are NOT_SUPPORTED outside workers", async () => {
  await using kernel = new Kernel();
  const names = kernel.init.createNamespace();
  assertThrowsCode("NOT_SUPPORTED", () => names.connectSync("here"));
  assertThrowsCode("NOT_SUPPORTED", () => names.listen("here").acceptSync());
});

Deno.test("Namespace: after all tasks have ended nothing is left", async () => {
  await using kernel = new Kernel();
  const before = kernel.tasks()[0]?.usage;
  const child = kernel.init.spawn(async (task) => {
    const names = task.createNamespace();
    const listener = names.listen("here", { backlog: 1 });
    await names.connect("here");
    void names.connect("here");
    void listener.accept();
    void listener.accept();
    void listener.accept();
  });
  await child.wait();
  child.close();
  assertEquals(kernel.tasks()[0]?.usage, before);
});
