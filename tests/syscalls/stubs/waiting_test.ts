/** What holds for every call that waits, whatever it waits on. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  type ErrorCode,
  type Handle,
  Kernel,
  KernelError,
  type MessageReceiver,
  Signals,
  type Task,
  type WaitOptions,
} from "@carmine/kernel";

/** A call that waits, on a handle that can be duplicated. */
interface Waiting {
  readonly handle: Handle;
  /** The call, on the handle or a duplicate of it. */
  readonly call: (handle: Handle, options?: WaitOptions) => Promise<unknown>;
  /** Lets one call go through. */
  readonly serve: () => unknown;
}

const bytes = Uint8Array.of(1);

function on<H extends Handle>(
  handle: H,
  call: (handle: H, options?: WaitOptions) => Promise<unknown>,
  serve: () => unknown,
): Waiting {
  return { handle, call: (given, options) => call(given as H, options), serve };
}

const CALLS: Record<string, (init: Task) => Waiting | Promise<Waiting>> = {
  "MessageSender.send()"(init) {
    const { sender, receiver } = init.createMessageQueue({ maxMessages: 1 });
    sender.trySend(bytes);
    return on(sender, (end, options) => end.send(bytes, options), () => receiver.tryReceive());
  },
  "MessageReceiver.receive()"(init) {
    const { sender, receiver } = init.createMessageQueue();
    return on(receiver, (end, options) => end.receive(options), () => sender.trySend(bytes));
  },
  "MessageReceiver.receiveInto()"(init) {
    const { sender, receiver } = init.createMessageQueue();
    const into = new Uint8Array(1);
    const call = (end: MessageReceiver, options?: WaitOptions) => end.receiveInto(into, options);
    return on(receiver, call, () => sender.trySend(bytes));
  },
  "Socket.read()"(init) {
    const [left, right] = init.createSocketPair();
    const into = new Uint8Array(1);
    return on(left, (end, options) => end.read(into, options), () => right.tryWrite(bytes));
  },
  "Socket.write()"(init) {
    const [left, right] = init.createSocketPair({ capacity: 1 });
    left.tryWrite(bytes);
    const serve = () => right.tryRead(new Uint8Array(1));
    return on(left, (end, options) => end.write(bytes, options), serve);
  },
  "Socket.send()"(init) {
    const [left, right] = init.createSocketPair({ type: "datagram", capacity: 1 });
    left.trySend(bytes);
    return on(left, (end, options) => end.send(bytes, options), () => right.tryReceive());
  },
  "Socket.receive()"(init) {
    const [left, right] = init.createSocketPair({ type: "seqpacket" });
    return on(left, (end, options) => end.receive(options), () => right.trySend(bytes));
  },
  "Socket.receiveHandle()"(init) {
    const [left, right] = init.createSocketPair();
    const serve = () => right.sendHandle(init.createTimer());
    return on(left, (end, options) => end.receiveHandle(options), serve);
  },
  async "Namespace.connect()"(init) {
    const names = init.createNamespace();
    const listener = names.listen("here", { backlog: 1 });
    await names.connect("here");
    const serve = () => listener.tryAccept();
    return on(names, (names, options) => names.connect("here", options), serve);
  },
  "Listener.accept()"(init) {
    const names = init.createNamespace();
    const listener = names.listen("here");
    return on(listener, (end, options) => end.accept(options), () => names.connect("here"));
  },
  "Timer.wait()"(init) {
    const timer = init.createTimer();
    const serve = () => timer.set({ delayMs: 0 });
    return on(timer, (timer, options) => timer.wait(options), serve);
  },
  "WaitSet.wait()"(init) {
    const set = init.createWaitSet();
    const { reader, writer } = init.createPipe();
    set.add(reader, Signals.READABLE, 1);
    return on(set, (set, options) => set.wait(options), () => writer.tryWrite(bytes));
  },
  "Handle.waitFor()"(init) {
    const { reader, writer } = init.createPipe();
    const call = (end: Handle, options?: WaitOptions) => end.waitFor(Signals.READABLE, options);
    return on(reader, call, () => writer.tryWrite(bytes));
  },
  "Task.waitMany()"(init) {
    const { reader, writer } = init.createPipe();
    const call = (handle: Handle, options?: WaitOptions) =>
      init.waitMany([{ handle, signals: Signals.READABLE }], options);
    return on(reader, call, () => writer.tryWrite(bytes));
  },
  "TaskHandle.wait()"(init) {
    const child = init.spawn(() => new Promise(() => {}));
    return on(child, (task, options) => task.wait(options), () => child.kill());
  },
  "EventSubscription.receive()"(init) {
    const channel = init.createEventChannel("news");
    const serve = () => channel.publish({ type: "notification", notification: "news" });
    return on(channel.subscribe(), (end, options) => end.receive(options), serve);
  },
};

async function rejectsWith(code: ErrorCode, call: Promise<unknown>): Promise<KernelError> {
  const error = await assertRejects(() => call, KernelError);
  assertEquals(error.code, code, error.message);
  return error;
}

for (const [name, make] of Object.entries(CALLS)) {
  Deno.test(`${name} gives what is there, but for an aborted signal, and takes nothing then`, async () => {
    await using kernel = new Kernel();
    const { handle, call, serve } = await make(kernel.init);
    await rejectsWith("TIMED_OUT", call(handle, { timeoutMs: 0 }));
    await serve();
    // A timer's expiration needs the clock's turn.
    while (name === "Timer.wait()" && handle.tryWaitFor(Signals.SIGNALED) === 0) {
      await new Promise((resolve) => setTimeout(resolve));
    }
    const reason = new Error("enough");
    const error = await rejectsWith(
      "CANCELED",
      call(handle, { signal: AbortSignal.abort(reason) }),
    );
    assert(error.cause === reason);
    await call(handle, { timeoutMs: 0 });
  });

  Deno.test(`${name} that waits ends with its handle, and takes nothing`, async () => {
    await using kernel = new Kernel();
    const { init } = kernel;
    const { handle, call, serve } = await make(init);
    const closed = handle.duplicate();
    const onClosed = rejectsWith("BAD_HANDLE", call(closed));
    closed.close();
    await onClosed;
    const onRevoked = rejectsWith("REVOKED", call(handle.duplicate()));
    handle.revoke();
    await onRevoked;
    if (name !== "WaitSet.wait()") { // which can't be moved
      const moved = handle.duplicate();
      const onMoved = rejectsWith("BAD_HANDLE", call(moved));
      const { sender } = init.createMessageQueue();
      sender.trySend(bytes, { handles: [moved] });
      await onMoved;
    }
    await serve();
    await call(handle);
    assertEquals(kernel.tasks()[0]?.usage.pendingWaits ?? 0, name === "WaitSet.wait()" ? 1 : 0);
  });
}
