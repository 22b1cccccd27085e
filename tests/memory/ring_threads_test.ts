import { assertEquals } from "@std/assert";
import type { NextGeneration } from "../../memory/mapped_ring.ts";
import { allocateRing, type Cut, type RingSeat } from "../../memory/ring.ts";
import { moveRing } from "../../memory/ring_move.ts";
import type { ThreadOrder } from "./_ring_thread.ts";

/** A thread and what the kernel knows of it. */
class Thread {
  readonly role: "writer" | "reader";
  readonly #worker: Worker;
  readonly #answers = new Int32Array(new SharedArrayBuffer(4));
  readonly word = new Int32Array(new SharedArrayBuffer(4));
  /** The cut of the generation that it holds, until it asks. */
  cut: Cut | undefined;
  /** Settles with what the thread got. */
  readonly result: Promise<unknown>;

  constructor(role: "writer" | "reader", kernel: Kernel, first: number, count: number) {
    this.role = role;
    this.#worker = new Worker(new URL("_ring_thread.ts", import.meta.url), { type: "module" });
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.postMessage(kernel.next(this));
      Atomics.add(this.#answers, 0, 1);
      Atomics.notify(this.#answers, 0);
    };
    this.result = new Promise((resolve, reject) => {
      this.#worker.onmessage = ({ data }) => resolve(data);
      this.#worker.onerror = reject;
    });
    this.result.finally(() => {
      port1.close();
      this.#worker.terminate();
    });
    const order: ThreadOrder = {
      role,
      memory: kernel.memory,
      capacity: kernel.capacity,
      seat: kernel.seatOf(this),
      port: port2,
      answers: this.#answers,
      first,
      count,
      // Several threads on a side must not tear numbers apart.
      readUnit: kernel.isShared.readers || kernel.isShared.writers ? 4 : 3,
    };
    this.#worker.postMessage(order, [port2]);
  }
}

/** The kernel: moves, and answers. */
class Kernel {
  readonly capacity: number;
  readonly isShared: { readonly writers: boolean; readonly readers: boolean };
  readonly threads: Thread[] = [];
  memory: SharedArrayBuffer;

  constructor(capacity: number, writers: number, readers: number) {
    this.capacity = capacity;
    this.isShared = { writers: writers > 1, readers: readers > 1 };
    this.memory = allocateRing(capacity);
  }

  seatOf({ role, word }: Thread): Partial<RingSeat> {
    const soleReader = role === "reader" && !this.isShared.readers;
    const soleWriter = role === "writer" && !this.isShared.writers;
    return { soleReader, soleWriter, generation: { word, index: 0, value: Atomics.load(word, 0) } };
  }

  move(): void {
    // Who has not asked yet holds an older generation: its word has changed, its cut is kept.
    const holding = this.threads.filter(({ cut }) => cut === undefined);
    const words = holding.map(({ word }) => ({ word, index: 0 }));
    const moved = moveRing(this.memory, this.capacity, false, words);
    if (moved === undefined) throw new Error("garbled");
    this.memory = moved.memory;
    for (const thread of holding) thread.cut = moved.cut;
  }

  next(thread: Thread): NextGeneration {
    const cut = thread.cut;
    thread.cut = undefined;
    return { cut, memory: this.memory, seat: this.seatOf(thread) };
  }
}

async function run(
  capacity: number,
  writers: number,
  readers: number,
  count: number,
): Promise<void> {
  const kernel = new Kernel(capacity, writers, readers);
  for (let i = 0; i < writers; i++) {
    kernel.threads.push(new Thread("writer", kernel, i * count, count));
  }
  for (let i = 0; i < readers; i++) {
    kernel.threads.push(new Thread("reader", kernel, 0, count * writers / readers));
  }
  const all = Promise.all(kernel.threads.map(({ result }) => result));
  let isOver = false;
  all.finally(() => isOver = true).catch(() => {});
  while (!isOver) {
    await new Promise((resolve) => setTimeout(resolve, 1));
    kernel.move();
  }
  const got = (await all).flatMap((numbers) => numbers instanceof Uint32Array ? [numbers] : []);
  if (readers > 1) {
    const sorted = got.flatMap((numbers) => [...numbers]).sort((a, b) => a - b);
    return assertEquals(sorted, sorted.map((_, i) => i), "lost or doubled");
  }
  const next = Array.from({ length: writers }, (_, i) => i * count);
  for (const number of got[0] ?? []) {
    const writer = Math.floor(number / count);
    assertEquals(number, next[writer], "out of order");
    next[writer] = number + 1;
  }
  assertEquals(next, Array.from({ length: writers }, (_, i) => (i + 1) * count));
}

Deno.test("MappedRing carries a stream between two threads while the kernel moves it", async () => {
  await run(100, 1, 1, 20_000);
  await run(65_536, 1, 1, 300_000);
});

Deno.test("MappedRing carries several writers' streams while the kernel moves them", async () => {
  await run(4096, 2, 1, 20_000);
});

Deno.test("MappedRing gives every number to one of several readers while the kernel moves it", async () => {
  await run(4096, 1, 2, 20_000);
});
