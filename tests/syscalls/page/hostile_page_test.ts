/**
 * A task that does with its page whatever the memory allows. The kernel ends it at the most; it goes
 * on to serve everybody else, and holds no more for the task than its bounds say.
 *
 * @module
 */
import { assert, assertEquals, assertInstanceOf, assertMatch } from "@std/assert";
import * as fc from "fast-check";
import { encode } from "../../../syscalls/page/encode.ts";
import { HEADER_BYTES } from "../../../syscalls/page/frames.ts";
import { ReplyKind, RequestMode } from "../../../syscalls/page/page.ts";
import { ArgumentForm } from "../../../syscalls/argument_kinds.ts";
import type { SyscallSpec } from "../../../syscalls/door.ts";
import { KernelError } from "../../../capabilities/errors.ts";
import type { StreamOps } from "../../../capabilities/stream_ops.ts";
import { OWN_EVENT_QUEUE } from "../../../capabilities/handle_table.ts";
import { SYSCALLS } from "../../../syscalls/table.ts";
import { HostileTask } from "./_hostile_task.ts";

/** What a number that names nothing of the task's gets. */
const REFUSED = new Set([
  "BAD_HANDLE",
  "REVOKED",
  "WRONG_TYPE",
  "INVALID_ARGUMENT",
  "NOT_SUPPORTED",
]);
const MIB = 1_024 * 1_024;

/** Lets everything that the isolate has to do have its turn. */
function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

/** Checks that the kernel works, and that nobody but the hostile task was touched. */
function assertUnharmed({ world, violations }: HostileTask): void {
  assert(violations.length <= 1, "a task is ended once");
  world.assertInvariants();
  assertEquals(world.bystander.isRunning, true);
  const { bystanderDoor: door } = world;
  const { reader, writer } = door.call(SYSCALLS.pipeCreate, {}) as {
    reader: number;
    writer: number;
  };
  assertEquals(door.call(SYSCALLS.streamWrite, writer, Uint8Array.of(1, 2)), 2);
  for (const number of [reader, writer]) door.call(SYSCALLS.handleClose, number);
}

/** What a test does to a page's memory: a word of one of its buffers gets a value. */
interface Scribble {
  readonly buffer: "control" | "requests" | "replies";
  readonly word: number;
  readonly value: number;
}

function scribble({ memory }: HostileTask, { buffer, word, value }: Scribble): void {
  const words = new Int32Array(memory[buffer]);
  Atomics.store(words, word % words.length, value);
}

/** Indices of a ring are below 2 × its size; these are the edges, and what is far beyond. */
const EDGES = [0, 1, 65_535, 65_536, 65_537, 131_071, 131_072, 2 ** 31 - 1, -1, -(2 ** 31)];
const anyScribble: fc.Arbitrary<Scribble> = fc.record({
  buffer: fc.constantFrom("control", "requests", "replies"),
  // All that has a meaning stands at the front, then come the ring's bytes.
  word: fc.oneof({ arbitrary: fc.nat(95), weight: 4 }, { arbitrary: fc.nat(20_000), weight: 1 }),
  value: fc.oneof(fc.constantFrom(...EDGES), fc.integer()),
});

Deno.test("PageServer survives anything written anywhere in its page, between any two steps", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyScribble, { minLength: 1, maxLength: 12 }), async (scribbles) => {
      const task = new HostileTask();
      const { reader, writer } = task.pipe();
      task.send(1, RequestMode.WAIT, SYSCALLS.streamRead.number, [reader, 9]);
      for (const [i, each] of scribbles.entries()) {
        scribble(task, each);
        if (i % 3 === 0) task.server.drain();
        if (i % 3 === 1) {
          task.send(i, RequestMode.TRY, SYSCALLS.streamWrite.number, [writer, Uint8Array.of(i)]);
        }
        if (i % 3 === 2) task.server.drainLast(() => {});
      }
      await task.settled().catch(() => {}); // its own reading of a garbled page is its own affair
      assertUnharmed(task);
      task.world.kernel.shutdown();
    }),
    { numRuns: 150 },
  );
});

