/**
 * A counter in semaphore mode against npm's semaphores, all in one isolate: a permit taken and put
 * back, with nobody else there, and with somebody in the way. Then what the typed handle adds to the
 * object behind it, and the object to the shared memory cell that holds the count.
 *
 * The others are plain objects that everybody who has them may do everything with, and count in an
 * ordinary property; the counter checks handle, rights and amount, and counts in 64 bits that other
 * threads can take part in.
 *
 * ```sh
 * deno bench --allow-read --allow-sys bench/counter_bench.ts
 * ```
 *
 * @module
 */
import { Kernel } from "@carmine/kernel";
import { Sema } from "npm:async-sema@3.1.1";
import { Semaphore as MutexSemaphore } from "npm:async-mutex@0.5.0";
import { Semaphore as ToolkitSemaphore } from "npm:es-toolkit@1.39.10";
import { CounterObject } from "../kernel/ipc/counter.ts";
import { allocateCounter, CounterCell } from "../memory/counter_cell.ts";

const ROUNDS = 1_000;
const AWAITED = "1,000 times: await a permit that is there, put it back";
const TRIED = "1,000 times: try to take a permit, put it back";
const CONTENDED = "1,000 tasks queue for 10 permits";
const LAYERS = "1,000 times: take and add 1, layer by layer";

const kernel = new Kernel();
const { init } = kernel;
const newCounter = (initial: number) => init.createCounter({ initial, semaphore: true });

// --- nobody in the way ------------------------------------------------------------------------

{
  const counter = newCounter(10);
  Deno.bench("Counter", { group: AWAITED, baseline: true }, async () => {
    for (let i = 0; i < ROUNDS; i++) {
      await counter.take();
      counter.tryAdd(1);
    }
  });
}

{
  const sema = new Sema(10);
  Deno.bench("async-sema", { group: AWAITED }, async () => {
    for (let i = 0; i < ROUNDS; i++) {
      await sema.acquire();
      sema.release();
    }
  });
}

{
  const semaphore = new MutexSemaphore(10);
  Deno.bench("async-mutex", { group: AWAITED }, async () => {
    for (let i = 0; i < ROUNDS; i++) {
      const [, release] = await semaphore.acquire();
      release();
    }
  });
}

{
  const semaphore = new ToolkitSemaphore(10);
  Deno.bench("es-toolkit", { group: AWAITED }, async () => {
    for (let i = 0; i < ROUNDS; i++) {
      await semaphore.acquire();
      semaphore.release();
    }
  });
}

{
  const counter = newCounter(10);
  Deno.bench("Counter", { group: TRIED, baseline: true }, () => {
    for (let i = 0; i < ROUNDS; i++) {
      counter.tryTake();
      counter.tryAdd(1);
    }
  });
}

{
  const sema = new Sema(10);
  Deno.bench("async-sema", { group: TRIED }, () => {
    for (let i = 0; i < ROUNDS; i++) {
      sema.tryAcquire();
      sema.release();
    }
  });
}

// --- many in the way --------------------------------------------------------------------------

/** Runs jobs that each take a permit, let the others have their turn, and put it back. */
async function queueUp(take: () => Promise<unknown>, putBack: () => void): Promise<void> {
  await Promise.all(Array.from({ length: ROUNDS }, async () => {
    await take();
    await null;
    putBack();
  }));
}

{
  const counter = newCounter(10);
  Deno.bench("Counter", { group: CONTENDED, baseline: true }, async () => {
    await queueUp(() => counter.take(), () => counter.tryAdd(1));
  });
}

{
  const sema = new Sema(10);
  Deno.bench("async-sema", { group: CONTENDED }, async () => {
    await queueUp(() => sema.acquire(), () => sema.release());
  });
}

{
  const semaphore = new MutexSemaphore(10);
  Deno.bench("async-mutex", { group: CONTENDED }, async () => {
    await queueUp(() => semaphore.acquire(), () => semaphore.release());
  });
}

{
  const semaphore = new ToolkitSemaphore(10);
  Deno.bench("es-toolkit", { group: CONTENDED }, async () => {
    await queueUp(() => semaphore.acquire(), () => semaphore.release());
  });
}

// --- what each layer adds ---------------------------------------------------------------------

{
  const cell = new CounterCell(allocateCounter(10n), { semaphore: true });
  Deno.bench("the cell in shared memory", { group: LAYERS, baseline: true }, () => {
    for (let i = 0; i < ROUNDS; i++) {
      cell.tryTake();
      cell.tryAdd(1n);
    }
  });
}

{
  const object = new CounterObject({ initial: 10n, semaphore: true });
  Deno.bench("the kernel object", { group: LAYERS }, () => {
    for (let i = 0; i < ROUNDS; i++) {
      object.tryTake();
      object.tryAdd(1n);
    }
  });
}

{
  const counter = newCounter(10);
  Deno.bench("the typed handle", { group: LAYERS }, () => {
    for (let i = 0; i < ROUNDS; i++) {
      counter.tryTake();
      counter.tryAdd(1n);
    }
  });
}
