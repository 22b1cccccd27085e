import { assert, assertEquals, assertInstanceOf, assertRejects, assertThrows } from "@std/assert";
import {
  type EventContent,
  type Handle,
  IpcError,
  Kernel,
  KernelError,
  ManualClock,
  type Message,
  MessageReceiver,
  MessageSender,
  PipeReader,
  PipeWriter,
  Rights,
  Signals,
  TaskHandle,
} from "@carmine/kernel";

const bytes = (...values: number[]): Uint8Array => new Uint8Array(values);
const valuesOf = (message: Message | undefined) =>
  message === undefined ? undefined : [...message.bytes];

async function rejectsWith(code: string, promise: Promise<unknown>): Promise<KernelError> {
  const error = await assertRejects(() => promise, KernelError);
  assertEquals(error.code, code);
  return error;
}

function throwsWith(code: string, run: () => unknown): KernelError {
  const error = assertThrows(run, KernelError);
  assertEquals(error.code, code);
  return error;
}

function first<T>(values: readonly T[]): T {
  const [value] = values;
  assert(value !== undefined);
  return value;
}

/** The handle as the class that it must be an instance of. */
function typed<H extends Handle>(
  handle: Handle | undefined,
  Class: new (...origin: never[]) => H,
): H {
  assert(handle instanceof Class);
  return handle;
}

Deno.test("MessageReceiver.receive() gives the highest priority first, then first-in first-out", () => {
  const { init } = new Kernel();
  const { sender, receiver } = init.createMessageQueue();
  const order = [[1, 0], [2, 31], [3, 5], [4, 31], [5, 0], [6, 5]] as const;
  for (const [value, priority] of order) sender.trySend(bytes(value), { priority });
  const received: number[] = [];
  for (let next = receiver.tryReceive(); next !== undefined; next = receiver.tryReceive()) {
    received.push(first([...next.bytes]));
  }
  assertEquals(received, [2, 4, 3, 6, 1, 5]);
});

Deno.test("MessageSender.send() takes priorities 0 to 31 and no others", () => {
  const { init } = new Kernel();
  const { sender, receiver } = init.createMessageQueue();
  throwsWith("OUT_OF_RANGE", () => sender.trySend(bytes(), { priority: 32 }));
  throwsWith("OUT_OF_RANGE", () => sender.trySend(bytes(), { priority: -1 }));
  throwsWith("INVALID_ARGUMENT", () => sender.trySend(bytes(), { priority: 1.5 }));
  throwsWith("INVALID_ARGUMENT", () => sender.trySend(bytes(), { priority: NaN }));
  assertEquals(receiver.tryReceive(), undefined);
});

Deno.test("Message says who sent it, and the sender can't say otherwise", async () => {
  await using kernel = new Kernel();
  const { sender, receiver } = kernel.init.createMessageQueue();
  const child = kernel.init.spawn(
    (task) => task.handle("out", MessageSender).send(bytes(1)),
    { handles: { out: sender } },
  );
  const message = await receiver.receive();
  assertEquals(message.sender, child.taskId);
  assertEquals(message.transactionId, undefined);
});

Deno.test("MessageSender.send() copies the bytes", async () => {
  await using kernel = new Kernel();
  const { sender, receiver } = kernel.init.createMessageQueue();
  const source = bytes(1, 2, 3);
  await sender.send(source);
  source.fill(0);
  assertEquals(valuesOf(await receiver.receive()), [1, 2, 3]);
});

Deno.test("MessageSender.send() queues an empty message", async () => {
  await using kernel = new Kernel();
  const { sender, receiver } = kernel.init.createMessageQueue();
  assertEquals(await sender.send(bytes()), undefined);
  assertEquals(valuesOf(receiver.tryReceive()), []);
});

Deno.test("MessageSender.send() waits for room in messages, first-in first-out", async () => {
  await using kernel = new Kernel();
  const { sender, receiver } = kernel.init.createMessageQueue({ maxMessages: 1 });
  assert(sender.trySend(bytes(1)));
  assert(!sender.trySend(bytes(2)));
  const waiting = [sender.send(bytes(2)), sender.send(bytes(3))];
  assertEquals(valuesOf(await receiver.receive()), [1]);
  assert(!sender.trySend(bytes(4)), "the one that waits has taken the room");
  assertEquals(valuesOf(await receiver.receive()), [2]);
  assertEquals(valuesOf(await receiver.receive()), [3]);
  await Promise.all(waiting);
});

