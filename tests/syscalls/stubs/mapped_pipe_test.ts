import { assert, assertEquals } from "@std/assert";
import { type Handle, type PipeReader, type PipeWriter, Rights, Signals } from "@carmine/kernel";
import { codeOf, settle, type Thread, Threads } from "../../_threads.ts";

const readerOf = ({ stub }: Thread): PipeReader => stub.handle("in");
const writerOf = ({ stub }: Thread): PipeWriter => stub.handle("out");

/** What a read gives that never waits. */
function bytesOf(reader: PipeReader, most = 100): number[] {
  const into = new Uint8Array(most);
  return [...into.subarray(0, Math.max(0, reader.tryRead(into)))];
}

Deno.test("a thread that has both ends of a pipe wakes who waits for what it writes", async () => {
  using threads = new Threads();
  const { reader, writer } = threads.init.createPipe();
  const thread = threads.spawn({ in: reader.duplicate(), out: writer });
  writerOf(thread).tryWrite(Uint8Array.of(1));
  assertEquals(bytesOf(readerOf(thread)), [1]); // it has its seats on both sides
  const inKernel = reader.waitFor(Signals.READABLE);
  const into = new Uint8Array(1);
  const inThread = readerOf(thread).read(into);
  await settle();
  writerOf(thread).tryWrite(Uint8Array.of(2, 3));
  assertEquals(await inThread, 1);
  assertEquals(await inKernel, Signals.READABLE);
});

Deno.test("a thread that has both ends of a pipe wakes who waits for room", async () => {
  using threads = new Threads();
  const { reader, writer } = threads.init.createPipe({ capacity: 4 });
  const thread = threads.spawn({ in: reader, out: writer.duplicate() });
  assertEquals(bytesOf(readerOf(thread)), []);
  writerOf(thread).tryWrite(Uint8Array.of(1, 2, 3, 4));
  const inKernel = writer.waitFor(Signals.WRITABLE);
  const inThread = writerOf(thread).write(Uint8Array.of(5));
  await settle();
  assertEquals(bytesOf(readerOf(thread), 2), [1, 2]);
  assertEquals(await inThread, 1);
  assertEquals(await inKernel, Signals.WRITABLE);
});

/** How a handle can be lost, and what its calls are told then. */
const LOSSES: Record<string, [code: string, lose: (lent: Handle, held: Handle) => void]> = {
  closed: ["BAD_HANDLE", (_lent, held) => held.close()],
  replaced: ["BAD_HANDLE", (_lent, held) => void held.replace(held.rights & ~Rights.MAP)],
  revoked: ["REVOKED", (lent) => lent.revoke()],
};

for (const [what, [code, lose]] of Object.entries(LOSSES)) {
  Deno.test(`a mapped reader that was ${what} reads no more, though its thread has another`, async () => {
    using threads = new Threads();
    const { reader, writer } = threads.init.createPipe();
    writer.tryWrite(Uint8Array.of(1, 2, 3, 4, 5, 6));
    const lent = reader.duplicate();
    const thread = threads.spawn({ in: lent.duplicate(), other: reader.duplicate(), out: writer });
    const other = thread.stub.handle<PipeReader>("other");
    assertEquals(bytesOf(readerOf(thread), 1), [1]);
    assertEquals(bytesOf(other, 1), [2]);
    assertEquals(writerOf(thread).tryWrite(Uint8Array.of(7)), 1);
    const waiting = codeOf(() => {
      bytesOf(other);
      return readerOf(thread).read(new Uint8Array(1));
    });
    await settle();
    lose(lent, readerOf(thread));
    assertEquals(await waiting, code);
    assertEquals(await codeOf(() => bytesOf(readerOf(thread))), code);
    assertEquals(await codeOf(() => readerOf(thread).peek()), code);
    assertEquals(writerOf(thread).tryWrite(Uint8Array.of(8)), 1);
    assertEquals(bytesOf(other), [8]);
    assertEquals(await codeOf(() => readerOf(thread).read(new Uint8Array(1))), code);
  });

  Deno.test(`a mapped writer that was ${what} writes no more, though its thread has another`, async () => {
    using threads = new Threads();
    const { reader, writer } = threads.init.createPipe({ capacity: 4 });
    const lent = writer.duplicate();
    const thread = threads.spawn({ out: lent.duplicate(), other: writer, in: reader });
    const other = thread.stub.handle<PipeWriter>("other");
    assertEquals(writerOf(thread).tryWrite(Uint8Array.of(1)), 1);
    assertEquals(other.tryWrite(Uint8Array.of(2)), 1);
    assertEquals(bytesOf(readerOf(thread)), [1, 2]);
    const waiting = codeOf(() => writerOf(thread).write(Uint8Array.of(1, 2, 3, 4, 5, 6)));
    await settle();
    lose(lent, writerOf(thread));
    assertEquals(await waiting, code);
    assertEquals(await codeOf(() => writerOf(thread).tryWrite(Uint8Array.of(9))), code);
    assertEquals(await codeOf(() => writerOf(thread).reserve(1)), code);
    assertEquals(bytesOf(readerOf(thread)), [1, 2, 3, 4]);
    assertEquals(other.tryWrite(Uint8Array.of(3)), 1);
    assertEquals(bytesOf(readerOf(thread)), [3]);
  });
}