Deno.test("PageServer survives every word of its page's control data with every edge value", () => {
  let task = new HostileTask();
  for (const buffer of ["control", "requests", "replies"] as const) {
    for (let word = 0; word < 64; word++) {
      for (const value of EDGES) {
        scribble(task, { buffer, word, value });
        task.server.drain();
        task.server.drainLast(() => {});
        if (task.violations.length === 0) continue;
        assertUnharmed(task);
        task = new HostileTask();
      }
    }
  }
  assertUnharmed(task);
});

Deno.test("PageServer.serve() lets others run while a task rings without end", async () => {
  const task = new HostileTask();
  // As if the task rang between every look at the page and the wait for the next ring.
  const drain = task.server.drain.bind(task.server);
  task.server.drain = () => {
    const hasMore = drain();
    task.page.requestBell.ring();
    return hasMore;
  };
  const serving = task.server.serve();
  for (let i = 0; i < 3; i++) await turn();
  task.server.stop();
  await serving;
  assertUnharmed(task);
});

Deno.test("PageServer.serve() lets others run while a task's thread floods its page", async () => {
  const task = new HostileTask();
  const source = `
    onmessage = ({ data: { control, requests } }) => {
      const bells = new Int32Array(control);
      const ring = new Int32Array(requests);
      postMessage("flooding");
      for (let seed = 1; Atomics.load(bells, 32) === 0; seed = seed * 48271 % 2147483647) {
        if (seed % 8 === 0) Atomics.store(ring, seed % ring.length, seed);
        Atomics.add(bells, 0, 1);
        if (seed % 2 === 0) Atomics.notify(bells, 0);
      }
      postMessage("stopped");
    };`;
  const worker = new Worker(`data:text/javascript,${encodeURIComponent(source)}`, {
    type: "module",
    deno: { permissions: "none" },
  });
  const begun = Promise.withResolvers<void>();
  const stopped = Promise.withResolvers<void>();
  worker.onmessage = ({ data }) => (data === "flooding" ? begun : stopped).resolve();
  worker.postMessage(task.memory);
  await begun.promise;
  const serving = task.server.serve();
  for (let i = 0; i < 20; i++) await turn();
  task.server.stop();
  await serving;
  await stopped.promise; // the flag of the task's end reaches its thread
  worker.terminate();
  assertUnharmed(task);
});

Deno.test("PageServer.drain() serves so many bytes a turn, however fast the ring is filled again", () => {
  const task = new HostileTask();
  const { writer } = task.pipe();
  const { dispatcher } = task.world;
  const find = dispatcher.find.bind(dispatcher);
  let served = 0;
  dispatcher.find = (number) => {
    served++;
    task.sender.flush(); // the next one, as another thread would
    return find(number);
  };
  const bytes = new Uint8Array(60_000);
  for (let id = 1; id <= 200; id++) {
    const { number } = SYSCALLS.streamWrite;
    task.sender.send(encode([id, RequestMode.TRY, number, [writer, bytes], -1], HEADER_BYTES));
  }
  assertEquals(task.server.drain(), true, "there is more");
  assert(served * bytes.length <= 2 * MIB, `${served} requests in one turn`);
  task.serve();
  assertEquals(served, 200);
  assertUnharmed(task);
});

Deno.test("PageServer holds of a long frame what has arrived of it, and the task may stop there", () => {
  const tasks = Array.from({ length: 50 }, () => new HostileTask());
  for (const task of tasks) {
    const announced = new Uint8Array(8);
    new DataView(announced.buffer).setUint32(0, 17 * MIB, true);
    task.page.requests.write(announced, 0, announced.length);
    for (let i = 0; i < 10; i++) assertEquals(task.server.drain(), false);
    assertEquals(task.violations, []);
    assertUnharmed(task);
  }
  const external = (): number => Deno.memoryUsage().external;
  const before = external();
  for (const task of tasks) {
    task.page.requests.write(new Uint8Array(1_000), 0, 1_000);
    task.server.drain();
  }
  assert(external() - before < 17 * MIB, "50 announced frames of 17 MiB");
});

