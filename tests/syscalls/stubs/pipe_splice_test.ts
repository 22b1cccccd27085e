import { assertEquals, assertRejects } from "@std/assert";
import {
  type ErrorCode,
  Kernel,
  KernelError,
  ManualClock,
  type PipeReader,
  type PipeWriter,
  Rights,
} from "@carmine/kernel";

function bytes(length: number, first = 0): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, (_, i) => (first + i) & 0xff);
}

function take(reader: PipeReader, most = 1 << 17): number[] {
  const into = new Uint8Array(most);
  return [...into.subarray(0, Math.max(0, reader.tryRead(into)))];
}

async function assertFails(code: ErrorCode, action: Promise<unknown>): Promise<KernelError> {
  const error = await assertRejects(() => action, KernelError);
  assertEquals(error.code, code);
  return error;
}

/** Two pipes, and a kernel whose clock stands still. */
function twoPipes(
  capacity?: { from?: number; to?: number },
): { kernel: Kernel; clock: ManualClock; from: Ends; to: Ends } {
  const clock = new ManualClock();
  const kernel = new Kernel({ clock });
  const from = kernel.init.createPipe({ capacity: capacity?.from ?? 100 });
  const to = kernel.init.createPipe({ capacity: capacity?.to ?? 100 });
  return { kernel, clock, from, to };
}

interface Ends {
  readonly reader: PipeReader;
  readonly writer: PipeWriter;
}

Deno.test("Task.splice() moves what is there, up to the bytes asked for", async () => {
  const { kernel, from, to } = twoPipes();
  await using _ = kernel;
  from.writer.tryWrite(bytes(10));
  assertEquals(await kernel.init.splice(from.reader, to.writer, 4), 4);
  assertEquals(await kernel.init.splice(from.reader, to.writer, 100), 6);
  assertEquals(take(to.reader), [...bytes(10)]);
  assertEquals(await kernel.init.splice(from.reader, to.writer, 0), 0);
});

Deno.test("Task.splice() waits until at least one byte could be moved", async () => {
  const { kernel, from, to } = twoPipes({ to: 2 });
  await using _ = kernel;
  const moving = kernel.init.splice(from.reader, to.writer, 10);
  from.writer.tryWrite(bytes(5));
  assertEquals(await moving, 2);
  const next = kernel.init.splice(from.reader, to.writer, 10);
  assertEquals(take(to.reader, 1), [0]);
  assertEquals(await next, 1);
  assertEquals(take(to.reader), [1, 2]);
});

Deno.test("Task.splice() gives 0 at the end of the source, BROKEN_PIPE without readers", async () => {
  const { kernel, from, to } = twoPipes();
  await using _ = kernel;
  const waiting = kernel.init.splice(from.reader, to.writer, 10);
  from.writer.close();
  assertEquals(await waiting, 0);
  assertEquals(await kernel.init.splice(from.reader, to.writer, 10), 0);
  to.reader.close();
  await assertFails("BROKEN_PIPE", kernel.init.splice(from.reader, to.writer, 10));
});

Deno.test("Task.splice() throws BROKEN_PIPE when the last reader goes while it waits for data", async () => {
  const { kernel, from, to } = twoPipes();
  await using _ = kernel;
  const waiting = kernel.init.splice(from.reader, to.writer, 10);
  to.reader.close();
  const error = await assertFails("BROKEN_PIPE", waiting);
  assertEquals(error.syscall, "splice");
});

Deno.test("Task.tee() copies and leaves the bytes", async () => {
  const { kernel, from, to } = twoPipes();
  await using _ = kernel;
  const copying = kernel.init.tee(from.reader, to.writer, 4);
  from.writer.tryWrite(bytes(6));
  assertEquals(await copying, 4);
  assertEquals(take(to.reader), [0, 1, 2, 3]);
  assertEquals(take(from.reader), [0, 1, 2, 3, 4, 5]);
});

