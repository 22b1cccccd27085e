/** Handlers of events that do what handlers do: publish, close, take each other away, exit, throw. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  type Event,
  type EventChannel,
  type EventContent,
  Kernel,
  KernelError,
  type Task,
  type TaskHandle,
} from "@carmine/kernel";

const note = (notification: string): EventContent => ({ type: "notification", notification });
const textOf = ({ content }: Event) => content.type === "notification" ? content.notification : "";

/** A turn of the event loop, after which whatever is uncaught has been told. */
const turn = () => new Promise<void>((resolve) => setTimeout(resolve, 0));

/** What the platform is told that nobody caught while a function runs. */
async function uncaught(run: () => Promise<void>): Promise<unknown[]> {
  const errors: unknown[] = [];
  const listen = (event: ErrorEvent | PromiseRejectionEvent) => {
    event.preventDefault();
    errors.push(event instanceof ErrorEvent ? event.error : event.reason);
  };
  addEventListener("error", listen);
  addEventListener("unhandledrejection", listen);
  try {
    await run();
    await turn();
  } finally {
    removeEventListener("error", listen);
    removeEventListener("unhandledrejection", listen);
  }
  return errors;
}

/** A task that stays, with what it was given. */
async function stayer(kernel: Kernel, handles?: { channel: EventChannel }) {
  const ready = Promise.withResolvers<Task>();
  const handle: TaskHandle = kernel.init.spawn((task) => {
    ready.resolve(task);
    return new Promise<void>(() => {});
  }, handles === undefined ? {} : { handles });
  return { handle, task: await ready.promise };
}

for (
  const [name, handler] of [
    ["at once", (task: Task) => task.exit(3, "bye")],
    ["later", async (task: Task) => {
      await null;
      task.exit(3, "bye");
    }],
  ] as const
) {
  Deno.test(`EventReceiving.onEvent() lets a handler exit its task ${name}, and nobody is told of an error`, async () => {
    await using kernel = new Kernel();
    const { handle, task } = await stayer(kernel);
    const after: unknown[] = [];
    task.events.onEvent(() => handler(task));
    task.events.onEvent((event) => after.push(textOf(event)));
    const errors = await uncaught(async () => {
      handle.send(note("go"));
      handle.send(note("never handled"));
      assertEquals(await handle.wait(), { state: "exited", code: 3, value: "bye" });
    });
    assertEquals(errors, []);
    assert(after.length <= 2 && after[0] === "go");
  });
}

Deno.test("EventReceiving.onEvent() tells nobody of what a handler throws after its task's end", async () => {
  await using kernel = new Kernel();
  const { handle, task } = await stayer(kernel);
  const fail = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  task.events.onEvent(() => {
    begun.resolve();
    return fail.promise;
  });
  const errors = await uncaught(async () => {
    handle.send(note("go"));
    await begun.promise;
    handle.kill();
    fail.reject(new Error("too late"));
    assertEquals((await handle.wait()).state, "killed");
  });
  assertEquals(errors, []);
});

Deno.test("EventReceiving.onEvent() of init tells the host what a handler throws", async () => {
  await using kernel = new Kernel();
  const channel = kernel.init.createEventChannel("news");
  const seen: string[] = [];
  const subscription = channel.subscribe();
  const mine = new Error("mine");
  subscription.onEvent((event) => {
    if (seen.push(textOf(event)) === 1) throw mine;
  });
  const errors = await uncaught(async () => {
    channel.publish(note("1"));
    channel.publish(note("2"));
    await turn();
  });
  assertEquals([errors, seen], [[mine], ["1", "2"]]);
});

Deno.test("EventReceiving.onEvent() calls no handler that another one has taken away", async () => {
  await using kernel = new Kernel();
  const channel = kernel.init.createEventChannel("news");
  const subscription = channel.subscribe();
  const seen: string[] = [];
  const got = Promise.withResolvers<void>();
  subscription.onEvent(() => stop());
  const stop = subscription.onEvent(() => seen.push("taken away"));
  subscription.onEvent((event) => {
    seen.push(textOf(event));
    got.resolve();
  });
  channel.publish(note("1"));
  await got.promise;
  assertEquals(seen, ["1"]);
});

Deno.test("EventReceiving.onEvent() lets a handler take itself away, and leaves the next event", async () => {
  await using kernel = new Kernel();
  const channel = kernel.init.createEventChannel("news");
  const subscription = channel.subscribe();
  const got = Promise.withResolvers<string>();
  const stop = subscription.onEvent((event) => {
    stop();
    got.resolve(textOf(event));
  });
  channel.publish(note("1"));
  channel.publish(note("2"));
  assertEquals(await got.promise, "1");
  assertEquals(textOf(await subscription.receive()), "2");
});

for (const end of ["the subscription", "the channel"]) {
  Deno.test(`EventReceiving.onEvent() lets a handler close ${end}, and ends quietly`, async () => {
    await using kernel = new Kernel();
    const channel = kernel.init.createEventChannel("news");
    const subscription = channel.subscribe();
    const seen: string[] = [];
    const errors = await uncaught(async () => {
      subscription.onEvent((event) => {
        seen.push(textOf(event));
        if (end === "the channel") channel.close();
        else subscription.close();
      });
      channel.publish(note("1"));
      channel.publish(note("2"));
      await turn();
    });
    assertEquals(errors, []);
    assertEquals(seen, end === "the channel" ? ["1", "2"] : ["1"]);
    const { usage } = kernel.tasks()[0] ?? {};
    assertEquals(usage?.pendingWaits, 0);
    if (end === "the subscription") {
      assertThrows(() => subscription.onEvent(() => {}), KernelError, "no open handle");
    }
  });
}

Deno.test("EventReceiving.onEvent() lets others have their turn while a handler publishes without end", async () => {
  await using kernel = new Kernel();
  const channel = kernel.init.createEventChannel("echo");
  const subscription = channel.subscribe();
  let handled = 0;
  const stop = subscription.onEvent(() => {
    handled++;
    channel.publish(note("again"));
  });
  channel.publish(note("first"));
  await turn();
  await turn();
  stop();
  assert(handled > 0);
  assertEquals(subscription.pending, 1);
});

Deno.test("EventChannel.publishAsync() goes on when the handler that it waits for receives", async () => {
  await using kernel = new Kernel();
  const channel = kernel.init.createEventChannel("work");
  const slow = channel.subscribe({ bufferSize: 1, onOverflow: "block" });
  const seen: string[] = [];
  slow.onEvent((event) => {
    seen.push(textOf(event));
    // From inside the handler, to the very queue that it is called from.
    if (event.metadata.eventId <= 3) void channel.publishAsync(note(`after ${textOf(event)}`));
  });
  await Promise.all(["a", "b", "c"].map((text) => channel.publishAsync(note(text))));
  await turn();
  assertEquals(seen, ["a", "b", "c", "after a", "after b", "after c"]);
});
