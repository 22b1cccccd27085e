/**
 * A counter against a plain one: random programs of additions and takes that wait, give up, are
 * aborted or time out, on a clock that is moved by hand.
 */
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { type Counter, Kernel, KernelError, ManualClock, Signals } from "@carmine/kernel";
import { CounterObject } from "../../../kernel/ipc/counter.ts";

const LARGEST = 2n ** 64n - 2n;

/** A call that the reference has not finished yet. */
interface Waiting {
  readonly id: number;
  readonly kind: "add" | "take";
  readonly amount: bigint;
  readonly deadlineMs: number;
}

/** What a plain counter does, with two queues of those who wait. */
class Reference {
  value: bigint;
  isSemaphore: boolean;
  nowMs = 0;
  adders: Waiting[] = [];
  takers: Waiting[] = [];
  readonly outcomes: Map<number, string> = new Map();

  constructor(initial: bigint, isSemaphore: boolean) {
    this.value = initial;
    this.isSemaphore = isSemaphore;
  }

  begin(call: Waiting, mayWait: boolean): void {
    const queue = call.kind === "add" ? this.adders : this.takers;
    const isFree = queue.length === 0 || (call.kind === "add" && call.amount === 0n);
    if (isFree && this.#attempt(call)) this.serve();
    else if (mayWait) queue.push(call);
    else this.outcomes.set(call.id, "would block");
  }

  /** Lets whoever can go on, in order, until nobody can. */
  serve(): void {
    for (let goesOn = true; goesOn;) {
      goesOn = false;
      for (const queue of [this.adders, this.takers]) {
        while (queue[0] !== undefined && this.#attempt(queue[0])) {
          queue.shift();
          goesOn = true;
        }
      }
    }
  }

  giveUp(id: number, outcome: string): void {
    for (const queue of [this.adders, this.takers]) {
      const position = queue.findIndex((call) => call.id === id);
      if (position < 0) continue;
      queue.splice(position, 1);
      this.outcomes.set(id, outcome);
    }
    this.serve();
  }

  /** Those whose time comes first go first, and each may let others go on before the next. */
  advance(ms: number): void {
    this.nowMs += ms;
    const due = [...this.adders, ...this.takers]
      .filter(({ deadlineMs }) => deadlineMs <= this.nowMs)
      .sort((a, b) => a.deadlineMs - b.deadlineMs || a.id - b.id);
    for (const { id } of due) this.giveUp(id, "TIMED_OUT");
  }

  #attempt(call: Waiting): boolean {
    if (call.kind === "add") {
      if (this.value + call.amount > LARGEST) return false;
      this.value += call.amount;
      this.outcomes.set(call.id, "added");
      return true;
    }
    if (this.value === 0n) return false;
    const taken = this.isSemaphore ? 1n : this.value;
    this.value -= taken;
    this.outcomes.set(call.id, `took ${taken}`);
    return true;
  }
}

type Step =
  | { type: "add"; amount: bigint; timeoutMs: number }
  | { type: "take"; timeoutMs: number }
  | { type: "tryAdd"; amount: bigint }
  | { type: "tryTake" }
  | { type: "abort"; which: number }
  | { type: "advance"; ms: number }
  | { type: "setSemaphore"; isSemaphore: boolean };

const amount = fc.oneof(
  fc.bigInt(0n, 5n),
  fc.constantFrom(LARGEST, LARGEST - 1n, LARGEST - 3n, 2n ** 63n),
);
const timeoutMs = fc.oneof(fc.integer({ min: 1, max: 30 }), fc.constant(Infinity));
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ type: fc.constant("add" as const), amount, timeoutMs }),
  fc.record({ type: fc.constant("take" as const), timeoutMs }),
  fc.record({ type: fc.constant("tryAdd" as const), amount }),
  fc.record({ type: fc.constant("tryTake" as const) }),
  fc.record({ type: fc.constant("abort" as const), which: fc.nat(20) }),
  fc.record({ type: fc.constant("advance" as const), ms: fc.integer({ min: 1, max: 20 }) }),
  fc.record({ type: fc.constant("setSemaphore" as const), isSemaphore: fc.boolean() }),
);

/** The counter under test with what its calls came to. */
class Subject {
  readonly outcomes: Map<number, string> = new Map();
  readonly aborts: Map<number, AbortController> = new Map();
  readonly #counter: Counter;

  constructor(counter: Counter) {
    this.#counter = counter;
  }

