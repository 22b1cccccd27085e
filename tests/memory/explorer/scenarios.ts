/**
 * What the explorer runs: who does what to a pipe or a counter at the same time.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import type { Modules } from "./explorable.ts";
import { PipeModel, type PipeSetup } from "./pipe_model.ts";
import { type Actor, type Run, type Steps, until } from "./scheduler.ts";

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
  { lingers = false, then = [] as Steps[] } = {},
): Run {
  const actors: Actor[] = [];
  const ending = lingers ? pipe.move(victim) : kill(pipe, actors, victim);
  const all = { ...programs, kernel: inTurn(ending, ...then) };
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
      // Another reason to move, at the same time for the reader: the kernel does one after the other.
    }, check);
  }),
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
};