Deno.test("MessageSender.send() waits for room in bytes", async () => {
  await using kernel = new Kernel();
  const { sender, receiver } = kernel.init.createMessageQueue({ maxBytes: 10 });
  assert(sender.trySend(new Uint8Array(6)));
  assert(!sender.trySend(new Uint8Array(5)));
  assert(sender.trySend(new Uint8Array(4)));
  assert(sender.trySend(bytes()), "an empty message needs no bytes");
  const waiting = sender.send(new Uint8Array(10));
  receiver.tryReceive();
  receiver.tryReceive();
  await waiting;
  assertEquals(receiver.tryReceive()?.bytes.length, 0);
  assertEquals(receiver.tryReceive()?.bytes.length, 10);
});

Deno.test("MessageSender.send() throws MESSAGE_TOO_LONG for more than maxMessageBytes", () => {
  const { init } = new Kernel();
  const { sender } = init.createMessageQueue({ maxMessageBytes: 3 });
  assert(sender.trySend(new Uint8Array(3)));
  const error = throwsWith("MESSAGE_TOO_LONG", () => sender.trySend(new Uint8Array(4)));
  assertInstanceOf(error, IpcError);
  const small = init.createMessageQueue({ maxBytes: 2 });
  throwsWith("MESSAGE_TOO_LONG", () => small.sender.trySend(new Uint8Array(3)));
});

Deno.test("Task.createMessageQueue() holds 1,024 messages, 1 MiB, 64 KiB each by default", () => {
  const { init } = new Kernel();
  const many = init.createMessageQueue();
  for (let i = 0; i < 1_024; i++) assert(many.sender.trySend(bytes()));
  assert(!many.sender.trySend(bytes()));
  const large = init.createMessageQueue();
  throwsWith("MESSAGE_TOO_LONG", () => large.sender.trySend(new Uint8Array(65_537)));
  for (let i = 0; i < 16; i++) assert(large.sender.trySend(new Uint8Array(65_536)));
  assert(!large.sender.trySend(bytes(1)));
});

Deno.test("MessageSender and MessageReceiver throw CHANNEL_FULL and CHANNEL_EMPTY when nonblocking", async () => {
  await using kernel = new Kernel();
  const { sender, receiver } = kernel.init.createMessageQueue({
    maxMessages: 1,
    nonblocking: true,
  });
  assertInstanceOf(await rejectsWith("CHANNEL_EMPTY", receiver.receive()), IpcError);
  await rejectsWith("CHANNEL_EMPTY", receiver.receiveInto(bytes(0)));
  assertEquals(receiver.tryReceive(), undefined);
  await sender.send(bytes(1));
  await rejectsWith("CHANNEL_FULL", sender.send(bytes(2)));
  await rejectsWith("CHANNEL_FULL", sender.call(bytes(2)));
  assert(!sender.trySend(bytes(2)));
});

Deno.test("MessageSender.send() ends with TIMED_OUT or CANCELED and queues nothing", async () => {
  const clock = new ManualClock();
  await using kernel = new Kernel({ clock });
  const { sender, receiver } = kernel.init.createMessageQueue({ maxMessages: 1 });
  sender.trySend(bytes(1));
  await rejectsWith("TIMED_OUT", sender.send(bytes(2), { timeoutMs: 0 }));
  const late = rejectsWith("TIMED_OUT", sender.send(bytes(3), { timeoutMs: 10 }));
  clock.advance(10);
  await late;
  const reason = new Error("enough");
  const abort = new AbortController();
  const canceled = rejectsWith("CANCELED", sender.send(bytes(4), { signal: abort.signal }));
  abort.abort(reason);
  assertEquals((await canceled).cause, reason);
  receiver.tryReceive();
  assertEquals(receiver.tryReceive(), undefined);
  const aborted = { signal: AbortSignal.abort(reason) };
  await rejectsWith("CANCELED", sender.send(bytes(5), aborted));
  assertEquals(receiver.tryReceive(), undefined);
});

Deno.test("MessageSender.send() moves handles as instances of their classes", async () => {
  await using kernel = new Kernel();
  const { init } = kernel;
  const { sender, receiver } = init.createMessageQueue();
  const pipe = init.createPipe();
  const task = init.spawn(() => {});
  await sender.send(bytes(1), { handles: [pipe.reader, pipe.writer, task] });
  assert(pipe.reader.closed && pipe.writer.closed && task.closed);
  const { handles } = await receiver.receive();
  const reader = typed(handles[0], PipeReader);
  const writer = typed(handles[1], PipeWriter);
  assertEquals(typed(handles[2], TaskHandle).taskId, task.taskId);
  writer.tryWrite(bytes(7));
  const buffer = bytes(0);
  assertEquals(reader.tryRead(buffer), 1);
  assertEquals(buffer, bytes(7));
  throwsWith("BAD_HANDLE", () => pipe.reader.tryRead(buffer));
});