Deno.test("PipeReader.consume() takes nothing when another thread read since the peek, and left", async () => {
  using threads = new Threads();
  const { reader, writer } = threads.init.createPipe();
  const [first, second] = [0, 1].map(() => threads.spawn({ in: reader.duplicate() }));
  assert(first !== undefined && second !== undefined);
  const thread = threads.spawn({ out: writer });
  writerOf(thread).tryWrite(Uint8Array.of(1, 2, 3, 4, 5));
  assertEquals([...readerOf(first).peek()], [1, 2, 3, 4, 5]);
  assertEquals(bytesOf(readerOf(second), 2), [1, 2]);
  readerOf(second).close();
  assertEquals(await codeOf(() => readerOf(first).consume(2)), "INVALID_STATE");
  assertEquals([...readerOf(first).peek()], [3, 4, 5]);
  readerOf(first).consume(1);
  assertEquals([...readerOf(first).peek()], [4, 5]);
  assertEquals(bytesOf(reader, 1), [4]); // the kernel reads
  assertEquals(await codeOf(() => readerOf(first).consume(1)), "INVALID_STATE");
  assertEquals(bytesOf(readerOf(first)), [5]);
});

Deno.test("PipeReader.consume() in the kernel takes nothing when a thread read since the peek, and left", async () => {
  using threads = new Threads();
  const { reader, writer } = threads.init.createPipe();
  const thread = threads.spawn({ in: reader.duplicate() });
  writer.tryWrite(Uint8Array.of(1, 2, 3, 4, 5));
  assertEquals([...reader.peek()], [1, 2, 3, 4, 5]);
  assertEquals(bytesOf(readerOf(thread), 2), [1, 2]);
  readerOf(thread).close();
  assertEquals(await codeOf(() => reader.consume(2)), "INVALID_STATE");
  assertEquals(bytesOf(reader), [3, 4, 5]);
});

Deno.test("PipeReader.consume() goes on after moves that no reader came or went with", () => {
  using threads = new Threads();
  const { reader, writer } = threads.init.createPipe({ capacity: 6 });
  const thread = threads.spawn({ in: reader });
  const other = threads.spawn({ out: writer.duplicate() });
  writerOf(other).tryWrite(Uint8Array.of(1, 2, 3, 4));
  assertEquals([...readerOf(thread).peek()], [1, 2, 3, 4]);
  writer.tryWrite(Uint8Array.of(5)); // the kernel writes too
  readerOf(thread).consume(2);
  writerOf(other).close();
  readerOf(thread).consume(1);
  assertEquals(bytesOf(readerOf(thread)), [4, 5]);
});

Deno.test("reserve and peek go on through the kernel when the thread has lost its seat", async () => {
  using threads = new Threads();
  const { reader, writer } = threads.init.createPipe();
  const out = threads.spawn({ out: writer.duplicate(), other: writer });
  const into = threads.spawn({ in: reader.duplicate(), other: reader });
  const others = [out, into].map(({ stub }) => stub.handle<PipeReader | PipeWriter>("other"));
  const [otherWriter, otherReader] = others as [PipeWriter, PipeReader];
  writerOf(out).tryWrite(Uint8Array.of(1));
  otherWriter.tryWrite(Uint8Array.of(2));
  assertEquals([bytesOf(readerOf(into), 1), bytesOf(otherReader, 1)], [[1], [2]]);
  otherWriter.close(); // with the seats through the handles that are left
  otherReader.close();
  writerOf(out).reserve(3)?.set([3, 4, 5]);
  writerOf(out).commit(2);
  assertEquals([...readerOf(into).peek()], [3, 4]);
  readerOf(into).consume(1);
  writerOf(out).reserve(1)?.set([6]); // it has a seat again
  writerOf(out).commit(1);
  assertEquals([...readerOf(into).peek()], [4, 6]);
  readerOf(into).consume(2);
  assertEquals(await codeOf(() => readerOf(into).consume(1)), "OUT_OF_RANGE");
  assertEquals(await codeOf(() => writerOf(out).commit(1)), "INVALID_STATE");
});

