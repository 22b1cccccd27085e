/**
 * Explores the shipped code of memory/: every schedule up to a number of preemptions, then random ones.
 *
 * More of both: `deno test --allow-read tests/memory/explorer -- --preemptions=3 --random=100000`.
 * A failure tells its scenario and schedule; `-- "--replay=scenario|schedule"` runs just that.
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { loadExplorable, type PlantedBug } from "./explorable.ts";
import { CUT } from "../../../memory/counter_cell.ts";
import { COUNTERS } from "./counter_scenarios.ts";
import { PipeModel } from "./pipe_model.ts";
import {
  HOSTILE_STORES,
  hostileCounter,
  hostileReader,
  hostileWriter,
  type Store,
} from "./hostile_scenarios.ts";
import { BESIDE_KERNEL } from "./kernel_scenarios.ts";
import {
  type Exploration,
  explore,
  exploreAtRandom,
  replay,
  type Run,
  seam,
  type Steps,
} from "./scheduler.ts";
import { THREADS } from "./thread_scenarios.ts";

function option(name: string): string | undefined {
  const prefix = `--${name}=`;
  return Deno.args.find((argument) => argument.startsWith(prefix))?.slice(prefix.length);
}

const HONEST = { ...THREADS, ...BESIDE_KERNEL, ...COUNTERS };
const modules = await loadExplorable(seam);
const randomRuns = Number(option("random") ?? 100);
const toReplay = option("replay")?.split("|");

/** Scenarios of so many steps that two preemptions take too long for every day. */
const COSTLY =
  /beside another|two moves|moves twice|larger ring|packets|capacity 3|no readers|follows/;

/** Preemptions up to which all schedules are run. */
function preemptionsFor(name: string): number {
  const asked = option("preemptions");
  if (asked !== undefined) return Number(asked);
  if (name.startsWith("two writers and two")) return 0;
  return COSTLY.test(name) ? 1 : 2;
}

function assertNothingFound(name: string, { failure }: Exploration): void {
  if (failure === undefined) return;
  const how = `--replay=${name}|${failure.schedule}`;
  throw new Error(`${failure.error.message}; again with "${how}"`, { cause: failure.error });
}

for (const [name, scenario] of Object.entries(HONEST)) {
  Deno.test({
    name:
      `memory explored, ${name}: nothing is lost, doubled or reordered, and nobody sleeps for ever`,
    ignore: toReplay !== undefined && toReplay[0] !== name,
    fn() {
      const start = () => scenario(modules);
      if (toReplay !== undefined) return replay(start, toReplay[1] ?? "");
      assertNothingFound(name, explore(start, preemptionsFor(name)));
      assertNothingFound(name, exploreAtRandom(start, randomRuns, 1));
    },
  });
}

/** Single stores in all schedules with one preemption, and several at random. */
function exploreHostile(
  name: string,
  make: (stores: readonly Store[], packet: boolean) => Run,
): void {
  for (const store of HOSTILE_STORES) {
    for (const packet of [false, true]) {
      const label = `${name}, ${store.value} in word ${store.index}${packet ? ", packets" : ""}`;
      assertNothingFound(
        label,
        explore(() => make([store], packet), preemptionsFor("packets") - 1),
      );
      assertNothingFound(label, exploreAtRandom(() => make([store], packet), randomRuns / 10, 1));
    }
  }
  for (let i = 0; i < 2 * randomRuns; i++) {
    const stores = [i, i * 7 + 3, i * 31 + 11].map((n) =>
      HOSTILE_STORES[n % HOSTILE_STORES.length]
    );
    const some = stores.filter((store) => store !== undefined);
    assertNothingFound(`${name}, stores ${i}`, exploreAtRandom(() => make(some, false), 5, i));
  }
}

Deno.test({
  name: "memory explored, a hostile writer: the others' operations end, and what follows arrives",
  ignore: toReplay !== undefined,
  fn: () =>
    exploreHostile("hostile writer", (stores, packet) => hostileWriter(modules, stores, packet)),
});

Deno.test({
  name: "memory explored, a hostile reader: the others' operations end",
  ignore: toReplay !== undefined,
  fn: () =>
    exploreHostile("hostile reader", (stores, packet) => hostileReader(modules, stores, packet)),
});

Deno.test({
  name: "memory explored, a hostile participant at a counter: the others' operations end",
  ignore: toReplay !== undefined,
  fn() {
    for (const value of [0n, 1n, CUT - 1n, CUT]) {
      const start = () => hostileCounter(modules, value);
      assertNothingFound(`hostile counter, ${value}`, explore(start, preemptionsFor("packets")));
      assertNothingFound(`hostile counter, ${value}`, exploreAtRandom(start, randomRuns, 1));
    }
  },
});

