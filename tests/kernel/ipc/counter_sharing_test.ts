import { assert, assertEquals } from "@std/assert";
import { CounterCommand } from "../../../capabilities/counter_ops.ts";
import { Signals } from "../../../capabilities/signals.ts";
import { CounterObject } from "../../../kernel/ipc/counter.ts";
import { CounterCell } from "../../../memory/counter_cell.ts";
import { codeOf } from "../../_codes.ts";
import { Holder } from "./_holder.ts";

function join(counter: CounterObject, holder = new Holder()): Holder {
  counter.seatHost().join(holder, counter);
  return holder;
}

/** The cell as the thread would make it of what it is told now. */
function cellOf(counter: CounterObject, holder: Holder): CounterCell {
  const terms = counter.seatHost().terms(holder);
  assert(terms.kind === "counter");
  const generation = { word: holder.word, index: 0, value: holder.word[0] ?? 0 };
  return new CounterCell(counter.seatHost().memory, { ...terms, generation });
}

Deno.test("CounterSharing moves the cell when a thread leaves; what that adds then is nowhere", () => {
  const counter = new CounterObject({ initial: 1n });
  const [one, two] = [join(counter), join(counter)];
  const cells = [cellOf(counter, one), cellOf(counter, two)];
  assertEquals(cells.map((cell) => cell.tryAdd(2n)), [true, true]);
  counter.seatHost().leave(one);
  counter.seatHost().leave(one); // again
  assertEquals([one.isLost, two.isLost], [true, false]);
  assertEquals([one.cuts, two.cuts], [[undefined], [undefined]]); // a cell has no cut to tell
  assertEquals(cells.map((cell) => [cell.tryAdd(2n), cell.hasMoved]), [[false, true], [
    false,
    true,
  ]]);
  assertEquals(cellOf(counter, two).tryAdd(4n), true);
  assertEquals(counter.value, 9n);
  counter.seatHost().leave(two);
  assertEquals([two.isLost, counter.tryTake()], [true, 9n]);
  counter.assertInvariants();
});

Deno.test("CounterSharing tells threads of a new mode", () => {
  const counter = new CounterObject({ initial: 5n });
  const holder = join(counter);
  const before = cellOf(counter, holder);
  assertEquals(counter.control(CounterCommand.SET_SEMAPHORE, 1), 0);
  assertEquals([before.tryTake(), before.hasMoved, holder.cuts.length], [undefined, true, 1]);
  assertEquals([cellOf(counter, holder).tryTake(), counter.value], [1n, 4n]);
});

Deno.test("CounterSharing.suspend() moves the cell, and takes nothing from anybody", () => {
  const counter = new CounterObject({ initial: 5n });
  const holder = join(counter);
  counter.seatHost().suspend();
  assertEquals([holder.cuts.length, holder.isLost, counter.value], [1, false, 5n]);
});

Deno.test("CounterSharing is over for all threads while somebody listens, and may begin again", () => {
  const counter = new CounterObject({ initial: 5n });
  const holder = join(counter);
  const cell = cellOf(counter, holder);
  const end = counter.addWriteListener(() => {});
  assertEquals([holder.isLost, cell.tryAdd(1n), counter.value], [true, false, 5n]);
  assertEquals(codeOf(() => counter.seatHost()), "NOT_SUPPORTED");
  end();
  assertEquals(cellOf(counter, join(counter)).tryAdd(1n), true);
  assertEquals(counter.value, 6n);
});

for (const noticing of ["add", "take", "value", "leave", "mode", "listener", "inspect"] as const) {
  Deno.test(`a counter whose cell a thread garbled is over, and nothing else: ${noticing}`, async () => {
    const counter = new CounterObject({ initial: 5n });
    const [hostile, other] = [join(counter), join(counter)];
    new BigUint64Array(counter.seatHost().memory)[0] = 2n ** 64n - 1n;
    assertEquals(counter.signals & 0x7, Signals.READABLE | Signals.WRITABLE);
    if (noticing === "add") assertEquals(codeOf(() => counter.tryAdd(1n)), "INVALID_STATE");
    if (noticing === "take") assertEquals(codeOf(() => counter.tryTake()), "INVALID_STATE");
    if (noticing === "value") assertEquals(codeOf(() => counter.value), "INVALID_STATE");
    if (noticing === "leave") counter.seatHost().leave(hostile);
    if (noticing === "mode") counter.control(CounterCommand.SET_SEMAPHORE, 1);
    if (noticing === "listener") counter.addWriteListener(() => {})();
    if (noticing === "inspect") counter.seatHost().inspect?.();
    assertEquals([hostile.isLost, other.isLost], [true, true]);
    for (let i = 0; i < 2; i++) {
      assertEquals(codeOf(() => counter.tryAdd(0n)), "INVALID_STATE");
      assertEquals(codeOf(() => counter.tryAdd(1n)), "INVALID_STATE");
      assertEquals(codeOf(() => counter.tryTake()), "INVALID_STATE");
      assertEquals(codeOf(() => counter.value), "INVALID_STATE");
      assertEquals(codeOf(() => counter.seatHost()), "NOT_SUPPORTED");
    }
    assertEquals(counter.signals & 0x7, Signals.READABLE | Signals.WRITABLE);
    counter.assertInvariants();
    await null; // those who wait are woken
  });
}
