import { assert, assertEquals } from "@std/assert";
import { allocateRing, Ring } from "../../memory/ring.ts";
import { HELD, WRITER_LOCK } from "../../memory/ring_layout.ts";
import { WaitPace, waitWhile, waitWhileSync } from "../../memory/wait_word.ts";

function words(): Int32Array {
  return new Int32Array(new SharedArrayBuffer(16));
}

/** What a wait gives. Deno ends a program whose event loop has nothing but waitAsync to wait for. */
async function ended<T>(waiting: Promise<T>): Promise<T> {
  const alive = setInterval(() => {}, 1000);
  try {
    return await waiting;
  } finally {
    clearInterval(alive);
  }
}

const SHARED = { soleReader: false, soleWriter: false };

Deno.test("waitWhileSync() tells what ended it", () => {
  const word = words();
  const watched = [{ word, index: 1, value: 0 }];
  assertEquals(waitWhileSync(word, 0, 0, 3, watched, new WaitPace()), "timed-out");
  assertEquals(waitWhileSync(word, 0, 1, 3, watched, new WaitPace()), "changed");
  word[1] = 1;
  assertEquals(waitWhileSync(word, 0, 0, Infinity, watched, new WaitPace()), "stopped");
});

Deno.test("waitWhileSync() looks at the watched words every 50 ms although nobody notifies", () => {
  const word = words();
  const watched = [{ word, index: 1, value: 0 }];
  const source =
    `onmessage = ({ data }) => setTimeout(() => { Atomics.store(data, 1, 1); close(); }, 30)`;
  const worker = new Worker(`data:text/javascript,${source}`, { type: "module" });
  worker.postMessage(word);
  const before = performance.now();
  assertEquals(waitWhileSync(word, 0, 0, 20_000, watched, new WaitPace()), "stopped");
  assert(performance.now() - before < 10_000);
  worker.terminate();
});

Deno.test("waitWhile() tells what ended it", async () => {
  const word = words();
  const watched = [{ word, index: 1, value: 0 }];
  assertEquals(await ended(waitWhile(word, 0, 0, 3, watched, new WaitPace())), "timed-out");
  assertEquals(await ended(waitWhile(word, 0, 1, 3, watched, new WaitPace())), "changed");
  const waiting = waitWhile(word, 0, 0, Infinity, watched, new WaitPace());
  Atomics.notify(word, 0);
  assertEquals(await ended(waiting), "changed");
  word[1] = 1;
  assertEquals(await ended(waitWhile(word, 0, 0, Infinity, watched, new WaitPace())), "stopped");
});

Deno.test("Ring.waitReadable() ends when bytes are written, the writers close or it is garbled", async () => {
  const memory = allocateRing(10);
  const reader = new Ring(memory, 10, { ...SHARED, soleReader: true });
  const writer = new Ring(memory, 10, { ...SHARED, soleWriter: true });
  let waiting = reader.waitReadable(Infinity);
  writer.write(Uint8Array.of(1), 0, 1);
  assertEquals(await ended(waiting), "changed");
  assertEquals(await ended(reader.waitReadable(Infinity)), "changed");
  reader.read(new Uint8Array(1));
  assertEquals(await ended(reader.waitReadable(3)), "timed-out");
  waiting = reader.waitReadable(Infinity);
  writer.closeWrite();
  assertEquals(await ended(waiting), "changed");
  assertEquals(reader.writeIsClosed, true);
  assertEquals(await ended(reader.waitReadable(Infinity)), "changed");
});

Deno.test("Ring.waitReadable() with a false hint of a close ends after a slice", async () => {
  const memory = allocateRing(10);
  const reader = new Ring(memory, 10, { ...SHARED, soleReader: true });
  reader.closeWrite();
  const before = performance.now();
  assertEquals(await ended(reader.waitReadable(Infinity, undefined, true)), "changed");
  assert(performance.now() - before > 30);
  assertEquals(await ended(reader.waitReadable(3, undefined, true)), "timed-out");
});

Deno.test("Ring.waitWritable() ends when there is room for the whole of an atomic write", async () => {
  const memory = allocateRing(10);
  const reader = new Ring(memory, 10, { ...SHARED, soleReader: true });
  const writer = new Ring(memory, 10, { ...SHARED, soleWriter: true });
  writer.write(new Uint8Array(10), 0, 10);
  let waiting = writer.waitWritable(5, Infinity);
  reader.read(new Uint8Array(4));
  assertEquals(await ended(waiting), "changed");
  assertEquals(writer.waitWritableSync(5, 3), "timed-out");
  assertEquals(writer.waitWritableSync(4, 3), "changed");
  assertEquals(writer.waitWritableSync(11, 3), "changed", "a longer one writes what fits");
  waiting = writer.waitWritable(5, Infinity);
  reader.closeRead();
  assertEquals(await ended(waiting), "changed");
});

Deno.test("Ring.waitWritable() sleeps on a lock until it is released", async () => {
  const memory = allocateRing(10);
  const lock = new Int32Array(memory);
  const writer = new Ring(memory, 10, SHARED);
  assertEquals(writer.waitWritableSync(1, 3), "changed");
  lock[WRITER_LOCK] = HELD;
  assertEquals(writer.waitWritableSync(1, 3), "timed-out");
  const waiting = writer.waitWritable(1, Infinity);
  // What a holder's release does, seeing that the lock is contended.
  Atomics.store(lock, WRITER_LOCK, 0);
  Atomics.notify(lock, WRITER_LOCK);
  assertEquals(await ended(waiting), "changed");
});

Deno.test("a loop of waits doesn't become a storm of microtasks when each ends at once", async () => {
  const memory = allocateRing(10);
  const ring = new Ring(memory, 10, { ...SHARED, soleReader: true });
  ring.closeWrite();
  let isOver = false;
  setTimeout(() => isOver = true, 5);
  let rounds = 0;
  while (!isOver) {
    assertEquals(await ended(ring.waitReadable(Infinity)), "changed");
    rounds++;
  }
  assert(rounds > 0);
});
