/**
 * A counter as the kernel sees it, for the explorer, and programs that use it.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { allocateCounter, CUT } from "../../../memory/counter_cell.ts";
import type { WaitOutcome } from "../../../memory/wait_word.ts";
import type { Modules } from "./explorable.ts";
import { hostileStore64, type Run, type Steps, until } from "./scheduler.ts";

/** A `CounterCell` whose operations can be stopped. */
interface Cell {
  readonly hasMoved: boolean;
  readonly value: bigint;
  $tryAdd(amount: bigint): Steps<boolean>;
  $tryTake(): Steps<bigint | undefined>;
  $waitTakeableSync(timeoutMs: number): Steps<WaitOutcome>;
  $waitAddableSync(amount: bigint, timeoutMs: number): Steps<WaitOutcome>;
}

interface Memory {
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
  /** What was added minus what was taken. */
  #count: bigint;

  constructor(modules: Modules, initial: bigint, isSemaphore: boolean) {
    this.#code = modules["counter_cell.ts"] as unknown as Memory;
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
    const word = this.#newWord();
    return this.#add(this.#map(word), word, amounts);
  }

  /** Takes until it has so much. */
  take(amount: bigint): Steps {
    const word = this.#newWord();
    return this.#take(this.#map(word), word, amount);
  }

  /** The kernel moves the counter. */
  *move(): Steps {
    this.#isMoving = true;
    const words = this.#words.map((word) => ({ word, index: 0 }));
    const moved = yield* this.#code.$moveCounter(this.#memory, words);
    if (moved === undefined) throw new Error("The cell was garbled");
    this.#memory = moved.memory;
    this.#isMoving = false;
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

  #newWord(): Int32Array {
    const word = new Int32Array(new SharedArrayBuffer(4));
    this.#words.push(word);
    return word;
  }

  #map(word: Int32Array): Cell {
    const generation = { word, index: 0, value: word[0] ?? 0 };
    return new this.#code.CounterCell(this.#memory, { semaphore: this.#isSemaphore, generation });
  }

  *#add(cell: Cell, word: Int32Array, amounts: readonly bigint[]): Steps {
    for (const amount of amounts) {
      while (!(yield* cell.$tryAdd(amount))) {
        if (!cell.hasMoved) yield* cell.$waitAddableSync(amount, Infinity);
        if (!cell.hasMoved) continue;
        yield* until(() => !this.#isMoving);
        cell = this.#map(word);
      }
      this.#count += amount;
    }
  }

  *#take(cell: Cell, word: Int32Array, amount: bigint): Steps {
    for (let taken = 0n; taken < amount;) {
      const part = yield* cell.$tryTake();
      if (part !== undefined) {
        taken += part;
        this.#count -= part;
        continue;
      }
      if (!cell.hasMoved) yield* cell.$waitTakeableSync(Infinity);
      if (!cell.hasMoved) continue;
      yield* until(() => !this.#isMoving);
      cell = this.#map(word);
    }
  }
}