Deno.test("MessageSender.send() with duplicate sends children and keeps the given handles", async () => {
  await using kernel = new Kernel();
  const { init } = kernel;
  const { sender, receiver } = init.createMessageQueue();
  const { reader } = init.createPipe();
  await sender.send(bytes(), { handles: [reader], duplicate: true });
  assert(!reader.closed);
  const child = first((await receiver.receive()).handles);
  assertEquals(child.rights, reader.rights);
  reader.revoke();
  assert(child.closed && !reader.closed);
});

Deno.test("MessageSender.send() needs TRANSFER, and DUPLICATE for duplicates, on every handle", () => {
  const { init } = new Kernel();
  const { sender, receiver } = init.createMessageQueue();
  const { reader, writer } = init.createPipe();
  const stays = reader.duplicate(Rights.READ | Rights.DUPLICATE);
  const unique = reader.duplicate(Rights.READ | Rights.TRANSFER);
  throwsWith("ACCESS_DENIED", () => sender.trySend(bytes(), { handles: [writer, stays] }));
  throwsWith(
    "ACCESS_DENIED",
    () => sender.trySend(bytes(), { handles: [stays], duplicate: true }),
  );
  throwsWith(
    "ACCESS_DENIED",
    () => sender.trySend(bytes(), { handles: [writer, unique], duplicate: true }),
  );
  assert(!writer.closed, "nothing has moved");
  assertEquals(receiver.tryReceive(), undefined);
  assert(sender.trySend(bytes(), { handles: [unique] }));
});

Deno.test("MessageSender.send() throws OUT_OF_RANGE for more than 64 handles", () => {
  const { init } = new Kernel();
  const { sender, receiver } = init.createMessageQueue();
  const counters = Array.from({ length: 65 }, () => init.createTimer());
  throwsWith("OUT_OF_RANGE", () => sender.trySend(bytes(), { handles: counters }));
  assert(counters.every((counter) => !counter.closed));
  assert(sender.trySend(bytes(), { handles: counters.slice(1) }));
  assertEquals(receiver.tryReceive()?.handles.length, 64);
});

Deno.test("MessageSender.send() throws INVALID_ARGUMENT for a handle given twice", () => {
  const { init } = new Kernel();
  const { sender } = init.createMessageQueue();
  const { reader } = init.createPipe();
  throwsWith("INVALID_ARGUMENT", () => sender.trySend(bytes(), { handles: [reader, reader] }));
  throwsWith(
    "INVALID_ARGUMENT",
    () => sender.trySend(bytes(), { handles: [reader, reader], duplicate: true }),
  );
  assert(!reader.closed);
  const twin = reader.duplicate();
  assert(sender.trySend(bytes(), { handles: [reader, twin] }), "a duplicate is another handle");
});

Deno.test("MessageSender.send() throws INVALID_ARGUMENT for an end of the queue or its duplicate", () => {
  const { init } = new Kernel();
  const { sender, receiver } = init.createMessageQueue();
  for (const end of [sender, receiver, sender.duplicate(), receiver.duplicate()]) {
    throwsWith("INVALID_ARGUMENT", () => sender.trySend(bytes(), { handles: [end] }));
    throwsWith(
      "INVALID_ARGUMENT",
      () => sender.trySend(bytes(), { handles: [end], duplicate: true }),
    );
    assert(!end.closed);
  }
});

Deno.test("MessageSender.send() throws BAD_HANDLE for closed, foreign and false handles", async () => {
  await using kernel = new Kernel();
  const { init } = kernel;
  const { sender } = init.createMessageQueue();
  const { reader, writer } = init.createPipe();
  reader.close();
  throwsWith("BAD_HANDLE", () => sender.trySend(bytes(), { handles: [writer, reader] }));
  throwsWith("BAD_HANDLE", () => sender.trySend(bytes(), { handles: [{} as PipeReader] }));
  throwsWith(
    "INVALID_ARGUMENT",
    () => sender.trySend(bytes(), { handles: "no" as unknown as PipeReader[] }),
  );
  const other = new Kernel();
  const foreign = other.init.createPipe().reader;
  throwsWith("BAD_HANDLE", () => sender.trySend(bytes(), { handles: [foreign] }));
  await rejectsWith("BAD_HANDLE", sender.send(bytes(), { handles: [foreign] }));
  assert(!writer.closed);
});

Deno.test("MessageSender.send() leaves handles with the sender until the message is queued", async () => {
  await using kernel = new Kernel();
  const { init } = kernel;
  const { sender, receiver } = init.createMessageQueue({ maxMessages: 1 });
  const { reader, writer } = init.createPipe();
  sender.trySend(bytes(1));
  const waiting = sender.send(bytes(2), { handles: [reader] });
  assert(!reader.closed);
  writer.tryWrite(bytes(9));
  assertEquals(reader.tryRead(bytes(0)), 1);
  receiver.tryReceive();
  await waiting;
  assert(reader.closed);
});

