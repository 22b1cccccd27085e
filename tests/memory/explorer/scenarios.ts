/**
 * What the explorer runs: who does what to a pipe or a counter at the same time.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { HEADER_WORDS } from "../../../memory/ring_layout.ts";
import { CounterModel } from "./counter_model.ts";
import type { Modules } from "./explorable.ts";
import { PipeModel, type PipeSetup } from "./pipe_model.ts";
import { type Actor, hostileStore, type Run, type Steps, until } from "./scheduler.ts";

/** A scenario: makes a fresh run each time. */
export type Scenario = (modules: Modules) => Run;

const LONE = { writer: { writes: true }, reader: { reads: true } };
const TWO_WRITERS = { one: { writes: true }, two: { writes: true }, reader: { reads: true } };
const TWO_READERS = { writer: { writes: true }, one: { reads: true }, two: { reads: true } };

/** A run whose actors are given by name, checked at the end. */
function run(
  pipe: PipeModel,
  programs: Record<string, Steps>,
  check: () => void = () => pipe.check(),
): Run {
  const actors = Object.entries(programs).map(([name, steps]): Actor => ({ name, steps }));
  return { actors, check };
}

/** One after the other. */
function* inTurn(...programs: Steps[]): Steps {
  for (const program of programs) yield* program;
}

/** Stops a thread for ever and takes its mapping away. */
function* kill(pipe: PipeModel, actors: readonly Actor[], name: string): Steps {
  const victim = actors.find((actor) => actor.name === name);
  assert(victim !== undefined);
  victim.isStopped = true;
  yield* pipe.move(name);
}

/** A run in which a thread is killed at some point, or loses its mapping and lingers. */
function runKilling(
  pipe: PipeModel,
  victim: string,
  programs: Record<string, Steps>,
  { lingers = false, first = [] as Steps[], then = [] as Steps[] } = {},
): Run {
  const actors: Actor[] = [];
  const ending = lingers ? pipe.move(victim) : kill(pipe, actors, victim);
  const all = { ...programs, kernel: inTurn(...first, ending, ...then) };
  for (const [name, steps] of Object.entries(all)) actors.push({ name, steps });
  return { actors, check: () => pipe.check(victim) };
}

const SMALL: Omit<PipeSetup, "participants">[] = [
  { capacity: 3, beforeWrap: 1 },
  { capacity: 4, beforeWrap: 2 },
];

function forEach(
  name: string,
  setups: readonly Omit<PipeSetup, "participants">[],
  make: (modules: Modules, setup: Omit<PipeSetup, "participants">) => Run,
): Record<string, Scenario> {
  return Object.fromEntries(setups.map((setup) => {
    const mode = setup.packet ? " packets" : "";
    return [`${name}, capacity ${setup.capacity}${mode}`, (modules) => make(modules, setup)];
  }));
}

