import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { Kernel, type PipeReader, type Task, type WaitOptions } from "@carmine/kernel";
import { KernelError } from "../../../capabilities/errors.ts";
import { Rights } from "../../../capabilities/rights.ts";
import { ManualClock } from "../../../kernel/clock.ts";
import { KernelCore } from "../../../kernel/kernel.ts";
import type { PipeReaderEnd, PipeWriterEnd } from "../../../kernel/ipc/pipe.ts";
import { Dispatcher } from "../../../syscalls/dispatcher.ts";
import { HANDLERS } from "../../../syscalls/handlers/mod.ts";
import { LocalDoor } from "../../../syscalls/local_door.ts";
import { SYSCALLS } from "../../../syscalls/table.ts";
import { type Call, type Outcome, PipeModel, PipesModel } from "./_pipe_model.ts";

/** A handle, and which pipe's. */
interface Held {
  readonly number: number;
  readonly pipe: number;
}

/** A call of the kernel beside the model's. */
interface Running {
  readonly call: Call;
  readonly buffer: Uint8Array;
  readonly abort: AbortController;
  /** When it times out, on the kernel's clock. */
  readonly deadlineMs: number;
  outcome: Outcome | undefined;
}

/** Pipes in a kernel, and the model of them; every step is done to both and compared. */
class Twins {
  readonly clock = new ManualClock();
  readonly core = new KernelCore({ clock: this.clock });
  readonly door = new LocalDoor(new Dispatcher(SYSCALLS, HANDLERS), {
    kernel: this.core,
    task: this.core.init,
  });
  readonly model = new PipesModel();
  readonly pipes: PipeModel[];
  readonly ends: { reader: PipeReaderEnd; writer: PipeWriterEnd }[] = [];
  readers: Held[] = [];
  writers: Held[] = [];
  running: Running[] = [];
  #nextByte = 0;

  constructor(capacities: readonly number[], packet: boolean) {
    this.pipes = capacities.map((capacity) => new PipeModel(capacity, packet));
    for (const [pipe, capacity] of capacities.entries()) {
      const made = this.door.call(SYSCALLS.pipeCreate, { capacity, packet });
      const { reader, writer } = made as { reader: number; writer: number };
      const { table } = this.core.init;
      this.ends.push({
        reader: table.get(reader).object as PipeReaderEnd,
        writer: table.get(writer).object as PipeWriterEnd,
      });
      this.#hold("readers", { number: reader, pipe });
      this.#hold("writers", { number: writer, pipe });
    }
  }

  reader(pick: number): Held | undefined {
    return this.readers[pick % this.readers.length];
  }

  writer(pick: number): Held | undefined {
    return this.writers[pick % this.writers.length];
  }