Deno.test("MessageSender.send() checks the handles again when the message is queued", async () => {
  await using kernel = new Kernel();
  const { init } = kernel;
  const { sender, receiver } = init.createMessageQueue({ maxMessages: 1 });
  const { reader, writer } = init.createPipe();
  sender.trySend(bytes(1));
  const waiting = sender.send(bytes(2), { handles: [writer, reader] });
  reader.close();
  receiver.tryReceive();
  await rejectsWith("BAD_HANDLE", waiting);
  assert(!writer.closed, "all or nothing");
  assertEquals(receiver.tryReceive(), undefined);
});

Deno.test("MessageSender.send() ends the sender's waits on a handle that it moves with BAD_HANDLE", async () => {
  await using kernel = new Kernel();
  const { init } = kernel;
  const { sender, receiver } = init.createMessageQueue();
  const { reader, writer } = init.createPipe();
  const reading = rejectsWith("BAD_HANDLE", reader.read(bytes(0)));
  const watching = rejectsWith("BAD_HANDLE", reader.waitFor(Signals.READABLE));
  sender.trySend(bytes(), { handles: [reader] });
  await Promise.all([reading, watching]);
  writer.tryWrite(bytes(5));
  const moved = first((await receiver.receive()).handles) as PipeReader;
  assertEquals(moved.availableBytes, 1);
});

Deno.test("Handles in flight die with their message and their peers see it at once", async () => {
  await using kernel = new Kernel();
  const { init } = kernel;
  const { sender, receiver } = init.createMessageQueue();
  const { reader, writer } = init.createPipe();
  sender.trySend(bytes(), { handles: [reader] });
  const blocked = rejectsWith("BROKEN_PIPE", writer.write(new Uint8Array(100_000)));
  receiver.close();
  await blocked;
  assert(!writer.isConnected);
});

Deno.test("Handle.revoke() reaches handles in flight: they arrive closed and their use is REVOKED", async () => {
  await using kernel = new Kernel();
  const { init } = kernel;
  const { sender, receiver } = init.createMessageQueue();
  const { reader, writer } = init.createPipe();
  const lent = reader.duplicate();
  const child = init.spawn(() => {});
  const task = child.duplicate();
  sender.trySend(bytes(1), { handles: [lent, writer, task] });
  reader.revoke();
  child.revoke();
  const { handles } = await receiver.receive();
  const revoked = typed(handles[0], PipeReader);
  const arrived = handles[1];
  const gone = typed(handles[2], TaskHandle);
  assert(revoked.closed && gone.closed && arrived?.closed === false);
  throwsWith("REVOKED", () => revoked.tryRead(bytes(0)));
  throwsWith("REVOKED", () => revoked.query());
  throwsWith("REVOKED", () => gone.taskId);
  throwsWith("REVOKED", () => gone.kill());
  assertEquals(arrived?.type, "pipe writer");
  revoked.close();
});

Deno.test("Handle.revoke() reaches a duplicate that was received by another task", async () => {
  await using kernel = new Kernel();
  const { init } = kernel;
  const { sender, receiver } = init.createMessageQueue();
  const { reader } = init.createPipe();
  const received = Promise.withResolvers<void>();
  const child = init.spawn(async (task) => {
    const message = await task.handle("in", MessageReceiver).receive();
    const waiting = typed(message.handles[0], PipeReader).read(bytes(0));
    received.resolve();
    return (await assertRejects(() => waiting, KernelError)).code;
  }, { handles: { in: receiver } });
  await sender.send(bytes(), { handles: [reader], duplicate: true });
  await received.promise;
  reader.revoke();
  assertEquals(await child.wait(), { state: "exited", code: 0, value: "REVOKED" });
});

Deno.test("MessageReceiver.receive() throws TOO_MANY_HANDLES and the message stays first", async () => {
  await using kernel = new Kernel();
  const { init } = kernel;
  const { sender, receiver } = init.createMessageQueue();
  const child = init.spawn(async (task) => {
    const input = task.handle("in", MessageReceiver);
    const spare = task.createTimer();
    const error = await assertRejects(() => input.receive(), KernelError);
    throwsWith("TOO_MANY_HANDLES", () => input.tryReceive());
    spare.close();
    const message = await input.receive();
    return [error.code, message.priority, message.handles.length];
  }, { handles: { in: receiver }, limits: { handles: 3 } });
  const { reader, writer } = init.createPipe();
  await sender.send(bytes(), { priority: 9, handles: [reader, writer] });
  const status = await child.wait();
  assertEquals(status, { state: "exited", code: 0, value: ["TOO_MANY_HANDLES", 9, 2] });
});

