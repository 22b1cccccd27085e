import { assert, assertEquals } from "@std/assert";
import {
  type Counter,
  Kernel,
  KernelError,
  type PipeReader,
  type PipeWriter,
  type SharedMemory,
  type SpawnOptions,
  type TaskHandle,
} from "@carmine/kernel";

function start(
  kernel: Kernel,
  program: string,
  args: unknown[],
  handles: NonNullable<SpawnOptions["handles"]>,
): TaskHandle {
  return kernel.init.spawn(new URL(`./worker_programs/${program}`, import.meta.url), {
    name: String(args[0]),
    args: args.map(String),
    handles,
  });
}

async function valueOf(task: TaskHandle): Promise<unknown> {
  const status = await task.wait();
  if (status.state === "crashed") throw status.error;
  assert(status.state === "exited", status.state);
  return status.value;
}

/** The call's result, or the code that it failed with. */
function outcomeOf(call: Promise<number>): Promise<number | string> {
  return call.catch((error) => {
    assert(error instanceof KernelError, String(error));
    return error.code;
  });
}

/** A kernel with a pipe that a hostile task has mapped, and one that it has nothing to do with. */
class World implements AsyncDisposable {
  readonly kernel = new Kernel();
  readonly reader: PipeReader;
  readonly writer: PipeWriter;
  readonly hostile: TaskHandle;
  readonly #ready: Counter;
  readonly #stop: SharedMemory;
  readonly #there: PipeWriter;
  readonly #back: PipeReader;
  readonly #echo: TaskHandle;

  constructor(what: readonly unknown[]) {
    const { init } = this.kernel;
    const [pipe, there, back] = [64, 100, 100].map((capacity) => init.createPipe({ capacity }));
    assert(pipe !== undefined && there !== undefined && back !== undefined);
    ({ reader: this.reader, writer: this.writer } = pipe);
    this.#there = there.writer;
    this.#back = back.reader;
    this.#echo = start(this.kernel, "mapped.ts", ["echo"], { in: there.reader, out: back.writer });
    this.#ready = init.createCounter();
    this.#stop = init.createSharedMemory(4_096);
    this.hostile = start(this.kernel, "hostile.ts", [...what], {
      ready: this.#ready.duplicate(),
      stop: this.#stop.duplicate(),
      never: init.createCounter(),
      out: this.writer.duplicate(),
    });
  }

