import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  type ErrorCode,
  type Handle,
  IpcError,
  Kernel,
  KernelError,
  Namespace,
  PipeReader,
  PipeWriter,
  Rights,
  Signals,
  Socket,
  StreamError,
  TaskHandle,
} from "@carmine/kernel";

type SocketType = Socket["socketType"];
const MESSAGE_TYPES: SocketType[] = ["seqpacket", "datagram"];

function bytes(...values: number[]): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(values);
}

/** What a read that doesn't wait gives; undefined where it would. */
function take(socket: Socket, most = 1 << 17): number[] | undefined {
  const into = new Uint8Array(most);
  const length = socket.tryRead(into);
  return length < 0 ? undefined : [...into.subarray(0, length)];
}

function assertThrowsCode(code: ErrorCode, action: () => unknown): KernelError {
  const error = assertThrows(action, KernelError);
  assertEquals(error.code, code, error.message);
  return error;
}

async function assertRejectsCode(code: ErrorCode, call: Promise<unknown>): Promise<KernelError> {
  const error = await assertRejects(() => call, KernelError);
  assertEquals(error.code, code, error.message);
  return error;
}

/** Lets everything that can happen now happen. */
async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await null;
}

Deno.test("Task.createSocketPair() gives two connected stream sockets by default", async () => {
  await using kernel = new Kernel();
  const [left, right] = kernel.init.createSocketPair();
  assertEquals([left.socketType, right.socketType], ["stream", "stream"]);
  assert(left.isConnected && right.isConnected);
  assertEquals([left.peerCount, right.peerCount], [1, 1]);
  assertEquals(left.type, "socket");
  await left.write(bytes(1, 2, 3));
  await right.write(bytes(9));
  assertEquals([take(right), take(left)], [[1, 2, 3], [9]]);
});

Deno.test("Task.createSocketPair() refuses what is no type or capacity, and makes nothing", async () => {
  await using kernel = new Kernel();
  const before = kernel.tasks()[0];
  assertThrowsCode(
    "INVALID_ARGUMENT",
    () => kernel.init.createSocketPair({ type: "x" as SocketType }),
  );
  assertThrowsCode("OUT_OF_RANGE", () => kernel.init.createSocketPair({ capacity: 0 }));
  assertThrowsCode("OUT_OF_RANGE", () => kernel.init.createSocketPair({ capacity: 2 ** 30 + 1 }));
  assertThrowsCode("INVALID_ARGUMENT", () => kernel.init.createSocketPair({ capacity: 1.5 }));
  assertEquals(kernel.tasks()[0], before);
});

Deno.test("Task.createSocketPair() makes both ends or none when a limit is reached", async () => {
  await using byHandles = new Kernel({ limits: { handles: 3 } });
  byHandles.init.createSocketPair();
  assertThrowsCode("TOO_MANY_HANDLES", () => byHandles.init.createSocketPair());
  assertEquals(byHandles.tasks()[0]?.usage.objects, 2);

  await using byObjects = new Kernel({ limits: { objects: 3 } });
  byObjects.init.createSocketPair();
  assertThrowsCode("LIMIT_EXCEEDED", () => byObjects.init.createSocketPair());
  assertEquals(byObjects.tasks()[0]?.usage.objects, 2);

  await using byBytes = new Kernel({ limits: { bufferBytes: 1_500 } });
  assertThrowsCode("LIMIT_EXCEEDED", () => byBytes.init.createSocketPair({ capacity: 1_000 }));
  assertEquals(byBytes.tasks()[0]?.usage.bufferBytes, 0);
  byBytes.init.createSocketPair({ capacity: 750 });
});

Deno.test("Socket.read() waits for bytes and gives 0 at the end", async () => {
  await using kernel = new Kernel();
  const [left, right] = kernel.init.createSocketPair();
  const buffer = new Uint8Array(8);
  const reading = right.read(buffer);
  left.tryWrite(bytes(5, 6));
  assertEquals(await reading, 2);
  const ending = right.read(buffer);
  left.close();
  assertEquals([await ending, await right.read(buffer), right.tryRead(buffer)], [0, 0, 0]);
});

