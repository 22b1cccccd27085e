import { assert, assertEquals } from "@std/assert";
import {
  type PollResult,
  type Waiter,
  WaitNode,
  type WaitVia,
} from "../../capabilities/selectable.ts";
import { Signals } from "../../capabilities/signals.ts";
import { ExampleObject } from "./_example_object.ts";

const { READABLE, WRITABLE, PEER_CLOSED } = Signals;

/** A handle that nobody waits through. */
function noWaits(): WaitVia {
  return { firstWait: undefined, lastWait: undefined };
}

/** Somebody who waits, and does as the test says when polled. */
class TestWaiter implements Waiter {
  polls = 0;
  isPassable = false;
  interruptedBy: string | undefined = undefined;
  readonly node: WaitNode;
  readonly #answer: (waiter: TestWaiter) => PollResult;

  constructor(
    object: ExampleObject,
    signals: number,
    answer: (waiter: TestWaiter) => PollResult,
    { operation = true, via = undefined as WaitVia | undefined } = {},
  ) {
    this.#answer = answer;
    this.node = new WaitNode(this, signals, operation, via);
    object.waiters.add(this.node);
  }

  poll(): PollResult {
    this.polls++;
    return this.#answer(this);
  }

  holdsBack(): boolean {
    return !this.isPassable;
  }

  interrupt(_node: WaitNode, reason: string): void {
    this.interruptedBy = reason;
    this.leave();
  }

  leave(): void {
    this.node.queue?.remove(this.node);
  }
}

function done(waiter: TestWaiter): PollResult {
  waiter.leave();
  return "done";
}

/** An object with so many items to take; each taker takes one. */
class Store extends ExampleObject {
  items = 0;

  put(count: number): void {
    this.items += count;
    this.raise(this.items > 0 ? READABLE : 0);
  }

  take(waiter: TestWaiter): PollResult {
    if (this.items === 0) return "blocked";
    this.items--;
    if (this.items === 0) this.lower(READABLE);
    return done(waiter);
  }
}

Deno.test("WaitQueue.wake() serves first-in first-out", () => {
  const store = new Store();
  const order: number[] = [];
  for (let i = 0; i < 5; i++) {
    new TestWaiter(store, READABLE, (waiter) => (order.push(i), store.take(waiter)));
  }
  store.put(3);
  assertEquals(order, [0, 1, 2]);
  store.put(2);
  assertEquals(order, [0, 1, 2, 3, 4]);
  assertEquals(store.waiters.isEmpty, true);
});

Deno.test("WaitQueue.wake() polls no more of 1,000 waiters than the change satisfies", () => {
  const store = new Store();
  const waiters = Array.from(
    { length: 1_000 },
    () => new TestWaiter(store, READABLE, (waiter) => store.take(waiter)),
  );
  const polls = () => waiters.reduce((sum, { polls }) => sum + polls, 0);
  store.put(1);
  assertEquals(polls(), 1);
  store.put(10);
  assertEquals(polls(), 11);
  store.put(989);
  assertEquals(polls(), 1_000);
  assertEquals(store.waiters.isEmpty, true);
  store.waiters.assertInvariants();
});

Deno.test("WaitQueue.wake() does not even walk past 1,000 waiters of whom one can go on", () => {
  let looks = 0;
  class Watched extends Store {
    protected override ownSignals(): number {
      looks++;
      return super.ownSignals();
    }
  }
  const store = new Watched();
  for (let i = 0; i < 1_000; i++) {
    new TestWaiter(store, READABLE, (waiter) => store.take(waiter));
  }
  store.put(1);
  assertEquals(store.waiters.nodes().length, 999);
  assert(looks < 10, `the object was looked at ${looks} times`);
});

Deno.test("WaitQueue.wake() polls nobody when no signal that is waited for is up", () => {
  const object = new ExampleObject();
  const waiter = new TestWaiter(object, READABLE, done);
  object.raise(WRITABLE);
  assertEquals(waiter.polls, 0);
});

Deno.test("WaitQueue.wake() lets nobody overtake an operation that needs more than there is", () => {
  const object = new ExampleObject();
  const big = new TestWaiter(object, WRITABLE | PEER_CLOSED, () => "blocked");
  const small = new TestWaiter(object, WRITABLE | PEER_CLOSED, done);
  const reader = new TestWaiter(object, READABLE, done);
  const onlooker = new TestWaiter(object, WRITABLE, done, { operation: false });
  object.raise(WRITABLE | READABLE);
  assertEquals([big.polls, small.polls, reader.polls, onlooker.polls], [1, 0, 1, 1]);
});