Deno.test("MessageReceiver.receive() drains after the last sender, then throws PEER_CLOSED", async () => {
  await using kernel = new Kernel();
  const { sender, receiver } = kernel.init.createMessageQueue();
  const twin = sender.duplicate();
  sender.trySend(bytes(1));
  twin.trySend(bytes(2));
  sender.close();
  assert(receiver.isConnected);
  twin.close();
  assert(!receiver.isConnected);
  assertEquals(valuesOf(await receiver.receive()), [1]);
  assertEquals(valuesOf(receiver.tryReceive()), [2]);
  assertInstanceOf(await rejectsWith("PEER_CLOSED", receiver.receive()), IpcError);
  throwsWith("PEER_CLOSED", () => receiver.tryReceive());
});

Deno.test("MessageReceiver.receive() that waits ends with PEER_CLOSED when the last sender goes", async () => {
  await using kernel = new Kernel();
  const { sender, receiver } = kernel.init.createMessageQueue();
  const waiting = [receiver.receive(), receiver.receiveInto(bytes(0)), receiver.receive()]
    .map((promise) => rejectsWith("PEER_CLOSED", promise));
  sender.close();
  await Promise.all(waiting);
});

Deno.test("MessageReceiver iterates until the last sender is gone", async () => {
  await using kernel = new Kernel();
  const { sender, receiver } = kernel.init.createMessageQueue();
  const seen: number[] = [];
  const reading = (async () => {
    for await (const message of receiver) seen.push(...message.bytes);
  })();
  await sender.send(bytes(1));
  await sender.send(bytes(2));
  sender.close();
  await reading;
  assertEquals(seen, [1, 2]);
  assert(!receiver.closed, "iterating to the end closes nothing");
});

Deno.test("MessageReceiver's iterator can be left early without losing a message", async () => {
  await using kernel = new Kernel();
  const { sender, receiver } = kernel.init.createMessageQueue();
  sender.trySend(bytes(1));
  sender.trySend(bytes(2));
  for await (const message of receiver) {
    assertEquals(valuesOf(message), [1]);
    break;
  }
  const iterator = receiver[Symbol.asyncIterator]();
  assertEquals(valuesOf((await iterator.next()).value), [2]);
  const waiting = iterator.next();
  await iterator.return?.();
  assertEquals((await waiting).done, true);
  sender.trySend(bytes(3));
  assertEquals((await iterator.next()).done, true);
  assertEquals(valuesOf(receiver.tryReceive()), [3]);
});

Deno.test("MessageSender.send() throws PEER_CLOSED when no receiver is left", async () => {
  await using kernel = new Kernel();
  const { sender, receiver } = kernel.init.createMessageQueue({ maxMessages: 1 });
  sender.trySend(bytes(1));
  const waiting = rejectsWith("PEER_CLOSED", sender.send(bytes(2)));
  receiver.close();
  await waiting;
  throwsWith("PEER_CLOSED", () => sender.trySend(bytes(3)));
  assertEquals(await sender.waitFor(Signals.PEER_CLOSED), Signals.PEER_CLOSED);
  assertEquals([sender.isConnected, sender.peerCount], [false, 0]);
});

Deno.test("MessageReceiver.receiveInto() fills the buffer and gives a view of it", async () => {
  await using kernel = new Kernel();
  const { sender, receiver } = kernel.init.createMessageQueue();
  const buffer = new Uint8Array(new ArrayBuffer(16), 4, 8);
  const waiting = receiver.receiveInto(buffer);
  sender.trySend(bytes(1, 2, 3), { priority: 4 });
  const message = await waiting;
  assertEquals([...message.bytes], [1, 2, 3]);
  assertEquals(message.priority, 4);
  assert(message.bytes.buffer === buffer.buffer && message.bytes.byteOffset === 4);
});

Deno.test("MessageReceiver.receiveInto() throws BUFFER_TOO_SMALL with needed and loses nothing", async () => {
  await using kernel = new Kernel();
  const { init } = kernel;
  const { sender, receiver } = init.createMessageQueue();
  const { reader } = init.createPipe();
  sender.trySend(bytes(1, 2, 3), { handles: [reader] });
  const error = await rejectsWith("BUFFER_TOO_SMALL", receiver.receiveInto(bytes(0, 0)));
  assertEquals(error.needed, 3);
  assertInstanceOf(error, IpcError);
  const message = await receiver.receiveInto(new Uint8Array(3));
  assertEquals([[...message.bytes], message.handles.length], [[1, 2, 3], 1]);
});

