import { assertEquals } from "@std/assert";
import { type PipeReader, type PipeWriter, Signals } from "@carmine/kernel";
import { settle, type Thread, Threads } from "../../_threads.ts";

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
