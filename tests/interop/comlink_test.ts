import { assertEquals, assertRejects } from "@std/assert";
import { Kernel, MessageReceiver, MessageSender, type Task } from "@carmine/kernel";
import * as Comlink from "comlink";

/** What comlink talks through, on two message queues. */
function endpoint(sender: MessageSender, receiver: MessageReceiver): Comlink.Endpoint {
  const listeners = new Set<EventListenerOrEventListenerObject>();
  const listen = async () => {
    for await (const { bytes } of receiver) {
      const data: unknown = JSON.parse(new TextDecoder().decode(bytes));
      const event = Object.assign(new Event("message"), { data });
      for (const listener of [...listeners]) {
        if (typeof listener === "function") listener(event);
        else listener.handleEvent(event);
      }
    }
  };
  listen().catch(() => {}); // the task ends while it listens
  return {
    postMessage: (message) => {
      void sender.send(new TextEncoder().encode(JSON.stringify(message)));
    },
    addEventListener: (_type, listener) => void listeners.add(listener),
    removeEventListener: (_type, listener) => void listeners.delete(listener),
  };
}

const service = {
  greeting: "hello",
  add: (a: number, b: number) => a + b,
  shout: (text: string) => Promise.resolve(text.toUpperCase()),
  fail(): void {
    throw new TypeError("on purpose");
  },
};

async function serve(task: Task): Promise<void> {
  const sender = task.handle("out", MessageSender);
  const receiver = task.handle("in", MessageReceiver);
  Comlink.expose(service, endpoint(sender, receiver));
  await new Promise((resolve) => task.signal.addEventListener("abort", resolve));
}

Deno.test("comlink calls objects of another task through message queues", async () => {
  await using kernel = new Kernel();
  const { init } = kernel;
  const there = init.createMessageQueue();
  const back = init.createMessageQueue();
  init.spawn(serve, { handles: { in: there.receiver, out: back.sender } });
  const remote = Comlink.wrap<typeof service>(endpoint(there.sender, back.receiver));
  assertEquals(await remote.add(20, 22), 42);
  assertEquals(await remote.shout("quiet"), "QUIET");
  assertEquals(await remote.greeting, "hello");
  await assertRejects(() => remote.fail(), Error, "on purpose");
  const many = Array.from({ length: 500 }, (_, i) => remote.add(i, i));
  assertEquals(await Promise.all(many), Array.from({ length: 500 }, (_, i) => 2 * i));
});