Deno.test("Socket.write() waits for room and writes all; tryWrite() what fits, or -1", async () => {
  await using kernel = new Kernel();
  const [left, right] = kernel.init.createSocketPair({ capacity: 5_000 });
  const long = Uint8Array.from({ length: 12_000 }, (_, i) => i & 0xff);
  const writing = left.write(long);
  const read: number[] = [];
  while (read.length < long.length) read.push(...take(right) ?? []);
  assertEquals(await writing, 12_000);
  assertEquals(read, [...long]);

  assertEquals(left.tryWrite(long), 5_000);
  assertEquals(left.tryWrite(bytes(1)), -1);
  take(right, 100);
  assertEquals(left.tryWrite(new Uint8Array(101)), -1, "short writes are whole");
  assertEquals(left.tryWrite(new Uint8Array(100)), 100);
});

Deno.test("Socket: bytes and handles are one sequence, and read stops before a handle", async () => {
  await using kernel = new Kernel();
  const [left, right] = kernel.init.createSocketPair();
  const { reader, writer } = kernel.init.createPipe();
  left.tryWrite(bytes(1, 2));
  await left.sendHandle(reader);
  await left.sendHandle(writer);
  left.tryWrite(bytes(3));
  left.close();

  assertEquals(right.tryWaitFor(Signals.READABLE | Signals.HANDLE_PENDING), Signals.READABLE);
  assertEquals(take(right), [1, 2]);
  assertEquals(right.tryWaitFor(Signals.READABLE | Signals.HANDLE_PENDING), Signals.HANDLE_PENDING);
  assertEquals(take(right), undefined, "not the end, although the other end is closed");
  assert(await right.receiveHandle() instanceof PipeReader);
  assert(await right.receiveHandle() instanceof PipeWriter);
  assertEquals(take(right), [3]);
  assertEquals(take(right), []);
  await assertRejectsCode("PEER_CLOSED", right.receiveHandle());
});

Deno.test("Socket.receiveHandle() and read() may wait at the same time, each for its own", async () => {
  await using kernel = new Kernel();
  const [left, right] = kernel.init.createSocketPair();
  const handle = right.receiveHandle();
  const first = right.read(new Uint8Array(1));
  left.tryWrite(bytes(1));
  assertEquals(await first, 1);
  const second = right.read(new Uint8Array(1));
  await left.sendHandle(kernel.init.createCounter());
  left.tryWrite(bytes(2));
  assertEquals((await handle).type, "counter");
  assertEquals(await second, 1);

  const [never, end] = [right.receiveHandle(), right.read(new Uint8Array(1))];
  left.shutdown("write");
  await assertRejectsCode("PEER_CLOSED", never);
  assertEquals(await end, 0);
});

Deno.test("Socket.sendHandle() moves the handle at once and ends its waits", async () => {
  await using kernel = new Kernel();
  const [left, right] = kernel.init.createSocketPair();
  const { reader, writer } = kernel.init.createPipe();
  const reading = reader.read(new Uint8Array(1));
  await left.sendHandle(reader);
  assert(reader.closed);
  await assertRejectsCode("BAD_HANDLE", reading);
  writer.tryWrite(bytes(7));
  const arrived = await right.receiveHandle() as PipeReader;
  assertEquals(arrived.rights, reader.rights);
  assertEquals(await arrived.read(new Uint8Array(4)), 1);
});

Deno.test("Socket.sendHandle() refuses what may not travel, and nothing moves", async () => {
  await using kernel = new Kernel();
  const [left, right] = kernel.init.createSocketPair();
  const { reader } = kernel.init.createPipe();
  const fixed = reader.duplicate(Rights.READ);
  await assertRejectsCode("ACCESS_DENIED", left.sendHandle(fixed));
  await assertRejectsCode("INVALID_ARGUMENT", left.sendHandle(left));
  await assertRejectsCode("INVALID_ARGUMENT", left.sendHandle(right));
  await assertRejectsCode("INVALID_ARGUMENT", left.sendHandle(right.duplicate()));
  reader.close();
  await assertRejectsCode("BAD_HANDLE", left.sendHandle(reader));
  await assertRejectsCode("BAD_HANDLE", left.sendHandle(5 as unknown as Handle));
  assert(!fixed.closed && !left.closed && !right.closed);
  assertEquals(right.tryWaitFor(Signals.HANDLE_PENDING), 0);
});