  begin(id: number, step: Step & { timeoutMs: number }): void {
    const abort = new AbortController();
    this.aborts.set(id, abort);
    const options = { timeoutMs: step.timeoutMs, signal: abort.signal };
    const call = step.type === "add"
      ? this.#counter.add(step.amount, options).then(() => "added")
      : this.#counter.take(options).then((taken) => `took ${taken}`);
    call.then(
      (outcome) => this.outcomes.set(id, outcome),
      (error) => this.outcomes.set(id, error instanceof KernelError ? error.code : String(error)),
    );
  }
}

function runStep(
  id: number,
  step: Step,
  { counter, subject, reference, clock }: {
    counter: Counter;
    subject: Subject;
    reference: Reference;
    clock: ManualClock;
  },
): void {
  switch (step.type) {
    case "add":
    case "take": {
      const given = step.type === "add" ? step.amount : 0n;
      const deadlineMs = reference.nowMs + step.timeoutMs;
      subject.begin(id, step);
      return reference.begin({ id, kind: step.type, amount: given, deadlineMs }, true);
    }
    case "tryAdd": {
      subject.outcomes.set(id, counter.tryAdd(step.amount) ? "added" : "would block");
      const call = { id, kind: "add", amount: step.amount, deadlineMs: 0 } as const;
      return reference.begin(call, false);
    }
    case "tryTake": {
      const taken = counter.tryTake();
      subject.outcomes.set(id, taken === undefined ? "would block" : `took ${taken}`);
      return reference.begin({ id, kind: "take", amount: 0n, deadlineMs: 0 }, false);
    }
    case "abort":
      subject.aborts.get(step.which)?.abort();
      return reference.giveUp(step.which, "CANCELED");
    case "advance":
      clock.advance(step.ms);
      return reference.advance(step.ms);
    case "setSemaphore":
      counter.setSemaphore(step.isSemaphore);
      reference.isSemaphore = step.isSemaphore;
      return;
    default:
      step satisfies never;
  }
}

function byId(outcomes: Map<number, string>): [number, string][] {
  return [...outcomes].sort(([a], [b]) => a - b);
}

Deno.test("Counter does what a plain counter with two queues does", async () => {
  const program = fc.asyncProperty(
    fc.constantFrom(0n, 3n, LARGEST - 2n, LARGEST),
    fc.boolean(),
    fc.array(step, { maxLength: 40 }),
    async (initial, semaphore, steps) => {
      const clock = new ManualClock();
      await using kernel = new Kernel({ clock });
      const counter = kernel.init.createCounter({ initial, semaphore });
      const subject = new Subject(counter);
      const reference = new Reference(initial, semaphore);
      for (const [id, step] of steps.entries()) {
        runStep(id, step, { counter, subject, reference, clock });
        for (let turn = 0; turn < 4; turn++) await null; // promises tell what has happened
        assertEquals(byId(subject.outcomes), byId(reference.outcomes));
        const { value, isSemaphore } = counter;
        assertEquals([value, isSemaphore], [reference.value, reference.isSemaphore]);
        const up = counter.tryWaitFor(Signals.READABLE | Signals.WRITABLE);
        const readable = value > 0n ? Signals.READABLE : 0;
        assertEquals(up, readable | (value < LARGEST ? Signals.WRITABLE : 0));
        const waiting = reference.adders.length + reference.takers.length;
        assertEquals(kernel.tasks()[0]?.usage.pendingWaits, waiting);
      }
      counter.close();
      for (let turn = 0; turn < 4; turn++) await null;
      for (const { id } of [...reference.adders, ...reference.takers]) {
        assertEquals(subject.outcomes.get(id), "BAD_HANDLE");
      }
      const { pendingWaits, objects } = kernel.tasks()[0]?.usage ?? {};
      assertEquals([pendingWaits, objects], [0, 0]);
    },
  );
  await fc.assert(program, { numRuns: 300 });
});

Deno.test("CounterObject keeps its invariants whatever is asked of it", () => {
  const operation = fc.oneof(
    amount.map((amount) => (counter: CounterObject) => counter.tryAdd(amount)),
    fc.constant((counter: CounterObject) => counter.tryTake()),
    fc.integer({ min: 8, max: 20 }).map((length) => (counter: CounterObject) =>
      counter.tryRead(new Uint8Array(length))
    ),
    fc.array(amount, { minLength: 1, maxLength: 3 }).map((counts) => (counter: CounterObject) =>
      counter.tryWrite(new Uint8Array(new BigUint64Array(counts).buffer))
    ),
    fc.integer({ min: 0, max: 1 }).map((mode) => (counter: CounterObject) =>
      counter.control(1, mode)
    ),
  );
  fc.assert(fc.property(fc.array(operation), (operations) => {
    const counter = new CounterObject();
    for (const operate of operations) {
      operate(counter);
      counter.assertInvariants();
    }
  }));
});
