import { assert, assertEquals, assertThrows } from "@std/assert";
import { KernelError } from "@carmine/kernel";
import { LineWait, PENDING, WaitLine } from "../../../syscalls/stubs/wait_line.ts";
import { codeOf, settle } from "../../_threads.ts";

/** A line for permits that a test gives out, and a thread whose sleeps the test decides about. */
class Setup {
  permits = 0;
  readonly served: string[] = [];
  readonly killed = new Int32Array(new SharedArrayBuffer(4));
  readonly line: WaitLine;
  /** Happens in each sleep that blocks; fails when there are more than a test foresees. */
  readonly duringSleeps: ((timeoutMs: number) => void)[] = [];
  readonly #sleepers: (() => void)[] = [];

  constructor() {
    this.line = new WaitLine({
      sync: (_first, timeoutMs) => {
        const during = this.duringSleeps.shift();
        assert(during !== undefined, "the thread would sleep for ever");
        during(timeoutMs);
        return "changed";
      },
      async: () => new Promise((resolve) => void this.#sleepers.push(() => resolve("changed"))),
    }, { word: this.killed, index: 0, value: 0 });
  }

  call(name: string, needed = 1): LineWait<string> {
    return new LineWait(needed, () => {
      if (this.permits < needed) return PENDING;
      this.permits -= needed;
      this.served.push(name);
      return name;
    });
  }

  wait(name: string, needed = 1, options: { signal?: AbortSignal; timeoutMs?: number } = {}) {
    const { signal, timeoutMs = Infinity } = options;
    return this.line.wait(this.call(name, needed), { signal, timeoutMs });
  }

  /** Permits are there, and whoever sleeps is woken. */
  async give(count: number): Promise<void> {
    this.permits += count;
    for (const wake of this.#sleepers.splice(0)) wake();
    await settle();
  }
}

Deno.test("WaitLine lets those who wait go on in order, each when there is enough for it", async () => {
  const setup = new Setup();
  const waits = [setup.wait("first", 3), setup.wait("second"), setup.wait("third", 2)];
  for (const [count, served] of [[2, 0], [1, 1], [2, 2], [1, 3]] as const) {
    await setup.give(count);
    assertEquals(setup.served.length, served);
  }
  assertEquals(await Promise.all(waits), ["first", "second", "third"]);
  assertEquals(setup.line.isEmpty, true);
});

Deno.test("WaitLine: who blocks the thread comes after those who were there, and serves them", async () => {
  const setup = new Setup();
  const waits = [setup.wait("first"), setup.wait("second")];
  setup.duringSleeps.push(() => setup.permits = 1, () => setup.permits = 2);
  assertEquals(setup.line.block(setup.call("third"), Infinity), "third");
  assertEquals(setup.served, ["first", "second", "third"]);
  assertEquals(await Promise.all(waits), ["first", "second"]);
});

Deno.test("WaitLine: when the first gives up the next goes on with what was too little for it", async () => {
  const setup = new Setup();
  const abort = new AbortController();
  const first = codeOf(() => setup.wait("first", 5, { signal: abort.signal }));
  const second = setup.wait("second");
  await setup.give(1);
  assertEquals(setup.served, []);
  abort.abort();
  assertEquals(await first, "CANCELED");
  assertEquals(await second, "second");
  const timed = codeOf(() => setup.wait("timed", 5, { timeoutMs: 1 }));
  const last = setup.wait("last");
  await setup.give(1);
  assertEquals([await timed, await last], ["TIMED_OUT", "last"]);
});

Deno.test("WaitLine: who is behind the first and gives up takes nothing", async () => {
  const setup = new Setup();
  const abort = new AbortController();
  const first = setup.wait("first");
  const second = codeOf(() => setup.wait("second", 1, { signal: abort.signal }));
  const third = setup.wait("third");
  abort.abort();
  assertEquals(await second, "CANCELED");
  await setup.give(2);
  assertEquals([await first, await third], ["first", "third"]);
});

Deno.test("WaitLine: a call that blocks in vain ends in time, and the next one isn't kept by it", () => {
  const setup = new Setup();
  let blockedMs = 0;
  setup.duringSleeps.push((ms) => {
    blockedMs = ms;
    pass(2);
  });
  const blocked = () => setup.line.block(setup.call("blocked"), 1);
  assertEquals(assertThrows(blocked, KernelError).code, "TIMED_OUT");
  assert(blockedMs <= 1, "it sleeps for no longer than it has");
  setup.permits = 1;
  assertEquals(setup.line.block(setup.call("next"), Infinity), "next");
});

Deno.test("WaitLine: a call's time is over while one behind it blocks the thread", async () => {
  const setup = new Setup();
  const first = codeOf(() => setup.wait("first", 5, { timeoutMs: 1 }));
  setup.permits = 1;
  setup.duringSleeps.push((ms) => {
    assert(ms < Infinity, "the thread would sleep for ever");
    pass(ms);
  });
  assertEquals(setup.line.block(setup.call("blocked"), Infinity), "blocked");
  assertEquals(await first, "TIMED_OUT");
});

Deno.test("WaitLine: nobody's call survives the task", async () => {
  const setup = new Setup();
  const waits = ["first", "second"].map((name) => codeOf(() => setup.wait(name)));
  setup.duringSleeps.push(() => setup.killed[0] = 1);
  const blocked = () => setup.line.block(setup.call("third"), Infinity);
  assertEquals(assertThrows(blocked, KernelError).code, "TASK_DEAD");
  await setup.give(0);
  assertEquals(await Promise.all(waits), ["TASK_DEAD", "TASK_DEAD"]);
  assertEquals(setup.line.isEmpty, true);
});

Deno.test("WaitLine: a call that fails fails alone", async () => {
  const setup = new Setup();
  const first = codeOf(() =>
    setup.line.wait(
      new LineWait(1, () => {
        if (setup.permits === 0) return PENDING;
        throw new KernelError("INVALID_STATE", "it failed");
      }),
      { signal: undefined, timeoutMs: Infinity },
    )
  );
  const second = setup.wait("second");
  await setup.give(1);
  assertEquals([await first, await second], ["INVALID_STATE", "second"]);
});

/** Lets that much time pass at least. */
function pass(ms: number): void {
  for (const until = performance.now() + ms; performance.now() < until;);
}
