import { assertEquals } from "@std/assert";
import { type Counter, type PipeReader, type PipeWriter, Signals } from "@carmine/kernel";
import { settle, type Thread, Threads } from "../../_threads.ts";

const readerOf = ({ stub }: Thread): PipeReader => stub.handle("in");
const writerOf = ({ stub }: Thread): PipeWriter => stub.handle("out");

Deno.test("an edge-triggered wait set hears of bytes that threads wrote after they had read all", async () => {
  using threads = new Threads();
  const { reader, writer } = threads.init.createPipe();
  const thread = threads.spawn({ in: reader.duplicate(), out: writer });
  writerOf(thread).tryWrite(Uint8Array.of(1));
  const set = threads.init.createWaitSet();
  set.add(reader, Signals.READABLE, 1, { edge: true });
  for (let i = 0; i < 10; i++) {
    assertEquals(await set.wait(), [{ key: 1, signals: Signals.READABLE }]);
    await settle(); // whoever attends to it is at rest
    readerOf(thread).tryRead(new Uint8Array(1));
    writerOf(thread).tryWrite(Uint8Array.of(1));
  }
});

Deno.test("wait sets, waitMany and waitFor hear of what threads do to pipes and counters", async () => {
  using threads = new Threads();
  const { init } = threads;
  const { reader, writer } = init.createPipe({ capacity: 2 });
  const counter = init.createCounter();
  const thread = threads.spawn({
    in: reader.duplicate(),
    out: writer.duplicate(),
    counter: counter.duplicate(),
  });
  const mapped = thread.stub.handle<Counter>("counter");
  mapped.tryAdd(0);
  writerOf(thread).tryWrite(Uint8Array.of(1, 2));
  readerOf(thread).tryRead(new Uint8Array(2));
  const set = init.createWaitSet();
  set.add(reader, Signals.READABLE, "bytes");
  set.add(counter, Signals.READABLE, "count");
  for (let i = 0; i < 10; i++) {
    const bytes = set.wait();
    await settle();
    writerOf(thread).tryWrite(Uint8Array.of(1, 2));
    assertEquals(await bytes, [{ key: "bytes", signals: Signals.READABLE }]);
    const room = init.waitMany([{ handle: writer, signals: Signals.WRITABLE }]);
    await settle();
    readerOf(thread).tryRead(new Uint8Array(2));
    assertEquals((await room).length, 1);
    const count = [set.wait(), counter.waitFor(Signals.READABLE)] as const;
    await settle();
    mapped.tryAdd(1);
    assertEquals(await count[0], [{ key: "count", signals: Signals.READABLE }]);
    assertEquals(await count[1], Signals.READABLE);
    assertEquals(mapped.tryTake(), 1n);
  }
});

Deno.test("who gives up waiting leaves nobody who attends to the next", async () => {
  using threads = new Threads();
  const { reader, writer } = threads.init.createPipe();
  const thread = threads.spawn({ out: writer });
  writerOf(thread).tryWrite(Uint8Array.of(1));
  const into = new Uint8Array(1);
  await reader.read(into);
  for (let i = 0; i < 10; i++) {
    const abort = new AbortController();
    const given = reader.read(into, { signal: abort.signal }).catch(() => "given up");
    if (i % 2 === 0) await settle();
    abort.abort();
    assertEquals(await given, "given up");
    const next = reader.read(into);
    if (i % 3 === 0) await settle();
    writerOf(thread).tryWrite(Uint8Array.of(i));
    assertEquals([await next, into[0]], [1, i]);
  }
});
