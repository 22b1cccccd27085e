import { assertEquals } from "@std/assert";
import {
  type Counter,
  type EventContent,
  type Handle,
  Kernel,
  Signals,
  type Socket,
  type SpawnOptions,
  type Task,
  type TaskHandle,
} from "@carmine/kernel";

/** A handle on which a call blocks, and what ends that. */
interface Blocked {
  readonly handle: Handle;
  /** Lets one call go through. */
  readonly serve: () => unknown;
  /** What the call gives when its peer goes; undefined where it has none. */
  readonly end?: () => unknown;
}

interface Form {
  readonly make: (init: Task) => Blocked | Promise<Blocked>;
  /** What a call gives that is served. */
  readonly gives: unknown;
  /** What it gives when its peer goes. */
  readonly ends?: unknown;
  /** What it gives when its handle is revoked; the wait set's member then leaves it waiting. */
  readonly revoked?: unknown;
}

const NEWS: EventContent = { type: "notification", notification: "news" };
const bytes = Uint8Array.of(5, 6);
/** What a pipe whose writer is gone has up: reading gives the end. */
const AT_END = Signals.READABLE | Signals.PEER_CLOSED;

/** A receiver on which a call blocks: of a queue that is empty. */
function emptyQueue(init: Task): Blocked {
  const { sender, receiver } = init.createMessageQueue();
  return {
    handle: receiver,
    serve: () => sender.trySend(bytes),
    end: () => sender.close(),
  };
}

/** A socket whose reader or writer blocks; its peer is the other one. */
function socket(
  init: Task,
  type: "stream" | "seqpacket",
  serve: (peer: Socket) => unknown,
): Blocked {
  const [handle, peer] = init.createSocketPair({ type, capacity: 2 });
  return { handle, serve: () => serve(peer), end: () => peer.close() };
}

function emptyPipe(init: Task): Blocked {
  const { reader, writer } = init.createPipe();
  return { handle: reader, serve: () => writer.tryWrite(bytes), end: () => writer.close() };
}

const FORMS: Record<string, Form> = {
  "MessageSender.sendSync": {
    make(init) {
      const { sender, receiver } = init.createMessageQueue({ maxMessages: 1 });
      sender.trySend(bytes);
      return { handle: sender, serve: () => receiver.tryReceive(), end: () => receiver.close() };
    },
    gives: undefined,
    ends: "PEER_CLOSED",
  },
  "MessageSender.callSync": {
    make(init) {
      const { sender, receiver } = init.createMessageQueue();
      const serve = async () => receiver.reply(await receiver.receive(), bytes);
      return { handle: sender, serve, end: () => receiver.close() };
    },
    gives: [5, 6],
    ends: "PEER_CLOSED",
  },
  "MessageReceiver.receiveSync": { make: emptyQueue, gives: [5, 6], ends: "PEER_CLOSED" },
  "MessageReceiver.receiveIntoSync": {
    make: emptyQueue,
    gives: [true, 5, 6],
    ends: "PEER_CLOSED",
  },
  "Socket.readSync": {
    make: (init) => socket(init, "stream", (peer) => peer.tryWrite(bytes)),
    gives: [5, 6],
    ends: [],
  },
  "Socket.writeSync": {
    make(init) {
      const blocked = socket(init, "stream", (peer) => peer.tryRead(new Uint8Array(2)));
      (blocked.handle as Socket).tryWrite(bytes);
      return blocked;
    },
    gives: 2,
    ends: "BROKEN_PIPE",
  },
  "Socket.sendSync": {
    make(init) {
      const blocked = socket(init, "seqpacket", (peer) => peer.tryReceive());
      (blocked.handle as Socket).trySend(bytes);
      return blocked;
    },
    gives: undefined,
    ends: "PEER_CLOSED",
  },
  "Socket.receiveSync": {
    make: (init) => socket(init, "seqpacket", (peer) => peer.trySend(bytes)),
    gives: [5, 6],
    ends: "PEER_CLOSED",
  },
  "Socket.sendHandleSync": {
    async make(init) {
      const [handle, peer] = init.createSocketPair();
      for (let i = 0; i < 1_024; i++) await handle.sendHandle(init.createCounter());
      return { handle, serve: () => peer.receiveHandle(), end: () => peer.close() };
    },
    gives: undefined,
    ends: "BROKEN_PIPE",
  },
  "Socket.receiveHandleSync": {
    make: (init) =>
      socket(init, "stream", (peer) => peer.sendHandle(init.createCounter({ initial: 9 }))),
    gives: 9n,
    ends: "PEER_CLOSED",
  },
  "Namespace.connectSync": {
    async make(init) {
      const names = init.createNamespace();
      const listener = names.listen("here", { backlog: 1 });
      await names.connect("here");
      return {
        handle: names,
        serve: () => listener.tryAccept(),
        end: () => listener.close(),
      };
    },
    gives: "stream",
    ends: "CONNECTION_REFUSED",
  },
  "Listener.acceptSync": {
    make(init) {
      const names = init.createNamespace();
      const handle = names.listen("here");
      return { handle, serve: () => names.connect("here"), end: () => names.close() };
    },
    gives: "stream",
    ends: "PEER_CLOSED",
  },
  "Timer.waitSync": {
    make(init) {
      const timer = init.createTimer();
      const serve = () => timer.set({ delayMs: 0 });
      return { handle: timer.duplicate(), serve };
    },
    gives: 1,
  },
  "Handle.waitForSync": { make: emptyPipe, gives: Signals.READABLE, ends: AT_END },
  "Task.waitManySync": {
    make: emptyPipe,
    gives: [[true, Signals.READABLE]],
    ends: [[true, AT_END]],
  },
  "WaitSet.waitSync": {
    make: emptyPipe,
    gives: [{ key: "waits", signals: Signals.READABLE }],
    ends: [{ key: "ends", signals: AT_END }],
    revoked: undefined,
  },
  "TaskHandle.waitSync": {
    make(init) {
      const child = init.spawn(() => new Promise(() => {}));
      return { handle: child.duplicate(), serve: () => child.kill() };
    },
    gives: "killed",
  },
  "EventSubscription.receiveSync": {
    make(init) {
      const channel = init.createEventChannel("news");
      const serve = () => channel.publish(NEWS, { type: "integer", value: 3n });
      return { handle: channel.subscribe(), serve, end: () => channel.close() };
    },
    gives: { type: "integer", value: 3n },
    ends: "PEER_CLOSED",
  },
};

