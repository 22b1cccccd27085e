/**
 * Random programs of many who work on one object: threads, and the kernel's isolate.
 *
 * @module
 */
import { assert } from "@std/assert";
import fc from "fast-check";
import type { KernelError } from "@carmine/kernel";

/** One step of a program. */
export type Step<World> = (world: World) => void;

/** Picks one of a few: who does it, through which handle. */
export const pick: fc.Arbitrary<number> = fc.nat(20);

/** A step that a failure's report can name. */
export function namedStep<World>(
  name: string,
  args: readonly unknown[],
  step: Step<World>,
): Step<World> {
  return Object.assign(step, { [fc.toStringMethod]: () => `${name}(${args.join(", ")})` });
}

/** Calls that wait. They may fail when their handle ends, and else only as `expected` says. */
export class WaitingCalls<Kind> {
  readonly #calls: { readonly kind: Kind; isOver: boolean }[] = [];
  readonly #expected: readonly string[];

  constructor(expected: readonly string[] = []) {
    this.#expected = ["BAD_HANDLE", "REVOKED", "TASK_DEAD", ...expected];
  }

  add(kind: Kind, call: Promise<void>): void {
    const entry = { kind, isOver: false };
    this.#calls.push(entry);
    call.catch((error: KernelError) => {
      assert(this.#expected.includes(error.code), String(error));
    }).finally(() => entry.isOver = true);
  }

  has(kind: Kind): boolean {
    return this.#calls.some((call) => call.kind === kind && !call.isOver);
  }
}