Deno.test("Task.splice() needs READ on the one and WRITE on the other, of two byte pipes", async () => {
  const { kernel, from, to } = twoPipes();
  await using _ = kernel;
  const { init } = kernel;
  const blind = from.reader.duplicate(Rights.WAIT);
  await assertFails("ACCESS_DENIED", init.splice(blind, to.writer, 1));
  const mute = to.writer.duplicate(Rights.WAIT);
  await assertFails("ACCESS_DENIED", init.splice(from.reader, mute, 1));
  await assertFails("INVALID_ARGUMENT", init.splice(from.reader, from.writer, 1));
  await assertFails("OUT_OF_RANGE", init.tee(from.reader, to.writer, -1));
  await assertFails("INVALID_ARGUMENT", init.tee(from.reader, to.writer, 1.5));
  const packets = init.createPipe({ packet: true });
  await assertFails("NOT_SUPPORTED", init.splice(packets.reader, to.writer, 1));
  await assertFails("NOT_SUPPORTED", init.splice(from.reader, packets.writer, 1));
  await assertFails("BAD_HANDLE", init.splice({} as PipeReader, to.writer, 1));
});

Deno.test("Task.splice() throws WOULD_BLOCK when either handle is nonblocking", async () => {
  const { kernel, from, to } = twoPipes();
  await using _ = kernel;
  const { init } = kernel;
  const nonblocking = init.createPipe({ nonblocking: true });
  await assertFails("WOULD_BLOCK", init.splice(nonblocking.reader, to.writer, 1));
  await assertFails("WOULD_BLOCK", init.splice(from.reader, nonblocking.writer, 1));
});

Deno.test("Task.splice() that waits for data lets writers into its target pass", async () => {
  const { kernel, from, to } = twoPipes();
  await using _ = kernel;
  const moving = kernel.init.splice(from.reader, to.writer, 10);
  assertEquals(to.writer.tryWrite(bytes(2, 50)), 2);
  assertEquals(await to.writer.write(bytes(1, 60)), 1);
  from.writer.tryWrite(bytes(1));
  assertEquals(await moving, 1);
  assertEquals(take(to.reader), [50, 51, 60, 0]);
});

Deno.test("Task.splice() that waits for room lets readers of its source pass", async () => {
  const { kernel, from, to } = twoPipes({ to: 1 });
  await using _ = kernel;
  to.writer.tryWrite(bytes(1, 50));
  from.writer.tryWrite(bytes(2));
  const moving = kernel.init.splice(from.reader, to.writer, 10);
  assertEquals(take(from.reader, 1), [0]);
  const into = new Uint8Array(1);
  assertEquals(await from.reader.read(into), 1);
  assertEquals(take(to.reader), [50]); // room, but no data any more
  from.writer.tryWrite(bytes(1, 9));
  assertEquals(await moving, 1);
  assertEquals(take(to.reader), [9]);
});

Deno.test("Task.splice() that waits for both lets others of each pass as they can", async () => {
  const { kernel, from, to } = twoPipes({ to: 1 });
  await using _ = kernel;
  to.writer.tryWrite(bytes(1, 50));
  const moving = kernel.init.splice(from.reader, to.writer, 10);
  const writing = to.writer.write(bytes(1, 60)); // behind the splice, which has no data
  assertEquals(take(to.reader), [50]);
  assertEquals(await writing, 1);
  const reading = from.reader.read(new Uint8Array(1)); // behind the splice, which has no room
  from.writer.tryWrite(bytes(1));
  assertEquals(await reading, 1);
  from.writer.tryWrite(bytes(1, 7));
  assertEquals(take(to.reader), [60]);
  assertEquals(await moving, 1);
  assertEquals(take(to.reader), [7]);
});

Deno.test("Task.splice() takes its turn among the readers of its source", async () => {
  const { kernel, from, to } = twoPipes();
  await using _ = kernel;
  const first = from.reader.read(new Uint8Array(2));
  const second = kernel.init.splice(from.reader, to.writer, 2);
  const third = from.reader.read(new Uint8Array(2));
  from.writer.tryWrite(bytes(2));
  assertEquals(await first, 2);
  from.writer.tryWrite(bytes(2, 2));
  assertEquals(await second, 2);
  from.writer.tryWrite(bytes(2, 4));
  assertEquals(await third, 2);
  assertEquals(take(to.reader), [2, 3]);
});

