import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { KernelError, PipeReader, PipeWriter } from "@carmine/kernel";
import type { TaskObject } from "../../../kernel/task.ts";
import type { TaskStub } from "../../../syscalls/stubs/task.ts";
import { adopt } from "../../../syscalls/stubs/registry.ts";
import type { Door } from "../../../syscalls/door.ts";
import { assertCode } from "../../_codes.ts";
import { settle, Threads } from "../../_threads.ts";
import { namedStep, pick, WaitingCalls } from "./_shared_steps.ts";

/** Who works on the pipe: init, in the kernel's isolate, or a thread. */
interface Actor {
  readonly task: TaskObject;
  readonly stub: TaskStub;
  readonly door: Door;
  readonly readers: PipeReader[];
  readonly writers: PipeWriter[];
}

/** What a peek showed, and the step of the program in which it did. */
interface Shown {
  /** Where in the stream the bytes begin that may still be consumed. */
  readonly at: number;
  readonly bytes: number;
  readonly step: number;
}

const THREADS = 3;

/** A pipe with everybody at it, and what it is to hold. */
class World {
  readonly threads = new Threads();
  readonly capacity: number;
  readonly actors: Actor[] = [];
  /** What was ever written, and how much of it was read. */
  readonly stream: number[] = [];
  read = 0;
  #fresh = 0;
  step = 0;
  readonly #shown = new Map<PipeReader, Shown>();
  readonly #reserved = new Map<PipeWriter, { content: Uint8Array; step: number }>();
  readonly waiting = new WaitingCalls<"read" | "write">(["BROKEN_PIPE"]);
  /** Bytes that waiting calls took, and those that were to be written by waiting calls. */
  readonly got: number[] = [];
  readonly failedBytes = new Set<number>();

  constructor(capacity: number) {
    this.capacity = capacity;
    const { init, core } = this.threads;
    const { reader, writer } = init.createPipe({ capacity });
    for (let i = 0; i < THREADS; i++) {
      const given = { in: reader.duplicate(), out: writer.duplicate() };
      const { task, stub, door } = this.threads.spawn(given);
      const ends = [stub.handle("in", PipeReader), stub.handle("out", PipeWriter)] as const;
      this.actors.push({ task, stub, door, readers: [ends[0]], writers: [ends[1]] });
    }
    const door = this.threads.initDoor;
    this.actors.push({ task: core.init, stub: init, door, readers: [reader], writers: [writer] });
  }

  actor(pick: number): Actor {
    return this.actors[pick % this.actors.length] as Actor;
  }

  get readerCount(): number {
    return this.actors.reduce((sum, { readers }) => sum + readers.length, 0);
  }

  get writerCount(): number {
    return this.actors.reduce((sum, { writers }) => sum + writers.length, 0);
  }

  get available(): number {
    return this.stream.length - this.read;
  }

  get free(): number {
    return this.capacity - this.available;
  }

  /** Bytes that tell where they belong. */
  fresh(count: number): Uint8Array {
    return Uint8Array.from({ length: count }, () => this.#fresh++);
  }

  tryRead(reader: PipeReader, length: number): void {
    const into = new Uint8Array(length);
    const expected = this.available > 0
      ? Math.min(length, this.available)
      : this.writerCount === 0
      ? 0
      : -1;
    assertEquals(reader.tryRead(into), expected);
    const bytes = into.subarray(0, Math.max(0, expected));
    this.#assertNext(bytes);
    this.read += bytes.length;
  }

  #assertNext(bytes: Uint8Array): void {
    assertEquals([...bytes], this.stream.slice(this.read, this.read + bytes.length));
  }

  tryWrite(writer: PipeWriter, length: number): void {
    const bytes = this.fresh(length);
    const whole = Math.min(4_096, this.capacity);
    if (this.readerCount === 0) return void assertCode("BROKEN_PIPE", () => writer.tryWrite(bytes));
    const fits = length <= whole && length > this.free ? 0 : Math.min(length, this.free);
    assertEquals(writer.tryWrite(bytes), fits > 0 ? fits : -1);
    this.stream.push(...bytes.subarray(0, fits));
  }

