import { assertEquals } from "@std/assert";
import { MappedRing } from "../../memory/mapped_ring.ts";
import { allocateRing } from "../../memory/ring.ts";
import {
  CONTENDED,
  FREE,
  HELD,
  LEFT_BEHIND,
  READER_LOCK,
  WRITER_LOCK,
} from "../../memory/ring_layout.ts";
import { moveRing } from "../../memory/ring_move.ts";
import { lockFreed, watchForBytes, watchForRoom } from "../../memory/ring_watch.ts";
import { WaitPace } from "../../memory/wait_word.ts";

/** A thread's seat at a ring that it has for itself. */
function threadAt(memory: SharedArrayBuffer): MappedRing {
  const word = new Int32Array(new SharedArrayBuffer(4));
  const seat = { generation: { word, index: 0, value: 0 } };
  return new MappedRing(memory, 4, seat, () => ({ cut: undefined, memory: undefined, seat: {} }));
}

/** Whether the promise is settled by what has happened so far. */
async function isOver(waiting: Promise<unknown>): Promise<boolean> {
  const open = Symbol();
  const turn = new Promise((resolve) => setTimeout(resolve, 0, open));
  return await Promise.race([waiting.then(() => undefined), turn]) !== open;
}

async function ended<T>(waiting: Promise<T>): Promise<T> {
  const alive = setInterval(() => {}, 1_000);
  try {
    return await waiting;
  } finally {
    clearInterval(alive);
  }
}

Deno.test("SleepWatch rests until a thread does what it waits for, and not until it does something else", async () => {
  const memory = allocateRing(4);
  const thread = threadAt(memory);
  const [bytes, room] = [watchForBytes(memory), watchForRoom(memory)];
  for (let i = 0; i < 40; i++) {
    bytes.announce();
    const forBytes = bytes.rest(false);
    room.announce();
    const forRoom = room.rest(false);
    assertEquals(await isOver(Promise.race([forBytes, forRoom])), false);
    thread.write(Uint8Array.of(1, 2), 0, 2);
    await ended(forBytes);
    assertEquals(await isOver(forRoom), false);
    thread.read(new Uint8Array(2));
    await ended(forRoom);
  }
});

Deno.test("SleepWatch doesn't rest when somebody was woken since it was announced", async () => {
  const memory = allocateRing(4);
  const thread = threadAt(memory);
  const watch = watchForBytes(memory);
  for (let i = 0; i < 40; i++) {
    watch.announce();
    thread.write(Uint8Array.of(1), 0, 1);
    await ended(watch.rest(i % 2 === 0));
    thread.read(new Uint8Array(1));
  }
});

Deno.test("SleepWatch's rest ends when the ring moves", async () => {
  const memory = allocateRing(4);
  const watches = [watchForBytes(memory), watchForRoom(memory)];
  const rests = watches.map((watch) => {
    watch.announce();
    return watch.rest(false);
  });
  moveRing(memory, 4, false, []);
  await ended(Promise.all(rests));
});

for (const side of ["reader", "writer"] as const) {
  const index = side === "reader" ? READER_LOCK : WRITER_LOCK;

  Deno.test(`lockFreed() says at once that a ${side}'s lock is free`, async () => {
    assertEquals(await ended(lockFreed(allocateRing(4), side, new WaitPace())), true);
  });

  Deno.test(`lockFreed() waits until whoever holds a ${side}'s lock lets go`, async () => {
    const memory = allocateRing(4);
    const words = new Int32Array(memory);
    words[index] = HELD;
    const waiting = lockFreed(memory, side, new WaitPace());
    assertEquals(words[index], CONTENDED, "who lets go is told that somebody waits");
    words[index] = FREE;
    Atomics.notify(words, index);
    assertEquals(await ended(waiting), true);
  });

  Deno.test(`lockFreed() gives up on a ${side}'s lock that nobody lets go`, async () => {
    for (const held of [HELD, CONTENDED, -5]) {
      const memory = allocateRing(4);
      new Int32Array(memory)[index] = held;
      assertEquals(await ended(lockFreed(memory, side, new WaitPace())), false);
    }
  });

  Deno.test(`lockFreed() ends when the ring of a ${side}'s lock moves`, async () => {
    const memory = allocateRing(4);
    const words = new Int32Array(memory);
    words[index] = HELD;
    const waiting = lockFreed(memory, side, new WaitPace());
    moveRing(memory, 4, false, []);
    assertEquals([await ended(waiting), words[index]], [true, LEFT_BEHIND]);
  });
}