  /** Bytes that were never written before. */
  fresh(length: number): number[] {
    return Array.from({ length }, () => this.#nextByte = (this.#nextByte + 1) & 0xff);
  }

  /** Begins a call on both, and lets the kernel's promises settle. */
  async start(
    kind: Call["kind"],
    from: Held | undefined,
    to: Held | undefined,
    length: number,
    patience: "none" | "try" | "wait",
    timeoutMs = Infinity,
  ): Promise<void> {
    const bytes = to !== undefined && from === undefined ? this.fresh(length) : [];
    const call: Call = {
      kind,
      handles: [from, to].flatMap((held) => held === undefined ? [] : [held.number]),
      length,
      from: from === undefined ? undefined : this.pipes[from.pipe],
      to: to === undefined ? undefined : this.pipes[to.pipe],
      bytes,
      got: [],
      moved: 0,
      outcome: undefined,
    };
    const buffer = from === undefined ? Uint8Array.from(bytes) : new Uint8Array(length);
    const running: Running = {
      call,
      buffer,
      abort: new AbortController(),
      deadlineMs: this.clock.now() + timeoutMs,
      outcome: undefined,
    };
    this.running.push(running);
    const ended = this.#perform(running, patience, timeoutMs);
    this.model.begin(call, patience);
    void ended.then((outcome) => running.outcome = outcome);
    await this.compare();
  }

  /** Does something to the handles of both. */
  async duplicate(side: "readers" | "writers", held: Held): Promise<void> {
    const number = this.door.call(SYSCALLS.handleDuplicate, held.number, Rights.SAME);
    this.#hold(side, { number: number as number, pipe: held.pipe });
    await this.compare();
  }

  async close(side: "readers" | "writers", held: Held): Promise<void> {
    this.door.call(SYSCALLS.handleClose, held.number);
    this[side] = this[side].filter((other) => other !== held);
    this.pipes[held.pipe]?.[side].delete(held.number);
    this.model.closed(held.number);
    await this.compare();
  }

  async abort(pick: number): Promise<void> {
    const waiting = this.running.filter(({ call }) => this.model.waiting.includes(call));
    const running = waiting[pick % waiting.length];
    if (running === undefined) return;
    running.abort.abort("enough");
    this.model.interrupt(running.call, "CANCELED");
    await this.compare();
  }

  async advance(ms: number): Promise<void> {
    const until = this.clock.now() + ms;
    // One deadline after the other, as the clock does: what one frees another may use.
    const due = this.running.filter(({ deadlineMs }) => deadlineMs <= until)
      .sort((a, b) => a.deadlineMs - b.deadlineMs);
    this.clock.advance(ms);
    for (const { call } of due) this.model.interrupt(call, "TIMED_OUT");
    await this.compare();
  }

  async fail(held: Held): Promise<void> {
    this.door.call(SYSCALLS.pipeFail, held.number, "the reason");
    this.pipes[held.pipe]?.fail();
    this.model.settle();
    await this.compare();
  }

  /** Peeks at what is there and takes some of it. */
  async consume(held: Held, share: number): Promise<void> {
    const pipe = this.pipes[held.pipe] as PipeModel;
    const shown = attempt(() => this.door.call(SYSCALLS.pipePeek, held.number) as Uint8Array);
    if (pipe.hasFailed) assertEquals(shown, "BROKEN_PIPE");
    else {
      const expected = pipe.isPacket
        ? pipe.chunks[0] ?? []
        : pipe.chunks.slice(0, pipe.upToWrap).flat();
      assertEquals([...shown as Uint8Array], expected);
      const count = pipe.isPacket ? expected.length : Math.floor(share * expected.length);
      if (count > 0) {
        this.door.call(SYSCALLS.pipeConsume, held.number, count);
        pipe.take(count);
        this.model.settle();
      }
    }
    await this.compare();
  }

  /** Reserves room, fills it, and publishes some of it. */
  async commit(held: Held, length: number, share: number): Promise<void> {
    const pipe = this.pipes[held.pipe] as PipeModel;
    const count = Math.floor(share * length);
    const expected = commitOutcome(pipe, length);
    const outcome = attempt(() => {
      const room = this.door.call(SYSCALLS.pipeReserve, held.number, length);
      if (!(room instanceof Uint8Array)) return "no room";
      const bytes = this.fresh(count);
      room.set(bytes);
      this.door.call(SYSCALLS.pipeCommit, held.number, count);
      if (count > 0) pipe.put(bytes);
      return "done";
    });
    assertEquals(outcome, expected);
    this.model.settle();
    await this.compare();
  }

  /** Lets promises settle, then compares all that can be seen. */
  async compare(): Promise<void> {
    for (let i = 0; i < 12; i++) await null;
    for (const { call, outcome, buffer } of this.running) {
      assertEquals(outcome, call.outcome, `${call.kind} of ${call.length} through ${call.handles}`);
      assertEquals([...buffer.subarray(0, call.got.length)], call.kind === "read" ? call.got : []);
    }
    this.running = this.running.filter(({ call }) => call.outcome === undefined);
    for (const [i, pipe] of this.pipes.entries()) {
      const end = this.ends[i]?.reader as PipeReaderEnd;
      assertEquals(end.availableBytes, pipe.available);
      assertEquals([end.hasReaders, end.hasWriters], [
        pipe.readers.size > 0,
        pipe.writers.size > 0,
      ]);
      (end.pipe as unknown as { assertInvariants(): void }).assertInvariants();
    }
    this.core.assertInvariants();
    assertEquals(this.core.init.account.usage.pendingWaits, this.model.waiting.length);
  }

  #hold(side: "readers" | "writers", held: Held): void {
    this[side].push(held);
    this.pipes[held.pipe]?.[side].add(held.number);
  }

