import { assert, assertEquals, assertThrows } from "@std/assert";
import { PipeError } from "../../../capabilities/errors.ts";
import { WOULD_BLOCK } from "../../../capabilities/stream_ops.ts";
import { transfer, UnidirectionalPipe } from "../../../kernel/ipc/pipe.ts";
import { FREE, HEAD, HELD, READER_LOCK, TAIL, WRITER_LOCK } from "../../../memory/ring_layout.ts";
import { BUSY, MOVED, Ring } from "../../../memory/ring.ts";
import { codeOf } from "../../_codes.ts";
import { Holder } from "./_holder.ts";

/** A pipe with threads at it. */
class Setup {
  readonly pipe: UnidirectionalPipe;

  constructor(capacity = 8, packet = false) {
    this.pipe = new UnidirectionalPipe({ capacity, packet });
  }

  join(end: "reader" | "writer", holder = new Holder()): Holder {
    this.pipe.seatHost().join(holder, this.pipe[end]);
    this.pipe.assertInvariants();
    return holder;
  }

  leave(holder: Holder): void {
    this.pipe.seatHost().leave(holder);
    this.pipe.assertInvariants();
  }

  /** Whether the thread is told that it is alone: as the reader, as the writer. */
  isSole(holder: Holder): [boolean, boolean] {
    const terms = this.pipe.seatHost().terms(holder);
    assert(terms.kind === "ring");
    return [terms.soleReader, terms.soleWriter];
  }

  /** A ring as the thread would make it of what it is told now. */
  ringOf(holder: Holder): Ring {
    const terms = this.pipe.seatHost().terms(holder);
    assert(terms.kind === "ring");
    const generation = { word: holder.word, index: 0, value: holder.word[0] ?? 0 };
    const { memory } = this.pipe.seatHost();
    return new Ring(memory, terms.capacityBytes, { ...terms, generation });
  }

  /** The words of the memory that counts now. */
  get words(): Int32Array {
    return new Int32Array(this.pipe.ring.memory);
  }

  write(...bytes: number[]): number {
    return this.pipe.writer.tryWrite(Uint8Array.from(bytes));
  }

  read(most = 100): number[] | "WOULD_BLOCK" {
    const into = new Uint8Array(most);
    const read = this.pipe.reader.tryRead(into);
    return read === WOULD_BLOCK ? "WOULD_BLOCK" : [...into.subarray(0, read)];
  }
}

Deno.test("RingSharing tells a thread that is alone on a side so, until somebody else comes there", () => {
  const setup = new Setup();
  const one = setup.join("reader");
  assertEquals(setup.isSole(one), [true, false]);
  assertEquals(one.cuts.length, 0, "nobody had anything that could have moved");
  const writer = setup.join("writer");
  assertEquals([setup.isSole(one), setup.isSole(writer)], [[true, false], [false, true]]);
  assertEquals(one.cuts.length, 0);
  const two = setup.join("reader");
  assertEquals([one.cuts.length, writer.cuts.length, two.cuts.length], [1, 1, 0]);
  assertEquals([setup.isSole(one), setup.isSole(two)], [[false, false], [false, false]]);
  setup.join("reader"); // all take locks already
  assertEquals(one.cuts.length, 1);
  setup.join("writer", one);
  assertEquals([setup.isSole(one), setup.isSole(writer)], [[false, false], [false, false]]);
});

Deno.test("RingSharing tells a thread that has both ends so", () => {
  const setup = new Setup();
  const one = setup.join("reader");
  setup.join("writer", one);
  assertEquals([setup.isSole(one), one.cuts.length], [[true, true], 1]);
  setup.join("writer", one); // through one handle more
  assertEquals([setup.isSole(one), one.cuts.length], [[true, true], 1]);
  setup.leave(one);
  assertEquals([one.isLost, one.cuts.length, setup.pipe.sharing], [true, 2, undefined]);
});