/** Scenarios of honest participants: whatever the schedule, nothing is lost, doubled or reordered, and nobody sleeps for ever. */
export const HONEST: Record<string, Scenario> = {
  ...forEach("a lone writer and a lone reader", [...SMALL, { capacity: 1 }], (modules, setup) => {
    const pipe = new PipeModel(modules, { ...setup, participants: LONE });
    const most = Math.min(2, setup.capacity);
    return run(pipe, {
      writer: pipe.at("writer").write(most, 1, most),
      reader: pipe.at("reader").read(2, 2 * most + 1),
    });
  }),
  ...forEach("a write longer than the ring", SMALL, (modules, setup) => {
    const pipe = new PipeModel(modules, { ...setup, participants: LONE });
    const long = setup.capacity + 2;
    return run(pipe, {
      writer: pipe.at("writer").write(long),
      reader: pipe.at("reader").read(setup.capacity, long),
    });
  }),
  ...forEach("packets", [{ capacity: 3, packet: true, beforeWrap: 3 }], (modules, setup) => {
    const pipe = new PipeModel(modules, { ...setup, participants: LONE });
    return run(pipe, {
      writer: pipe.at("writer").write(2, 3),
      reader: pipe.at("reader").read(3, 5),
      kernel: pipe.move(),
    });
  }),
  ...forEach("a move while lone sides work", SMALL, (modules, setup) => {
    const pipe = new PipeModel(modules, { ...setup, participants: LONE });
    return run(pipe, {
      writer: pipe.at("writer").write(2, 2),
      reader: pipe.at("reader").read(3, 4),
      kernel: pipe.move(),
    });
  }),
  ...forEach("two moves while lone sides work", SMALL, (modules, setup) => {
    const pipe = new PipeModel(modules, { ...setup, participants: LONE });
    return run(pipe, {
      writer: pipe.at("writer").write(2, 2),
      reader: pipe.at("reader").read(3, 4),
      kernel: inTurn(pipe.move(), pipe.move()),
    });
  }),
  ...forEach(
    "a move of a larger ring",
    [{ capacity: 100, beforeWrap: 30 }],
    (modules, setup) => {
      const pipe = new PipeModel(modules, { ...setup, participants: LONE });
      return run(pipe, {
        writer: pipe.at("writer").write(60, 60),
        reader: pipe.at("reader").read(70, 120),
        kernel: pipe.move(),
      });
    },
  ),
  ...forEach(
    "a move while whole rings are written and read",
    [{ capacity: 3 }],
    (modules, setup) => {
      const pipe = new PipeModel(modules, { ...setup, participants: LONE });
      return run(pipe, {
        writer: pipe.at("writer").write(3, 3),
        reader: pipe.at("reader").read(3, 6),
        kernel: pipe.move(),
      });
    },
  ),
  ...forEach("two writers", SMALL, (modules, setup) => {
    const pipe = new PipeModel(modules, { ...setup, participants: TWO_WRITERS });
    return run(pipe, {
      one: pipe.at("one").write(2),
      two: pipe.at("two").write(2),
      reader: pipe.at("reader").read(2, 4),
    });
  }),
  ...forEach("two readers", SMALL, (modules, setup) => {
    const pipe = new PipeModel(modules, { ...setup, participants: TWO_READERS });
    return run(pipe, {
      writer: pipe.at("writer").write(2, 2),
      one: pipe.at("one").read(2, 2),
      two: pipe.at("two").read(2, 2),
    });
  }),
  "two writers and two readers": (modules) => {
    const participants = { ...TWO_READERS, writer: { writes: true }, other: { writes: true } };
    const pipe = new PipeModel(modules, { capacity: 3, participants });
    return run(pipe, {
      writer: pipe.at("writer").write(2),
      other: pipe.at("other").write(2),
      one: pipe.at("one").read(2, 2),
      two: pipe.at("two").read(2, 2),
      kernel: pipe.move(),
    });
  },
  ...forEach("a writer killed beside another", SMALL, (modules, setup) => {
    const pipe = new PipeModel(modules, { ...setup, participants: TWO_WRITERS });
    return runKilling(pipe, "one", {
      one: pipe.at("one").write(2, 1),
      two: pipe.at("two").write(2),
      reader: pipe.at("reader").read(2, 2),
    });
  }),
  ...forEach("a writer lingering beside another", SMALL, (modules, setup) => {
    const pipe = new PipeModel(modules, { ...setup, participants: TWO_WRITERS });
    return runKilling(pipe, "one", {
      one: pipe.at("one").write(2, 1),
      two: pipe.at("two").write(2),
      reader: pipe.at("reader").read(2, 2),
    }, { lingers: true });
  }),
  ...forEach("a reader killed beside another", SMALL, (modules, setup) => {
    const pipe = new PipeModel(modules, { ...setup, participants: TWO_READERS });
    return runKilling(pipe, "one", {
      one: pipe.at("one").read(2, 2),
      two: pipe.at("two").read(2),
      writer: pipe.at("writer").write(2, 1),
    }, { then: [until(() => pipe.at("writer").acknowledged.length === 2), pipe.close("writes")] });
  }),
  ...forEach("the writer killed, then the end", SMALL, (modules, setup) => {
    const pipe = new PipeModel(modules, { ...setup, participants: LONE });
    const run = runKilling(pipe, "writer", {
      writer: pipe.at("writer").write(2, 1),
      reader: pipe.at("reader").read(2),
    }, { then: [pipe.close("writes")] });
    return {
      ...run,
      check: () => {
        run.check();
        assert(pipe.at("reader").sawEnd);
        assertEquals(pipe.rest(), []);
      },
    };
  }),
  ...forEach("the reader killed, then no readers", SMALL, (modules, setup) => {
    const pipe = new PipeModel(modules, { ...setup, participants: LONE });
    return runKilling(pipe, "reader", {
      writer: pipe.at("writer").write(2, 2, 2),
      reader: pipe.at("reader").read(2),
    }, { then: [pipe.close("reads")] });
  }),
  ...forEach("a close and a move while the reader works", SMALL, (modules, setup) => {
    const pipe = new PipeModel(modules, { ...setup, participants: LONE });
    const { writer, reader } = { writer: pipe.at("writer"), reader: pipe.at("reader") };
    const check = () => {
      pipe.check();
      assert(reader.sawEnd);
      assertEquals(reader.got.length, 3);
    };
    const closed = until(() => writer.acknowledged.length === 2);
    return run(pipe, {
      writer: writer.write(2, 1),
      reader: reader.read(2),
      kernel: inTurn(closed, pipe.close("writes")),
    }, check);
  }),
  ...forEach(
    "a move, then a close, while the reader follows",
    [{ capacity: 3 }],
    (modules, setup) => {
      const pipe = new PipeModel(modules, { ...setup, participants: LONE });
      const { writer, reader } = { writer: pipe.at("writer"), reader: pipe.at("reader") };
      const check = () => {
        pipe.check();
        assert(reader.sawEnd);
        assertEquals(reader.got.length, 3);
      };
      const isWritten = until(() => writer.acknowledged.length === 2);
      return run(pipe, {
        writer: writer.write(2, 1),
        reader: reader.read(2),
        kernel: inTurn(pipe.move(), isWritten, pipe.close("writes")),
      }, check);
    },
  ),
  ...forEach("peek and consume across a move", SMALL, (modules, setup) => {
    const pipe = new PipeModel(modules, { ...setup, participants: LONE });
    return run(pipe, {
      writer: pipe.at("writer").write(2, 2),
      reader: pipe.at("reader").readPeeked(2, 4),
      kernel: pipe.move(),
    });
  }),
  ...forEach("peek and consume by two readers", SMALL, (modules, setup) => {
    const pipe = new PipeModel(modules, { ...setup, participants: TWO_READERS });
    return run(pipe, {
      writer: pipe.at("writer").write(2, 2),
      one: pipe.at("one").readPeeked(2, 2),
      two: pipe.at("two").read(2, 2),
    });
  }),
  ...forEach("reserve and commit across a move", SMALL, (modules, setup) => {
    const pipe = new PipeModel(modules, { ...setup, participants: LONE });
    return run(pipe, {
      writer: pipe.at("writer").writeReserved(2, 2),
      reader: pipe.at("reader").read(2, 4),
      kernel: pipe.move(),
    });
  }),
  ...forEach("reserve and commit by two writers", SMALL, (modules, setup) => {
    const pipe = new PipeModel(modules, { ...setup, participants: TWO_WRITERS });
    return run(pipe, {
      one: pipe.at("one").writeReserved(2),
      two: pipe.at("two").write(1, 1),
      reader: pipe.at("reader").read(2, 4),
    });
  }),
  ...forEach("the kernel reads from a worker that it revokes", SMALL, (modules, setup) => {
    const participants = { writer: { writes: true }, kernel: { reads: true, isKernel: true } };
    const pipe = new PipeModel(modules, { ...setup, participants });
    const kernel = pipe.at("kernel");
    return runKilling(pipe, "writer", {
      writer: pipe.at("writer").write(2, 1, 2),
    }, { lingers: true, first: [kernel.poll(2), kernel.poll(2)], then: [kernel.poll(4)] });
  }),
  ...forEach(
    "the kernel shares the writing with a worker that it revokes",
    SMALL,
    (modules, setup) => {
      const participants = { ...LONE, kernel: { writes: true, isKernel: true } };
      const pipe = new PipeModel(modules, { ...setup, participants });
      const kernel = pipe.at("kernel");
      return runKilling(pipe, "writer", {
        writer: pipe.at("writer").write(1, 1),
        reader: pipe.at("reader").read(2),
      }, { lingers: true, then: [kernel.write(1), pipe.close("writes")] });
    },
  ),
  ...forEach("the kernel sleeps until a thread writes", SMALL, (modules, setup) => {
    const participants = { writer: { writes: true }, kernel: { reads: true, isKernel: true } };
    const pipe = new PipeModel(modules, { ...setup, participants });
    return run(pipe, {
      writer: pipe.at("writer").write(2, 1),
      kernel: pipe.at("kernel").readInKernel(3),
      mover: pipe.moveInKernel(),
    });
  }),
  "the kernel sleeps until two threads write": (modules) => {
    const [one, two] = [{ writes: true }, { writes: true }];
    const participants = { one, two, kernel: { reads: true, isKernel: true } };
    const pipe = new PipeModel(modules, { capacity: 4, participants });
    return run(pipe, {
      kernel: pipe.at("kernel").readInKernel(2),
      one: pipe.at("one").write(1),
      two: pipe.at("two").write(1),
    });
  },
  ...forEach("the kernel sleeps until a thread reads", SMALL, (modules, setup) => {
    const participants = { reader: { reads: true }, kernel: { writes: true, isKernel: true } };
    const pipe = new PipeModel(modules, { ...setup, participants });
    const kernel = pipe.at("kernel");
    return run(pipe, {
      reader: pipe.at("reader").read(2, 5),
      kernel: inTurn(kernel.writeInKernel(3), kernel.writeInKernel(2)),
      mover: pipe.moveInKernel(),
    });
  }),
  ...forEach("the kernel reads under a lock that a thread takes, too", SMALL, (modules, setup) => {
    const participants = { ...LONE, kernel: { reads: true, isKernel: true } };
    const pipe = new PipeModel(modules, { ...setup, participants });
    return run(pipe, {
      writer: pipe.at("writer").write(2, 2),
      reader: pipe.at("reader").read(2, 2),
      kernel: pipe.at("kernel").readInKernel(2),
    });
  }),
  ...forEach("the kernel writes under a lock that a thread takes, too", SMALL, (modules, setup) => {
    const participants = { ...LONE, kernel: { writes: true, isKernel: true } };
    const pipe = new PipeModel(modules, { ...setup, participants });
    return run(pipe, {
      writer: pipe.at("writer").write(2),
      reader: pipe.at("reader").read(3, 4),
      kernel: pipe.at("kernel").writeInKernel(2),
    });
  }),
  "the kernel waits for bytes of a thread that has both ends for itself": (modules) => {
    const thread = { reads: true, writes: true };
    const pipe = new PipeModel(modules, {
      capacity: 3,
      participants: { thread, kernel: { isKernel: true } },
    });
    return run(pipe, {
      thread: inTurn(
        pipe.at("thread").write(2),
        pipe.at("thread").read(2, 2),
        pipe.at("thread").write(1),
      ),
      kernel: pipe.at("kernel").awaitBytesInKernel(),
      mover: pipe.moveInKernel(),
    });
  },
  ...forEach("a refresh across two moves", SMALL, (modules, setup) => {
    const pipe = new PipeModel(modules, { ...setup, participants: LONE });
    return run(pipe, {
      writer: pipe.at("writer").write(2, 2),
      reader: pipe.at("reader").readRefreshing(2, 4),
      kernel: inTurn(pipe.move(), pipe.move()),
    });
  }),
  "a counter": (modules) => {
    const counter = new CounterModel(modules, 0n, false);
    return counter.run({ one: counter.add(3n, 2n), two: counter.add(1n), taker: counter.take(6n) });
  },
  "a counter that moves": (modules) => {
    const counter = new CounterModel(modules, 1n, false);
    return counter.run({ one: counter.add(3n), taker: counter.take(4n), kernel: counter.move() });
  },
  "a semaphore that moves twice": (modules) => {
    const counter = new CounterModel(modules, 0n, true);
    const kernel = inTurn(counter.move(), counter.move());
    return counter.run({
      one: counter.add(2n),
      two: counter.take(1n),
      three: counter.take(1n),
      kernel,
    });
  },
  "a counter that the kernel waits for": (modules) => {
    const counter = new CounterModel(modules, 0n, false);
    return counter.run({
      kernel: counter.takeInKernel(3n),
      one: counter.add(1n),
      two: counter.add(2n),
      mover: counter.move(),
    });
  },
  "a counter that is full": (modules) => {
    const most = 2n ** 64n - 2n;
    const counter = new CounterModel(modules, most, false);
    return counter.run({
      one: counter.add(2n),
      taker: counter.take(most + 2n),
      kernel: counter.move(),
    });
  },
};

