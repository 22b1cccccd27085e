/**
 * Contestants side by side in one process: rounds that take turns, so that what disturbs the
 * machine disturbs all of them, and the medians and ratios of the rounds.
 *
 * @module
 */

/** Something to measure: does its work so many times over. */
export interface Contestant {
  readonly name: string;
  /**
   * Operations; a promise when they take turns with the event loop. {@linkcode Measured} when it
   * has timed them itself.
   */
  readonly run: (operations: number) => unknown;
  /** Awaited before each round, and not measured. */
  readonly prepare?: () => Promise<void>;
  /** Operations of one round. @default as many as fill it */
  readonly operations?: number;
}

/** How long a round took, by the contestant's own clock. */
export class Measured {
  readonly ms: number;

  constructor(ms: number) {
    this.ms = ms;
  }
}

/** How one contestant did. */
export interface Result {
  readonly name: string;
  /** Nanoseconds an operation, a number for each round. */
  readonly rounds: readonly number[];
  /** The median of the rounds. */
  readonly ns: number;
}

/** How a comparison is run. */
export interface CompareOptions {
  /** Rounds that count. @default 41 */
  readonly rounds?: number;
  /** Milliseconds that one contestant's round is to take. @default 8 */
  readonly roundMs?: number;
  /** Operations of the first warm-up. @default 64 */
  readonly warmUp?: number;
}

/** Rounds that don't count, where their operations are given. */
const WARM_UP_ROUNDS = 4;

/** The middle of some numbers. */
export function median(numbers: readonly number[]): number {
  return quantile(numbers, 0.5);
}

/** The number that so many of them, as a share, are below. */
export function quantile(numbers: readonly number[], share: number): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.round((sorted.length - 1) * share)] ?? NaN;
}

async function timeNs(contestant: Contestant, operations: number): Promise<number> {
  await contestant.prepare?.();
  const start = performance.now();
  const result = await contestant.run(operations);
  const ms = result instanceof Measured ? result.ms : performance.now() - start;
  return ms * 1e6 / operations;
}

/** Measures all contestants in turns. */
export async function compare(
  contestants: readonly Contestant[],
  options: CompareOptions = {},
): Promise<Result[]> {
  const { rounds = 41, roundMs = 8, warmUp = 64 } = options;
  const counts: number[] = [];
  for (const contestant of contestants) {
    if (contestant.operations !== undefined) {
      for (let i = 0; i < WARM_UP_ROUNDS; i++) await timeNs(contestant, contestant.operations);
      counts.push(contestant.operations);
      continue;
    }
    // Warm up, and find how many operations fill a round.
    let operations = warmUp;
    let ns = await timeNs(contestant, operations);
    while (operations * ns < roundMs * 1e6) {
      operations = Math.ceil(Math.min(operations * 8, roundMs * 1.2e6 / ns));
      ns = await timeNs(contestant, operations);
    }
    counts.push(operations);
  }
  const taken: number[][] = contestants.map(() => []);
  for (let round = 0; round < rounds; round++) {
    for (const [i, contestant] of contestants.entries()) {
      taken[i]?.push(await timeNs(contestant, counts[i] ?? 1));
    }
  }
  return contestants.map(({ name }, i) => {
    const rounds = taken[i] ?? [];
    return { name, rounds, ns: median(rounds) };
  });
}

/** The ratio of two contestants' speeds, round by round: median, and the middle four fifths. */
export function ratio(
  fast: Result,
  slow: Result,
): { median: number; low: number; high: number } {
  const ratios = fast.rounds.map((ns, i) => (slow.rounds[i] ?? NaN) / ns);
  return { median: median(ratios), low: quantile(ratios, 0.1), high: quantile(ratios, 0.9) };
}

/** A table of a comparison; the first contestant is what the others are held against. */
export function table(title: string, results: readonly Result[], bytes?: number): string {
  const [base] = results;
  const rows = results.map((result) => {
    const { median, low, high } = base === undefined
      ? { median: 1, low: 1, high: 1 }
      : ratio(result, base);
    const speed = bytes === undefined ? "" : `${(bytes / result.ns).toFixed(2)} GB/s`;
    const spread = `${median.toFixed(2)} (${low.toFixed(2)} … ${high.toFixed(2)})`;
    return [result.name, `${result.ns.toFixed(1)} ns`, speed, spread];
  });
  const all = [
    ["", "median", bytes === undefined ? "" : "speed", "speed against the first"],
    ...rows,
  ];
  const widths = all[0]?.map((_, i) => Math.max(...all.map((row) => row[i]?.length ?? 0))) ?? [];
  const lines = all.map((row) => row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join("  "));
  return [title, ...lines.map((line) => `  ${line.trimEnd()}`)].join("\n");
}
