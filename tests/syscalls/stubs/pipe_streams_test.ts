import { assertEquals, assertInstanceOf, assertRejects, assertThrows } from "@std/assert";
import {
  type ErrorCode,
  Kernel,
  KernelError,
  PipeReader,
  Rights,
  Signals,
  type Task,
  type TaskHandle,
} from "@carmine/kernel";

const encoder = new TextEncoder();

function bytes(length: number, first = 0): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, (_, i) => (first + i) & 0xff);
}

async function assertFails(code: ErrorCode, action: Promise<unknown>): Promise<KernelError> {
  const error = await assertRejects(() => action, KernelError);
  assertEquals(error.code, code);
  return error;
}

/** A byte stream of the given chunks, then its end or an error. */
function source(chunks: unknown[], error?: Error): ReadableStream<Uint8Array> {
  return new ReadableStream<unknown>({
    pull(controller) {
      const chunk = chunks.shift();
      if (chunk !== undefined) controller.enqueue(chunk);
      else if (error === undefined) controller.close();
      else controller.error(error);
    },
  }) as ReadableStream<Uint8Array>;
}

Deno.test("PipeReader.readable gives the pipe's bytes until its end, then closes the handle", async () => {
  await using kernel = new Kernel();
  const { reader, writer } = kernel.init.createPipe();
  assertEquals(reader.readable, reader.readable);
  await writer.write(encoder.encode("hello, "));
  const text = new Response(reader.readable).text();
  await writer.write(encoder.encode("world"));
  writer.close();
  assertEquals(await text, "hello, world");
  assertEquals(reader.closed, true);
});

Deno.test("PipeReader.readable gives chunks on buffers of their own", async () => {
  await using kernel = new Kernel();
  const { reader, writer } = kernel.init.createPipe();
  const chunks = reader.readable.getReader();
  writer.tryWrite(bytes(2));
  const first = (await chunks.read()).value;
  writer.tryWrite(bytes(2, 10));
  const second = (await chunks.read()).value;
  assertEquals([[...first ?? []], [...second ?? []]], [[0, 1], [10, 11]]);
  assertInstanceOf(first?.buffer, ArrayBuffer);
});

Deno.test("PipeReader.readable reads into a BYOB reader's buffer", async () => {
  await using kernel = new Kernel();
  const { reader, writer } = kernel.init.createPipe();
  const byob = reader.readable.getReader({ mode: "byob" });
  writer.tryWrite(bytes(5));
  const { value } = await byob.read(new Uint8Array(3));
  assertEquals([...value ?? []], [0, 1, 2]);
  assertEquals(reader.availableBytes, 2);
  const rest = byob.read(new Uint8Array(8), { min: 4 });
  writer.tryWrite(bytes(2, 5));
  assertEquals([...(await rest).value ?? []], [3, 4, 5, 6]);
  const end = byob.read(new Uint8Array(8));
  writer.close();
  const { value: nothing, done } = await end;
  assertEquals([nothing?.length, done], [0, true]);
});

Deno.test("PipeReader.readable takes nothing that its consumer has not asked for", async () => {
  await using kernel = new Kernel();
  const { reader, writer } = kernel.init.createPipe({ capacity: 4 });
  const stream = reader.readable;
  writer.tryWrite(bytes(4));
  await Promise.resolve();
  assertEquals([reader.availableBytes, writer.tryWrite(bytes(1))], [4, -1]);
  await stream.cancel();
});

Deno.test("PipeReader.readable, cancelled, closes the handle, and writers get BROKEN_PIPE", async () => {
  await using kernel = new Kernel();
  const { reader, writer } = kernel.init.createPipe({ capacity: 1 });
  writer.tryWrite(bytes(1));
  const writing = writer.write(bytes(1));
  await reader.readable.cancel("no more");
  assertEquals(reader.closed, true);
  await assertFails("BROKEN_PIPE", writing);
});

Deno.test("PipeReader.readable, cancelled while it waits for bytes, ends cleanly", async () => {
  await using kernel = new Kernel();
  const { reader } = kernel.init.createPipe();
  const chunks = reader.readable.getReader();
  const waiting = chunks.read();
  await chunks.cancel();
  assertEquals((await waiting).done, true);
});

