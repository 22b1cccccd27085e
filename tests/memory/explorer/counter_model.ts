/**
 * A counter as the kernel sees it, for the explorer, and programs that use it.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { allocateCounter, CUT } from "../../../memory/counter_cell.ts";
import type { WaitOutcome } from "../../../memory/wait_word.ts";
import type { Modules } from "./explorable.ts";
import type { ExplorableWatch } from "./explorable_ring.ts";
import { hostileStore64, type Run, type Steps, until } from "./scheduler.ts";

/** What can be stopped of `CounterCell` and `MappedCounter`. */
interface Operations {
  $tryAdd(amount: bigint): Steps<boolean>;
  $tryTake(): Steps<bigint | undefined>;
  $waitTakeableSync(timeoutMs: number): Steps<WaitOutcome>;
  $waitAddableSync(amount: bigint, timeoutMs: number): Steps<WaitOutcome>;
}

interface Cell extends Operations {
  readonly value: bigint;
}

interface NextCell {
  readonly memory: SharedArrayBuffer;
  readonly seat: object;
}

interface Memory {
  readonly MappedCounter: new (
    memory: SharedArrayBuffer,
    seat: object,
    ask: () => Steps<NextCell>,
  ) => Operations;
  readonly watchForCount: (memory: SharedArrayBuffer) => ExplorableWatch;
  readonly CounterCell: new (memory: SharedArrayBuffer, seat: object) => Cell;
  readonly $moveCounter: (
    old: SharedArrayBuffer,
    words: readonly { word: Int32Array; index: number }[],
  ) => Steps<{ memory: SharedArrayBuffer } | undefined>;
}

/** A counter, and all that there is to know about it. */
export class CounterModel {
  readonly #code: Memory;
  readonly #isSemaphore: boolean;
  readonly #words: Int32Array[] = [];
  #memory: SharedArrayBuffer;
  #isMoving = false;
  #isKernelBusy = false;
  /** What was added minus what was taken. */
  #count: bigint;

  constructor(modules: Modules, initial: bigint, isSemaphore: boolean) {
    this.#code = {
      ...modules["counter_cell.ts"],
      ...modules["counter_watch.ts"],
      ...modules["mapped_counter.ts"],
    } as unknown as Memory;
    this.#isSemaphore = isSemaphore;
    this.#memory = allocateCounter(initial);
    this.#count = initial;
  }

  /** A run that checks that every count is taken once or still there. */
  run(programs: Record<string, Steps>): Run {
    const actors = Object.entries(programs).map(([name, steps]) => ({ name, steps }));
    const check = () => {
      assertEquals(new this.#code.CounterCell(this.#memory, {}).value, this.#count);
    };
    return { actors, check };
  }

  /** Adds amounts one after the other. */
  add(...amounts: bigint[]): Steps {
    return this.#add(this.#follower(), amounts);
  }

  /** Takes until it has so much. */
  take(amount: bigint): Steps {
    return this.#take(this.#follower(), amount);
  }

  /** Takes until it has so much, as the kernel does for who waits in it: announce, look, rest. */
  *takeInKernel(amount: bigint): Steps {
    for (let taken = 0n; taken < amount;) {
      yield* this.#enterKernel();
      const watch = this.#code.watchForCount(this.#memory);
      yield* watch.$announce();
      const seat = { semaphore: this.#isSemaphore };
      const part = yield* new this.#code.CounterCell(this.#memory, seat).$tryTake();
      this.#isKernelBusy = false;
      if (part === undefined) yield* watch.$rest(false);
      taken += part ?? 0n;
      this.#count -= part ?? 0n;
    }
  }

  /** The kernel moves the counter. */
  *move(): Steps {
    yield* this.#enterKernel();
    this.#isMoving = true;
    const words = this.#words.map((word) => ({ word, index: 0 }));
    const moved = yield* this.#code.$moveCounter(this.#memory, words);
    if (moved === undefined) throw new Error("The cell was garbled");
    this.#memory = moved.memory;
    this.#isMoving = false;
    this.#isKernelBusy = false;
  }

  /** The same where the cell may be garbled: then the counter ends. */
  *moveIfHonest(): Steps {
    const words = this.#words.map((word) => ({ word, index: 0 }));
    const moved = yield* this.#code.$moveCounter(this.#memory, words);
    if (moved !== undefined) assert(new this.#code.CounterCell(moved.memory, {}).value < CUT);
  }

  /** Adds once, waiting once. */
  *addOnce(amount: bigint): Steps {
    const cell = this.#map(this.#newWord());
    if (yield* cell.$tryAdd(amount)) return;
    yield* cell.$waitAddableSync(amount, 100);
    yield* cell.$tryAdd(amount);
  }

  /** Takes once, waiting once. */
  *takeOnce(): Steps {
    const cell = this.#map(this.#newWord());
    if ((yield* cell.$tryTake()) !== undefined) return;
    yield* cell.$waitTakeableSync(100);
    yield* cell.$tryTake();
  }

  /** A hostile thread's stores. */
  *spoil(value: bigint): Steps {
    const cells = new BigUint64Array(this.#memory, 0, 1);
    for (const store of [value, 0n, value]) yield* hostileStore64(cells, 0, store);
  }

  /** The kernel's isolate does one thing at a time, and others where it awaits. */
  *#enterKernel(): Steps {
    yield* until(() => !this.#isKernelBusy);
    this.#isKernelBusy = true;
  }

  #newWord(): Int32Array {
    const word = new Int32Array(new SharedArrayBuffer(4));
    this.#words.push(word);
    return word;
  }

  #seat(word: Int32Array): object {
    const generation = { word, index: 0, value: word[0] ?? 0 };
    return { semaphore: this.#isSemaphore, generation };
  }

  #map(word: Int32Array): Cell {
    return new this.#code.CounterCell(this.#memory, this.#seat(word));
  }

  /** A participant that follows the kernel as a task's stub does. */
  #follower(): Operations {
    const word = this.#newWord();
    const model = this as CounterModel;
    return new this.#code.MappedCounter(this.#memory, this.#seat(word), function* () {
      yield* until(() => !model.#isMoving);
      return { memory: model.#memory, seat: model.#seat(word) };
    });
  }

  *#add(counter: Operations, amounts: readonly bigint[]): Steps {
    for (const amount of amounts) {
      while (!(yield* counter.$tryAdd(amount))) yield* counter.$waitAddableSync(amount, Infinity);
      this.#count += amount;
    }
  }

  *#take(counter: Operations, amount: bigint): Steps {
    for (let taken = 0n; taken < amount;) {
      const part = yield* counter.$tryTake();
      if (part === undefined) yield* counter.$waitTakeableSync(Infinity);
      taken += part ?? 0n;
      this.#count -= part ?? 0n;
    }
  }
}
