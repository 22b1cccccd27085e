import { assertEquals, assertInstanceOf } from "@std/assert";
import {
  Kernel,
  ManualClock,
  PipeError,
  PipeReader,
  PipeWriter,
  Rights,
  Signals,
} from "@carmine/kernel";
import { assertCode, assertFails } from "../../_codes.ts";

const PIPE_BUF = 4_096;

function bytes(length: number, first = 0): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, (_, i) => (first + i) & 0xff);
}

/** What is in the pipe now, taken out. */
function take(reader: PipeReader, most = 1 << 17): number[] {
  const into = new Uint8Array(most);
  return [...into.subarray(0, Math.max(0, reader.tryRead(into)))];
}

Deno.test("Task.createPipe() gives a reader and a writer with the rights that they can use", async () => {
  await using kernel = new Kernel();
  const { reader, writer } = kernel.init.createPipe();
  assertInstanceOf(reader, PipeReader);
  assertInstanceOf(writer, PipeWriter);
  assertEquals([reader.bufferSize, writer.bufferSize], [65_536, 65_536]);
  const common = Rights.WAIT | Rights.DUPLICATE | Rights.TRANSFER | Rights.MAP | Rights.INSPECT |
    Rights.CONTROL | Rights.REVOKE;
  assertEquals(reader.rights, common | Rights.READ);
  assertEquals(writer.rights, common | Rights.WRITE);
});

Deno.test("Task.createPipe() takes capacities of 1 … 1 GiB", async () => {
  await using kernel = new Kernel();
  for (const capacity of [0, -1, 2 ** 30 + 1]) {
    assertCode("OUT_OF_RANGE", () => kernel.init.createPipe({ capacity }));
  }
  for (const capacity of [1.5, NaN, "1" as unknown as number, null as unknown as number]) {
    assertCode("INVALID_ARGUMENT", () => kernel.init.createPipe({ capacity }));
  }
  for (const capacity of [1, 100, 2 ** 30]) {
    const { reader, writer } = kernel.init.createPipe({ capacity });
    assertEquals(reader.bufferSize, capacity);
    reader.close();
    writer.close();
  }
});

Deno.test("Task.createPipe() fails whole when there is no room for a handle or for the bytes", async () => {
  await using kernel = new Kernel({ limits: { handles: 3, bufferBytes: 1_000 } });
  assertCode("LIMIT_EXCEEDED", () => kernel.init.createPipe({ capacity: 1_001 }));
  kernel.init.createPipe({ capacity: 1 });
  assertCode("TOO_MANY_HANDLES", () => kernel.init.createPipe({ capacity: 1 }));
  assertEquals(kernel.tasks()[0]?.usage.objects, 2);
  assertEquals(kernel.tasks()[0]?.usage.bufferBytes, 1);
});

Deno.test("PipeReader.read() waits for bytes and takes what is there", async () => {
  await using kernel = new Kernel();
  const { reader, writer } = kernel.init.createPipe();
  const into = new Uint8Array(10);
  const reading = reader.read(into);
  writer.tryWrite(bytes(3));
  assertEquals(await reading, 3);
  assertEquals([...into.subarray(0, 3)], [0, 1, 2]);
});

Deno.test("PipeReader.read() gives 0 when the last writer closes while it waits", async () => {
  await using kernel = new Kernel();
  const { reader, writer } = kernel.init.createPipe();
  const second = writer.duplicate();
  const reading = reader.read(new Uint8Array(1));
  writer.close();
  assertEquals(reader.hasWriters, true);
  second.close();
  assertEquals(await reading, 0);
  assertEquals(reader.tryRead(new Uint8Array(1)), 0);
});