Deno.test("PipeReader.readable errors as a read would, and closes the handle", async () => {
  await using kernel = new Kernel();
  const { reader, writer } = kernel.init.createPipe();
  const lent = reader.duplicate();
  const waiting = lent.readable.getReader().read();
  reader.revoke();
  await assertFails("REVOKED", waiting);
  await writer.writable.abort("why");
  const error = await assertFails("BROKEN_PIPE", reader.readable.getReader().read());
  assertEquals([error.cause, reader.closed], ["why", true]);
});

Deno.test("PipeReader.readable cuts up packets that a BYOB reader has no room for", async () => {
  await using kernel = new Kernel();
  const { reader, writer } = kernel.init.createPipe({ packet: true });
  writer.tryWrite(bytes(5));
  writer.tryWrite(bytes(1, 9));
  const byob = reader.readable.getReader({ mode: "byob" });
  const got: number[][] = [];
  for (let i = 0; i < 4; i++) {
    if (i === 3) writer.close();
    got.push([...(await byob.read(new Uint8Array(3))).value ?? []]);
  }
  assertEquals(got, [[0, 1, 2], [3, 4], [9], []]);
});

Deno.test("PipeReader.readable and PipeWriter.writable are NOT_SUPPORTED on nonblocking handles", async () => {
  await using kernel = new Kernel();
  const { reader, writer } = kernel.init.createPipe({ nonblocking: true });
  for (const get of [() => reader.readable, () => writer.writable]) {
    assertEquals(assertThrows(get, KernelError).code, "NOT_SUPPORTED");
  }
});

Deno.test("PipeWriter.writable writes chunks and ends the stream when closed", async () => {
  await using kernel = new Kernel();
  const { reader, writer } = kernel.init.createPipe();
  assertEquals(writer.writable, writer.writable);
  await source([bytes(2), bytes(2, 2)]).pipeTo(writer.writable);
  assertEquals(writer.closed, true);
  const into = new Uint8Array(8);
  assertEquals([await reader.read(into), await reader.read(into)], [4, 0]);
});

Deno.test("PipeWriter.writable is held back by the pipe's capacity", async () => {
  await using kernel = new Kernel();
  const { reader, writer } = kernel.init.createPipe({ capacity: 2 });
  const chunks = writer.writable.getWriter();
  const first = chunks.write(bytes(2));
  await first;
  const second = chunks.write(bytes(2));
  assertEquals(chunks.desiredSize, 0);
  await reader.read(new Uint8Array(2));
  await second;
  assertEquals(await chunks.ready, undefined);
});

Deno.test("PipeWriter.writable, aborted, gives readers BROKEN_PIPE with the reason", async () => {
  await using kernel = new Kernel();
  const { reader, writer } = kernel.init.createPipe({ capacity: 2 });
  const chunks = writer.writable.getWriter();
  const written = chunks.write(bytes(6_000)); // under way: two bytes are in the pipe
  const reason = new Error("the disk is full");
  await reader.waitFor(Signals.READABLE);
  const aborting = chunks.abort(reason);
  await assertRejects(() => written);
  await aborting;
  assertEquals(writer.closed, true);
  const error = await assertFails("BROKEN_PIPE", reader.read(new Uint8Array(1)));
  assertEquals(error.cause, reason);
});

Deno.test("PipeWriter.writable errors at once when the last reader goes, even while idle", async () => {
  await using kernel = new Kernel();
  const { reader, writer } = kernel.init.createPipe();
  const chunks = writer.writable.getWriter();
  reader.close();
  const error = await assertFails("BROKEN_PIPE", chunks.closed);
  assertEquals(error.syscall, "stream_write");
  assertEquals(writer.closed, true);
});

Deno.test("PipeWriter.writable without WAIT errors at the next write", async () => {
  await using kernel = new Kernel();
  const { reader, writer } = kernel.init.createPipe();
  const chunks = writer.replace(Rights.WRITE).writable.getWriter();
  const closed = assertFails("BROKEN_PIPE", chunks.closed);
  reader.close();
  await assertFails("BROKEN_PIPE", chunks.write(bytes(1)));
  await closed;
});

Deno.test("PipeWriter.writable errors at once when its handle is revoked", async () => {
  await using kernel = new Kernel();
  const { writer } = kernel.init.createPipe();
  const chunks = writer.duplicate().writable.getWriter();
  writer.revoke();
  await assertFails("REVOKED", chunks.closed);
});