Deno.test("WaitQueue.wake() passes those that can't run now", () => {
  const object = new ExampleObject();
  const stopped = new TestWaiter(object, READABLE, () => "skipped");
  const running = new TestWaiter(object, READABLE, done);
  object.raise(READABLE);
  assertEquals([stopped.polls, running.polls], [1, 1]);
});

Deno.test("WaitQueue.wake() goes on behind a waiter whose poll takes others out", () => {
  const object = new ExampleObject();
  const waiters: TestWaiter[] = [];
  waiters.push(
    new TestWaiter(object, READABLE, (waiter) => {
      waiters[1]?.leave();
      waiters[2]?.leave();
      return done(waiter);
    }),
  );
  for (let i = 0; i < 3; i++) waiters.push(new TestWaiter(object, READABLE, done));
  object.raise(READABLE);
  assertEquals(waiters.map(({ polls }) => polls), [1, 0, 0, 1]);
  assertEquals(object.waiters.isEmpty, true);
});

Deno.test("WaitQueue.wake() during a poll is served after it, with a flat stack", () => {
  const length = 20_000;
  const chain = Array.from({ length }, () => new ExampleObject());
  let depth = 0;
  let deepest = 0;
  let last = false;
  chain.forEach((object, i) => {
    new TestWaiter(object, READABLE, (waiter) => {
      deepest = Math.max(deepest, ++depth);
      done(waiter);
      if (i + 1 < length) chain[i + 1]?.raise(READABLE);
      else last = true;
      depth--;
      return "done";
    });
  });
  chain[0]?.raise(READABLE);
  assertEquals([last, deepest], [true, 1]);
});

Deno.test("WaitQueue.interrupt() ends the waits through one handle only, in order of arrival", () => {
  const [object, other] = [new ExampleObject(), new ExampleObject()];
  const mine = noWaits();
  const yours = noWaits();
  const wait = (at: ExampleObject, via: WaitVia) => new TestWaiter(at, READABLE, done, { via });
  const waiters = [wait(object, mine), wait(object, yours), wait(other, mine), wait(object, mine)];
  const left = wait(object, mine);
  left.leave();
  object.waiters.interrupt(mine, "closed");
  assertEquals(
    [...waiters, left].map(({ interruptedBy }) => interruptedBy),
    ["closed", undefined, undefined, "closed", undefined],
  );
  object.waiters.assertInvariants();
  other.waiters.interrupt(mine, "closed");
  assertEquals(mine, noWaits());
  assertEquals(yours.firstWait, waiters[1]?.node);
});

Deno.test("WaitQueue.mustQueue() looks at operations on the same signals only", () => {
  const object = new ExampleObject();
  assertEquals(object.waiters.mustQueue(READABLE), false);
  const onlooker = new TestWaiter(object, READABLE, done, { operation: false });
  assertEquals(object.waiters.mustQueue(READABLE), false);
  const reader = new TestWaiter(object, READABLE | PEER_CLOSED, done);
  assertEquals(object.waiters.mustQueue(READABLE), true);
  assertEquals(object.waiters.mustQueue(WRITABLE | PEER_CLOSED), false);
  reader.isPassable = true;
  assertEquals(object.waiters.mustQueue(READABLE), false);
  reader.isPassable = false;
  assertEquals(object.waiters.mustQueue(READABLE, reader.node), false);
  reader.leave();
  onlooker.leave();
  assertEquals(object.waiters.mustQueue(READABLE), false);
});

Deno.test("WaitQueue.wake() serves the others when a poll throws, and loses no error", async () => {
  const [bad, good] = [new ExampleObject(), new ExampleObject()];
  const reported = Promise.withResolvers<unknown>();
  const listener = (event: ErrorEvent) => {
    event.preventDefault();
    reported.resolve(event.error);
  };
  addEventListener("error", listener);
  const error = new Error("a waiter failed");
  new TestWaiter(bad, READABLE, (waiter) => {
    waiter.leave();
    good.raise(READABLE); // marked as changed when the error comes
    throw error;
  });
  const waiter = new TestWaiter(good, READABLE, done);
  bad.raise(READABLE);
  assertEquals(waiter.polls, 1);
  const later = new TestWaiter(bad, READABLE, done);
  bad.raise(READABLE);
  assertEquals(later.polls, 1);
  assertEquals(await reported.promise, error);
  removeEventListener("error", listener);
});
