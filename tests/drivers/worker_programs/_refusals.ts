/** What a task is told about calls that can't be carried out. */
import {
  type Counter,
  KernelError,
  type PipeReader,
  type PipeWriter,
  Signals,
  type Task,
} from "@carmine/kernel";

/** Tries them; the messages. */
export async function refusals(task: Task): Promise<string[]> {
  const reader = task.handle<PipeReader>("in");
  const writer = task.handle<PipeWriter>("out");
  const counter = task.handle<Counter>("counter");
  const bytes = new Uint8Array(8);
  const aborted = { signal: AbortSignal.abort() };
  const closed = task.createTimer();
  closed.close();
  const soonAborted = () => ({ signal: later() });
  const calls: (() => unknown)[] = [
    () => reader.read(bytes, aborted),
    () => reader.read(bytes, soonAborted()),
    () => reader.read(bytes, { timeoutMs: 0 }),
    () => reader.read(bytes, { timeoutMs: 1 }),
    () => reader.read(bytes, { timeoutMs: -1 }),
    () => reader.read("bytes" as unknown as Uint8Array),
    () => reader.tryRead(new Uint8Array(new SharedArrayBuffer(8))),
    () => writer.write(new Uint8Array(100_000), aborted),
    () => writer.write(new Uint8Array(100_000), soonAborted()),
    () => writer.write(bytes, { timeoutMs: NaN }),
    () => counter.take(aborted),
    () => counter.take(soonAborted()),
    () => counter.take({ timeoutMs: 0 }),
    () => counter.add(-1),
    () => counter.add(1, { signal: {} as AbortSignal }),
    () => task.createTimer().wait(aborted),
    () => task.waitMany([{ handle: reader, signals: Signals.READABLE }], aborted),
    // What is wrong with the arguments comes before the signal.
    () => task.waitMany([], aborted),
    () => task.waitMany([{ handle: closed, signals: Signals.SIGNALED }], aborted),
    () => reader.read("bytes" as unknown as Uint8Array, aborted),
    () => closed.wait(aborted),
  ];
  const messages: string[] = [];
  for (const call of calls) {
    try {
      await call();
      messages.push("done");
    } catch (error) {
      messages.push(
        error instanceof KernelError ? `${error.code}: ${error.message}` : String(error),
      );
    }
  }
  return messages;
}

/** A signal that is aborted when the call waits. */
function later(): AbortSignal {
  const abort = new AbortController();
  setTimeout(() => abort.abort(), 1);
  return abort.signal;
}