Deno.test("Socket: ends of other sockets may travel, and a cycle ends with the kernel", async () => {
  const kernel = new Kernel();
  const [a, b] = kernel.init.createSocketPair();
  const [c, d] = kernel.init.createSocketPair({ type: "seqpacket" });
  await a.sendHandle(d);
  await c.send(bytes(), { handles: [b] });
  a.close();
  c.close();
  assertEquals(kernel.tasks()[0]?.usage.objects, 2, "the two ends keep each other alive");
  await kernel.shutdown();
});

for (const type of MESSAGE_TYPES) {
  Deno.test(`Socket (${type}): messages are whole, in order, and may be empty`, async () => {
    await using kernel = new Kernel();
    const [left, right] = kernel.init.createSocketPair({ type });
    await left.send(bytes(1, 2));
    await left.send(bytes());
    await left.send(bytes(3));
    left.close();
    assertEquals([...(await right.receive()).bytes], [1, 2]);
    assertEquals([...(await right.receive()).bytes], []);
    assertEquals([...right.tryReceive()?.bytes ?? []], [3]);
    await assertRejectsCode("PEER_CLOSED", right.receive());
    assertThrowsCode("PEER_CLOSED", () => right.tryReceive());
  });

  Deno.test(`Socket (${type}): send waits while it is full, first come first served`, async () => {
    await using kernel = new Kernel();
    const [left, right] = kernel.init.createSocketPair({ type, capacity: 10 });
    assertEquals(left.trySend(bytes(1, 1, 1, 1, 1, 1)), true);
    const second = left.send(bytes(2, 2, 2, 2, 2));
    assertEquals(left.trySend(bytes()), false, "it has to stay behind the one that waits");
    const third = left.send(bytes());
    assertEquals((await right.receive()).bytes[0], 1);
    await second;
    await third;
    assertEquals((await right.receive()).bytes[0], 2);
    assertEquals((await right.receive()).bytes.length, 0);
  });

  Deno.test(`Socket (${type}): a message longer than the capacity is refused`, async () => {
    await using kernel = new Kernel();
    const [left, right] = kernel.init.createSocketPair({ type, capacity: 10 });
    await assertRejectsCode("MESSAGE_TOO_LONG", left.send(new Uint8Array(11)));
    assertThrowsCode("MESSAGE_TOO_LONG", () => left.trySend(new Uint8Array(11)));
    await left.send(new Uint8Array(10));
    assertEquals((await right.receive()).bytes.length, 10);
  });

  Deno.test(`Socket (${type}): the calls of streams are NOT_SUPPORTED`, async () => {
    await using kernel = new Kernel();
    const [left, right] = kernel.init.createSocketPair({ type });
    await assertRejectsCode("NOT_SUPPORTED", left.write(bytes(1)));
    await assertRejectsCode("NOT_SUPPORTED", right.read(bytes(1)));
    assertThrowsCode("NOT_SUPPORTED", () => left.tryWrite(bytes(1)));
    assertThrowsCode("NOT_SUPPORTED", () => right.tryRead(bytes(1)));
    await assertRejectsCode("NOT_SUPPORTED", right.receiveHandle());
    await assertRejectsCode("NOT_SUPPORTED", left.sendHandle(kernel.init.createTimer()));
  });

  Deno.test(`Socket (${type}): handles arrive with their message, as their classes`, async () => {
    await using kernel = new Kernel();
    const [left, right] = kernel.init.createSocketPair({ type });
    const { reader, writer } = kernel.init.createPipe();
    const kept = kernel.init.createPipe().writer;
    await left.send(bytes(1), { handles: [reader, writer] });
    await left.send(bytes(2), { handles: [kept], duplicate: true });
    assert(reader.closed && writer.closed && !kept.closed);
    const [first, second] = [await right.receive(), await right.receive()];
    assert(first.handles[0] instanceof PipeReader && first.handles[1] instanceof PipeWriter);
    const [child] = second.handles;
    assert(child instanceof PipeWriter);
    kept.revoke();
    assert(child.closed, "a duplicate is a child of what was sent");
  });
}

