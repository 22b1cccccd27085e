import { assertEquals } from "@std/assert";
import { MappedRing, type NextGeneration } from "../../../memory/mapped_ring.ts";
import { allocateRing, type Cut, Ring } from "../../../memory/ring.ts";
import type { Door } from "../../../syscalls/door.ts";
import { MappedWriter } from "../../../syscalls/stubs/mapped_writer.ts";
import type { ThreadRing } from "../../../syscalls/stubs/thread_ring.ts";
import { WaitLine } from "../../../syscalls/stubs/wait_line.ts";

const killed = { word: new Int32Array(1), index: 0, value: 0 };

/** A writer at a ring of 100 bytes; what it sleeps for is noted, and nothing wakes it. */
function setUp(ask: () => NextGeneration, soleWriter = true) {
  const memory = allocateRing(100);
  const generation = { word: new Int32Array(new SharedArrayBuffer(4)), index: 0, value: 0 };
  const ring = new MappedRing(memory, 100, { soleReader: false, soleWriter, generation }, ask);
  const sleepsFor: (number | bigint)[] = [];
  const sleep = {
    sync: () => "timed-out" as const,
    async: async ({ needed }: { needed: number | bigint }) => {
      sleepsFor.push(needed);
      await new Promise((resolve) => wake = () => resolve("changed"));
      return "changed" as const;
    },
  };
  let wake = () => {};
  const thread = { ring, writes: new WaitLine(sleep, killed), isPacket: false, writeCount: 0 };
  const at = { number: 1, type: "pipe writer", nonblocking: false, onLost: () => {} };
  const door = {
    seats: undefined,
    call: () => {
      throw new Error("the kernel is asked");
    },
  };
  const writer = new MappedWriter(
    { ...at, door: door as unknown as Door },
    thread as unknown as ThreadRing,
  );
  const reader = new Ring(memory, 100, { soleWriter: false });
  return { writer, reader, sleepsFor, generation, wake: () => wake() };
}

const cannotAsk = (): NextGeneration => {
  throw new Error("nothing has moved");
};

Deno.test("MappedWriter.write() waits for room for the whole rest where that goes in whole", async () => {
  const { writer, reader, sleepsFor, wake } = setUp(cannotAsk);
  const writing = writer.write(new Uint8Array(250));
  assertEquals(sleepsFor, [1]);
  assertEquals(reader.read(new Uint8Array(60)), 60);
  wake();
  await new Promise((resolve) => setTimeout(resolve));
  assertEquals(sleepsFor, [1, 90]); // 160 are in
  assertEquals(reader.read(new Uint8Array(100)), 100);
  wake();
  assertEquals(await writing, 250);
});

Deno.test("MappedWriter.commit() that was published before its seat was lost has succeeded", () => {
  // The kernel has begun to move the ring when this publishes, and sees what it did.
  const cut: Cut = { head: 0, tail: 2 };
  const ask = () => ({ cut, memory: undefined, seat: {} });
  const { writer, generation, reader } = setUp(ask, false);
  const room = writer.reserve(2) as Uint8Array;
  room.set([1, 2]);
  Atomics.add(generation.word, 0, 1);
  writer.commit(2);
  assertEquals(reader.availableBytes, 2);
});