  peek(reader: PipeReader, _length: number): void {
    const shown = reader.peek();
    assert(shown.length > 0 || this.available === 0);
    this.#assertNext(shown);
    this.#shown.set(reader, { at: this.read, bytes: shown.length, step: this.step });
  }

  /** Others may have read since the peek: then nothing is taken; if not, and nothing else, it is. */
  consume(reader: PipeReader, bytes: number): void {
    const shown = this.#shown.get(reader);
    const count = Math.min(bytes, shown?.bytes ?? 0);
    if (shown === undefined || count === 0) return;
    try {
      reader.consume(count);
    } catch (error) {
      assert(error instanceof KernelError && error.code === "INVALID_STATE", String(error));
      assert(shown.step !== this.step - 1, "nothing has happened since the peek");
      this.#shown.delete(reader);
      return;
    }
    assertEquals(shown.at, this.read, "what was shown is what was taken");
    this.read += count;
    this.#shown.set(reader, { at: this.read, bytes: shown.bytes - count, step: this.step });
  }

  reserve(writer: PipeWriter, bytes: number): void {
    if (bytes > this.capacity) return;
    if (this.readerCount === 0) return void assertCode("BROKEN_PIPE", () => writer.reserve(bytes));
    const room = writer.reserve(bytes);
    assertEquals(room?.length, this.free >= bytes ? bytes : undefined);
    if (room === undefined) return;
    const content = this.fresh(bytes);
    room.set(content);
    this.#reserved.set(writer, { content, step: this.step });
  }

  commit(writer: PipeWriter, bytes: number): void {
    const reserved = this.#reserved.get(writer);
    if (reserved === undefined) return;
    const count = Math.min(bytes, reserved.content.length);
    this.#reserved.delete(writer);
    try {
      writer.commit(count);
    } catch (error) {
      assert(error instanceof KernelError, String(error));
      if (this.readerCount === 0) return assertEquals(error.code, "BROKEN_PIPE");
      assertEquals(error.code, "INVALID_STATE");
      assert(reserved.step !== this.step - 1, "nothing has happened since the reservation");
      return;
    }
    this.stream.push(...reserved.content.subarray(0, count));
  }

  duplicate({ readers, writers }: Actor, isReader: boolean): void {
    if (isReader) readers.push(...readers.slice(0, 1).map((reader) => reader.duplicate()));
    else writers.push(...writers.slice(0, 1).map((writer) => writer.duplicate()));
  }

  /** Ends a handle, and sees that it is of no use any more. */
  end({ readers, writers, task }: Actor, isReader: boolean, isRevoked: boolean): void {
    const held = isReader ? readers : writers;
    const handle = held.pop();
    if (handle === undefined) return;
    if (isRevoked) task.table.get(handle.number).close("revoked");
    else handle.close();
    const code = isRevoked ? "REVOKED" : "BAD_HANDLE";
    if (handle instanceof PipeReader) {
      assertCode(code, () => handle.tryRead(new Uint8Array(1)));
      assertCode(code, () => handle.peek());
    } else {
      assertCode(code, () => handle.tryWrite(this.fresh(1)));
      assertCode(code, () => handle.reserve(1));
    }
  }

  transfer(from: Actor, to: Actor, isReader: boolean): void {
    const held = isReader ? from.readers : from.writers;
    const handle = held.pop();
    if (handle === undefined) return;
    const [number] = to.task.receive([from.task.table.get(handle.number)]);
    const arrived = adopt(to.door, number as number);
    if (arrived instanceof PipeReader) to.readers.push(arrived);
    else to.writers.push(arrived as PipeWriter);
  }

  /** A read that waits; what it takes is looked at in the end. */
  startRead(reader: PipeReader, length: number): void {
    const into = new Uint8Array(length);
    this.waiting.add(
      "read",
      reader.read(into).then((count) => {
        this.got.push(...into.subarray(0, count));
      }),
    );
  }

  startWrite(writer: PipeWriter, length: number): void {
    const bytes = this.fresh(length);
    this.stream.push(...bytes);
    this.waiting.add(
      "write",
      writer.write(bytes).then(() => {}, (error: KernelError) => {
        for (const byte of bytes.subarray(error.transferred ?? 0)) this.failedBytes.add(byte);
        throw error;
      }),
    );
  }
}

