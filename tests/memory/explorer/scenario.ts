/**
 * What the explorer's scenarios are made of: who takes part, and what they run.
 *
 * @module
 */
import { assert } from "@std/assert";
import type { Modules } from "./explorable.ts";
import { PipeModel, type PipeSetup } from "./pipe_model.ts";
import type { Actor, Run, Steps } from "./scheduler.ts";

/** A scenario: makes a fresh run each time. */
export type Scenario = (modules: Modules) => Run;

export const LONE = { writer: { writes: true }, reader: { reads: true } };

/** A run whose actors are given by name, checked at the end. */
export function run(
  pipe: PipeModel,
  programs: Record<string, Steps>,
  check: () => void = () => pipe.check(),
): Run {
  const actors = Object.entries(programs).map(([name, steps]): Actor => ({ name, steps }));
  return { actors, check };
}

/** One after the other. */
export function* inTurn(...programs: Steps[]): Steps {
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
export function runKilling(
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

export const SMALL: Omit<PipeSetup, "participants">[] = [
  { capacity: 3, beforeWrap: 1 },
  { capacity: 4, beforeWrap: 2 },
];

/** A scenario for each set-up, with a pipe that it is about. */
export function forEach(
  name: string,
  setups: readonly Omit<PipeSetup, "participants">[],
  participants: PipeSetup["participants"],
  make: (pipe: PipeModel) => Run,
): Record<string, Scenario> {
  return Object.fromEntries(setups.map((setup) => {
    const mode = setup.packet ? " packets" : "";
    return [
      `${name}, capacity ${setup.capacity}${mode}`,
      (modules) => make(new PipeModel(modules, { ...setup, participants })),
    ];
  }));
}