/** A store by a hostile thread: which word of the ring's memory, and what. */
export interface Store {
  readonly index: number;
  readonly value: number;
}

/** The stores that are likely to hurt: every word of the header that means something, with values near every limit. */
export const HOSTILE_STORES: readonly Store[] = [0, 16, 32, 33, 34, 48, 64, 65, HEADER_WORDS]
  .flatMap((index) =>
    [0, 1, 2, 3, 4, 5, 6, 15, -1, 0x7fff_ffff].map((value) => ({ index, value }))
  );

function* storeAll(memory: SharedArrayBuffer, stores: readonly Store[]): Steps {
  const words = new Int32Array(memory);
  for (const { index, value } of stores) yield* hostileStore(words, index, value);
}

/**
 * A hostile participant stores what it likes until it is revoked, and goes on storing. The others' operations
 * end all the same, and what is written after the revocation arrives unless the pipe is over.
 */
export function hostileWriter(modules: Modules, stores: readonly Store[], packet = false): Run {
  const participants = {
    hostile: { writes: true },
    reader: { reads: true },
    kernel: { writes: true, isKernel: true },
  };
  const pipe = new PipeModel(modules, { capacity: 3, packet, participants });
  pipe.patienceMs = 100;
  const old = pipe.memory;
  const kernel = pipe.at("kernel");
  const reader = pipe.at("reader");
  const again = until(() => !kernel.isMapping || kernel.acknowledged.length > 0 || pipe.isOver);
  const check = () => {
    if (pipe.isOver || reader.sawGarbled) return;
    assert(reader.sawEnd);
    assertEquals(reader.got.slice(-2), kernel.acknowledged.flat());
  };
  const programs = {
    hostile: inTurn(
      pipe.at("hostile").writeOnce(2),
      storeAll(old, stores),
      again,
      storeAll(old, stores),
    ),
    reader: reader.read(3),
    kernel: inTurn(pipe.move("hostile"), kernel.writeUnlessOver(2), pipe.close("writes")),
  };
  return { ...run(pipe, programs, check), mayTimeOut: true };
}

