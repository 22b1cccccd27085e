import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { type PollResult, type Waiter, WaitNode } from "../../capabilities/selectable.ts";
import { Signals } from "../../capabilities/signals.ts";
import { ExampleObject } from "./_example_object.ts";

/** A taker of some units from one side, or an onlooker. */
interface Model {
  readonly id: number;
  readonly signals: number;
  readonly needs: number;
  readonly operation: boolean;
  stopped: boolean;
}

/** Two stocks behind the signals READABLE and WRITABLE, and the plain list they must agree with. */
class Stock extends ExampleObject {
  readonly units = [0, 0];
  readonly finished: number[] = [];
  readonly expected: number[] = [];
  readonly waiting: Model[] = [];
  readonly nodes = new Map<number, WaitNode>();
  polls = 0;
  #nextId = 0;

  add(side: number, needs: number, operation: boolean): void {
    const signals = side === 0 ? Signals.READABLE : Signals.WRITABLE;
    const model = { id: this.#nextId++, signals, needs, operation, stopped: false };
    // As the dispatcher: who must not queue is tried at once.
    const queues = operation && this.waiters.mustQueue(signals);
    const canNow = operation ? this.#units(model) >= needs : this.#units(model) > 0;
    assertEquals(
      queues,
      operation && this.waiting.some((w) => w.operation && !w.stopped && w.signals === signals),
    );
    if (!queues && canNow) {
      this.#finish(model);
      this.expected.push(model.id);
      this.settle();
      return;
    }
    this.waiting.push(model);
    const node = new WaitNode(new TestWaiter(this, model), signals, operation, undefined);
    this.nodes.set(model.id, node);
    this.waiters.add(node);
  }

  put(side: number, count: number): void {
    this.units[side] = (this.units[side] ?? 0) + count;
    this.settle();
    this.waiters.wake();
  }

  cancel(index: number): void {
    const model = this.waiting[index % Math.max(1, this.waiting.length)];
    if (model === undefined) return;
    this.waiting.splice(this.waiting.indexOf(model), 1);
    this.settle();
    this.leave(model);
  }

  stop(index: number): void {
    const model = this.waiting[index % Math.max(1, this.waiting.length)];
    if (model === undefined) return;
    model.stopped = !model.stopped;
    this.settle();
    this.waiters.wake();
  }

  /** What must happen, from the definition: the first that can go on does, nobody overtakes. */
  settle(): void {
    this.pendingModel = [...this.units];
    for (let changed = true; changed;) {
      changed = false;
      const blocked = new Set<number>();
      for (const model of [...this.waiting]) {
        if (model.stopped) continue;
        const side = model.signals === Signals.READABLE ? 0 : 1;
        const left = this.pendingModel[side] ?? 0;
        if (model.operation && blocked.has(side)) continue;
        if (model.operation ? left < model.needs : left === 0) {
          if (model.operation) blocked.add(side);
          continue;
        }
        if (model.operation) this.pendingModel[side] = left - model.needs;
        this.waiting.splice(this.waiting.indexOf(model), 1);
        this.expected.push(model.id);
        changed = true;
        break;
      }
    }
  }

  pendingModel: number[] = [0, 0];

  tryFinish(model: Model): PollResult {
    this.polls++;
    if (model.stopped) return "skipped";
    if (model.operation && this.#units(model) < model.needs) return "blocked";
    this.#finish(model);
    this.leave(model);
    return "done";
  }

  leave(model: Model): void {
    const node = this.nodes.get(model.id);
    node?.queue?.remove(node);
    this.waiters.wake();
  }

  protected override ownSignals(): number {
    return ((this.units[0] ?? 0) > 0 ? Signals.READABLE : 0) |
      ((this.units[1] ?? 0) > 0 ? Signals.WRITABLE : 0);
  }

  #finish(model: Model): void {
    if (model.operation) {
      const side = model.signals === Signals.READABLE ? 0 : 1;
      this.units[side] = (this.units[side] ?? 0) - model.needs;
    }
    this.finished.push(model.id);
  }

  #units({ signals }: Model): number {
    return this.units[signals === Signals.READABLE ? 0 : 1] ?? 0;
  }
}

class TestWaiter implements Waiter {
  readonly model: Model;
  readonly #stock: Stock;

  constructor(stock: Stock, model: Model) {
    this.#stock = stock;
    this.model = model;
  }

  poll(): PollResult {
    return this.#stock.tryFinish(this.model);
  }

  holdsBack(): boolean {
    return !this.model.stopped;
  }

  interrupt(): void {}
}

const side = fc.nat(1);
const step: fc.Arbitrary<(stock: Stock) => void> = fc.oneof(
  fc.tuple(side, fc.integer({ min: 1, max: 4 })).map(([s, n]) => (stock: Stock) =>
    stock.add(s, n, true)
  ),
  side.map((s) => (stock: Stock) => stock.add(s, 1, false)),
  fc.tuple(side, fc.nat(5)).map(([s, n]) => (stock: Stock) => stock.put(s, n)),
  fc.nat(20).map((i) => (stock: Stock) => stock.cancel(i)),
  fc.nat(20).map((i) => (stock: Stock) => stock.stop(i)),
);

Deno.test("WaitQueue serves in order, loses no wake-up and lets nobody overtake, over random programs", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const stock = new Stock();
      for (const run of steps) {
        run(stock);
        stock.assertInvariants();
        // Onlookers take nothing, so their order among others is not laid down: compare as sets.
        assertEquals(new Set(stock.finished), new Set(stock.expected));
        assertEquals(stock.units, stock.pendingModel);
        assertEquals(
          stock.waiters.nodes().map((node) => (node.waiter as TestWaiter).model.id),
          stock.waiting.map(({ id }) => id),
        );
      }
      assert(stock.polls <= (stock.finished.length + 2 * steps.length) * (steps.length + 1));
    }),
    { numRuns: 400 },
  );
});