Deno.test("PipeWriter.writable refuses a chunk that is no Uint8Array, and readers hear of it", async () => {
  await using kernel = new Kernel();
  const { reader, writer } = kernel.init.createPipe();
  const chunks = writer.writable.getWriter();
  const closed = assertRejects(() => chunks.closed);
  const error = await assertFails("INVALID_ARGUMENT", chunks.write("text" as never));
  assertEquals(error.message.endsWith('bytes must be a Uint8Array, not "text"'), true);
  await closed;
  const broken = await assertFails("BROKEN_PIPE", reader.read(new Uint8Array(1)));
  assertEquals(broken.cause, error);
});

Deno.test("PipeWriter.writable leaves no wait behind when it is closed", async () => {
  await using kernel = new Kernel();
  const { writer } = kernel.init.createPipe();
  const stream = writer.writable;
  assertEquals(kernel.tasks()[0]?.usage.pendingWaits, 1);
  await stream.close();
  assertEquals(kernel.tasks()[0]?.usage.pendingWaits, 0);
});

Deno.test("a pipe joins two host streams with its ends", async () => {
  await using kernel = new Kernel();
  const { reader, writer } = kernel.init.createPipe({ capacity: 100 });
  const all = bytes(10_000);
  const copying = source([all.slice(0, 3_000), all.slice(3_000)]).pipeTo(writer.writable);
  assertEquals(new Uint8Array(await new Response(reader.readable).arrayBuffer()), all);
  await copying;
});

Deno.test("PipeReader[Symbol.asyncIterator]() gives chunks until the end and leaves the handle open", async () => {
  await using kernel = new Kernel();
  const { reader, writer } = kernel.init.createPipe();
  writer.tryWrite(bytes(3));
  const got: Uint8Array<ArrayBuffer>[] = [];
  for await (const chunk of reader) {
    got.push(chunk);
    if (got.length < 3) writer.tryWrite(bytes(2, 10 * got.length));
    else writer.close();
  }
  assertEquals(got.map((chunk) => [...chunk]), [[0, 1, 2], [10, 11], [20, 21]]);
  assertEquals(reader.closed, false);
});

Deno.test("PipeReader[Symbol.asyncIterator]() hands large chunks over as the consumer's own", async () => {
  await using kernel = new Kernel();
  const { reader, writer } = kernel.init.createPipe();
  const got: Uint8Array[] = [];
  writer.tryWrite(new Uint8Array(65_536).fill(1));
  for await (const chunk of reader) {
    got.push(chunk);
    if (got.length === 2) break;
    writer.tryWrite(new Uint8Array(65_536).fill(2));
  }
  assertEquals(got.map((chunk) => [chunk.length, chunk[0], chunk[65_535]]), [
    [65_536, 1, 1],
    [65_536, 2, 2],
  ]);
});

Deno.test("leaving a PipeReader's iteration early neither closes the handle nor loses bytes", async () => {
  await using kernel = new Kernel();
  const { reader, writer } = kernel.init.createPipe();
  writer.tryWrite(bytes(3));
  for await (const chunk of reader) {
    assertEquals(chunk.length, 3);
    break;
  }
  writer.tryWrite(bytes(2));
  const into = new Uint8Array(8);
  assertEquals(await reader.read(into), 2);
});

Deno.test("PipeReader's iterator takes back a read that is under way when it is left", async () => {
  await using kernel = new Kernel();
  const { reader, writer } = kernel.init.createPipe();
  const iterator = reader[Symbol.asyncIterator]();
  const waiting = [iterator.next(), iterator.next()];
  await iterator.return?.();
  writer.tryWrite(bytes(2));
  assertEquals(await Promise.all(waiting), [
    { done: true, value: undefined },
    { done: true, value: undefined },
  ]);
  assertEquals(reader.availableBytes, 2);
  assertEquals(await iterator.next(), { done: true, value: undefined });
});

Deno.test("PipeReader's iterator throws what a read would", async () => {
  await using kernel = new Kernel();
  const { reader, writer } = kernel.init.createPipe();
  const next = reader[Symbol.asyncIterator]().next();
  await writer.writable.abort("why");
  assertEquals((await assertFails("BROKEN_PIPE", next)).cause, "why");
});

Deno.test("Task.fromReadable() gives a pipe's end with the stream's bytes", async () => {
  await using kernel = new Kernel();
  const reader = kernel.init.fromReadable(source([bytes(3), bytes(2, 3)]));
  assertInstanceOf(reader, PipeReader);
  const got: number[] = [];
  for await (const chunk of reader) got.push(...chunk);
  assertEquals(got, [0, 1, 2, 3, 4]);
});