Deno.test("PageServer ends a task that takes none of what it waited for", async () => {
  const task = new HostileTask();
  const { world } = task;
  const queue = world.door.call(SYSCALLS.messageQueueCreate, {
    maxBytes: 8 * MIB,
    maxMessageBytes: 8 * MIB,
  }) as {
    sender: number;
    receiver: number;
  };
  for (let id = 1; id <= 40; id++) {
    task.send(id, RequestMode.WAIT, SYSCALLS.messageReceive.number, [queue.receiver]);
  }
  // An accomplice sends; each message is at once the answer to a call that waits.
  let sent = 0;
  const bytes = new Uint8Array(8 * MIB);
  while (task.violations.length === 0 && sent < 40) {
    world.door.call(SYSCALLS.messageSend, queue.sender, bytes, {});
    sent++;
    for (let i = 0; i < 10; i++) await null;
  }
  assertInstanceOf(task.violations[0], RangeError);
  assertMatch(task.violations[0].message, /takes no replies/);
  assert(sent * bytes.length <= 160 * MIB, `the kernel held ${sent} messages`);
  assertEquals(world.attacker.status?.state, "crashed");
  assertUnharmed(task);
});

Deno.test("PageServer ends the task, and not the process, when a call that waits fails inside the kernel", async () => {
  const task = new HostileTask();
  const { reader, writer } = task.pipe();
  task.send(1, RequestMode.WAIT, SYSCALLS.streamRead.number, [reader, 4]);
  const object = task.world.attacker.table.get(reader).object as unknown as StreamOps;
  object.tryRead = () => {
    throw new RangeError("the kernel's own fault");
  };
  task.send(2, RequestMode.TRY, SYSCALLS.streamWrite.number, [writer, new Uint8Array(1)]);
  await task.settled();
  assertEquals(task.violations.map(({ message }) => message), ["the kernel's own fault"]);
  assertUnharmed(task);
});

Deno.test("PageServer cuts the message of an error that quotes what the task sent", async () => {
  const task = new HostileTask();
  const { dispatcher } = task.world;
  const message = "x".repeat(MIB);
  dispatcher.begin = () => {
    throw new KernelError("INVALID_ARGUMENT", message);
  };
  task.send(1, RequestMode.WAIT, SYSCALLS.streamRead.number, [1, 4]);
  const [[, kind, error] = []] = await task.settled();
  assertEquals(kind, ReplyKind.FAILED);
  assert((error as Error).message.length < 5_000);
});

Deno.test("PageServer gives no task what another task's handle names", async () => {
  // Every number near those of the bystander's handles, and forged ones, in each call of the table.
  const task = new HostileTask();
  const { attacker, bystander } = task.world;
  const own = new Set([...attacker.table].map(({ number }) => number));
  const foreign = [...bystander.table].map(({ number }) => number);
  const forged = foreign.flatMap((number) => [number, number + 65_536, number - 65_536, ~number])
    .concat(-1, 2 ** 31, 2 ** 53 - 1, 65_535)
    .filter((number) => number !== OWN_EVENT_QUEUE && !own.has(number));
  let id = 0;
  for (const spec of Object.values(SYSCALLS) as SyscallSpec[]) {
    if (spec.args[0]?.form !== ArgumentForm.HANDLE) continue;
    for (const number of forged) {
      task.send(++id, RequestMode.TRY, spec.number, [number, ...spec.args.slice(1).map(() => 0)]);
      task.send(++id, RequestMode.WAIT, spec.number, [number, ...spec.args.slice(1).map(() => 0)]);
    }
    for (const [, kind, error] of await task.settled()) {
      assertEquals(kind, ReplyKind.FAILED, spec.name);
      assert(REFUSED.has((error as KernelError).code), `${spec.name}: ${error}`);
    }
  }
  assertEquals([...bystander.table].map(({ number }) => number), foreign);
  assertUnharmed(task);
});
