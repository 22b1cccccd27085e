/**
 * Runs actors, each a generator that yields before every access to shared memory, under a schedule,
 * and walks through schedules: all of them up to a number of preemptions, or random ones.
 *
 * A schedule is the list of choices made where there was one: which of the actors that could go
 * on went on. 0 is the one that ran before. The same choices give the same run.
 *
 * @module
 */
import * as atomics from "../../../memory/atomics.ts";

/** Before an access. */
const ACCESS = { kind: "access" } as const;

/** In a wait on a word, until notified. */
interface Sleeper {
  readonly kind: "sleeper";
  readonly memory: ArrayBufferLike;
  readonly byteOffset: number;
  isWoken: boolean;
}

/** Until something is so, as after a system call. */
interface Condition {
  readonly kind: "condition";
  readonly holds: () => boolean;
}

/** Why an actor stopped. */
export type Point = typeof ACCESS | Sleeper | Condition;

/** What an actor does. */
export type Steps<Result = void> = Generator<Point, Result, void>;

/** One thread. */
export interface Actor {
  readonly name: string;
  readonly steps: Steps;
  /** A killed thread that stopped for ever. */
  isStopped?: boolean;
}

/** One run's beginning, and what must hold at its end. */
export interface Run {
  readonly actors: readonly Actor[];
  readonly check: () => void;
  /** Whether waits may time out where nobody can go on; else that is an error. */
  readonly mayTimeOut?: boolean;
}

const sleepers = new Set<Sleeper>();

/** Waits until something is so. */
export function* until(holds: () => boolean): Steps {
  yield { kind: "condition", holds };
}

function addressOf(words: Int32Array, index: number): number {
  return words.byteOffset + index * 4;
}

function* wait(words: Int32Array, index: number, value: number): Steps<string> {
  yield ACCESS;
  if (Atomics.load(words, index) !== value) return "not-equal";
  const byteOffset = addressOf(words, index);
  const sleeper: Sleeper = { kind: "sleeper", memory: words.buffer, byteOffset, isWoken: false };
  sleepers.add(sleeper);
  yield sleeper;
  sleepers.delete(sleeper);
  return sleeper.isWoken ? "ok" : "timed-out";
}

/** Waits at once instead of giving a promise: who calls it awaits that next. */
function* waitAsync(words: Int32Array, index: number, value: number): Steps<unknown> {
  const outcome = yield* wait(words, index, value);
  return { async: outcome !== "not-equal", value: outcome };
}

function* notify(words: Int32Array, index: number, count = Infinity): Steps<number> {
  yield ACCESS;
  let woken = 0;
  for (const sleeper of sleepers) {
    if (sleeper.memory !== words.buffer || sleeper.byteOffset !== addressOf(words, index)) continue;
    if (sleeper.isWoken || woken === count) continue;
    sleeper.isWoken = true;
    woken++;
  }
  return woken;
}

/** A copy can be seen half done. */
function* copyBytes(
  target: Uint8Array,
  offset: number,
  source: Uint8Array,
  start: number,
  count: number,
): Steps {
  const half = count >> 1;
  yield ACCESS;
  for (let i = 0; i < count; i++) {
    if (i === half && i > 0) yield ACCESS;
    target[offset + i] = source[start + i] ?? 0;
  }
}

function* copyFrom(
  target: Uint8Array,
  offset: number,
  source: ArrayBufferLike,
  start: number,
  count: number,
): Steps {
  yield* copyBytes(target, offset, new Uint8Array(source, start, count), 0, count);
}

function* copyByHand(
  target: Uint8Array,
  _targetWords: Int32Array,
  offset: number,
  source: Uint8Array,
  _sourceWords: Int32Array,
  start: number,
  count: number,
): Steps {
  yield* copyBytes(target, offset, source, start, count);
}

function step<Arguments extends unknown[], Result>(
  access: (...rest: Arguments) => Result,
): (...rest: Arguments) => Steps<Result> {
  return function* (...rest) {
    yield ACCESS;
    return access(...rest);
  };
}

/** The names of memory/atomics.ts for `loadExplorable`. */
export const seam: Record<string, unknown> = {
  ...atomics,
  $load: step(atomics.load),
  $loadHint: step(atomics.loadHint),
  $store: step(atomics.store),
  $add: step(atomics.add),
  $or: step(atomics.or),
  $and: step(atomics.and),
  $exchange: step(atomics.exchange),
  $compareExchange: step(atomics.compareExchange),
  $load64: step(atomics.load64),
  $exchange64: step(atomics.exchange64),
  $compareExchange64: step(atomics.compareExchange64),
  $loadByte: step(atomics.loadByte),
  $storeByte: step(atomics.storeByte),
  $wait: wait,
  $waitAsync: waitAsync,
  $notify: notify,
  $copyBytes: copyBytes,
  $copyFrom: copyFrom,
  $copyByHand: copyByHand,
};

/** A store by a hostile thread. */
export const hostileStore = step(atomics.store);
/** A store of 64 bits by a hostile thread. */
export const hostileStore64 = step(atomics.exchange64);

/** An actor in a run. */
interface Runner {
  readonly actor: Actor;
  at: Point;
  isDone: boolean;
}

