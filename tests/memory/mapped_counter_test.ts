import { assertEquals } from "@std/assert";
import {
  allocateCounter,
  CounterCell,
  LARGEST_COUNT,
  moveCounter,
} from "../../memory/counter_cell.ts";
import { MappedCounter, type NextCell } from "../../memory/mapped_counter.ts";

/** A counter that a task maps, with the kernel beside it. */
class Setup {
  readonly word = new Int32Array(new SharedArrayBuffer(4));
  memory: SharedArrayBuffer;
  semaphore = false;
  asked = 0;
  isLost = false;
  readonly mapped: MappedCounter;

  constructor(initial = 0n) {
    this.memory = allocateCounter(initial);
    this.mapped = new MappedCounter(this.memory, this.#seat(), () => this.#ask());
  }

  move(): void {
    this.memory = moveCounter(this.memory, [{ word: this.word, index: 0 }])?.memory ?? this.memory;
  }

  get value(): bigint {
    return new CounterCell(this.memory).value;
  }

  #seat(): NextCell["seat"] {
    const generation = { word: this.word, index: 0, value: this.word[0] ?? 0 };
    return { semaphore: this.semaphore, generation };
  }

  #ask(): NextCell {
    this.asked++;
    return { memory: this.isLost ? undefined : this.memory, seat: this.#seat() };
  }
}

Deno.test("MappedCounter adds and takes each count once, across moves", () => {
  const setup = new Setup();
  const { mapped } = setup;
  for (let i = 1n; i < 10n; i++) {
    setup.move();
    if (i % 3n === 0n) setup.move();
    assertEquals(mapped.tryAdd(i), true);
    assertEquals(setup.value, i);
    setup.move();
    assertEquals(mapped.value, i);
    assertEquals(mapped.tryTake(), i);
    setup.move();
    assertEquals(mapped.tryTake(), undefined);
    assertEquals(setup.value, 0n);
  }
});

Deno.test("MappedCounter asks the kernel only after a move", () => {
  const setup = new Setup(3n);
  const { mapped } = setup;
  assertEquals([mapped.tryAdd(LARGEST_COUNT), mapped.tryTake(), mapped.tryTake()], [
    false,
    3n,
    undefined,
  ]);
  assertEquals([mapped.isSemaphore, mapped.value, setup.asked], [false, 0n, 0]);
  setup.move();
  assertEquals([mapped.tryAdd(1n), setup.asked], [true, 1]);
});

Deno.test("MappedCounter is a semaphore as soon as the counter is", () => {
  const setup = new Setup(3n);
  setup.semaphore = true;
  setup.move();
  assertEquals([setup.mapped.tryTake(), setup.mapped.isSemaphore, setup.value], [1n, true, 2n]);
});

Deno.test("MappedCounter does nothing, and asks no more, once its mapping is lost", () => {
  const setup = new Setup(3n);
  const { mapped } = setup;
  setup.isLost = true;
  setup.move();
  assertEquals([mapped.tryAdd(1n), mapped.tryTake(), mapped.isLost], [false, undefined, true]);
  assertEquals([mapped.tryAdd(0n), mapped.tryTake(), setup.asked], [false, undefined, 1]);
  assertEquals(setup.value, 3n);
});

Deno.test("MappedCounter: a wait ends when the counter moves", async () => {
  const alive = setInterval(() => {}, 1_000);
  const setup = new Setup();
  const waits = [
    setup.mapped.waitTakeable(Infinity),
    setup.mapped.waitAddable(LARGEST_COUNT + 1n, Infinity),
  ];
  setup.move();
  for (const outcome of await Promise.all(waits)) assertEquals(outcome === "timed-out", false);
  assertEquals(setup.mapped.waitTakeableSync(Infinity), "changed");
  clearInterval(alive);
});
