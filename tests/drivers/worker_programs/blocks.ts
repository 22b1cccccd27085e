/**
 * Makes one blocking call, named by the first argument, in every way that it can end. Before a call
 * that the other side is to end it says so on a counter.
 */
import {
  Counter,
  EventSubscription,
  type Handle,
  KernelError,
  Listener,
  MessageReceiver,
  MessageSender,
  Namespace,
  Signals,
  Socket,
  TaskHandle,
  Timer,
  type WaitOptions,
} from "@carmine/kernel";
import { task } from "@carmine/kernel/task";

type Form = (name: string, options?: WaitOptions) => unknown;

const buffer = new Uint8Array(16);
const CALLED = Uint8Array.of(1, 2);

/** A wait set with one member, the handle of that name. */
function setOf(name: string): ReturnType<typeof task.createWaitSet> {
  const set = task.createWaitSet();
  set.add(task.handle(name), Signals.READABLE | Signals.PEER_CLOSED, name);
  return set;
}

/** What each form gives is made into plain values. */
const FORMS: Record<string, Form> = {
  "MessageSender.sendSync": (name, options) =>
    task.handle(name, MessageSender).sendSync(CALLED, options),
  "MessageSender.callSync": (name, options) => [
    ...task.handle(name, MessageSender).callSync(CALLED, options).bytes,
  ],
  "MessageReceiver.receiveSync": (name, options) => [
    ...task.handle(name, MessageReceiver).receiveSync(options).bytes,
  ],
  "MessageReceiver.receiveIntoSync": (name, options) => {
    const { bytes } = task.handle(name, MessageReceiver).receiveIntoSync(buffer, options);
    return [bytes.buffer === buffer.buffer, ...bytes];
  },
  "Socket.readSync": (name, options) => {
    const length = task.handle(name, Socket).readSync(buffer, options);
    return [...buffer.subarray(0, length)];
  },
  "Socket.writeSync": (name, options) => task.handle(name, Socket).writeSync(CALLED, options),
  "Socket.sendSync": (name, options) => task.handle(name, Socket).sendSync(CALLED, options),
  "Socket.receiveSync": (name, options) => [
    ...task.handle(name, Socket).receiveSync(options).bytes,
  ],
  "Socket.sendHandleSync": (name, options) =>
    task.handle(name, Socket).sendHandleSync(task.createCounter(), options),
  "Socket.receiveHandleSync": (name, options) =>
    (task.handle(name, Socket).receiveHandleSync(options) as Counter).value,
  "Namespace.connectSync": (name, options) =>
    task.handle(name, Namespace).connectSync("here", options).socketType,
  "Listener.acceptSync": (name, options) =>
    task.handle(name, Listener).acceptSync(options).socketType,
  "Timer.waitSync": (name, options) => task.handle(name, Timer).waitSync(options),
  "Handle.waitForSync": (name, options) =>
    task.handle(name).waitForSync(Signals.READABLE | Signals.PEER_CLOSED, options),
  "Task.waitManySync": (name, options) => {
    const handle: Handle = task.handle(name);
    const items = [{ handle, signals: Signals.READABLE | Signals.PEER_CLOSED }];
    return task.waitManySync(items, options).map((ready) => [
      ready.handle === handle,
      ready.signals,
    ]);
  },
  "WaitSet.waitSync": (name, options) => setOf(name).waitSync(options),
  "TaskHandle.waitSync": (name, options) => task.handle(name, TaskHandle).waitSync(options).state,
  "EventSubscription.receiveSync": (name, options) =>
    task.handle(name, EventSubscription).receiveSync(options).payload,
};

const [name = "", kills] = task.args;
const form = FORMS[name] as Form;
const calls = task.handle("calls", Counter);

/** The result of a call, or the code of its error. */
function outcome(on: string, options?: WaitOptions): unknown {
  try {
    return form(on, options);
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
    return error.code;
  }
}

/** The same for a call whose end the other side brings about. */
function served(on: string): unknown {
  if (!task.handles.includes(on)) return undefined; // nothing of the kind can end it
  calls.addSync(1);
  return outcome(on);
}

if (kills !== undefined) served("never");
task.exit(0, {
  tried: outcome("never", { timeoutMs: 0 }),
  timedOut: outcome("never", { timeoutMs: 1 }),
  aborted: outcome("never", { signal: AbortSignal.abort() }),
  there: outcome("there"),
  waited: served("waits"),
  revoked: served("revoked"),
  ended: served("ends"),
});