Deno.test("PipeReader.read() serves waiting readers first-in first-out", async () => {
  await using kernel = new Kernel();
  const { reader, writer } = kernel.init.createPipe();
  const buffers = [1, 2, 3].map(() => new Uint8Array(2));
  const reads = buffers.map((into) => reader.read(into));
  // Bytes are there for nobody else, and a newcomer may not overtake.
  writer.tryWrite(bytes(2));
  assertEquals(reader.tryRead(new Uint8Array(1)), -1);
  writer.tryWrite(bytes(3, 2));
  assertEquals(await Promise.all(reads), [2, 2, 1]);
  assertEquals(buffers.map((into) => into[0]), [0, 2, 4]);
});

Deno.test("PipeReader.read() and PipeWriter.write() of no bytes wait for nobody", async () => {
  await using kernel = new Kernel();
  const { reader, writer } = kernel.init.createPipe({ capacity: 1 });
  const reading = reader.read(new Uint8Array(1));
  assertEquals(await reader.read(new Uint8Array(0)), 0);
  assertEquals(reader.tryRead(new Uint8Array(0)), 0);
  writer.tryWrite(bytes(1));
  await reading;
  writer.tryWrite(bytes(1));
  const writing = writer.write(bytes(1));
  assertEquals(await writer.write(new Uint8Array(0)), 0);
  assertEquals(writer.tryWrite(new Uint8Array(0)), 0);
  take(reader);
  await writing;
});

Deno.test("PipeWriter.write() serves waiting writers first-in first-out, small ones too", async () => {
  await using kernel = new Kernel();
  const { reader, writer } = kernel.init.createPipe({ capacity: 4 });
  writer.tryWrite(bytes(4));
  const writes = [writer.write(bytes(3, 10)), writer.write(bytes(1, 20))];
  assertEquals(take(reader, 2), [0, 1]);
  // Two are free: room for the second write and for this one, but the first comes first.
  assertEquals(writer.tryWrite(bytes(1, 30)), -1);
  assertEquals(take(reader, 1), [2]);
  assertEquals(await writes[0], 3);
  assertEquals(take(reader), [3, 10, 11, 12]);
  assertEquals(await writes[1], 1);
  assertEquals(take(reader), [20]);
});

Deno.test("PipeWriter.write() writes all of a long write, as room comes", async () => {
  await using kernel = new Kernel();
  const { reader, writer } = kernel.init.createPipe({ capacity: 1_000 });
  const all = bytes(10_000);
  const writing = writer.write(all);
  const got: number[] = [];
  while (got.length < all.length) got.push(...take(reader, 777));
  assertEquals(await writing, 10_000);
  assertEquals(got, [...all]);
});

Deno.test("PipeWriter.write() of more than the pipe holds goes on when a reader waits already", async () => {
  await using kernel = new Kernel();
  const { reader, writer } = kernel.init.createPipe({ capacity: 5 });
  const first = reader.read(new Uint8Array(5));
  const writing = writer.write(bytes(12));
  assertEquals(await first, 5);
  // The reader has made room before the writer began to wait.
  assertEquals(reader.availableBytes, 5);
  take(reader);
  assertEquals(await writing, 12);
  assertEquals(take(reader), [10, 11]);
});

Deno.test("PipeWriter.write() never mixes writes of at most 4,096 bytes of several writers", async () => {
  await using kernel = new Kernel();
  const { reader, writer } = kernel.init.createPipe({ capacity: PIPE_BUF + 100 });
  const writes = [PIPE_BUF, 3_000, 17, PIPE_BUF, 1].flatMap((length, who) =>
    [0, 1, 2].map(() => writer.duplicate().write(new Uint8Array(length).fill(who)))
  );
  const total = 3 * (PIPE_BUF + 3_000 + 17 + PIPE_BUF + 1);
  const got: number[] = [];
  while (got.length < total) got.push(...take(reader, 1_000));
  await Promise.all(writes);
  const expected = [PIPE_BUF, 3_000, 17, PIPE_BUF, 1].flatMap((length, who) =>
    new Array<number>(3 * length).fill(who)
  );
  assertEquals(got, expected);
});

