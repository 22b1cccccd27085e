import { assertEquals } from "@std/assert";
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