Deno.test("RingSharing makes threads share a side with the kernel once that comes there", () => {
  const setup = new Setup();
  const reader = setup.join("reader");
  const writer = setup.join("writer");
  assertEquals(setup.write(1, 2, 3), 3);
  assertEquals([setup.isSole(reader), setup.isSole(writer)], [[true, false], [false, false]]);
  assertEquals([reader.cuts.length, writer.cuts.length], [1, 1]);
  setup.write(4);
  assertEquals(writer.cuts.length, 1, "it has come already");
  assertEquals(setup.read(1), [1]);
  assertEquals(setup.isSole(reader), [false, false]);
  setup.leave(writer);
  assertEquals(writer.isLost, true);
  assertEquals(setup.read(1), [2]);
  const other = setup.join("writer"); // the kernel may not come back
  assertEquals(setup.isSole(other), [false, true]);
  assertEquals(setup.read(), [3, 4]);
});

Deno.test("RingSharing moves what is unread when a thread leaves, and what that writes is nowhere", () => {
  const setup = new Setup();
  const [one, two] = [setup.join("writer"), setup.join("writer")];
  const [ringOfOne, ringOfTwo] = [setup.ringOf(one), setup.ringOf(two)];
  one.cuts.length = 0;
  assertEquals(ringOfOne.write(Uint8Array.of(1, 2), 0, 2), 2);
  setup.leave(one);
  assertEquals(ringOfOne.write(Uint8Array.of(9), 0, 1), MOVED);
  assertEquals(ringOfTwo.write(Uint8Array.of(8), 0, 1), MOVED);
  assertEquals([one.cuts, two.cuts], [[{ head: 0, tail: 2 }], [{ head: 0, tail: 2 }]]);
  assertEquals(setup.ringOf(two).write(Uint8Array.of(3), 0, 1), 1);
  assertEquals(setup.isSole(two), [false, true]);
  assertEquals(setup.read(), [1, 2, 3]);
  setup.leave(one); // again
  assertEquals([two.isLost, two.cuts.length], [false, 1]);
});

Deno.test("RingSharing is over when the last thread leaves, and the kernel has the ring for itself", () => {
  const setup = new Setup();
  const [reader, writer] = [setup.join("reader"), setup.join("writer")];
  setup.ringOf(writer).write(Uint8Array.of(1, 2, 3), 0, 3);
  setup.ringOf(reader).read(new Uint8Array(1));
  setup.leave(reader);
  assert(setup.pipe.sharing !== undefined);
  setup.leave(writer);
  assertEquals(setup.pipe.sharing, undefined);
  assertEquals([setup.read(), setup.write(4), setup.read()], [[2, 3], 1, [4]]);
});

Deno.test("RingSharing.suspend() moves the ring, and takes nothing from anybody", () => {
  const setup = new Setup();
  const writer = setup.join("writer");
  setup.ringOf(writer).write(Uint8Array.of(1), 0, 1);
  setup.pipe.seatHost().suspend();
  assertEquals([writer.cuts.length, writer.isLost], [1, false]);
  assertEquals(setup.read(), [1]);
});

Deno.test("RingSharing ends, and what is in the ring with it, when the last reader closes or a writer fails", async () => {
  for (const how of ["close", "fail"]) {
    const setup = new Setup();
    const [reader, writer] = [setup.join("reader"), setup.join("writer")];
    const ring = setup.ringOf(writer);
    setup.write(1, 2);
    const entry = {};
    setup.pipe.reader.handleOpened(entry);
    if (how === "close") setup.pipe.reader.handleClosed(entry);
    else setup.pipe.writer.fail(new Error("no more"));
    assertEquals([reader.isLost, writer.isLost, setup.pipe.sharing], [true, true, undefined]);
    assertEquals([reader.cuts.at(-1), writer.cuts.at(-1)], [undefined, undefined]);
    assertEquals(ring.write(Uint8Array.of(1), 0, 1), MOVED);
    assertEquals(codeOf(() => setup.write(1)), "BROKEN_PIPE");
    assertEquals(codeOf(() => setup.pipe.seatHost()), "NOT_SUPPORTED");
    setup.pipe.assertInvariants();
    await null; // those who wait are woken
  }
});