Deno.test("Socket (stream): the calls of messages are NOT_SUPPORTED", async () => {
  await using kernel = new Kernel();
  const [left, right] = kernel.init.createSocketPair();
  await assertRejectsCode("NOT_SUPPORTED", left.send(bytes(1)));
  assertThrowsCode("NOT_SUPPORTED", () => left.trySend(bytes(1)));
  await assertRejectsCode("NOT_SUPPORTED", right.receive());
  assertThrowsCode("NOT_SUPPORTED", () => right.tryReceive());
});

Deno.test("Socket.send() takes all handles or none", async () => {
  await using kernel = new Kernel();
  const [left, right] = kernel.init.createSocketPair({ type: "seqpacket" });
  const { reader, writer } = kernel.init.createPipe();
  const fixed = kernel.init.createCounter().duplicate(Rights.READ);
  await assertRejectsCode("ACCESS_DENIED", left.send(bytes(), { handles: [reader, fixed] }));
  await assertRejectsCode("INVALID_ARGUMENT", left.send(bytes(), { handles: [reader, reader] }));
  await assertRejectsCode("INVALID_ARGUMENT", left.send(bytes(), { handles: [reader, left] }));
  const many = Array.from({ length: 65 }, () => writer.duplicate());
  await assertRejectsCode("OUT_OF_RANGE", left.send(bytes(), { handles: many }));
  assert(!reader.closed && !writer.closed && many.every((handle) => !handle.closed));
  assertEquals(right.tryReceive(), undefined);
  await left.send(bytes(), { handles: many.slice(0, 64) });
  assertEquals((await right.receive()).handles.length, 64);
});

Deno.test("Socket.send() keeps handles until there is room, and checks them again then", async () => {
  await using kernel = new Kernel();
  const [left, right] = kernel.init.createSocketPair({ type: "seqpacket", capacity: 1 });
  left.trySend(bytes(0));
  const { reader, writer } = kernel.init.createPipe();
  const sending = left.send(bytes(1), { handles: [reader] });
  const failing = left.send(bytes(2), { handles: [writer] });
  assert(!reader.closed && !writer.closed);
  writer.close();
  await right.receive();
  await sending;
  assert(reader.closed);
  await right.receive();
  await assertRejectsCode("BAD_HANDLE", failing);
});

Deno.test("Socket.receive() leaves a message first whose handles don't fit", async () => {
  await using kernel = new Kernel();
  const [left, right] = kernel.init.createSocketPair({ type: "seqpacket" });
  const child = kernel.init.spawn(async (task) => {
    const socket = task.handle("socket", Socket);
    const full = await assertRejects(() => socket.receive(), KernelError);
    const codes: string[] = [full.code];
    task.handle("ballast").close();
    codes.push(String((await socket.receive()).handles.length));
    return codes;
  }, {
    limits: { handles: 2 },
    handles: { socket: right, ballast: kernel.init.createCounter() },
  });
  await left.send(bytes(1), { handles: [kernel.init.createCounter()] });
  assertEquals(await child.wait(), { state: "exited", code: 0, value: ["TOO_MANY_HANDLES", "1"] });
});

Deno.test("Socket: a handle that is revoked on its way arrives closed, its use is REVOKED", async () => {
  await using kernel = new Kernel();
  const [left, right] = kernel.init.createSocketPair();
  const counter = kernel.init.createCounter();
  await left.sendHandle(counter.duplicate());
  counter.revoke();
  const arrived = await right.receiveHandle();
  assert(arrived.closed);
  assertThrowsCode("REVOKED", () => arrived.query());

  const task = kernel.init.spawn(() => new Promise(() => {}));
  await left.sendHandle(task.duplicate());
  task.revoke();
  assert(await right.receiveHandle() instanceof TaskHandle);
});

