/**
 * What an attack says: that it tried, and what it got hold of. It imports nothing of Carmine's;
 * `report` is the tests' own channel.
 *
 * @module
 */

declare const report: (...parts: unknown[]) => void;

/** Captured, because attacks poison their own realm. */
const say = report;

/**
 * Tries to get at something. Reaching means: the attempt returned neither undefined nor false.
 *
 * @param name What is tried.
 * @param reach Returns, or resolves with, what it got hold of.
 */
export async function attempt(name: string, reach: () => unknown): Promise<void> {
  try {
    const got = await reach();
    if (got === undefined || got === false) say("held:", name);
    else say("REACHED:", name, describe(got));
  } catch {
    say("held:", name);
  }
}

/** Says that something was reached, from where `attempt` can't be used. */
export function reached(name: string): void {
  say("REACHED:", name);
}

/** Says that an attack got to where it could have reached something. */
export function tried(name: string): void {
  say("held:", name);
}

function describe(value: unknown): string {
  try {
    return String(value).slice(0, 200);
  } catch {
    return typeof value;
  }
}