const named = namedStep<World>;
const length = fc.integer({ min: 1, max: 6 });

function ofReader(name: "tryRead" | "peek" | "consume" | "startRead") {
  return fc.tuple(pick, pick, length).map(([who, which, length]) =>
    named(name, [who, which, length], (world) => {
      const { readers } = world.actor(who);
      const reader = readers[which % readers.length];
      if (reader !== undefined) world[name](reader, length);
    })
  );
}

function ofWriter(name: "tryWrite" | "reserve" | "commit" | "startWrite") {
  return fc.tuple(pick, pick, length).map(([who, which, length]) =>
    named(name, [who, which, length], (world) => {
      const { writers } = world.actor(who);
      const writer = writers[which % writers.length];
      if (writer !== undefined) world[name](writer, length);
    })
  );
}

const handles = fc.oneof(
  fc.tuple(pick, fc.boolean()).map(([who, isReader]) =>
    named(
      "duplicate",
      [who, isReader],
      (world) => world.duplicate(world.actor(who), isReader),
    )
  ),
  fc.tuple(pick, fc.boolean(), fc.boolean()).map((args) =>
    named("end", args, (world) => world.end(world.actor(args[0]), args[1], args[2]))
  ),
  fc.tuple(pick, pick, fc.boolean()).map((args) =>
    named("transfer", args, (world) => {
      world.transfer(world.actor(args[0]), world.actor(args[1]), args[2]);
    })
  ),
  pick.map((who) => named("suspend", [who], (world) => world.actor(who).task.seats?.suspend())),
);

const tries = fc.oneof(
  { weight: 6, arbitrary: ofReader("tryRead") },
  { weight: 6, arbitrary: ofWriter("tryWrite") },
  { weight: 3, arbitrary: ofReader("peek") },
  { weight: 4, arbitrary: ofReader("consume") },
  { weight: 3, arbitrary: ofWriter("reserve") },
  { weight: 4, arbitrary: ofWriter("commit") },
  { weight: 5, arbitrary: handles },
);

Deno.test("a pipe is one stream, whoever of threads and the kernel works on it", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 8 }),
      fc.array(tries, { minLength: 10, maxLength: 80 }),
      async (capacity, program) => {
        const world = new World(capacity);
        using threads = world.threads;
        for (const step of program) {
          step(world);
          world.step++;
          threads.core.assertInvariants();
        }
        await null;
      },
    ),
    { numRuns: 400 },
  );
});

const waits = fc.oneof(
  { weight: 6, arbitrary: ofReader("startRead") },
  { weight: 6, arbitrary: ofWriter("startWrite") },
  { weight: 3, arbitrary: handles },
);

Deno.test("calls of threads and the kernel that wait on a pipe lose no byte and no wake-up", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 8 }),
      fc.array(waits, { minLength: 5, maxLength: 25 }),
      async (capacity, program) => {
        const world = new World(capacity);
        using threads = world.threads;
        for (const step of program) {
          if (world.readerCount === 0 || world.writerCount === 0 || world.stream.length > 200) {
            break;
          }
          step(world);
          await settle();
          threads.core.assertInvariants();
        }
        const [last] = world.actors.flatMap(({ readers }) => readers);
        for (const { writers } of world.actors) {
          for (const writer of writers.splice(0)) writer.close();
        }
        if (last === undefined) return;
        const into = new Uint8Array(300);
        while (world.waiting.has("read") || last.tryRead(into.subarray(0, 0)) !== 0) await settle();
        for (let count = await last.read(into); count > 0; count = await last.read(into)) {
          world.got.push(...into.subarray(0, count));
        }
        await settle();
        assert(!world.waiting.has("write"), "a write waits though its handle is closed");
        const expected = world.stream;
        const came = world.got.toSorted((a, b) => a - b);
        assertEquals(came, expected.filter((byte) => !world.failedBytes.has(byte)));
      },
    ),
    { numRuns: 60 },
  );
});
