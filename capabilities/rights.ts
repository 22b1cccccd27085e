/**
 * Rights: what a handle lets its holder do with the object it names.
 *
 * Invariant: rights only shrink. A handle's rights are a subset of those that the handle it was
 * derived from had then.
 *
 * @module
 */

/** A bit set of rights; see {@linkcode Rights} for the bits. */
export type Rights = number;

/** The type of the {@linkcode Rights} table. */
export interface RightsTable {
  /** No right at all. */
  readonly NONE: 0;
  /** Read, receive, take, subscribe, map for reading. */
  readonly READ: number;
  /** Write, send, publish, add, map for writing. */
  readonly WRITE: number;
  /** Wait on signals, poll. */
  readonly WAIT: number;
  /** Make another handle to the same object. */
  readonly DUPLICATE: number;
  /** Send the handle to another task. */
  readonly TRANSFER: number;
  /** Get the object's shared memory mapped directly. */
  readonly MAP: number;
  /** Query type, rights and counters of the object. */
  readonly INSPECT: number;
  /** Control commands, resize, user signals, invalidate. */
  readonly CONTROL: number;
  /** Revoke what was derived from this handle. */
  readonly REVOKE: number;
  /** Send process-control events to the task, or kill it. */
  readonly SIGNAL_TASK: number;
  /** Every right there is. */
  readonly ALL: number;
  /** Where a mask is asked for: "the rights that the handle has". Not itself a right. */
  readonly SAME: number;
}

/**
 * The rights by name, one bit each.
 *
 * @example
 * ```ts
 * import { Kernel, Rights } from "@carmine/kernel";
 *
 * await using kernel = new Kernel();
 * const { reader } = kernel.init.createPipe();
 * const readOnly = reader.duplicate(Rights.READ | Rights.WAIT);
 * console.log(readOnly.rights === (Rights.READ | Rights.WAIT)); // true
 * ```
 */
export const Rights: RightsTable = Object.freeze({
  NONE: 0,
  READ: 1 << 0,
  WRITE: 1 << 1,
  WAIT: 1 << 2,
  DUPLICATE: 1 << 3,
  TRANSFER: 1 << 4,
  MAP: 1 << 5,
  INSPECT: 1 << 6,
  CONTROL: 1 << 7,
  REVOKE: 1 << 8,
  SIGNAL_TASK: 1 << 9,
  ALL: (1 << 10) - 1,
  SAME: 2 ** 31,
});

const NAMES = [
  "READ",
  "WRITE",
  "WAIT",
  "DUPLICATE",
  "TRANSFER",
  "MAP",
  "INSPECT",
  "CONTROL",
  "REVOKE",
  "SIGNAL_TASK",
] as const;

/** What every object's creator gets beside the rights that the type's own operations use. */
export const COMMON_RIGHTS: Rights = Rights.WAIT | Rights.DUPLICATE | Rights.TRANSFER |
  Rights.INSPECT | Rights.CONTROL | Rights.REVOKE;

/** True when `mask` is a set of known rights ({@linkcode Rights.SAME} is none). */
export function isRights(mask: unknown): mask is Rights {
  return typeof mask === "number" && Number.isInteger(mask) && mask >= 0 && mask <= Rights.ALL;
}

/**
 * The names of the rights in a mask, joined as one would write them.
 *
 * @param mask A set of rights.
 * @returns For instance `"READ | WAIT"`, and `"NONE"` for the empty set.
 *
 * @example
 * ```ts
 * import { describeRights, Rights } from "@carmine/kernel";
 * console.log(describeRights(Rights.READ | Rights.WAIT)); // "READ | WAIT"
 * ```
 */
export function describeRights(mask: Rights): string {
  if (mask === Rights.SAME) return "SAME";
  const names: string[] = NAMES.filter((_, bit) => (mask & (1 << bit)) !== 0);
  const unknown = mask & ~Rights.ALL;
  if (unknown !== 0) names.push(`0x${(unknown >>> 0).toString(16)}`);
  return names.length === 0 ? "NONE" : names.join(" | ");
}