Deno.test("PipeWriter.write() throws BROKEN_PIPE when no reader is left, also while it waits", async () => {
  await using kernel = new Kernel();
  const { reader, writer } = kernel.init.createPipe({ capacity: 2 });
  const second = reader.duplicate();
  writer.tryWrite(bytes(2));
  const writing = writer.write(bytes(1));
  reader.close();
  assertEquals(writer.hasReaders, true);
  second.close();
  const error = await assertFails("BROKEN_PIPE", writing);
  assertInstanceOf(error, PipeError);
  const number = writer.number;
  assertEquals(error.message, `Cannot write to handle ${number} (pipe writer): no reader is left`);
  assertEquals(error.syscall, "stream_write");
  assertEquals(error.transferred, undefined);
  assertCode("BROKEN_PIPE", () => writer.tryWrite(bytes(1)));
});

Deno.test("PipeWriter.write() that ends early says how much it had written", async () => {
  const clock = new ManualClock();
  await using kernel = new Kernel({ clock });
  const { reader, writer } = kernel.init.createPipe({ capacity: 5_000 });
  const long = bytes(12_000);
  assertEquals(
    (await assertFails("TIMED_OUT", writer.write(long, { timeoutMs: 0 }))).transferred,
    5_000,
  );
  take(reader);
  const late = writer.write(long, { timeoutMs: 10 });
  take(reader, 1_000);
  clock.advance(10);
  assertEquals((await assertFails("TIMED_OUT", late)).transferred, 6_000);
  take(reader);
  const abort = new AbortController();
  const canceled = writer.write(long, { signal: abort.signal });
  abort.abort("enough");
  const error = await assertFails("CANCELED", canceled);
  assertEquals([error.transferred, error.cause], [5_000, "enough"]);
  take(reader);
  const broken = writer.write(long);
  reader.close();
  assertEquals((await assertFails("BROKEN_PIPE", broken)).transferred, 5_000);
});

Deno.test("PipeWriter.write() of at most 4,096 bytes that ends early has written nothing", async () => {
  const clock = new ManualClock();
  await using kernel = new Kernel({ clock });
  const { reader, writer } = kernel.init.createPipe({ capacity: 5 });
  writer.tryWrite(bytes(3));
  const writing = writer.write(bytes(4), { timeoutMs: 10 });
  clock.advance(10);
  assertEquals((await assertFails("TIMED_OUT", writing)).transferred, undefined);
  assertEquals(take(reader), [0, 1, 2]);
});

Deno.test("PipeWriter.write() at the limit of waits says how much it had written", async () => {
  await using kernel = new Kernel({ limits: { pendingWaits: 0 } });
  const { writer } = kernel.init.createPipe({ capacity: 5_000 });
  const error = await assertFails("LIMIT_EXCEEDED", writer.write(bytes(9_000)));
  assertEquals(error.transferred, 5_000);
});

Deno.test("a waiting write leaves its turn to the next when it ends early", async () => {
  const clock = new ManualClock();
  await using kernel = new Kernel({ clock });
  const { reader, writer } = kernel.init.createPipe({ capacity: 4 });
  writer.tryWrite(bytes(2));
  const first = writer.write(bytes(4), { timeoutMs: 10 });
  const second = writer.write(bytes(2, 10));
  clock.advance(10);
  await assertFails("TIMED_OUT", first);
  assertEquals(await second, 2);
  assertEquals(take(reader), [0, 1, 10, 11]);
});

Deno.test("a wait ends with BAD_HANDLE when its handle closes and REVOKED when it is revoked", async () => {
  await using kernel = new Kernel();
  const { reader, writer } = kernel.init.createPipe();
  const child = reader.duplicate();
  const reads = [reader.read(new Uint8Array(1)), child.read(new Uint8Array(1))];
  reader.revoke();
  await assertFails("REVOKED", reads[1] as Promise<number>);
  reader.close();
  await assertFails("BAD_HANDLE", reads[0] as Promise<number>);
  assertCode("BROKEN_PIPE", () => writer.tryWrite(bytes(1)));
});