Deno.test("Socket: handles that nobody receives close with the socket", async () => {
  await using kernel = new Kernel();
  const [left, right] = kernel.init.createSocketPair();
  const { reader, writer } = kernel.init.createPipe();
  await left.sendHandle(reader);
  assert(writer.isConnected);
  right.close();
  assert(!writer.isConnected);
  assertThrowsCode("BROKEN_PIPE", () => writer.tryWrite(bytes(1)));
});

Deno.test("Socket.write() to a closed or shut peer is BROKEN_PIPE, send() PEER_CLOSED", async () => {
  await using kernel = new Kernel();
  for (const end of ["close", "shut"] as const) {
    const [left, right] = kernel.init.createSocketPair();
    if (end === "close") right.close();
    else right.shutdown("read");
    assertThrowsCode("BROKEN_PIPE", () => left.tryWrite(bytes(1)));
    const error = await assertRejectsCode("BROKEN_PIPE", left.write(bytes(1)));
    assert(error instanceof StreamError);
    await assertRejectsCode("BROKEN_PIPE", left.sendHandle(kernel.init.createCounter()));

    const [sender, receiver] = kernel.init.createSocketPair({ type: "seqpacket" });
    if (end === "close") receiver.close();
    else receiver.shutdown("read");
    const refused = await assertRejectsCode("PEER_CLOSED", sender.send(bytes(1)));
    assert(refused instanceof IpcError);
    assertThrowsCode("PEER_CLOSED", () => sender.trySend(bytes(1)));
  }
});

Deno.test("Socket.shutdown('write') fails own writes; the peer reads what is left, then the end", async () => {
  await using kernel = new Kernel();
  const [left, right] = kernel.init.createSocketPair();
  left.tryWrite(bytes(1));
  left.shutdown("write");
  left.shutdown("write");
  await assertRejectsCode("BROKEN_PIPE", left.write(bytes(2)));
  assertEquals([take(right), take(right)], [[1], []]);
  assert(right.isConnected, "half-closed is not closed");
  assertEquals(right.tryWaitFor(Signals.PEER_CLOSED), 0);
  right.tryWrite(bytes(3));
  assertEquals(take(left), [3]);
});

Deno.test("Socket.shutdown('read') drops what is unread; own reads give 0, the peer's writes fail", async () => {
  await using kernel = new Kernel();
  const [left, right] = kernel.init.createSocketPair();
  const { reader, writer } = kernel.init.createPipe();
  right.tryWrite(bytes(1));
  await right.sendHandle(reader);
  left.shutdown("read");
  left.shutdown("read");
  assertEquals(take(left), []);
  await assertRejectsCode("PEER_CLOSED", left.receiveHandle());
  await assertRejectsCode("BROKEN_PIPE", right.write(bytes(2)));
  assert(!writer.isConnected, "the handle among the dropped is closed");
  left.tryWrite(bytes(3));
  assertEquals(take(right), [3]);
});

Deno.test("Socket.shutdown('both') gives up both directions, and the socket stays open", async () => {
  await using kernel = new Kernel();
  const [left, right] = kernel.init.createSocketPair();
  left.shutdown("both");
  assertEquals([take(left), take(right)], [[], []]);
  await assertRejectsCode("BROKEN_PIPE", left.write(bytes(1)));
  await assertRejectsCode("BROKEN_PIPE", right.write(bytes(1)));
  assert(!left.closed && right.isConnected);
});

Deno.test("Socket.shutdown() ends the calls that wait as it does later ones", async () => {
  await using kernel = new Kernel();
  const [left, right] = kernel.init.createSocketPair({ capacity: 1 });
  left.tryWrite(bytes(0));
  const [ownWrite, ownRead] = [left.write(bytes(1)), left.read(bytes(0))];
  left.shutdown("both");
  await assertRejectsCode("BROKEN_PIPE", ownWrite);
  assertEquals(await ownRead, 0);

  const [a, b] = kernel.init.createSocketPair({ capacity: 1 });
  b.tryWrite(bytes(0));
  const [peerWrite, peerRead] = [b.write(bytes(1)), b.read(bytes(0))];
  a.shutdown("both");
  await assertRejectsCode("BROKEN_PIPE", peerWrite);
  assertEquals(await peerRead, 0);

  const [m, n] = kernel.init.createSocketPair({ type: "seqpacket", capacity: 1 });
  m.trySend(bytes(0));
  const [send, receive] = [m.send(bytes(1)), m.receive()];
  n.shutdown("both");
  await assertRejectsCode("PEER_CLOSED", send);
  await assertRejectsCode("PEER_CLOSED", receive);
  left.close();
  right.close();
});

