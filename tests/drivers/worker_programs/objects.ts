/** Waits on one object of each kind, blocking. */
import {
  type Counter,
  KernelError,
  MessageReceiver,
  MessageSender,
  type PipeReader,
  Signals,
} from "@carmine/kernel";
import { task } from "@carmine/kernel/task";

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** The code of the error that a call gives. */
function codeOf(run: () => unknown): unknown {
  try {
    return run();
  } catch (error) {
    return error instanceof KernelError ? error.code : error;
  }
}

const results: Record<string, unknown> = {};

const reply = task.handle("server", MessageSender).callSync(bytes("ping"));
results.callSync = text(reply.bytes);

const request = task.handle("requests", MessageReceiver).receiveSync();
(request.handles[0] as Counter).tryAdd(5); // a handle that came with the message
results.receiveSync = text(request.bytes);

const counter = task.createCounter({ initial: 3n });
results.takeSync = counter.takeSync();
results.timeout = codeOf(() => counter.takeSync({ timeoutMs: 1 }));

const timer = task.createTimer();
timer.set({ delayMs: 1 });
results.timer = timer.waitSync();

const event = task.events.receiveSync();
results.event = event.payload;

const { reader, writer } = task.createPipe();
writer.tryWrite(Uint8Array.of(1));
const [ready] = task.waitManySync([
  { handle: counter, signals: Signals.READABLE },
  { handle: reader, signals: Signals.READABLE },
]);
results.waitManySync = (ready?.handle as PipeReader) === reader;

const controller = new AbortController();
const pending = counter.take({ signal: controller.signal });
controller.abort(new RangeError("enough"));
results.aborted = await pending.catch((error) => [error.code, error.cause?.message]);
results.abortedBefore = codeOf(() => counter.takeSync({ signal: controller.signal }));

const queue = task.createMessageQueue({ maxMessageBytes: 200_000 });
queue.sender.sendSync(new Uint8Array(100_000));
results.longMessage = queue.receiver.receiveIntoSync(new Uint8Array(150_000)).bytes.length;

console.log("to the %s", "console");
task.exit(0, results);