Deno.test("Task.splice() takes its turn among the writers of its target", async () => {
  const { kernel, from, to } = twoPipes({ to: 4 });
  await using _ = kernel;
  to.writer.tryWrite(bytes(3));
  const first = to.writer.write(bytes(4, 10)); // whole or not at all
  from.writer.tryWrite(bytes(2, 20));
  // There is room for a byte, and a byte: the write was first.
  const second = kernel.init.splice(from.reader, to.writer, 9);
  assertEquals(take(to.reader, 1), [0]);
  assertEquals(from.reader.availableBytes, 2);
  // More data in the source doesn't let it pass either.
  from.writer.tryWrite(bytes(1, 22));
  assertEquals(take(to.reader), [1, 2]);
  assertEquals(await first, 4);
  assertEquals(take(to.reader), [10, 11, 12, 13]);
  assertEquals(await second, 3);
  assertEquals(take(to.reader), [20, 21, 22]);
});

Deno.test("Task.splice() learns that its turn has come although its target is full again", async () => {
  const { kernel, from, to } = twoPipes({ to: 4 });
  await using _ = kernel;
  to.writer.tryWrite(bytes(3));
  const first = to.writer.write(bytes(4, 10));
  const second = kernel.init.splice(from.reader, to.writer, 9);
  from.writer.close(); // the end, when it is the splice's turn
  take(to.reader);
  assertEquals(await first, 4);
  assertEquals(to.reader.availableBytes, 4);
  assertEquals(await second, 0);
});

Deno.test("Task.splice() goes on when the write before it gives up", async () => {
  const { kernel, clock, from, to } = twoPipes({ to: 4 });
  await using _ = kernel;
  to.writer.tryWrite(bytes(3));
  const first = to.writer.write(bytes(4, 10), { timeoutMs: 5 });
  from.writer.tryWrite(bytes(1, 20));
  const second = kernel.init.splice(from.reader, to.writer, 9);
  clock.advance(5);
  await assertFails("TIMED_OUT", first);
  assertEquals(await second, 1);
  assertEquals(take(to.reader), [0, 1, 2, 20]);
});

Deno.test("Task.splice() that ends early leaves no trace in either queue", async () => {
  const { kernel, clock, from, to } = twoPipes();
  await using _ = kernel;
  const late = kernel.init.splice(from.reader, to.writer, 1, { timeoutMs: 5 });
  clock.advance(5);
  await assertFails("TIMED_OUT", late);
  const abort = new AbortController();
  const canceled = kernel.init.splice(from.reader, to.writer, 1, { signal: abort.signal });
  abort.abort("enough");
  assertEquals((await assertFails("CANCELED", canceled)).cause, "enough");
  from.writer.tryWrite(bytes(1));
  assertEquals([from.reader.availableBytes, to.reader.availableBytes], [1, 0]);
  assertEquals(kernel.tasks()[0]?.usage.pendingWaits, 0);
});

Deno.test("Task.splice() ends with BAD_HANDLE when either handle closes", async () => {
  const { kernel, from, to } = twoPipes();
  await using _ = kernel;
  const [source, sink] = [from.reader.duplicate(), to.writer.duplicate()];
  const moves = [
    kernel.init.splice(source, to.writer, 1),
    kernel.init.splice(from.reader, sink, 1),
  ];
  const number = from.reader.number;
  source.close();
  await assertFails("BAD_HANDLE", moves[0] as Promise<number>);
  sink.close();
  const error = await assertFails("BAD_HANDLE", moves[1] as Promise<number>);
  assertEquals(
    error.message,
    `Cannot splice from handle ${number} (pipe reader): its pipe writer was closed while the call waited`,
  );
});

Deno.test("a chain of splices passes everything on", async () => {
  await using kernel = new Kernel();
  const { init } = kernel;
  const pipes = [7, 3, 5, 4].map((capacity) => init.createPipe({ capacity }));
  const pumps = pipes.slice(1).map(async (to, i) => {
    const from = pipes[i] as Ends;
    let total = 0;
    for (let n; (n = await init.splice(from.reader, to.writer, 1_000)) > 0;) total += n;
    to.writer.close();
    return total;
  });
  const all = bytes(1_000);
  const writing = pipes[0]?.writer.write(all).then(() => pipes[0]?.writer.close());
  const got: number[] = [];
  for await (const chunk of pipes[3]?.reader as PipeReader) got.push(...chunk);
  await writing;
  assertEquals(got, [...all]);
  assertEquals(await Promise.all(pumps), [1_000, 1_000, 1_000]);
});