Deno.test("Socket.shutdown() needs READ to give up reading and WRITE to give up writing", async () => {
  await using kernel = new Kernel();
  const [left, right] = kernel.init.createSocketPair();
  const readOnly = left.duplicate(Rights.READ);
  assertThrowsCode("ACCESS_DENIED", () => readOnly.shutdown("write"));
  assertThrowsCode("ACCESS_DENIED", () => readOnly.shutdown("both"));
  assertThrowsCode("ACCESS_DENIED", () => left.duplicate(Rights.WRITE).shutdown("read"));
  assertThrowsCode("INVALID_ARGUMENT", () => left.shutdown("up" as "both"));
  assertEquals(right.tryWrite(bytes(1)), 1);
  readOnly.shutdown("read");
  assertThrowsCode("BROKEN_PIPE", () => right.tryWrite(bytes(1)));
});

Deno.test("Socket: reading needs READ, writing WRITE; looking needs any of them or INSPECT", async () => {
  await using kernel = new Kernel();
  for (const type of ["stream", "seqpacket"] as const) {
    const [left] = kernel.init.createSocketPair({ type });
    const readOnly = left.duplicate(Rights.READ);
    const writeOnly = left.duplicate(Rights.WRITE);
    const onlooker = left.duplicate(Rights.INSPECT);
    const blind = left.duplicate(Rights.WAIT);
    assertThrowsCode("ACCESS_DENIED", () => readOnly.trySend(bytes(1)));
    assertThrowsCode("ACCESS_DENIED", () => readOnly.tryWrite(bytes(1)));
    assertThrowsCode("ACCESS_DENIED", () => writeOnly.tryReceive());
    assertThrowsCode("ACCESS_DENIED", () => writeOnly.tryRead(bytes(1)));
    await assertRejectsCode("ACCESS_DENIED", readOnly.sendHandle(blind));
    await assertRejectsCode("ACCESS_DENIED", writeOnly.receiveHandle());
    for (const handle of [readOnly, writeOnly, onlooker]) {
      assertEquals([handle.socketType, handle.peerTaskId, handle.peerCount], [type, 1, 1]);
    }
    assertThrowsCode("ACCESS_DENIED", () => blind.socketType);
    assertThrowsCode("ACCESS_DENIED", () => blind.isConnected);
  }
});

Deno.test("Socket.peerTaskId stays the creator of the other end when that moves and when it ends", async () => {
  await using kernel = new Kernel();
  const names = kernel.init.createNamespace();
  const listener = names.listen("here");
  const child = kernel.init.spawn(async (task) => {
    const socket = await task.handle("names", Namespace).connect("here");
    return socket.peerTaskId;
  }, { handles: { names: names.duplicate() } });
  const server = await listener.accept();
  assertEquals(server.peerTaskId, child.taskId);
  assertEquals(await child.wait(), { state: "exited", code: 0, value: kernel.init.id });
  assertEquals(server.peerTaskId, child.taskId);

  const [left, right] = kernel.init.createSocketPair();
  const holder = kernel.init.spawn((task) => task.handle("end", Socket).peerTaskId, {
    handles: { end: right },
  });
  assertEquals(await holder.wait(), { state: "exited", code: 0, value: kernel.init.id });
  assertEquals(left.peerTaskId, kernel.init.id);
});

Deno.test("Socket.isConnected and peerCount follow the handles of the other end", async () => {
  await using kernel = new Kernel();
  const [left, right] = kernel.init.createSocketPair();
  const second = right.duplicate();
  assertEquals(left.peerCount, 2);
  right.close();
  assertEquals([left.peerCount, left.isConnected], [1, true]);
  const closing = left.waitFor(Signals.PEER_CLOSED);
  second.close();
  assertEquals(await closing, Signals.PEER_CLOSED);
  assertEquals([left.peerCount, left.isConnected], [0, false]);
  assertEquals(left.description, "stream socket, 0 of 65536 bytes to read, 0 peers");
});