const PROGRAM = new URL("./worker_programs/blocks.ts", import.meta.url);
const LIMITS = { objects: 10_000, queuedMessages: 10_000, bufferBytes: 1 << 30 };

/** Resolves when a call of the task waits in the kernel. */
async function untilItWaits(kernel: Kernel, { taskId }: TaskHandle): Promise<void> {
  const isWaiting = () =>
    kernel.tasks().some(({ id, usage }) => id === taskId && usage.pendingWaits > 0);
  while (!isWaiting()) await new Promise((resolve) => setTimeout(resolve));
}

/** Resolves when the task has come to the next call that is ours to end, and that waits. */
async function nextCall(kernel: Kernel, child: TaskHandle, calls: Counter): Promise<void> {
  await calls.take();
  await untilItWaits(kernel, child);
}

for (const [name, form] of Object.entries(FORMS)) {
  Deno.test(`${name}() takes what is there, waits, and ends as every wait does`, async () => {
    await using kernel = new Kernel({ limits: LIMITS });
    const { init } = kernel;
    const never = await form.make(init);
    const there = await form.make(init);
    const waits = await form.make(init);
    const revoked = await form.make(init);
    const ends = await form.make(init);
    const canBeRevoked = !("revoked" in form);
    const calls = init.createCounter({ semaphore: true });
    void there.serve();
    const handles: NonNullable<SpawnOptions["handles"]> = {
      never: never.handle,
      there: there.handle,
      waits: waits.handle,
      calls: calls.duplicate(),
    };
    if (canBeRevoked) handles.revoked = revoked.handle.duplicate();
    if (ends.end !== undefined) handles.ends = ends.handle;
    const child = init.spawn(PROGRAM, { args: [name], handles });
    await nextCall(kernel, child, calls);
    await waits.serve();
    if (canBeRevoked) {
      await nextCall(kernel, child, calls);
      revoked.handle.revoke();
    }
    if (ends.end !== undefined) {
      await nextCall(kernel, child, calls);
      await ends.end();
    }
    const status = await child.wait();
    if (status.state === "crashed") throw status.error;
    assertEquals(status, {
      state: "exited",
      code: 0,
      value: {
        tried: "TIMED_OUT",
        timedOut: "TIMED_OUT",
        aborted: "CANCELED",
        there: isKeyed(form.gives) ? [{ key: "there", signals: Signals.READABLE }] : form.gives,
        waited: form.gives,
        revoked: canBeRevoked ? "REVOKED" : undefined,
        ended: form.ends,
      },
    });
  });
}

/** True for what a wait set reports, which has the member's name in it. */
function isKeyed(gives: unknown): boolean {
  return Array.isArray(gives) && typeof gives[0] === "object" && "key" in gives[0];
}

Deno.test("TaskHandle.kill() ends a task in a worker in every blocking call", async () => {
  await using kernel = new Kernel({ limits: LIMITS });
  const { init } = kernel;
  const before = kernel.tasks()[0]?.usage.pendingWaits;
  for (const [name, form] of Object.entries(FORMS)) {
    const calls = init.createCounter({ semaphore: true });
    const { handle } = await form.make(init);
    const handles = { never: handle, calls: calls.duplicate() };
    const child = init.spawn(PROGRAM, { args: [name, "kill"], handles });
    await nextCall(kernel, child, calls);
    child.kill();
    assertEquals(await child.wait(), { state: "killed" }, name);
  }
  assertEquals(kernel.tasks()[0]?.usage.pendingWaits, before);
  assertEquals(await kernel.shutdown(), { lingering: [] });
});
