/** Mapped pipes and counters in their less common modes. */
import { KernelError, PipeReader, Rights } from "@carmine/kernel";
import { task } from "@carmine/kernel/task";

/** What a call gives, or the code of its error. */
function outcome(call: () => unknown): unknown {
  try {
    return call();
  } catch (error) {
    return error instanceof KernelError ? [error.code, error.needed ?? null] : String(error);
  }
}

if (task.args[0] === "times out") {
  task.exit(
    0,
    outcome(() => task.handle("in", PipeReader).readSync(new Uint8Array(1), { timeoutMs: 10 })),
  );
}

const packets = task.createPipe({ packet: true });
packets.writer.writeSync(Uint8Array.of(1, 2, 3));
packets.writer.writeSync(Uint8Array.of(4, 5));
const packet = [
  packets.reader.readSync(new Uint8Array(10)),
  outcome(() => packets.reader.readSync(new Uint8Array(1))),
  packets.reader.peek().length,
  packets.reader.readSync(new Uint8Array(10)),
  outcome(() => packets.writer.writeSync(new Uint8Array(5_000))),
];

const hasty = task.createPipe({ capacity: 6_000, nonblocking: true });
const nonblocking = [
  outcome(() => hasty.reader.readSync(new Uint8Array(1))),
  hasty.writer.writeSync(new Uint8Array(10_000)),
  outcome(() => hasty.writer.writeSync(new Uint8Array(1))),
];

const { reader, writer } = task.createPipe();
const buffer = new Uint8Array(4);
const read = reader.read(buffer).then((n) => n, (error) => error.code);
buffer.buffer.transfer();
writer.tryWrite(Uint8Array.of(7));
const detached = [await read, reader.tryRead(new Uint8Array(4))];

const counter = task.createCounter({ initial: 2 });
const lent = counter.duplicate(Rights.READ | Rights.MAP);
const readOnly = [
  outcome(() => lent.tryAdd(1)),
  outcome(() => task.syscall(710, lent.number)),
  lent.tryTake(),
  counter.value,
];
task.exit(0, { packet, nonblocking, detached, readOnly });