Deno.test("Socket: a task's end closes its sockets at once, however it ends", async () => {
  await using kernel = new Kernel();
  const endings = [
    (task: { exit(): never }) => task.exit(),
    () => {
      throw new Error("crash");
    },
    () => new Promise(() => {}),
  ];
  for (const ending of endings) {
    const [left, right] = kernel.init.createSocketPair();
    const reading = left.read(bytes(0));
    const child = kernel.init.spawn(ending, { handles: { end: right } });
    await settle();
    child.kill();
    assertEquals(await reading, 0);
    await child.wait();
  }
});

Deno.test("Socket: a peer's death at any point leaves a prefix, the end, and nothing else", async () => {
  for (let steps = 0; steps < 60; steps++) {
    await using kernel = new Kernel();
    const before = kernel.tasks()[0]?.usage;
    const [left, right] = kernel.init.createSocketPair({ capacity: 3 });
    const child = kernel.init.spawn(async (task) => {
      const socket = task.handle("socket", Socket);
      for (let i = 0; i < 9; i += 3) {
        await socket.write(bytes(i, i + 1));
        await socket.sendHandle(task.createCounter({ initial: i }));
        await socket.write(bytes(i + 2));
      }
    }, { handles: { socket: right } });
    const received: unknown[] = [];
    const receiving = (async () => {
      const buffer = bytes(0);
      for (let length; (length = await left.read(buffer)) > 0;) {
        assertEquals(length, 1);
        received.push(buffer[0]);
        if (received.length % 4 !== 2) continue;
        try {
          using handle = await left.receiveHandle();
          received.push(handle.type);
        } catch (error) {
          assertEquals((error as KernelError).code, "PEER_CLOSED");
          return;
        }
      }
    })();
    for (let i = 0; i < steps; i++) await null;
    child.kill();
    await receiving;
    const whole = [0, 1, "counter", 2, 3, 4, "counter", 5, 6, 7, "counter", 8];
    assertEquals(received, whole.slice(0, received.length));
    left.close();
    child.close();
    assertEquals(kernel.tasks()[0]?.usage, before);
  }
});

Deno.test("Socket: aborted, timed out and closed waits end precisely", async () => {
  await using kernel = new Kernel();
  const [left, right] = kernel.init.createSocketPair();
  const abort = new AbortController();
  const calls = [
    left.read(bytes(0), { signal: abort.signal }),
    left.receiveHandle({ signal: abort.signal }),
  ];
  abort.abort("enough");
  for (const call of calls) {
    assertEquals((await assertRejectsCode("CANCELED", call)).cause, "enough");
  }
  await assertRejectsCode("TIMED_OUT", left.read(bytes(0), { timeoutMs: 0 }));
  await assertRejectsCode("TIMED_OUT", left.receiveHandle({ timeoutMs: 0 }));
  right.tryWrite(bytes(1));
  const aborted = left.read(bytes(0), { signal: abort.signal });
  await assertRejectsCode("CANCELED", aborted);
  take(left);
  const waiting = [left.read(bytes(0)), left.receiveHandle()];
  left.close();
  for (const call of waiting) await assertRejectsCode("BAD_HANDLE", call);
});

Deno.test("Socket: the blocking twins are NOT_SUPPORTED outside workers", async () => {
  await using kernel = new Kernel();
  const [left] = kernel.init.createSocketPair();
  assertThrowsCode("NOT_SUPPORTED", () => left.readSync(bytes(0)));
  assertThrowsCode("NOT_SUPPORTED", () => left.writeSync(bytes(0)));
  assertThrowsCode("NOT_SUPPORTED", () => left.sendSync(bytes(0)));
  assertThrowsCode("NOT_SUPPORTED", () => left.receiveSync());
  assertThrowsCode("NOT_SUPPORTED", () => left.receiveHandleSync());
  assertThrowsCode("NOT_SUPPORTED", () => left.sendHandleSync(kernel.init.createCounter()));
});

