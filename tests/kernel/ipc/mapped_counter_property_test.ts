import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { Counter } from "@carmine/kernel";
import type { TaskObject } from "../../../kernel/task.ts";
import { settle, Threads } from "../../_threads.ts";
import { codeOf } from "../../_codes.ts";
import { namedStep, pick, WaitingCalls } from "./_shared_steps.ts";

/** Who works on the counter: init, in the kernel's isolate, or a thread. */
interface Actor {
  readonly task: TaskObject;
  readonly counters: Counter[];
}

const THREADS = 3;
const LARGEST = 2n ** 64n - 2n;

/** A counter with everybody at it, and what it is to hold. */
class World {
  readonly threads = new Threads();
  readonly actors: Actor[] = [];
  /** Added, but not taken. */
  count: bigint;
  isSemaphore: boolean;
  readonly waiting = new WaitingCalls<"add" | "take">();
  /** A handle that no step ends. */
  readonly kept: Counter;

  constructor(initial: bigint, isSemaphore: boolean) {
    this.count = initial;
    this.isSemaphore = isSemaphore;
    const { init, core } = this.threads;
    this.kept = init.createCounter({ initial, semaphore: isSemaphore });
    for (let i = 0; i < THREADS; i++) {
      const { task, stub } = this.threads.spawn({ counter: this.kept.duplicate() });
      this.actors.push({ task, counters: [stub.handle("counter", Counter)] });
    }
    this.actors.push({ task: core.init, counters: [this.kept.duplicate()] });
  }

  actor(pick: number): Actor {
    return this.actors[pick % this.actors.length] as Actor;
  }

  tryAdd(counter: Counter, amount: bigint): void {
    const fits = this.count + amount <= LARGEST;
    assertEquals(counter.tryAdd(amount), fits);
    if (fits) this.count += amount;
  }

  tryTake(counter: Counter): void {
    const expected = this.count === 0n ? undefined : this.isSemaphore ? 1n : this.count;
    assertEquals(counter.tryTake(), expected);
    this.count -= expected ?? 0n;
  }

  look(counter: Counter): void {
    assertEquals([counter.value, counter.isSemaphore], [this.count, this.isSemaphore]);
  }

  setSemaphore(counter: Counter, isSemaphore: boolean): void {
    counter.setSemaphore(isSemaphore);
    this.isSemaphore = isSemaphore;
  }

  duplicate({ counters }: Actor): void {
    counters.push(...counters.slice(0, 1).map((counter) => counter.duplicate()));
  }

  /** Ends a handle, and sees that it is of no use any more. */
  end({ counters, task }: Actor, isRevoked: boolean): void {
    const counter = counters.pop();
    if (counter === undefined) return;
    if (isRevoked) task.table.get(counter.number).close("revoked");
    else counter.close();
    const code = isRevoked ? "REVOKED" : "BAD_HANDLE";
    for (const call of [() => counter.tryAdd(1), () => counter.tryTake()]) {
      assertEquals(codeOf(call), code);
    }
  }

  /** A call that waits; it counts exactly if it succeeds. */
  start(kind: "add" | "take", counter: Counter, amount: bigint): void {
    const call = kind === "add"
      ? counter.add(amount).then(() => void (this.count += amount))
      : counter.take().then((taken) => void (this.count -= taken));
    this.waiting.add(kind, call);
  }
}

const named = namedStep<World>;
const amount = fc.oneof(
  { weight: 4, arbitrary: fc.bigInt(0n, 5n) },
  { weight: 1, arbitrary: fc.constantFrom(LARGEST, LARGEST - 3n) },
);

function step(name: string, use: (world: World, counter: Counter, amount: bigint) => void) {
  return fc.tuple(pick, pick, amount).map(([who, which, amount]) =>
    named(name, [who, which, amount], (world) => {
      const { counters } = world.actor(who);
      const counter = counters[which % counters.length];
      if (counter !== undefined) use(world, counter, amount);
    })
  );
}

const changes = fc.oneof(
  step("setSemaphore", (world, counter, amount) => world.setSemaphore(counter, amount % 2n === 0n)),
  pick.map((who) => named("duplicate", [who], (world) => world.duplicate(world.actor(who)))),
  fc.tuple(pick, fc.boolean()).map((args) =>
    named("end", args, (world) => world.end(world.actor(args[0]), args[1]))
  ),
  pick.map((who) => named("suspend", [who], (world) => world.actor(who).task.seats?.suspend())),
);

const tries = fc.oneof(
  { weight: 4, arbitrary: step("tryAdd", (world, counter, n) => world.tryAdd(counter, n)) },
  { weight: 4, arbitrary: step("tryTake", (world, counter) => world.tryTake(counter)) },
  { weight: 2, arbitrary: step("look", (world, counter) => world.look(counter)) },
  { weight: 3, arbitrary: changes },
);

Deno.test("a counter is one number, whoever of threads and the kernel works on it", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(0n, 3n, LARGEST - 1n),
      fc.boolean(),
      fc.array(tries, { minLength: 10, maxLength: 80 }),
      async (initial, isSemaphore, program) => {
        const world = new World(initial, isSemaphore);
        using threads = world.threads;
        for (const step of program) {
          step(world);
          threads.core.assertInvariants();
        }
        world.look(world.kept);
        await null;
      },
    ),
    { numRuns: 400 },
  );
});

const waits = fc.oneof(
  { weight: 4, arbitrary: step("add", (world, counter, n) => world.start("add", counter, n)) },
  { weight: 4, arbitrary: step("take", (world, counter, n) => world.start("take", counter, n)) },
  { weight: 3, arbitrary: changes },
);

Deno.test("calls of threads and the kernel that wait on a counter lose no count and no wake-up", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(0n, 3n, LARGEST - 1n),
      fc.boolean(),
      fc.array(waits, { minLength: 5, maxLength: 25 }),
      async (initial, isSemaphore, program) => {
        const world = new World(initial, isSemaphore);
        using threads = world.threads;
        for (const step of program) {
          step(world);
          await settle();
          threads.core.assertInvariants();
          assertEquals(world.kept.value, world.count);
          assert(world.count === 0n || !world.waiting.has("take"), "a take waits beside a count");
          assert(
            world.count > 0n || !world.waiting.has("add"),
            "an addition waits beside an empty counter",
          );
        }
      },
    ),
    { numRuns: 60 },
  );
});