  /** The call in the kernel; never rejects. */
  async #perform(
    { call, buffer, abort }: Running,
    patience: "none" | "try" | "wait",
    timeoutMs: number,
  ): Promise<Outcome> {
    const [first, second] = call.handles as [number, number];
    const options = {
      signal: abort.signal,
      timeoutMs: patience === "none" ? 0 : timeoutMs,
    };
    try {
      if (call.kind === "splice" || call.kind === "tee") {
        const syscall = call.kind === "tee" ? SYSCALLS.pipeTee : SYSCALLS.pipeSplice;
        if (patience === "try") {
          return { value: this.door.call(syscall, first, second, call.length) };
        }
        return { value: await this.door.wait(syscall, options, first, second, call.length) };
      }
      const syscall = call.kind === "read" ? SYSCALLS.streamRead : SYSCALLS.streamWrite;
      if (patience === "try") return { value: this.door.call(syscall, first, buffer) };
      return { value: await this.door.wait(syscall, options, first, buffer) };
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
      return { code: error.code, transferred: error.transferred };
    }
  }
}

/** What comes of a reservation and its commit. */
function commitOutcome(pipe: PipeModel, length: number): string {
  if (pipe.readers.size === 0 || pipe.hasFailed) return "BROKEN_PIPE";
  if (length > pipe.capacity) return "OUT_OF_RANGE";
  return pipe.free >= length ? "done" : "no room";
}

/** What an action gives, or the code of its error. */
function attempt<Result>(action: () => Result): Result | string {
  try {
    return action();
  } catch (error) {
    if (error instanceof KernelError) return error.code;
    throw error;
  }
}

/** One step of a random program; tells itself to who reads a counterexample. */
interface Step {
  readonly run: (twins: Twins) => Promise<void>;
  [fc.toStringMethod](): string;
}

function step<Args extends readonly unknown[]>(
  name: string,
  args: { [I in keyof Args]: fc.Arbitrary<Args[I]> },
  run: (twins: Twins, ...args: Args) => Promise<void> | undefined,
): fc.Arbitrary<Step> {
  return (fc.tuple(...args) as unknown as fc.Arbitrary<Args>).map((args) => ({
    run: async (twins) => await run(twins, ...args),
    [fc.toStringMethod]: () => `${name}(${args.join(", ")})`,
  }));
}

const pick = fc.nat(100);
const patience = fc.constantFrom("none", "try", "wait", "wait", "wait") as fc.Arbitrary<
  "none" | "try" | "wait"
>;
const timeoutMs = fc.constantFrom(1, 2, 3, Infinity, Infinity);
const share = fc.constantFrom(0, 0.5, 1);

/** Steps on one pipe, with calls of at most so many bytes. */
function steps(longest: number): fc.Arbitrary<Step> {
  const length = fc.nat(longest);
  const reads = step("read", [pick, length, patience, timeoutMs], (twins, pick, ...rest) => {
    const held = twins.reader(pick);
    return held && twins.start("read", held, undefined, ...rest);
  });
  const writes = step("write", [pick, length, patience, timeoutMs], (twins, pick, ...rest) => {
    const held = twins.writer(pick);
    return held && twins.start("write", undefined, held, ...rest);
  });
  const consumes = step("consume", [pick, share], (twins, pick, share) => {
    const held = twins.reader(pick);
    return held && twins.consume(held, share);
  });
  const commits = step("commit", [pick, length, share], (twins, pick, length, share) => {
    const held = twins.writer(pick);
    return held && twins.commit(held, Math.max(1, length), share);
  });
  const rare = [
    step("duplicateReader", [pick], (twins, pick) => {
      const held = twins.reader(pick);
      return held && twins.duplicate("readers", held);
    }),
    step("duplicateWriter", [pick], (twins, pick) => {
      const held = twins.writer(pick);
      return held && twins.duplicate("writers", held);
    }),
    step("closeReader", [pick], (twins, pick) => {
      const held = twins.reader(pick);
      return held && twins.close("readers", held);
    }),
    step("closeWriter", [pick], (twins, pick) => {
      const held = twins.writer(pick);
      return held && twins.close("writers", held);
    }),
    step("abort", [pick], (twins, pick) => twins.abort(pick)),
    step("advance", [fc.nat(2)], (twins, ms) => twins.advance(ms)),
  ];
  return fc.oneof(
    { weight: 16, arbitrary: fc.oneof(reads, writes) },
    { weight: 4, arbitrary: fc.oneof(consumes, commits) },
    { weight: 6, arbitrary: fc.oneof(...rare) },
  );
}