Deno.test("Socket: what is in flight is charged to who sent it, and given back", async () => {
  await using kernel = new Kernel({ limits: { queuedMessages: 2 } });
  const [left, right] = kernel.init.createSocketPair({ type: "seqpacket" });
  left.trySend(bytes(1, 2));
  left.trySend(bytes(3), { handles: [kernel.init.createCounter()] });
  assertThrowsCode("LIMIT_EXCEEDED", () => left.trySend(bytes(4)));
  const usage = () => kernel.tasks()[0]?.usage;
  assertEquals(usage()?.queuedMessages, 2);
  right.tryReceive();
  assertEquals(usage()?.queuedMessages, 1);
  right.close();
  assertEquals([usage()?.queuedMessages, usage()?.bufferBytes], [0, 0]);
});

Deno.test("Socket.readable and writable carry bytes both ways and leave the handle open", async () => {
  await using kernel = new Kernel();
  const [left, right] = kernel.init.createSocketPair();
  const { readable, writable } = left;
  assert(left.readable === readable && left.writable === writable, "the same each time");
  const echo = right.readable.pipeTo(right.writable);
  const writer = left.writable.getWriter();
  await writer.write(new TextEncoder().encode("to and fro"));
  await writer.close();
  assertEquals(await new Response(left.readable).text(), "to and fro");
  await echo;
  assert(!left.closed && !right.closed);
});

Deno.test("Socket.writable: closing is shutdown('write'); readable: cancelling is shutdown('read')", async () => {
  await using kernel = new Kernel();
  const [left, right] = kernel.init.createSocketPair();
  await left.writable.close();
  assertEquals(take(right), []);
  await assertRejectsCode("BROKEN_PIPE", left.write(bytes(1)));
  right.tryWrite(bytes(1));
  await left.readable.cancel();
  await assertRejectsCode("BROKEN_PIPE", right.write(bytes(1)));
  assertEquals(take(left), []);
});

Deno.test("Socket.writable: after an abort the peer reads what is left, then BROKEN_PIPE", async () => {
  await using kernel = new Kernel();
  const [left, right] = kernel.init.createSocketPair();
  const writer = left.writable.getWriter();
  await writer.write(bytes(1, 2));
  await writer.abort("changed my mind");
  assertEquals(take(right), [1, 2]);
  const error = await assertRejectsCode("BROKEN_PIPE", right.read(bytes(0)));
  assertEquals(error.cause, "changed my mind");
});

Deno.test("Socket.writable waits while the peer does not read", async () => {
  await using kernel = new Kernel();
  const [left, right] = kernel.init.createSocketPair({ capacity: 4 });
  const writer = left.writable.getWriter();
  let isWritten = false;
  const writing = writer.write(new Uint8Array(6)).then(() => isWritten = true);
  await settle();
  assert(!isWritten);
  take(right);
  await writing;
});

Deno.test("Socket.writable stays idle when the peer closes; the next write finds out", async () => {
  await using kernel = new Kernel();
  const [left, right] = kernel.init.createSocketPair();
  const writer = left.writable.getWriter();
  right.tryWrite(bytes(1));
  right.close();
  await settle();
  assertEquals(take(left), [1]);
  const error = await assertRejects(() => writer.write(bytes(2)), KernelError);
  assertEquals(error.code, "BROKEN_PIPE");
  await assertRejects(() => writer.closed, KernelError);
});

Deno.test("Socket: after all tasks have ended nothing is left", async () => {
  await using kernel = new Kernel();
  const before = kernel.tasks()[0]?.usage;
  const child = kernel.init.spawn(async (task) => {
    const [left, right] = task.createSocketPair();
    const [sender, receiver] = task.createSocketPair({ type: "datagram" });
    await left.write(bytes(1, 2, 3));
    await left.sendHandle(task.createCounter());
    await sender.send(bytes(4), { handles: [task.createPipe().reader] });
    void right.receiveHandle();
    void receiver.receive();
    task.createNamespace().listen("nobody");
    return "done";
  });
  assertEquals((await child.wait()).state, "exited");
  child.close();
  assertEquals(kernel.tasks()[0]?.usage, before);
});