/** The same for a hostile reader beside honest ones: two writers, whose side has a lock to spoil. */
export function hostileReader(modules: Modules, stores: readonly Store[], packet = false): Run {
  const participants = {
    hostile: { reads: true },
    one: { writes: true },
    two: { writes: true },
    kernel: { reads: true, isKernel: true },
  };
  const pipe = new PipeModel(modules, { capacity: 3, packet, participants });
  pipe.patienceMs = 100;
  const old = pipe.memory;
  const programs = {
    hostile: inTurn(storeAll(old, stores), until(() => !pipe.isMoving), storeAll(old, stores)),
    one: pipe.at("one").write(2),
    two: pipe.at("two").write(2),
    kernel: inTurn(pipe.move("hostile"), pipe.at("kernel").poll(3), pipe.close("reads")),
  };
  return { ...run(pipe, programs, () => {}), mayTimeOut: true };
}

/** A hostile participant stores what it likes into a counter's cell: the others' operations end. */
export function hostileCounter(modules: Modules, value: bigint): Run {
  const counter = new CounterModel(modules, 1n, false);
  const programs = {
    hostile: counter.spoil(value),
    adder: counter.addOnce(2n),
    taker: counter.takeOnce(),
    kernel: counter.moveIfHonest(),
  };
  const { actors } = counter.run(programs);
  return { actors, check: () => {}, mayTimeOut: true };
}