Deno.test("MessageSender.call() gets the reply to its own message", async () => {
  await using kernel = new Kernel();
  const { sender, receiver } = kernel.init.createMessageQueue();
  const calls = [1, 2, 3].map((n) => sender.call(bytes(n)));
  const questions: Message[] = [];
  for (let i = 0; i < 3; i++) questions.push(await receiver.receive());
  for (const question of questions.reverse()) {
    assert(question.transactionId !== undefined);
    receiver.reply(question, bytes(first([...question.bytes]) * 10));
  }
  const replies = await Promise.all(calls);
  assertEquals(replies.map(valuesOf), [[10], [20], [30]]);
  assertEquals(replies.map(({ sender }) => sender), [1, 1, 1]);
});

Deno.test("MessageReceiver.reply() carries handles, all or none", async () => {
  await using kernel = new Kernel();
  const { init } = kernel;
  const { sender, receiver } = init.createMessageQueue();
  const call = sender.call(bytes());
  const question = await receiver.receive();
  const { reader, writer } = init.createPipe();
  const stays = reader.duplicate(Rights.READ);
  throwsWith(
    "ACCESS_DENIED",
    () => receiver.reply(question, bytes(), { handles: [writer, stays] }),
  );
  throwsWith(
    "INVALID_ARGUMENT",
    () => receiver.reply(question, bytes(), { handles: [receiver] }),
  );
  throwsWith("MESSAGE_TOO_LONG", () => receiver.reply(question, new Uint8Array(65_537)));
  receiver.reply(question, bytes(1), { handles: [writer] });
  typed((await call).handles[0], PipeWriter);
});

Deno.test("MessageReceiver.reply() throws INVALID_STATE for a second reply", async () => {
  await using kernel = new Kernel();
  const { sender, receiver } = kernel.init.createMessageQueue();
  const call = sender.call(bytes());
  const question = await receiver.receive();
  receiver.reply(question, bytes(1));
  assertInstanceOf(
    throwsWith("INVALID_STATE", () => receiver.reply(question, bytes(2))),
    IpcError,
  );
  assertEquals(valuesOf(await call), [1]);
});

Deno.test("MessageReceiver.reply() throws INVALID_STATE for another queue's call", async () => {
  await using kernel = new Kernel();
  const one = kernel.init.createMessageQueue();
  const other = kernel.init.createMessageQueue();
  const call = one.sender.call(bytes());
  const question = await one.receiver.receive();
  throwsWith("INVALID_STATE", () => other.receiver.reply(question, bytes(2)));
  one.receiver.reply(question, bytes(1));
  assertEquals(valuesOf(await call), [1]);
});

Deno.test("MessageReceiver.reply() throws INVALID_STATE for forged ids and plain messages", async () => {
  await using kernel = new Kernel();
  const { sender, receiver } = kernel.init.createMessageQueue();
  const call = sender.call(bytes());
  const question = await receiver.receive();
  const queued = rejectsWith("PEER_CLOSED", sender.call(bytes()));
  const id = question.transactionId ?? 0;
  for (const transactionId of [id + 1, id - 1, 0, -1, NaN, 2 ** 60, "1", {}, null, undefined]) {
    const forged = { ...question, transactionId } as Message;
    throwsWith("INVALID_STATE", () => receiver.reply(forged, bytes(2)));
  }
  throwsWith("INVALID_ARGUMENT", () => receiver.reply(null as unknown as Message, bytes()));
  receiver.reply(question, bytes(1));
  assertEquals(valuesOf(await call), [1]);
  receiver.close();
  await queued;
});

Deno.test("MessageReceiver.reply() throws INVALID_STATE for a call that another task received", async () => {
  await using kernel = new Kernel();
  const { init } = kernel;
  const { sender, receiver } = init.createMessageQueue();
  const twin = receiver.duplicate();
  const call = sender.call(bytes());
  const question = await receiver.receive();
  const thief = init.spawn((task) => {
    const input = task.handle("in", MessageReceiver);
    return assertThrows(() => input.reply(question, bytes(6)), KernelError).code;
  }, { handles: { in: twin } });
  assertEquals(await thief.wait(), { state: "exited", code: 0, value: "INVALID_STATE" });
  receiver.reply(question, bytes(1));
  assertEquals(valuesOf(await call), [1]);
});

Deno.test("MessageReceiver.reply() throws INVALID_STATE after the caller gave up", async () => {
  const clock = new ManualClock();
  await using kernel = new Kernel({ clock });
  const { init } = kernel;
  const { sender, receiver } = init.createMessageQueue();
  const { reader } = init.createPipe();
  const abort = new AbortController();
  const late = rejectsWith("TIMED_OUT", sender.call(bytes(1), { timeoutMs: 5 }));
  const canceled = rejectsWith("CANCELED", sender.call(bytes(2), { signal: abort.signal }));
  const one = await receiver.receive();
  const two = await receiver.receive();
  clock.advance(5);
  abort.abort();
  await Promise.all([late, canceled]);
  throwsWith("INVALID_STATE", () => receiver.reply(one, bytes(), { handles: [reader] }));
  throwsWith("INVALID_STATE", () => receiver.reply(two, bytes()));
  assert(!reader.closed);
  const twin = sender.duplicate();
  const closed = rejectsWith("BAD_HANDLE", twin.call(bytes(3)));
  const three = await receiver.receive();
  twin.close();
  await closed;
  throwsWith("INVALID_STATE", () => receiver.reply(three, bytes()));
});