Deno.test("commit and consume after a revocation do nothing, and say so", async () => {
  using threads = new Threads();
  const { reader, writer } = threads.init.createPipe();
  const [out, into] = [
    threads.spawn({ out: writer.duplicate() }),
    threads.spawn({
      in: reader.duplicate(),
    }),
  ];
  writerOf(out).tryWrite(Uint8Array.of(1, 2, 3));
  writerOf(out).reserve(2)?.fill(9);
  assertEquals(readerOf(into).peek().length, 3);
  writer.revoke();
  reader.revoke();
  assertEquals(await codeOf(() => writerOf(out).commit(2)), "REVOKED");
  assertEquals(await codeOf(() => readerOf(into).consume(2)), "REVOKED");
  assertEquals(bytesOf(reader), [1, 2, 3]);
});

Deno.test("PipeWriter.commit() publishes nothing that another handle of its thread reserved", async () => {
  using threads = new Threads();
  const { reader, writer } = threads.init.createPipe();
  const thread = threads.spawn({ out: writer.duplicate(), other: writer });
  const other = thread.stub.handle<PipeWriter>("other");
  writerOf(thread).reserve(1)?.set([1]);
  other.reserve(1)?.set([2]);
  assertEquals(await codeOf(() => writerOf(thread).commit(1)), "INVALID_STATE");
  assertEquals(bytesOf(reader), []);
  other.reserve(1)?.set([3]);
  other.commit(1);
  assertEquals(bytesOf(reader), [3]);
});

Deno.test("PipeReader.consume() takes nothing that another handle of its thread was shown", async () => {
  using threads = new Threads();
  const { reader, writer } = threads.init.createPipe();
  const thread = threads.spawn({ in: reader.duplicate(), other: reader.duplicate() });
  const other = thread.stub.handle<PipeReader>("other");
  writer.tryWrite(Uint8Array.of(1));
  assertEquals([...readerOf(thread).peek()], [1]);
  assertEquals(bytesOf(reader), [1]);
  writer.tryWrite(Uint8Array.of(2));
  assertEquals([...other.peek()], [2]);
  assertEquals(await codeOf(() => readerOf(thread).consume(1)), "INVALID_STATE");
  other.consume(1);
  assertEquals(bytesOf(reader), []);
});

Deno.test("PipeReader.consume() takes nothing when it was shown as one of several, and is alone now", async () => {
  using threads = new Threads();
  const { reader, writer } = threads.init.createPipe();
  const thread = threads.spawn({ in: reader.duplicate(), out: writer.duplicate() });
  const other = threads.spawn({ in: reader });
  writer.tryWrite(Uint8Array.of(1));
  assertEquals([...readerOf(other).peek()], [1]);
  assertEquals([...readerOf(thread).peek()], [1]);
  assertEquals(bytesOf(readerOf(other)), [1]);
  readerOf(other).close();
  writerOf(thread).tryWrite(Uint8Array.of(2)); // and learns of the move
  writerOf(thread).tryWrite(Uint8Array.of(3));
  assertEquals(await codeOf(() => readerOf(thread).consume(1)), "INVALID_STATE");
  assertEquals(bytesOf(readerOf(thread)), [2, 3]);
});

Deno.test("PipeReader.consume() in the kernel takes nothing when a thread that was there read, and left", async () => {
  using threads = new Threads();
  const { reader, writer } = threads.init.createPipe();
  const thread = threads.spawn({ in: reader.duplicate() });
  assertEquals(bytesOf(readerOf(thread)), []);
  writer.tryWrite(Uint8Array.of(1, 2));
  assertEquals([...reader.peek()], [1, 2]);
  assertEquals(bytesOf(readerOf(thread), 1), [1]);
  readerOf(thread).close();
  assertEquals(await codeOf(() => reader.consume(1)), "INVALID_STATE");
  assertEquals(bytesOf(reader), [2]);
});

Deno.test("PipeReader.consume() in the kernel takes nothing that another handle was shown, where threads read", async () => {
  using threads = new Threads();
  const { reader, writer } = threads.init.createPipe();
  const other = reader.duplicate();
  const thread = threads.spawn({ in: reader.duplicate() });
  assertEquals(bytesOf(readerOf(thread)), []);
  writer.tryWrite(Uint8Array.of(1));
  assertEquals([...reader.peek()], [1]);
  assertEquals(bytesOf(readerOf(thread)), [1]);
  writer.tryWrite(Uint8Array.of(2));
  assertEquals([...other.peek()], [2]);
  assertEquals(await codeOf(() => reader.consume(1)), "INVALID_STATE");
  other.consume(1);
});
