import { assertEquals } from "@std/assert";
import { WordWaits } from "../../memory/word_waits.ts";

/** Waits on fresh memory, and a log of who was woken. */
function setup(): { words: Int32Array; waits: WordWaits; woken: number[] } {
  const words = new Int32Array(new SharedArrayBuffer(64));
  return { words, waits: new WordWaits(words), woken: [] };
}

/** A platform wait of "another thread": Atomics' own list doesn't tell threads apart. */
function waitElsewhere(words: Int32Array, index: number): Promise<string> {
  const wait = Atomics.waitAsync(words, index, 0);
  if (!wait.async) throw new Error("it should wait");
  return wait.value;
}

/** Keeps the event loop alive until the platform has told what it met. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 0));
}

Deno.test("WordWaits.wait() begins only while the word holds the value", () => {
  const { words, waits } = setup();
  words[3] = 1;
  assertEquals(waits.wait(3, 0, () => {}), undefined);
  assertEquals(typeof waits.wait(3, 1, () => {}), "function");
  // Taking over a place that is left over looks at the word as well.
  waits.notify(3, 1);
  words[3] = 2;
  assertEquals(waits.wait(3, 1, () => {}), undefined);
  waits.assertInvariants();
});

Deno.test("WordWaits.notify() wakes at once, in order, at most so many", () => {
  const { waits, woken } = setup();
  for (let i = 0; i < 4; i++) waits.wait(0, 0, () => woken.push(i));
  assertEquals([waits.notify(0, 0), waits.notify(0, 1), woken], [0, 1, [0]]);
  assertEquals([waits.notify(0, 2), woken], [2, [0, 1, 2]]);
  assertEquals([waits.notify(0, Infinity), woken], [1, [0, 1, 2, 3]]);
  assertEquals([waits.notify(0, 3), waits.notify(0, Infinity)], [0, 0]);
  waits.assertInvariants();
});

Deno.test("WordWaits.notify() reaches other threads when nobody here waits any more", async () => {
  const { words, waits, woken } = setup();
  const cancel = waits.wait(0, 0, () => woken.push(0));
  cancel?.();
  const others = [waitElsewhere(words, 0), waitElsewhere(words, 0)];
  let told = 0;
  for (const other of others) void other.then(() => told++);
  assertEquals(waits.notify(0, Infinity), 2);
  await until(() => told === 2);
  assertEquals(woken, []);
  waits.assertInvariants();
});

Deno.test("WordWaits.notify() serves this isolate first, then others, and counts both", async () => {
  const { words, waits, woken } = setup();
  let told = 0;
  void waitElsewhere(words, 0).then(() => told++);
  waits.wait(0, 0, () => woken.push(0));
  assertEquals(waits.notify(0, 2), 2);
  assertEquals(woken, [0]);
  await until(() => told === 1);
});

Deno.test("WordWaits wakes its oldest wait when another thread notifies", async () => {
  const { words, waits, woken } = setup();
  for (let i = 0; i < 3; i++) waits.wait(0, 0, () => woken.push(i));
  assertEquals(Atomics.notify(words, 0, 1), 1);
  await until(() => woken.length === 1);
  assertEquals(woken, [0]);
  assertEquals(Atomics.notify(words, 0), 2);
  await until(() => woken.length === 3);
  assertEquals(woken, [0, 1, 2]);
  waits.assertInvariants();
});

Deno.test("WordWaits passes a notification on that meets a wait which is over", async () => {
  const { words, waits, woken } = setup();
  const cancel = waits.wait(0, 0, () => woken.push(0));
  let told = false;
  void waitElsewhere(words, 0).then(() => told = true);
  cancel?.();
  cancel?.();
  assertEquals(Atomics.notify(words, 0, 1), 1); // meets the place of the wait that is over
  await until(() => told);
  assertEquals(woken, []);
});

Deno.test("WordWaits takes no more places than it had waits at the same time", () => {
  const { words, waits } = setup();
  for (let i = 0; i < 100; i++) waits.wait(0, 0, () => {})?.();
  for (let i = 0; i < 100; i++) {
    waits.wait(0, 0, () => {});
    waits.notify(0, 1);
  }
  waits.assertInvariants();
  assertEquals(Atomics.notify(words, 0), 1);
});