Deno.test("MessageReceiver.reply() throws INVALID_STATE after the caller's task has ended", async () => {
  await using kernel = new Kernel();
  const { sender, receiver } = kernel.init.createMessageQueue();
  const caller = kernel.init.spawn(
    (task) => task.handle("out", MessageSender).call(bytes(1)),
    { handles: { out: sender.duplicate() } },
  );
  const question = await receiver.receive();
  caller.kill();
  throwsWith("INVALID_STATE", () => receiver.reply(question, bytes()));
});

Deno.test("MessageSender.call() throws PEER_CLOSED when the receiver goes, received or not", async () => {
  await using kernel = new Kernel();
  const { sender, receiver } = kernel.init.createMessageQueue({ maxMessages: 1 });
  const received = rejectsWith("PEER_CLOSED", sender.call(bytes(1)));
  await receiver.receive();
  const queued = rejectsWith("PEER_CLOSED", sender.call(bytes(2)));
  const waiting = rejectsWith("PEER_CLOSED", sender.call(bytes(3)));
  receiver.close();
  await Promise.all([received, queued, waiting]);
  await rejectsWith("PEER_CLOSED", sender.call(bytes(4)));
});

Deno.test("MessageSender.call() throws PEER_CLOSED when who received it goes, whoever else stays", async () => {
  await using kernel = new Kernel();
  const { sender, receiver } = kernel.init.createMessageQueue();
  const worker = kernel.init.spawn(
    async (task) => void (await task.handle("in", MessageReceiver).receive()),
    { handles: { in: receiver.duplicate() } },
  );
  const call = rejectsWith("PEER_CLOSED", sender.call(bytes(1)));
  await worker.wait();
  await call;
  assert(receiver.isConnected);
});

Deno.test("MessageSender.call() with timeoutMs 0 sends nothing", async () => {
  await using kernel = new Kernel();
  const { init } = kernel;
  const { sender, receiver } = init.createMessageQueue();
  const { reader } = init.createPipe();
  await rejectsWith("TIMED_OUT", sender.call(bytes(1), { timeoutMs: 0, handles: [reader] }));
  assert(!reader.closed);
  assertEquals(receiver.tryReceive(), undefined);
});

Deno.test("MessageSender.call() that may not wait sends nothing", async () => {
  await using kernel = new Kernel({ limits: { pendingWaits: 0 } });
  const { sender, receiver } = kernel.init.createMessageQueue();
  await rejectsWith("LIMIT_EXCEEDED", sender.call(bytes(1)));
  assertEquals(receiver.tryReceive(), undefined);
});

Deno.test("MessageSender.call() waits its turn for room among other senders", async () => {
  await using kernel = new Kernel();
  const { sender, receiver } = kernel.init.createMessageQueue({ maxMessages: 1 });
  sender.trySend(bytes(1));
  const before = sender.send(bytes(2));
  const call = sender.call(bytes(3));
  const after = sender.send(bytes(4));
  assertEquals(valuesOf(await receiver.receive()), [1]);
  assertEquals(valuesOf(await receiver.receive()), [2]);
  const question = await receiver.receive();
  assertEquals(valuesOf(question), [3]);
  assertEquals(valuesOf(await receiver.receive()), [4]);
  receiver.reply(question, bytes(33));
  assertEquals(valuesOf(await call), [33]);
  await Promise.all([before, after]);
});

Deno.test("MessageSender.call() throws TOO_MANY_HANDLES without room and the reply's handles close", async () => {
  await using kernel = new Kernel();
  const { init } = kernel;
  const { sender, receiver } = init.createMessageQueue();
  const caller = init.spawn(async (task) => {
    const output = task.handle("out", MessageSender);
    const error = await assertRejects(() => output.call(bytes(1)), KernelError);
    return error.code;
  }, { handles: { out: sender }, limits: { handles: 1 } });
  const { reader, writer } = init.createPipe();
  receiver.reply(await receiver.receive(), bytes(), { handles: [reader] });
  assertEquals(await caller.wait(), { state: "exited", code: 0, value: "TOO_MANY_HANDLES" });
  assert(!writer.isConnected);
});