Deno.test("RingSharing tells threads that come when the last writer has closed", () => {
  const setup = new Setup();
  const reader = setup.join("reader");
  setup.write(1);
  const entry = {};
  setup.pipe.writer.handleOpened(entry);
  setup.pipe.writer.handleClosed(entry);
  for (const holder of [reader, setup.join("reader")]) {
    const terms = setup.pipe.seatHost().terms(holder);
    assert(terms.kind === "ring");
    assertEquals([terms.readIsClosed, terms.writeIsClosed], [false, true]);
    assertEquals(setup.ringOf(holder).writeIsClosed, true);
  }
  assertEquals([setup.read(), setup.read()], [[1], []]);
});

const GARBAGE: [word: string, index: number, value: number][] = [
  ["tail", TAIL, -1],
  ["tail", TAIL, 0x7fffffff],
  ["tail", TAIL, 12],
  ["head", HEAD, -1],
  ["head", HEAD, 9],
  ["head", HEAD, 0x40000000],
];

for (const [word, index, value] of GARBAGE) {
  for (const noticing of ["read", "write", "peek", "leave", "join", "suspend"] as const) {
    Deno.test(`a pipe whose ${word} was set to ${value} is over, and its threads are told so: ${noticing}`, () => {
      const setup = new Setup();
      const other = new Setup();
      const [reader, writer] = [setup.join("reader"), setup.join("writer")];
      setup.ringOf(writer).write(Uint8Array.of(1, 2, 3), 0, 3);
      setup.words[index] = value;
      if (noticing === "read") codeOf(() => setup.read());
      if (noticing === "write") codeOf(() => setup.write(1));
      if (noticing === "peek") codeOf(() => setup.pipe.reader.peek(0, true));
      if (noticing === "leave") setup.leave(writer);
      if (noticing === "suspend") setup.pipe.seatHost().suspend();
      if (noticing === "join") setup.join("reader");
      assertEquals([reader.isLost, writer.isLost], [true, true]);
      assertEquals(setup.pipe.sharing, undefined);
      for (let i = 0; i < 2; i++) {
        assertEquals(codeOf(() => setup.read()), "INVALID_STATE");
        assertEquals(codeOf(() => setup.write(1)), "INVALID_STATE");
        assertEquals(codeOf(() => setup.pipe.reader.peek(0, true)), "INVALID_STATE");
        assertEquals(
          codeOf(() => transfer(setup.pipe.reader, other.pipe.writer, 1, false)),
          "INVALID_STATE",
        );
        assertEquals(codeOf(() => setup.pipe.seatHost()), "NOT_SUPPORTED");
      }
      assertEquals([other.write(7), other.read()], [1, [7]]);
    });
  }
}

Deno.test("a lock that a thread never lets go ends with a move, whoever in the kernel meets it", async () => {
  type Meet = [what: string, lock: number, meet: (setup: Setup) => unknown, expected: unknown];
  const commit = ({ pipe }: Setup): string => {
    pipe.writer.reserve("me", 2, true)?.set([4, 5]);
    new Int32Array(pipe.ring.memory)[WRITER_LOCK] = HELD;
    return codeOf(() => pipe.writer.commit("me", 2));
  };
  const meetings: Meet[] = [
    ["read", READER_LOCK, (setup) => setup.read(), "WOULD_BLOCK"],
    ["write", WRITER_LOCK, (setup) => setup.write(9), WOULD_BLOCK],
    ["peek", READER_LOCK, ({ pipe }) => pipe.reader.peek("me", true).length, 0],
    ["commit", WRITER_LOCK, commit, "INVALID_STATE"],
  ];
  for (const [what, lock, meet, expected] of meetings) {
    const setup = new Setup();
    const [reader, writer] = [setup.join("reader"), setup.join("writer")];
    setup.write(1);
    setup.write(2);
    setup.read(1);
    setup.words[lock] = HELD;
    const { memory } = setup.pipe.ring;
    assertEquals(meet(setup), expected, what);
    while (setup.pipe.ring.memory === memory) await new Promise((resolve) => setTimeout(resolve));
    assertEquals([reader.isLost, writer.isLost], [false, false]);
    assertEquals(setup.words[lock], FREE);
    assertEquals([...setup.pipe.reader.peek("me", true)], [2], what);
    assertEquals([setup.write(3), setup.read()], [1, [2, 3]]);
  }
});