/** To be used rarely: a failed pipe is of little use to the rest of the program. */
const failures = step("fail", [pick], (twins, pick) => {
  const held = twins.writer(pick);
  return held && twins.fail(held);
});

/**
 * From the first pipe to the second, at once or not at all. Those that wait let others pass, so
 * what they move depends on who is served first, which no rule says: they have a test of their own.
 */
const moves = step(
  "move",
  [
    fc.constantFrom("splice", "tee") as fc.Arbitrary<"splice" | "tee">,
    fc.nat(8),
    fc.constantFrom("none", "try") as fc.Arbitrary<"none" | "try">,
  ],
  (twins, kind, ...rest) => {
    const from = twins.readers.find(({ pipe }) => pipe === 0);
    const to = twins.writers.find(({ pipe }) => pipe === 1);
    return from && to && twins.start(kind, from, to, ...rest);
  },
);

/** Runs a program on the kernel and the model, then closes everything. */
async function run(twins: Twins, program: readonly Step[]): Promise<void> {
  for (const step of program) await step.run(twins);
  for (const held of [...twins.readers]) await twins.close("readers", held);
  for (const held of [...twins.writers]) await twins.close("writers", held);
  assertEquals(twins.core.init.account.usage.objects, 0);
  twins.core.shutdown();
}

const RUNS = { numRuns: 200 };

Deno.test("a pipe is a bounded queue of bytes, whoever reads and writes", async () => {
  const program = fc.array(
    fc.oneof({ weight: 40, arbitrary: steps(12) }, { weight: 1, arbitrary: failures }),
    { minLength: 10, maxLength: 60 },
  );
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 8 }),
      program,
      (capacity, program) => run(new Twins([capacity], false), program),
    ),
    RUNS,
  );
});

Deno.test("a pipe of packets is a bounded queue of writes, whoever reads and writes", async () => {
  const program = fc.array(
    fc.oneof({ weight: 40, arbitrary: steps(9) }, { weight: 1, arbitrary: failures }),
    { minLength: 10, maxLength: 60 },
  );
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 20 }),
      program,
      (capacity, program) => run(new Twins([capacity], true), program),
    ),
    RUNS,
  );
});

Deno.test("splice and tee between two pipes move what is there and fits", async () => {
  const program = fc.array(
    fc.oneof(
      { weight: 30, arbitrary: steps(8) },
      { weight: 20, arbitrary: moves },
      { weight: 1, arbitrary: failures },
    ),
    { minLength: 10, maxLength: 80 },
  );
  await fc.assert(
    fc.asyncProperty(
      fc.tuple(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 6 })),
      program,
      (capacities, program) => run(new Twins(capacities, false), program),
    ),
    RUNS,
  );
});

/** What a task does in the test of splices that wait. */
type Action = "write A" | "read A" | "splice" | "write B" | "read B" | "abort";

