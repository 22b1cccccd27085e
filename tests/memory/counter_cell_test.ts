import { assertEquals } from "@std/assert";
import * as fc from "fast-check";
import {
  allocateCounter,
  CounterCell,
  CUT,
  LARGEST_COUNT,
  moveCounter,
} from "../../memory/counter_cell.ts";

/** What a wait gives. Deno ends a program whose event loop has nothing but waitAsync to wait for. */
async function ended<T>(waiting: Promise<T>): Promise<T> {
  const alive = setInterval(() => {}, 1000);
  try {
    return await waiting;
  } finally {
    clearInterval(alive);
  }
}

Deno.test("CounterCell.tryAdd() adds as long as the sum stays below 2⁶⁴ − 1", () => {
  const counter = new CounterCell(allocateCounter(5n));
  assertEquals(counter.tryAdd(LARGEST_COUNT - 5n), true);
  assertEquals(counter.value, LARGEST_COUNT);
  assertEquals(counter.tryAdd(1n), false);
  assertEquals(counter.tryAdd(0n), true);
  assertEquals(counter.tryTake(), LARGEST_COUNT);
  assertEquals(counter.tryAdd(1n), true);
  assertEquals(counter.hasMoved, false);
});

Deno.test("CounterCell.tryTake() takes all, or 1 of a semaphore, or nothing", () => {
  const memory = allocateCounter();
  const counter = new CounterCell(memory);
  const semaphore = new CounterCell(memory, { semaphore: true });
  assertEquals(counter.tryTake(), undefined);
  counter.tryAdd(3n);
  assertEquals(semaphore.tryTake(), 1n);
  assertEquals(counter.tryTake(), 2n);
  assertEquals(semaphore.tryTake(), undefined);
});

Deno.test("CounterCell behaves as a number that is never negative nor too large", () => {
  const amounts = fc.oneof(
    fc.bigInt({ min: 0n, max: 10n }),
    fc.bigInt({ min: LARGEST_COUNT - 10n, max: LARGEST_COUNT }),
  );
  const step = fc.oneof(amounts, fc.constant("take" as const), fc.constant("move" as const));
  fc.assert(
    fc.property(
      amounts,
      fc.boolean(),
      fc.array(step, { size: "max", maxLength: 100 }),
      (first, semaphore, steps) => {
        let memory = allocateCounter(first);
        let model = first;
        for (const step of steps) {
          const counter = new CounterCell(memory, { semaphore });
          if (step === "take") {
            const taken = model === 0n ? undefined : semaphore ? 1n : model;
            assertEquals(counter.tryTake(), taken);
            model -= taken ?? 0n;
          } else if (step === "move") {
            memory = moveCounter(memory, [])?.memory ?? memory;
            assertEquals(counter.value, CUT);
            assertEquals(counter.hasMoved, true);
          } else {
            const fits = model + step <= LARGEST_COUNT;
            assertEquals(counter.tryAdd(step), fits);
            if (fits) model += step;
          }
          assertEquals(new CounterCell(memory).value, model);
          new CounterCell(memory).assertInvariants();
        }
      },
    ),
  );
});

Deno.test("moveCounter() tells every participant, and nothing counts in the old cell any more", () => {
  const words = new Int32Array(new SharedArrayBuffer(8));
  const old = allocateCounter(7n);
  const generation = { word: words, index: 1, value: 0 };
  const survivor = new CounterCell(old, { generation });
  const moved = moveCounter(old, [{ word: words, index: 1 }]);
  assertEquals(moved?.value, 7n);
  assertEquals(words[1], 1);
  assertEquals(survivor.hasMoved, true);
  assertEquals(survivor.tryAdd(1n), false);
  assertEquals(survivor.tryTake(), undefined);
  // A hostile thread that takes the mark away doesn't bring the survivor back.
  new BigUint64Array(old)[0] = 3n;
  assertEquals(survivor.tryAdd(1n), false);
  assertEquals(survivor.tryTake(), undefined);
});

Deno.test("moveCounter() gives undefined when the cell was garbled", () => {
  const memory = allocateCounter(7n);
  new BigUint64Array(memory)[0] = CUT;
  assertEquals(moveCounter(memory, []), undefined);
});

Deno.test("CounterCell.waitTakeable() ends when somebody adds", async () => {
  const memory = allocateCounter();
  const counter = new CounterCell(memory);
  const waiting = counter.waitTakeable(10_000);
  new CounterCell(memory).tryAdd(1n);
  assertEquals(await waiting, "changed");
  assertEquals(await ended(counter.waitTakeable(10_000)), "changed");
  counter.tryTake();
  assertEquals(await ended(counter.waitTakeable(5)), "timed-out");
});

Deno.test("CounterCell.waitAddable() ends when somebody takes", async () => {
  const memory = allocateCounter(LARGEST_COUNT);
  const counter = new CounterCell(memory);
  const waiting = counter.waitAddable(1n, 10_000);
  new CounterCell(memory).tryTake();
  assertEquals(await waiting, "changed");
  assertEquals(await ended(counter.waitAddable(1n, 10_000)), "changed");
  counter.tryAdd(LARGEST_COUNT);
  assertEquals(counter.waitAddableSync(1n, 5), "timed-out");
});

Deno.test("CounterCell.waitTakeable() ends when the counter moves or the kill word changes", async () => {
  const words = new Int32Array(new SharedArrayBuffer(8));
  const memory = allocateCounter();
  const generation = { word: words, index: 0, value: 0 };
  const counter = new CounterCell(memory, { generation });
  const kill = { word: words, index: 1, value: 0 };
  let waiting = counter.waitTakeable(10_000, kill);
  words[1] = 1;
  assertEquals(await ended(waiting), "stopped");
  words[1] = 0;
  waiting = counter.waitTakeable(10_000, kill);
  moveCounter(memory, [generation]);
  assertEquals(["changed", "stopped"].includes(await ended(waiting)), true);
  assertEquals(await ended(counter.waitTakeable(10_000, kill)), "changed");
});