Deno.test("a nonblocking handle's plain forms throw WOULD_BLOCK, and a long write writes what fits", async () => {
  await using kernel = new Kernel();
  const { reader, writer } = kernel.init.createPipe({ capacity: 5_000, nonblocking: true });
  await assertFails("WOULD_BLOCK", reader.read(new Uint8Array(1)));
  assertEquals(await writer.write(bytes(9_000)), 5_000);
  await assertFails("WOULD_BLOCK", writer.write(bytes(9_000)));
  await assertFails("WOULD_BLOCK", writer.write(bytes(1)));
  assertEquals(writer.tryWrite(bytes(1)), -1);
  assertEquals(await reader.read(new Uint8Array(9_000)), 5_000);
  assertEquals(reader.duplicate().query().nonblocking, true);
});

Deno.test("a pipe in packet mode keeps the boundaries of writes", async () => {
  await using kernel = new Kernel();
  const { reader, writer } = kernel.init.createPipe({ packet: true });
  await writer.write(bytes(5));
  await writer.write(bytes(2, 10));
  assertEquals(reader.availableBytes, 5);
  const error = await assertFails("BUFFER_TOO_SMALL", reader.read(new Uint8Array(4)));
  assertEquals(error.needed, 5);
  assertEquals(take(reader), [0, 1, 2, 3, 4]);
  assertEquals(take(reader), [10, 11]);
  await assertFails("MESSAGE_TOO_LONG", writer.write(bytes(PIPE_BUF + 1)));
  await writer.writev([bytes(2), bytes(2, 10)]);
  assertEquals(take(reader), [0, 1, 10, 11]);
});

Deno.test("PipeWriter.writev() writes its parts together", async () => {
  await using kernel = new Kernel();
  const { reader, writer } = kernel.init.createPipe({ capacity: 6 });
  assertEquals(await writer.writev([]), 0);
  assertEquals(await writer.writev([bytes(2), bytes(0), bytes(2, 10)]), 4);
  // Six would be whole or not at all.
  const writing = writer.writev([bytes(3, 20), bytes(3, 30)]);
  assertEquals(reader.availableBytes, 4);
  assertEquals(take(reader), [0, 1, 10, 11]);
  assertEquals(await writing, 6);
  assertEquals(take(reader), [20, 21, 22, 30, 31, 32]);
});

Deno.test("PipeWriter.writev() refuses parts that are no Uint8Array or are detached", async () => {
  await using kernel = new Kernel();
  const { reader, writer } = kernel.init.createPipe();
  await assertFails("INVALID_ARGUMENT", writer.writev([bytes(1), "x" as unknown as Uint8Array]));
  const gone = bytes(1);
  gone.buffer.transfer();
  await assertFails("INVALID_ARGUMENT", writer.writev([bytes(1), gone]));
  const fake = Object.create(Uint8Array.prototype);
  const proxy = new Proxy(bytes(1), {});
  for (const parts of [null, undefined, 5, { length: 1, 0: bytes(1) }, [fake], [proxy]]) {
    await assertFails("INVALID_ARGUMENT", writer.writev(parts as unknown as Uint8Array[]));
  }
  assertEquals(reader.availableBytes, 0);
});

Deno.test("PipeReader.tryRead() and PipeWriter.tryWrite() refuse a buffer that was detached since", async () => {
  await using kernel = new Kernel();
  const { reader, writer } = kernel.init.createPipe();
  const [from, into] = [bytes(3), new Uint8Array(3)];
  for (let i = 0; i < 3; i++) {
    assertEquals([writer.tryWrite(from), reader.tryRead(into)], [3, 3]);
  }
  writer.tryWrite(from);
  for (const gone of [from, into]) gone.buffer.transfer();
  assertCode("INVALID_ARGUMENT", () => writer.tryWrite(from));
  assertCode("INVALID_ARGUMENT", () => reader.tryRead(into));
  assertEquals(take(reader), [0, 1, 2]);
});

