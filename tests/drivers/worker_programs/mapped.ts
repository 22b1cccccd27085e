/** What tasks do to pipes, counters and memory that they have mapped; the argument says what. */
import {
  Counter,
  MessageReceiver,
  MessageSender,
  PipeReader,
  PipeWriter,
  SharedMemory,
} from "@carmine/kernel";
import { task } from "@carmine/kernel/task";

const [what, countText] = task.args;
const count = Number(countText);
let value: unknown;

switch (what) {
  case "write": {
    // Records of two numbers: who wrote it, and the how manyeth it is.
    const out = task.handle("out", PipeWriter);
    const record = new Int32Array(2);
    record[0] = task.id;
    const bytes = new Uint8Array(record.buffer);
    for (let i = 0; i < count; i++) {
      record[1] = i;
      out.writeSync(bytes);
    }
    break;
  }
  case "read": {
    const input = task.handle("in", PipeReader);
    const record = new Uint8Array(8);
    const seen: [number, number][] = [];
    const words = new Int32Array(record.buffer);
    while (input.readSync(record) === 8) seen.push([words[0] ?? -1, words[1] ?? -1]);
    value = seen;
    break;
  }
  case "echo": {
    const [input, out] = [task.handle("in", PipeReader), task.handle("out", PipeWriter)];
    const byte = new Uint8Array(1);
    while (input.readSync(byte) === 1) out.writeSync(byte);
    break;
  }
  case "relay": {
    // Writes a while, and gives the end that it writes through to the next one.
    const [turns, pass] = [
      task.handle("turns", MessageReceiver),
      task.handle("pass", MessageSender),
    ];
    const { handles: [given], bytes: [turn = 0] } = await turns.receive();
    const out = given as PipeWriter;
    const first = turn * count;
    const record = new Int32Array(1);
    for (let i = 0; i < count; i++) {
      record[0] = first + i;
      if (i % 2 === 0) out.writeSync(new Uint8Array(record.buffer));
      else await out.write(new Uint8Array(record.buffer));
    }
    await pass.send(Uint8Array.of(turn + 1), { handles: [out] });
    break;
  }
  case "blocked": {
    // Waits in a read that nobody serves, while another call of the thread ends its handle.
    const input = task.handle("in", PipeReader);
    const codes: string[] = [];
    const waiting = input.read(new Uint8Array(1)).catch((error) => codes.push(error.code));
    if (countText === "close") input.close();
    else await task.handle("pass", MessageSender).send(new Uint8Array(1), { handles: [input] });
    await waiting;
    try {
      input.readSync(new Uint8Array(1));
    } catch (error) {
      codes.push((error as { code: string }).code);
    }
    value = codes;
    break;
  }
  case "blocked for ever": {
    task.handle("in", PipeReader).readSync(new Uint8Array(1));
    break;
  }
  case "long": {
    // More than the ring holds, at once.
    const bytes = new Uint8Array(count).map((_, i) => i);
    task.handle("out", PipeWriter).writeSync(bytes);
    break;
  }
  case "shared memory": {
    using view = task.handle("memory", SharedMemory).map();
    for (let i = 0; i < count; i++) view.add(0, 1);
    view.notify(0);
    value = view.bytes.buffer instanceof SharedArrayBuffer;
    break;
  }
  case "semaphore": {
    // The permit guards a number that only its holder changes, and not atomically.
    const permit = task.handle("permit", Counter);
    using view = task.handle("memory", SharedMemory).map();
    for (let i = 0; i < count; i++) {
      permit.takeSync();
      const { int32 } = view;
      int32[0] = (int32[0] ?? 0) + 1;
      permit.addSync(1);
    }
    break;
  }
  case "window": {
    const [reader, writer] = [task.handle("in", PipeReader), task.handle("out", PipeWriter)];
    const room = writer.reserve(3);
    room?.set([1, 2, 3]);
    writer.commit(2);
    const shown = reader.peek();
    const bytes = [...shown];
    reader.consume(1);
    const isRing = [room, shown].map((view) => view?.buffer instanceof SharedArrayBuffer);
    value = { isRing, bytes, rest: [...reader.peek()] };
    break;
  }
  case "async": {
    const [reader, writer] = [task.handle("in", PipeReader), task.handle("out", PipeWriter)];
    const [first, second, third] = [0, 1, 2].map(() => new Uint8Array(1)) as [
      Uint8Array,
      Uint8Array,
      Uint8Array,
    ];
    const order: string[] = [];
    const reads = [
      reader.read(first).then(() => order.push("first")),
      reader.read(second).then(() => order.push("second")),
    ];
    const tried = reader.tryRead(third); // others were here first
    writer.tryWrite(Uint8Array.of(5, 6, 7));
    reader.readSync(third); // serves those before it
    await Promise.all(reads);
    const abort = new AbortController();
    const aborted = reader.read(first, { signal: abort.signal }).catch((error) => error.code);
    abort.abort();
    const timedOut = await reader.read(first, { timeoutMs: 1 }).catch((error) => error.message);
    const got = [...first, ...second, ...third];
    const { number } = reader;
    value = { tried, order, got, number, aborted: await aborted, timedOut };
    break;
  }
}
task.exit(0, value);