Deno.test("MessageReceiver.notify() sends one event at the next turn from empty to non-empty", async () => {
  await using kernel = new Kernel();
  const { init } = kernel;
  const { sender, receiver } = init.createMessageQueue();
  const content: EventContent = { type: "notification", notification: "mail" };
  sender.trySend(bytes(1));
  receiver.notify({ type: "notification", notification: "replaced" });
  receiver.notify(content, { type: "integer", value: 5n });
  sender.trySend(bytes(2));
  assertEquals(init.events.tryReceive(), undefined, "it was not empty");
  receiver.tryReceive();
  receiver.tryReceive();
  sender.trySend(bytes(3));
  receiver.tryReceive();
  sender.trySend(bytes(4));
  const event = init.events.tryReceive();
  assertEquals(event?.content, content);
  assertEquals(event?.payload, { type: "integer", value: 5n });
  assertEquals(event?.delivery.type, "direct");
  assertEquals(init.events.tryReceive(), undefined, "once");
});

Deno.test("MessageReceiver.notify() ends with its handle", () => {
  const { init } = new Kernel();
  const { sender, receiver } = init.createMessageQueue();
  const twin = receiver.duplicate();
  twin.notify({ type: "notification", notification: "mail" });
  twin.close();
  sender.trySend(bytes(1));
  assertEquals(init.events.tryReceive(), undefined);
});

Deno.test("Message queues ask for WRITE to send and READ to receive, reply and notify", async () => {
  await using kernel = new Kernel();
  const { sender, receiver } = kernel.init.createMessageQueue();
  const mute = sender.duplicate(Rights.ALL & sender.rights & ~Rights.WRITE);
  const deaf = receiver.duplicate(receiver.rights & ~Rights.READ);
  throwsWith("ACCESS_DENIED", () => mute.trySend(bytes()));
  await rejectsWith("ACCESS_DENIED", mute.call(bytes()));
  throwsWith("ACCESS_DENIED", () => deaf.tryReceive());
  await rejectsWith("ACCESS_DENIED", deaf.receiveInto(bytes()));
  throwsWith("ACCESS_DENIED", () => deaf.reply({ transactionId: 1 } as Message, bytes()));
  throwsWith(
    "ACCESS_DENIED",
    () => deaf.notify({ type: "notification", notification: "" }),
  );
  assertEquals(mute.peerCount, 2);
  const blind = sender.duplicate(Rights.TRANSFER);
  throwsWith("ACCESS_DENIED", () => blind.peerCount);
});

Deno.test("Queued messages count against their sender's limit until they are received", async () => {
  await using kernel = new Kernel();
  const { init } = kernel;
  const { sender, receiver } = init.createMessageQueue();
  const child = init.spawn((task) => {
    const output = task.handle("out", MessageSender);
    output.trySend(bytes(1));
    output.trySend(bytes(2));
    return assertThrows(() => output.trySend(bytes(3)), KernelError).code;
  }, { handles: { out: sender }, limits: { queuedMessages: 2 } });
  assertEquals(await child.wait(), { state: "exited", code: 0, value: "LIMIT_EXCEEDED" });
  assertEquals(kernel.tasks()[0]?.usage.queuedMessages, 2, "after the sender's end too");
  receiver.tryReceive();
  assertEquals(kernel.tasks()[0]?.usage.queuedMessages, 1);
  receiver.close();
  assertEquals(kernel.tasks()[0]?.usage.queuedMessages, 0);
});

Deno.test("A chain of thousands of queues in each other's messages closes at once", async () => {
  await using kernel = new Kernel({ limits: { objects: 100_000 } });
  const { init } = kernel;
  const before = kernel.tasks()[0]?.usage.objects;
  let inner = init.createMessageQueue().receiver;
  for (let i = 0; i < 20_000; i++) {
    const outer = init.createMessageQueue();
    outer.sender.trySend(bytes(), { handles: [inner] });
    outer.sender.close();
    inner = outer.receiver;
  }
  inner.close();
  assertEquals(kernel.tasks()[0]?.usage.objects, (before ?? 0) + 1, "the innermost sender is left");
});

Deno.test("Queues that keep each other alive end with the kernel", async () => {
  const kernel = new Kernel();
  const { init } = kernel;
  const one = init.createMessageQueue();
  const two = init.createMessageQueue();
  const { reader, writer } = init.createPipe();
  const child = init.spawn(
    (task) => task.handle("writer", PipeWriter).waitFor(Signals.PEER_CLOSED),
    { handles: { writer } },
  );
  two.sender.trySend(bytes(), { handles: [reader] });
  one.sender.trySend(bytes(), { handles: [two.receiver] });
  two.sender.trySend(bytes(), { handles: [one.receiver] });
  one.sender.close();
  two.sender.close();
  assertEquals(kernel.tasks()[0]?.usage.queuedMessages, 3);
  child.kill();
  await kernel.shutdown();
  assertEquals(kernel.tasks()[0]?.usage.queuedMessages ?? 0, 0);
});