Deno.test("who waits in the kernel for a lock goes on as soon as it is free", async () => {
  const setup = new Setup();
  const writer = setup.join("writer");
  setup.write(1);
  const ring = setup.ringOf(writer);
  setup.words[WRITER_LOCK] = HELD;
  assertEquals([setup.write(2), ring.write(Uint8Array.of(2), 0, 1)], [WOULD_BLOCK, BUSY]);
  Atomics.store(setup.words, WRITER_LOCK, FREE);
  Atomics.notify(setup.words, WRITER_LOCK);
  await new Promise((resolve) => setTimeout(resolve));
  assertEquals([setup.write(2), setup.read()], [1, [1, 2]]);
});

Deno.test("transfer() moves between pipes that threads share, and leaves their terms as they were", () => {
  const [from, to] = [new Setup(), new Setup()];
  const [writer, reader] = [from.join("writer"), to.join("reader")];
  const sharing = [from.join("reader"), to.join("writer")];
  from.ringOf(writer).write(Uint8Array.of(1, 2, 3, 4), 0, 4);
  assertEquals(transfer(from.pipe.reader, to.pipe.writer, 3, true), 3);
  assertEquals(transfer(from.pipe.reader, to.pipe.writer, 2, false), 2);
  for (const setup of [from, to]) setup.pipe.assertInvariants();
  assertEquals([from.isSole(writer), to.isSole(reader)], [[false, true], [true, false]]);
  assertEquals(sharing.map(({ isLost }) => isLost), [false, false]);
  const into = new Uint8Array(8);
  assertEquals(to.ringOf(reader).read(into), 5);
  assertEquals([...into.subarray(0, 5)], [1, 2, 3, 1, 2]);
  assertEquals(from.read(), [3, 4]);
  assertEquals(transfer(from.pipe.reader, to.pipe.writer, 9, false), WOULD_BLOCK);
});

Deno.test("a reservation in the kernel is not committed after a thread came, and nothing is written", () => {
  for (const leaves of [false, true]) {
    const setup = new Setup();
    setup.pipe.writer.reserve("me", 3, true)?.set([1, 2, 3]);
    const holder = setup.join("writer");
    setup.ringOf(holder).write(Uint8Array.of(7, 8), 0, 2);
    if (leaves) setup.leave(holder);
    assertEquals(codeOf(() => setup.pipe.writer.commit("me", 3)), "INVALID_STATE");
    assertEquals(setup.read(), [7, 8]);
  }
});

Deno.test("packets stay whole while threads come and go", () => {
  const setup = new Setup(20, true);
  const writer = setup.join("writer");
  setup.ringOf(writer).writePacket(Uint8Array.of(1, 2, 3));
  const reader = setup.join("reader");
  setup.write(4, 5);
  const into = new Uint8Array(9);
  assertEquals(setup.ringOf(reader).readPacket(into), 3);
  setup.leave(writer);
  assertThrows(() => setup.pipe.reader.tryRead(new Uint8Array(1)), PipeError, "2 bytes");
  assertEquals(setup.read(), [4, 5]);
  setup.leave(reader);
  assertEquals([setup.write(6), setup.read()], [1, [6]]);
});
