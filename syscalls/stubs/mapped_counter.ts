/**
 * Adding to and taking from a counter whose cell this thread works on itself.
 *
 * @module
 */
import { MappedCounter, type NextCell } from "../../memory/mapped_counter.ts";
import type { WatchedWord } from "../../memory/ring.ts";
import type { WaitOptions } from "../arguments.ts";
import type { SeatNews } from "../door.ts";
import { SYSCALLS } from "../table.ts";
import { MappedHandle, type MappedOperation, type SeatedHandle } from "./mapped_handle.ts";
import { noSeat } from "./thread_ring.ts";
import { LOST, PENDING, WaitLine } from "./wait_line.ts";

const { counterAdd, counterTake } = SYSCALLS;

/** One thread's seat at a counter. */
export class ThreadCounter {
  readonly counter: MappedCounter;
  /** Those who wait for a count, and those who wait for room. */
  readonly takes: WaitLine;
  readonly adds: WaitLine;

  constructor(first: SeatNews, ask: () => SeatNews, killed: WatchedWord) {
    const cell = cellOf(first);
    if (cell.memory === undefined) throw noSeat();
    let { memory } = cell;
    const follow = (): NextCell => {
      const news = ask();
      const next = cellOf(news);
      if (news.terms === undefined) return next;
      memory = next.memory ?? memory;
      return { ...next, memory };
    };
    const counter = new MappedCounter(memory, cell.seat, follow);
    this.counter = counter;
    this.takes = new WaitLine({
      sync: (_first, ms) => counter.waitTakeableSync(ms, killed),
      async: () => counter.waitTakeable(Infinity, killed),
    }, killed);
    this.adds = new WaitLine({
      sync: ({ needed }, ms) => counter.waitAddableSync(BigInt(needed), ms, killed),
      async: ({ needed }) => counter.waitAddable(BigInt(needed), Infinity, killed),
    }, killed);
  }
}

function cellOf({ terms, memory, generation }: SeatNews): NextCell {
  if (terms?.kind !== "counter") return { memory: undefined, seat: {} };
  return { memory, seat: { semaphore: terms.semaphore, generation } };
}

/** Adds and takes through one handle. */
export class MappedCounts extends MappedHandle {
  readonly #counter: MappedCounter;
  readonly #takes: WaitLine;
  readonly #adds: WaitLine;

  constructor(at: SeatedHandle, { counter, takes, adds }: ThreadCounter) {
    super(at);
    this.#counter = counter;
    this.#takes = takes;
    this.#adds = adds;
  }

  /** Undefined when the seat is lost. */
  get value(): bigint | undefined {
    const { value } = this.#counter;
    return this.#isLost() ? undefined : value;
  }

  tryAdd(n: bigint | number): boolean {
    const amount = this.#amount(n);
    const added = this.tryOnce(this.#adding(amount));
    if (added !== LOST) return added !== PENDING;
    return this.at.door.call(counterAdd, this.at.number, amount) === undefined;
  }

  addSync(n: bigint | number, options?: WaitOptions): void {
    const amount = this.#amount(n);
    const wait = this.waitOptions(counterAdd, options);
    const added = this.knowsTime(wait.timeoutMs) ? this.block(this.#adding(amount), wait) : LOST;
    if (added === LOST) this.at.door.block(counterAdd, options, this.at.number, amount);
  }

  async add(n: bigint | number, options?: WaitOptions): Promise<void> {
    const amount = this.#amount(n);
    const wait = this.waitOptions(counterAdd, options);
    const added = this.knowsTime(wait.timeoutMs)
      ? await this.wait(this.#adding(amount), wait)
      : LOST;
    if (added === LOST) await this.at.door.wait(counterAdd, options, this.at.number, amount);
  }

  tryTake(): bigint | undefined {
    const taken = this.tryOnce(this.#taking());
    if (taken === PENDING) return undefined;
    if (taken !== LOST) return taken;
    const answer = this.at.door.call(counterTake, this.at.number);
    return typeof answer === "bigint" ? answer : undefined;
  }

  takeSync(options?: WaitOptions): bigint {
    const wait = this.waitOptions(counterTake, options);
    const taken = this.knowsTime(wait.timeoutMs) ? this.block(this.#taking(), wait) : LOST;
    return taken === LOST ? this.at.door.block(counterTake, options, this.at.number) : taken;
  }

  async take(options?: WaitOptions): Promise<bigint> {
    const wait = this.waitOptions(counterTake, options);
    const taken = this.knowsTime(wait.timeoutMs) ? await this.wait(this.#taking(), wait) : LOST;
    return taken === LOST ? this.at.door.wait(counterTake, options, this.at.number) : taken;
  }

  #amount(n: bigint | number): bigint {
    const [, amount] = counterAdd.args;
    return this.worded(counterAdd, () => amount?.check(n, amount.name) as bigint);
  }

  #adding(amount: bigint): MappedOperation<true> {
    const attempt = () => {
      if (this.#counter.tryAdd(amount)) return true;
      return this.#isLost() ? LOST : PENDING;
    };
    return { syscall: counterAdd, line: this.#adds, needed: amount, attempt };
  }

  #taking(): MappedOperation<bigint> {
    const attempt = () => this.#counter.tryTake() ?? (this.#isLost() ? LOST : PENDING);
    return { syscall: counterTake, line: this.#takes, needed: 1n, attempt };
  }

  #isLost(): boolean {
    if (this.#counter.isLost) this.at.onLost();
    return this.#counter.isLost;
  }
}