/** Two pipes with everybody's calls waiting, and what came out of each. */
class Splices {
  readonly #kernel = new Kernel();
  readonly #a: ReturnType<Task["createPipe"]>;
  readonly #b: ReturnType<Task["createPipe"]>;
  /** Bytes that came out of the first pipe and out of the second, in the order of the reads. */
  readonly fromA: number[] = [];
  readonly fromB: number[] = [];
  /** The next byte to write into the first pipe counts up from 0, the second's down from 255. */
  nextA = 0;
  nextB = 255;
  readonly #waiting: Record<"reading A" | "splicing" | "reading B", number> = {
    "reading A": 0,
    "splicing": 0,
    "reading B": 0,
  };
  readonly #aborts: AbortController[] = [];

  constructor(capacityA: number, capacityB: number) {
    this.#a = this.#kernel.init.createPipe({ capacity: capacityA });
    this.#b = this.#kernel.init.createPipe({ capacity: capacityB });
  }

  act(action: Action, length: number): void {
    const { init } = this.#kernel;
    const abort = new AbortController();
    const options = { signal: abort.signal };
    switch (action) {
      case "write A":
        this.#a.writer.write(Uint8Array.from({ length }, () => this.nextA++)).catch(() => {});
        return;
      case "write B":
        this.#b.writer.write(Uint8Array.from({ length }, () => this.nextB--)).catch(() => {});
        return;
      case "read A":
        this.#aborts.push(abort);
        this.#track("reading A", read(this.#a.reader, length, options, this.fromA));
        return;
      case "read B":
        this.#aborts.push(abort);
        this.#track("reading B", read(this.#b.reader, length, options, this.fromB));
        return;
      case "splice":
        this.#aborts.push(abort);
        this.#track("splicing", init.splice(this.#a.reader, this.#b.writer, length, options));
        return;
      case "abort":
        this.#aborts.shift()?.abort();
        return;
      default:
        action satisfies never;
    }
  }

  /** Nobody waits who could go on. */
  async assertLive(): Promise<void> {
    for (let i = 0; i < 12; i++) await null;
    const [a, b] = [this.#a.reader.availableBytes, this.#b.reader.availableBytes];
    const roomInB = this.#b.reader.bufferSize - b;
    if (this.#waiting["reading A"] > 0) assertEquals(a, 0);
    if (this.#waiting["reading B"] > 0) assertEquals(b, 0);
    // A write that needs more than there is may be before it.
    if (this.#waiting.splicing > 0 && this.nextB === 255) assertEquals(Math.min(a, roomInB), 0);
  }

  /** Lets everything out that is in the pipes or on its way into them. */
  async drain(): Promise<void> {
    for (const abort of this.#aborts) abort.abort();
    for (const [end, got] of [[this.#b, this.fromB], [this.#a, this.fromA]] as const) {
      for (const into = new Uint8Array(64);;) {
        for (let i = 0; i < 12; i++) await null;
        const length = end.reader.tryRead(into);
        if (length <= 0) break;
        got.push(...into.subarray(0, length));
      }
    }
    assertEquals(this.#kernel.tasks()[0]?.usage.pendingWaits, 0);
    await this.#kernel.shutdown();
  }

  #track(what: "reading A" | "splicing" | "reading B", call: Promise<unknown>): void {
    this.#waiting[what]++;
    const done = () => {
      this.#waiting[what]--;
    };
    call.then(done, done);
  }
}

async function read(
  reader: PipeReader,
  length: number,
  options: WaitOptions,
  got: number[],
): Promise<void> {
  const into = new Uint8Array(length);
  const count = await reader.read(into, options);
  got.push(...into.subarray(0, count));
}

Deno.test("splices that wait lose nothing, double nothing, and wait for nothing that is there", async () => {
  const actions = fc.array(
    fc.tuple(
      fc.constantFrom<Action>(
        "write A",
        "write A",
        "read A",
        "splice",
        "splice",
        "write B",
        "read B",
        "abort",
      ),
      fc.integer({ min: 1, max: 3 }),
    ),
    { maxLength: 40 },
  );
  const capacity = fc.integer({ min: 3, max: 6 });
  await fc.assert(
    fc.asyncProperty(capacity, capacity, actions, async (capacityA, capacityB, actions) => {
      const splices = new Splices(capacityA, capacityB);
      for (const [action, length] of actions) {
        splices.act(action, length);
        await splices.assertLive();
      }
      await splices.drain();
      const { fromA, fromB, nextA, nextB } = splices;
      const throughBoth = fromB.filter((byte) => byte < 128);
      assertEquals([...fromA, ...throughBoth].sort((x, y) => x - y), range(nextA));
      for (const bytes of [fromA, throughBoth]) {
        assertEquals(bytes, [...bytes].sort((x, y) => x - y));
      }
      assertEquals(fromB.filter((byte) => byte >= 128), range(255 - nextB).map((i) => 255 - i));
    }),
    RUNS,
  );
});

function range(length: number): number[] {
  return Array.from({ length }, (_, i) => i);
}