Deno.test("PipeReader and PipeWriter tell about the pipe with READ, WRITE or INSPECT", async () => {
  await using kernel = new Kernel();
  const { reader, writer } = kernel.init.createPipe({ capacity: 3 });
  const view = writer.duplicate(Rights.INSPECT);
  writer.tryWrite(bytes(3));
  assertEquals(
    [view.isReadable, view.isWritable, view.bufferSize, view.availableBytes],
    [false, true, 3, 3],
  );
  assertEquals([view.hasReaders, view.hasWriters, view.isConnected, view.peerCount], [
    true,
    true,
    true,
    1,
  ]);
  assertEquals(reader.peerCount, 2);
  assertEquals(reader.description, "pipe reader, 3 of 3 bytes, 2 peers");
  const blind = writer.duplicate(Rights.WAIT);
  assertCode("ACCESS_DENIED", () => blind.availableBytes);
  assertCode("ACCESS_DENIED", () => blind.peerCount);
});

Deno.test("PipeReader.read() needs READ and PipeWriter.write() WRITE, and neither needs WAIT", async () => {
  await using kernel = new Kernel();
  const { reader, writer } = kernel.init.createPipe();
  assertCode("ACCESS_DENIED", () => reader.duplicate(Rights.WAIT).tryRead(bytes(1)));
  assertCode("ACCESS_DENIED", () => writer.duplicate(Rights.WAIT).tryWrite(bytes(1)));
  const reading = reader.duplicate(Rights.READ).read(new Uint8Array(1));
  await writer.duplicate(Rights.WRITE).write(bytes(1));
  assertEquals(await reading, 1);
});

Deno.test("PipeReader.peek() and PipeWriter.reserve() work on the ring itself with MAP alone", async () => {
  await using kernel = new Kernel();
  const { reader, writer } = kernel.init.createPipe({ capacity: 64 });
  const room = writer.reserve(3);
  room?.set([1, 2, 3]);
  writer.commit(2);
  const shown = reader.peek();
  assertEquals([...shown], [1, 2]);
  assertEquals(room?.buffer === shown.buffer, true);
  reader.consume(2);
  const unmapped = reader.replace(reader.rights & ~Rights.MAP);
  writer.tryWrite(bytes(1));
  assertEquals(unmapped.peek().buffer instanceof ArrayBuffer, true);
  assertEquals(writer.reserve(64), undefined);
  assertEquals(writer.reserve(63)?.length, 63);
});

Deno.test("PipeReader.consume() and PipeWriter.commit() belong to the handle that began", async () => {
  await using kernel = new Kernel();
  const { reader, writer } = kernel.init.createPipe();
  writer.tryWrite(bytes(2));
  const [otherReader, otherWriter] = [reader.duplicate(), writer.duplicate()];
  reader.peek();
  writer.reserve(1);
  assertCode("INVALID_STATE", () => otherReader.consume(1));
  assertCode("INVALID_STATE", () => otherWriter.commit(1));
  writer.commit(1);
  reader.consume(2);
});

Deno.test("PipeReader.waitFor() reports READABLE and PEER_CLOSED as they come", async () => {
  await using kernel = new Kernel();
  const { reader, writer } = kernel.init.createPipe();
  const readable = reader.waitFor(Signals.READABLE);
  writer.tryWrite(bytes(1));
  assertEquals(await readable, Signals.READABLE);
  const closed = reader.waitFor(Signals.PEER_CLOSED);
  writer.close();
  assertEquals(await closed, Signals.PEER_CLOSED);
});

Deno.test("a stopped or ended task's waiting read does not keep bytes from others", async () => {
  await using kernel = new Kernel();
  const { reader, writer } = kernel.init.createPipe();
  const lent = reader.duplicate();
  const child = kernel.init.spawn((task) => task.handle("in", PipeReader).read(new Uint8Array(9)), {
    handles: { in: lent },
  });
  await reader.read(new Uint8Array(0));
  const reading = reader.read(new Uint8Array(9));
  child.kill();
  writer.tryWrite(bytes(2));
  assertEquals(await reading, 2);
  assertEquals(await child.wait(), { state: "killed" });
});