Deno.test("Task.fromReadable() carries the stream's error to readers", async () => {
  await using kernel = new Kernel();
  const why = new Error("the network is down");
  const reader = kernel.init.fromReadable(source([], why));
  const error = await assertFails("BROKEN_PIPE", reader.read(new Uint8Array(1)));
  assertEquals(error.cause, why);
});

Deno.test("Task.fromReadable() cancels the stream when the reader closes", async () => {
  await using kernel = new Kernel();
  const cancelled = Promise.withResolvers<unknown>();
  const stream = new ReadableStream<Uint8Array>({ cancel: cancelled.resolve });
  kernel.init.fromReadable(stream).close();
  assertEquals((await cancelled.promise as KernelError).code, "BROKEN_PIPE");
});

Deno.test("Task.fromReadable() cancels the stream when the task ends", async () => {
  await using kernel = new Kernel();
  const cancelled = Promise.withResolvers<unknown>();
  const stream = new ReadableStream<Uint8Array>({ cancel: cancelled.resolve });
  kernel.init.spawn((task) => void task.fromReadable(stream));
  assertInstanceOf(await cancelled.promise, KernelError);
});

Deno.test("Task.fromReadable() refuses chunks that are no Uint8Array", async () => {
  await using kernel = new Kernel();
  const reader = kernel.init.fromReadable(source(["text"]));
  const error = await assertFails("BROKEN_PIPE", reader.read(new Uint8Array(1)));
  assertInstanceOf(error.cause, KernelError);
  assertEquals(error.cause.code, "INVALID_ARGUMENT");
});

Deno.test("Task.fromReadable() and fromWritable() refuse what is no stream or is locked", async () => {
  await using kernel = new Kernel();
  const { init } = kernel;
  const readable = source([]);
  readable.getReader();
  const writable = new WritableStream<Uint8Array>();
  writable.getWriter();
  const actions = [
    () => init.fromReadable(readable),
    () => init.fromWritable(writable),
    () => init.fromReadable(undefined as never),
    () => init.fromReadable(writable as never),
    () => init.fromWritable({} as never),
    () => init.fromWritable(readable as never),
  ];
  for (const action of actions) {
    assertEquals(assertThrows(action, KernelError).code, "INVALID_ARGUMENT");
  }
  assertEquals(kernel.tasks()[0]?.usage.objects, 0);
});

Deno.test("Task.fromWritable() writes a pipe's bytes into the stream and closes it", async () => {
  await using kernel = new Kernel();
  const got: number[] = [];
  const closed = Promise.withResolvers<void>();
  const writer = kernel.init.fromWritable(
    new WritableStream({
      write: (chunk) => void got.push(...chunk),
      close: () => closed.resolve(),
    }),
  );
  await writer.write(bytes(3));
  await writer.write(bytes(2, 3));
  writer.close();
  await closed.promise;
  assertEquals(got, [0, 1, 2, 3, 4]);
});

Deno.test("Task.fromWritable() carries an abort to the stream", async () => {
  await using kernel = new Kernel();
  const aborted = Promise.withResolvers<KernelError>();
  const writer = kernel.init.fromWritable(new WritableStream({ abort: aborted.resolve }));
  await writer.writable.abort("why");
  const error = await aborted.promise;
  assertEquals([error.code, error.cause], ["BROKEN_PIPE", "why"]);
});

Deno.test("Task.fromWritable() gives writers BROKEN_PIPE when the stream errors", async () => {
  await using kernel = new Kernel();
  const stream = new WritableStream<Uint8Array>({
    write: () => Promise.reject(new Error("full")),
  });
  const writer = kernel.init.fromWritable(stream);
  await writer.write(bytes(1));
  // A write that finds no reader, or that was waiting when the last one went.
  await assertFails("BROKEN_PIPE", writer.write(new Uint8Array(1 << 20)));
});

Deno.test("streams work inside tasks on handles that were moved to them", async () => {
  await using kernel = new Kernel();
  const { reader, writer } = kernel.init.createPipe();
  const child: TaskHandle = kernel.init.spawn(
    (task: Task) => new Response(task.handle("in", PipeReader).readable).text(),
    { handles: { in: reader } },
  );
  await source([encoder.encode("through a stream")]).pipeTo(writer.writable);
  assertEquals(await child.wait(), { state: "exited", code: 0, value: "through a stream" });
});