  /** Until the hostile task has begun. */
  async begun(): Promise<void> {
    const ended = this.hostile.wait().then((status) => {
      if (status.state === "crashed") throw status.error;
    });
    await Promise.race([this.#ready.take(), ended]);
  }

  /** Bytes go to another task and back, whatever the hostile one does. */
  async assertOthersGoOn(): Promise<void> {
    const byte = new Uint8Array(1);
    for (let i = 0; i < 50; i++) {
      await this.#there.write(Uint8Array.of(i));
      assertEquals(await this.#back.read(byte), 1);
      assertEquals(byte[0], i);
    }
  }

  /** The hostile task ends. */
  async endHostile(how: "kill" | "revoke"): Promise<void> {
    const view = this.#stop.map();
    if (how === "revoke") this.writer.revoke();
    view.store(0, 1);
    if (how === "kill") this.hostile.kill();
    await this.hostile.wait();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.map().store(0, 1);
    this.#there.close();
    await valueOf(this.#echo);
    assertEquals(await this.kernel.shutdown(), { lingering: [] });
  }
}

/** What a hostile task does that leaves the bytes and their indices alone. */
const HARMLESS = [
  "holds the locks",
  "changes the locks",
  "wakes everybody",
  "sets and clears the hints",
];

for (const what of HARMLESS) {
  Deno.test(`a task that ${what} of a ring stops nobody else, and nobody for longer than it lives`, async () => {
    await using world = new World([what]);
    const { reader, writer } = world;
    const into = new Uint8Array(10);
    const early = outcomeOf(reader.read(into)); // the kernel attends to the ring from the start
    await world.begun();
    const writes = [1, 2, 3].map((byte) => outcomeOf(writer.write(Uint8Array.of(byte))));
    await world.assertOthersGoOn();
    const got = [...into.subarray(0, Number(await early))];
    while (got.length < 3) got.push(...into.subarray(0, await reader.read(into)));
    for (let i = 4; i < 30; i++) {
      await world.assertOthersGoOn(); // and the hostile one has the ring as it is now
      assertEquals(await writer.write(Uint8Array.of(i)), 1);
      got.push(...into.subarray(0, await reader.read(into)));
    }
    await world.endHostile("kill");
    assertEquals(await Promise.all(writes), [1, 1, 1]);
    assertEquals(got, Array.from({ length: 29 }, (_, i) => i + 1));
    assertEquals(await writer.write(Uint8Array.of(4)), 1);
    assertEquals(await reader.read(into), 1);
    assertEquals(into[0], 4);
  });
}

const HARMFUL: unknown[][] = [["fills the ring with garbage"]];
for (let seed = 1; seed <= 4; seed++) HARMFUL.push(["writes anything anywhere", seed]);

for (const what of HARMFUL) {
  Deno.test(`a task that ${what.join(" ")} ends that pipe at most, and others go on`, async () => {
    await using world = new World(what);
    const { kernel, reader, writer } = world;
    const into = new Uint8Array(10);
    await world.begun();
    const calls = [outcomeOf(reader.read(into)), outcomeOf(writer.write(new Uint8Array(200)))];
    const honest = start(kernel, "mapped.ts", ["write", 100], { out: writer.duplicate() });
    await world.assertOthersGoOn();
    for (let i = 0; i < 50; i++) {
      const outcome = await outcomeOf(Promise.try(() => reader.tryRead(into)));
      assert(typeof outcome === "number" || outcome === "INVALID_STATE", String(outcome));
    }
    await world.endHostile("kill");
    await world.assertOthersGoOn();
    // What is there is read, or nothing ever is: nobody waits for what can't come.
    reader.close();
    for (const outcome of await Promise.all(calls)) {
      const expected = ["INVALID_STATE", "BAD_HANDLE", "BROKEN_PIPE"];
      assert(typeof outcome === "number" || expected.includes(outcome), String(outcome));
    }
    assert(["exited", "crashed"].includes((await honest.wait()).state));
    assertEquals(kernel.tasks()[0]?.usage.pendingWaits, 0);
  });
}

Deno.test("a task that asks for seats with garbage and in floods gets codes, and nothing else", async () => {
  await using kernel = new Kernel();
  const { init } = kernel;
  const { reader, writer } = init.createPipe();
  const [ready, other] = [init.createCounter(), init.createCounter()];
  const echoed = init.createPipe();
  const honest = start(kernel, "mapped.ts", ["echo"], {
    in: reader.duplicate(),
    out: echoed.writer,
  });
  const value = await valueOf(start(kernel, "hostile.ts", ["flood"], {
    in: reader.duplicate(),
    ready,
    other,
  })) as Record<string, number>;
  const codes = ["none", "ACCESS_DENIED", "BAD_HANDLE", "INVALID_ARGUMENT", "INVALID_STATE"];
  const more = ["LIMIT_EXCEEDED", "NOT_SUPPORTED", "OUT_OF_RANGE", "WRONG_TYPE"];
  assertEquals(Object.keys(value).filter((code) => ![...codes, ...more].includes(code)), []);
  assertEquals(value["ACCESS_DENIED"], 1);
  assert((value["none"] ?? 0) >= 300);
  writer.tryWrite(Uint8Array.of(7));
  assertEquals(await echoed.reader.read(new Uint8Array(1)), 1);
  writer.close();
  await valueOf(honest);
});

Deno.test("a task that has taken all its seats goes on through the kernel", async () => {
  await using kernel = new Kernel({ limits: { handles: 1_100 } });
  const ready = kernel.init.createCounter();
  const value = await valueOf(start(kernel, "hostile.ts", ["hoard seats"], { ready }));
  assert(Array.isArray(value));
  assertEquals(value, Array(6).fill("LIMIT_EXCEEDED"));
});