Deno.test("loadExplorable() stops before every access to shared memory", async () => {
  const log: string[] = [];
  const watched = Object.fromEntries(
    Object.entries(seam).map(([name, value]) => {
      if (typeof value !== "function" || !(`$${name}` in seam || name.startsWith("$"))) {
        return [name, value];
      }
      return [name, (...rest: unknown[]) => {
        log.push(name);
        return value(...rest);
      }];
    }),
  );
  const pipe = new PipeModel(await loadExplorable(watched), {
    capacity: 100,
    beforeWrap: 50,
    participants: { writer: { writes: true }, reader: { reads: true }, other: { reads: true } },
  });
  /** The accesses of a program; all of them must be of those that can be stopped. */
  const accesses = (steps: Steps): string => {
    log.length = 0;
    while (steps.next().done !== true);
    return log.map((name) => name.replace(/^\$/, "")).join(" ");
  };
  const generation = "load";
  assertEquals(
    accesses(pipe.at("writer").writeOnce(3)),
    `copyBytes store ${generation} loadHint`,
  );
  assertEquals(
    accesses(pipe.at("reader").poll(3)),
    `compareExchange load load copyFrom add store ${generation} loadHint exchange`,
  );
  assert(log.every((name) => name.startsWith("$")));
  accesses(pipe.move("other"));
  assert(log.every((name) => name.startsWith("$")));
});

const MOVE = "ring_move.ts";