function canGoOn({ actor, at, isDone }: Runner): boolean {
  if (isDone || actor.isStopped === true) return false;
  if (at.kind === "access") return true;
  return at.kind === "sleeper" ? at.isWoken : at.holds();
}

/** Which of several actors goes on; the first is the one that ran before if `isPreemption`. */
type Choose = (count: number, isPreemption: boolean) => number;

/** More steps than any honest run takes. */
const MOST_STEPS = 20_000;
/** How often waits may time out with nothing else happening before it counts as for ever. */
const MOST_TIME_OUTS = 20;

function runOnce({ actors, check, mayTimeOut }: Run, choose: Choose): void {
  sleepers.clear();
  const runners = actors.map((actor): Runner => ({ actor, at: ACCESS, isDone: false }));
  const ready: Runner[] = [];
  let last: Runner | undefined;
  let timeOuts = 0;
  for (let steps = 0;; steps++) {
    if (steps > MOST_STEPS) throw new Error("The run doesn't end");
    ready.length = 0;
    const isPreemption = last !== undefined && canGoOn(last);
    if (isPreemption && last !== undefined) ready.push(last);
    for (const runner of runners) {
      if (!(isPreemption && runner === last) && canGoOn(runner)) ready.push(runner);
    }
    if (ready.length === 0) {
      if (!timeOut(runners, mayTimeOut === true, timeOuts++)) break;
      continue;
    }
    const next = ready[ready.length === 1 ? 0 : choose(ready.length, isPreemption)];
    if (next === undefined) throw new Error("The schedule belongs to another run");
    const result = next.actor.steps.next();
    if (result.done === true) next.isDone = true;
    else next.at = result.value;
    last = next;
  }
  check();
}

/** Nobody can go on: false if all are done, else lets waits time out if they may. */
function timeOut(runners: readonly Runner[], mayTimeOut: boolean, timeOuts: number): boolean {
  const waiting = runners.filter(({ isDone, actor }) => !isDone && actor.isStopped !== true);
  if (waiting.length === 0) return false;
  const names = waiting.map(({ actor }) => actor.name).join(", ");
  if (!mayTimeOut) throw new Error(`Nobody wakes ${names}`);
  if (timeOuts > MOST_TIME_OUTS) throw new Error(`Nothing ends the wait of ${names}`);
  for (const runner of waiting) if (runner.at.kind === "sleeper") runner.at = ACCESS;
  return true;
}

/** What an exploration found. */
export interface Exploration {
  /** How many runs. */
  readonly runs: number;
  /** The first run that went wrong: its choices, for `replay`, and why. */
  readonly failure?: { readonly schedule: string; readonly error: Error };
}

function encode(choices: readonly number[]): string {
  const last = choices.findLastIndex((choice) => choice !== 0);
  // Most choices are 0: only where it isn't, after how many zeros.
  return choices.slice(0, last + 1).join("").replaceAll(
    /0{3,}/g,
    (zeros) => `(${zeros.length})`,
  );
}

function decode(schedule: string): number[] {
  return [...schedule.replaceAll(/\((\d+)\)/g, (_, zeros) => "0".repeat(Number(zeros)))].map(
    Number,
  );
}

function failureOf(run: Run, choose: Choose): Error | undefined {
  try {
    runOnce(run, choose);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

/** Walks through all schedules with at most so many preemptions. */
export function explore(start: () => Run, preemptions: number): Exploration {
  let prefix: number[] = [];
  for (let runs = 1;; runs++) {
    const choices: number[] = [];
    const limits: number[] = [];
    let left = preemptions;
    const error = failureOf(start(), (count, isPreemption) => {
      const choice = prefix[choices.length] ?? 0;
      choices.push(choice);
      limits.push(isPreemption && left === 0 ? 1 : count);
      if (isPreemption && choice > 0) left--;
      return choice;
    });
    if (error !== undefined) return { runs, failure: { schedule: encode(choices), error } };
    let last = choices.length - 1;
    while (last >= 0 && (choices[last] ?? 0) + 1 >= (limits[last] ?? 0)) last--;
    if (last < 0) return { runs };
    prefix = [...choices.slice(0, last), (choices[last] ?? 0) + 1];
  }
}

/** Runs random schedules, in which an actor is preempted at about every tenth step. */
export function exploreAtRandom(start: () => Run, runs: number, seed: number): Exploration {
  let state = seed | 0;
  const random = (below: number): number => {
    // xorshift32
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
  for (let run = 1; run <= runs; run++) {
    state = (Math.imul(seed, 0x9e3779b9) ^ Math.imul(run, 0x85ebca6b)) | 1;
    const choices: number[] = [];
    const error = failureOf(start(), (count, isPreemption) => {
      const choice = isPreemption && random(10) > 0 ? 0 : random(count);
      choices.push(choice);
      return choice;
    });
    if (error !== undefined) return { runs: run, failure: { schedule: encode(choices), error } };
  }
  return { runs };
}

/** Repeats a run; throws what went wrong in it. */
export function replay(start: () => Run, schedule: string): void {
  const choices = decode(schedule);
  let at = 0;
  runOnce(start(), () => choices[at++] ?? 0);
}