/** Mistakes that the explorer must find, each by what it would be in the code. */
const BUGS: Record<string, readonly PlantedBug[]> = {
  "the head read before the tail in a move": [{
    file: MOVE,
    from: "const tail = load(words, TAIL) >>> 0;\n    const head = load(words, HEAD) >>> 0;\n" +
      "    if (load(words, TAIL) >>> 0 !== tail) continue;",
    to: "const head = load(words, HEAD) >>> 0;\n    const tail = load(words, TAIL) >>> 0;",
  }],
  "no second look at the tail in a move": [{
    file: MOVE,
    from: "if (load(words, TAIL) >>> 0 !== tail) continue;",
    to: "",
  }],
  "no second look at the head in a move": [{
    file: MOVE,
    from: "const headNow = load(words, HEAD) >>> 0;",
    to: "const headNow = head;",
  }],
  "going on when the head passed the tail in a move": [{
    file: MOVE,
    from: "if (consumed === undefined || consumed > unread) continue;",
    to: "",
  }],
  "the generation words told after the look at the indices": [{
    file: MOVE,
    from: "  for (const { word, index } of participants) add(word, index, 1);\n" +
      "  const moved = copyUnread(old, capacityBytes, packet);",
    to: "  const moved = copyUnread(old, capacityBytes, packet);\n" +
      "  for (const { word, index } of participants) add(word, index, 1);",
  }],
  "no waking of the old generation's sleepers": [{
    file: MOVE,
    from: "  releaseSleepers(headerOf(old));\n",
    to: "",
  }],
  "a reader that sleeps without announcing before its last look": [{
    file: "ring_reader.ts",
    from: "const attention = or(this.words, ATTENTION, READER_SLEEPS);",
    to: "const attention = load(this.words, ATTENTION);",
  }, {
    file: "ring_reader.ts",
    from: "if (this.loadIndex(TAIL) === head) return true;",
    to:
      "if (this.loadIndex(TAIL) === head) { or(this.words, ATTENTION, READER_SLEEPS); return true; }",
  }],
  "a writer that wakes without counting": [{
    file: "ring_writer.ts",
    from: "    add(this.words, READERS_WAKE, 1);\n",
    to: "",
  }],
  "the attention looked at before the publication": [{
    file: "ring_reader.ts",
    from: "    store(this.words, HEAD, next);\n",
    to: "    const attention = load(this.words, ATTENTION);\n    store(this.words, HEAD, next);\n",
  }, {
    file: "ring_reader.ts",
    from: "if (this.watched && (this.hints() & WRITER_SLEEPS) !== 0)",
    to: "if (this.watched && (attention & WRITER_SLEEPS) !== 0)",
  }],
  "the lock released before the publication": [{
    file: "ring_writer.ts",
    from: "    store(this.words, TAIL, next);\n",
    to: "    if (!this.alone) this.unlock();\n    store(this.words, TAIL, next);\n",
  }],
  "the lock released after a move": [{
    file: "ring_side.ts",
    from: "    if (this.condition === MOVED) return;\n",
    to: "",
  }],
  "a waiter for the lock that doesn't mark it": [{
    file: "ring_side.ts",
    from: "const lock = compareExchange(this.words, this.#lockIndex, HELD, CONTENDED);",
    to: "const lock = load(this.words, this.#lockIndex);",
  }, {
    file: "ring_side.ts",
    from: "this.sleepValue = lock === HELD ? CONTENDED : lock;",
    to: "this.sleepValue = lock;",
  }],
  "the generation word looked at before the publication": [{
    file: "ring_writer.ts",
    from: "    store(this.words, TAIL, next);\n",
    to: "    const moved = this.hasMoved();\n    store(this.words, TAIL, next);\n",
  }, {
    file: "ring_writer.ts",
    from: "if (this.hasMoved()) return this.unsettled(from, span, done, otherwise);",
    to: "if (moved) return this.unsettled(from, span, done, otherwise);",
  }],
  "a write that met a move always done again": [{
    file: "ring_side.ts",
    from: "return passed >= this.#unsettledSpan ? this.#answerIfDone : this.#answerIfNot;",
    to: "return this.#answerIfNot;",
  }],
  "a write that met a move never done again": [{
    file: "ring_side.ts",
    from: "return passed >= this.#unsettledSpan ? this.#answerIfDone : this.#answerIfNot;",
    to: "return this.#answerIfDone;",
  }],
  "a consume that doesn't see that another reader came first": [{
    file: "ring_reader.ts",
    from: "if (load(this.words, READ_COUNT) !== this.#peekedCount) return STALE;",
    to: "",
  }],
  "the kernel announced before it looked at the count of wake-ups": [{
    file: "sleep_watch.ts",
    from: "    this.#count = load(this.#words, this.#at.wakeIndex);\n" +
      "    or(this.#words, this.#at.attentionIndex, this.#at.bit);\n",
    to: "    or(this.#words, this.#at.attentionIndex, this.#at.bit);\n" +
      "    this.#count = load(this.#words, this.#at.wakeIndex);\n",
  }],
  "the kernel resting before it announced anything": [{
    file: "sleep_watch.ts",
    from: "    or(this.#words, this.#at.attentionIndex, this.#at.bit);\n",
    to: "",
  }],
  "the kernel waiting for the lock without marking it": [{
    file: "ring_watch.ts",
    from: "const held = compareExchange(words, index, HELD, CONTENDED);",
    to: "const held = load(words, index);",
  }, {
    file: "ring_watch.ts",
    from: "const value = held === HELD ? CONTENDED : held;",
    to: "const value = held;",
  }],
  "nobody woken by a thread that has both ends for itself": [{
    file: "ring_side.ts",
    from: "this.watched = !worksAlone || seat.generation !== undefined;",
    to: "this.watched = !worksAlone;",
  }],
  "a counter that is stored instead of exchanged": [{
    file: "counter_cell.ts",
    from: "const value = exchange64(new BigUint64Array(old, 0, 1), CELL, CUT);",
    to: "const value = load64(new BigUint64Array(old, 0, 1), CELL);\n" +
      "  exchange64(new BigUint64Array(old, 0, 1), CELL, CUT);",
  }],
};

/** The scenarios in which a mistake can show soon. */
function placeOf(bug: string): RegExp {
  if (bug.includes("kernel") || bug.includes("both ends")) {
    return /^the kernel (sleeps|reads under|waits)/;
  }
  if (bug.includes("counter")) return /^a counter/;
  if (bug.includes("consume")) return /^peek and consume by two/;
  if (bug.includes("lock")) return /^(two|a writer lingering|a reader killed|the kernel shares)/;
  return bug.includes("move") ? /^a move/ : /./;
}

for (const [name, bugs] of Object.entries(BUGS)) {
  Deno.test({
    name: `the explorer finds ${name}, and replays it`,
    ignore: toReplay !== undefined,
    async fn() {
      const buggy = await loadExplorable(seam, bugs);
      for (const preemptions of [1, 2]) {
        for (const [label, scenario] of Object.entries(HONEST)) {
          // Where the mistake can show, and few schedules are needed to show it.
          if (!placeOf(name).test(label)) continue;
          const start = () => scenario(buggy);
          const { failure } = explore(start, preemptions);
          if (failure === undefined) continue;
          const error = assertThrows(() => replay(start, failure.schedule), Error);
          assertEquals(error.message, failure.error.message);
          return;
        }
      }
      assert(false, "not found");
    },
  });
}
