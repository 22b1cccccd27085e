/**
 * The table of the handles that one task holds.
 *
 * A handle's number is `generation × 65,536 + slot`. Each use of a slot takes a new generation, so
 * the number of a closed handle is never valid again. A number means nothing in another table.
 *
 * Invariants: `slots[n & 0xffff]` is the entry with number n, or none has it; `size` counts the
 * entries; no number is given out twice.
 *
 * @module
 */
import { KernelError } from "./errors.ts";
import type { HandleEntry, OwnHandleEntry } from "./handle.ts";

/** Most slots a table can have: the low 16 bits of a handle's number. */
export const MAX_HANDLES = 65_536;
/** Stands for the calling task's own event queue wherever a handle's number is asked for. */
export const OWN_EVENT_QUEUE = -1;
/** Handles a task may hold unless it is told otherwise. */
const DEFAULT_HANDLES = 1_024;

/**
 * Slots that stay unused before one is used again. A freed slot remembers that its last handle was
 * revoked until it is reused, which is how a late use is told REVOKED and not BAD_HANDLE.
 */
const SLOTS_AT_REST = 64;

/** The handles of one task. All operations but iteration are O(1). */
export class HandleTable {
  /** Entries a table may hold, 1 … 65,536. */
  readonly limit: number;
  /** What {@linkcode OWN_EVENT_QUEUE} names; undefined in tables of no task. */
  own: OwnHandleEntry | undefined = undefined;
  // Slot 0 starts as if it had been used once: 0 is no handle's number.
  readonly #slots: (HandleEntry | undefined)[] = [undefined];
  /** The number that the slot's next entry gets, or that its entry has. */
  readonly #nextNumbers: number[] = [MAX_HANDLES];
  /** The number of the slot's last entry if that was revoked, else NaN, which equals no number. */
  readonly #revokedNumbers: number[] = [NaN];
  /** Slots that were used and are free, oldest first from `#freeStart` on. */
  #free: number[] = [0];
  #freeStart = 0;
  #size = 0;

  constructor(limit = DEFAULT_HANDLES) {
    this.limit = limit;
  }

  /** Entries in the table. */
  get size(): number {
    return this.#size;
  }

  /** Entries that still fit. */
  get room(): number {
    return this.limit - this.#size;
  }

  /**
   * The entry with this number.
   *
   * @throws {KernelError} REVOKED when the handle was revoked, BAD_HANDLE for any other number.
   */
  get(number: unknown): HandleEntry {
    // The type first: `&` would call a hostile object's valueOf.
    if (typeof number === "number") {
      const entry = this.#slots[number & 0xffff];
      if (entry !== undefined && entry.number === number) return entry;
    }
    // No slot has a negative number, so the one pseudo-handle costs the others nothing.
    if (number === OWN_EVENT_QUEUE && this.own !== undefined) return this.own;
    throw this.#whyNot(number);
  }

  /** The entry with this number, or undefined. */
  find(number: unknown): HandleEntry | undefined {
    if (typeof number !== "number") return undefined;
    const entry = this.#slots[number & 0xffff];
    return entry !== undefined && entry.number === number ? entry : undefined;
  }

  /**
   * Puts an entry that is in no table into this one.
   *
   * @returns The entry's number.
   * @throws {KernelError} TOO_MANY_HANDLES when the table is full.
   */
  insert(entry: HandleEntry): number {
    this.requireRoom(1);
    const slot = this.#takeSlot();
    const number = this.#nextNumbers[slot] as number;
    this.#slots[slot] = entry;
    this.#revokedNumbers[slot] = NaN;
    this.#size++;
    entry.table = this;
    entry.number = number;
    return number;
  }

  /**
   * A number for a handle that was revoked on its way into this table: it names nothing, and every
   * use of it is REVOKED.
   *
   * @throws {KernelError} TOO_MANY_HANDLES when the table is full.
   */
  insertRevoked(): number {
    this.requireRoom(1);
    const slot = this.#takeSlot();
    const number = this.#nextNumbers[slot] as number;
    this.#nextNumbers[slot] = number + MAX_HANDLES;
    this.#revokedNumbers[slot] = number;
    this.#free.push(slot);
    return number;
  }

  /** Throws TOO_MANY_HANDLES unless `count` more entries fit. */
  requireRoom(count: number): void {
    if (this.#size + count <= this.limit) return;
    throw new KernelError(
      "TOO_MANY_HANDLES",
      `the task holds ${this.#size} of at most ${this.limit} handles and ${count} more are needed`,
    );
  }

  /** Takes an entry out without closing it: it is moved, or it is closing. */
  forget(entry: HandleEntry, wasRevoked = false): void {
    const slot = entry.number & 0xffff;
    if (this.#slots[slot] !== entry) return;
    this.#slots[slot] = undefined;
    this.#revokedNumbers[slot] = wasRevoked ? entry.number : NaN;
    this.#nextNumbers[slot] = entry.number + MAX_HANDLES;
    this.#free.push(slot);
    this.#size--;
    entry.table = undefined;
    if (!wasRevoked) entry.number = -1;
    const { onLeave } = entry;
    entry.onLeave = undefined;
    onLeave?.();
  }

  /** The entries, in the order of their slots. */
  *[Symbol.iterator](): Generator<HandleEntry> {
    for (const entry of [...this.#slots]) if (entry !== undefined) yield entry;
  }

  /** Throws when an invariant is broken; for tests. */
  assertInvariants(): void {
    let size = 0;
    this.#slots.forEach((entry, slot) => {
      if (entry === undefined) return;
      size++;
      if ((entry.number & 0xffff) !== slot) throw new Error(`entry ${entry.number} is misplaced`);
      if (entry.table !== this) throw new Error(`entry ${entry.number} names another table`);
      if (entry.number !== this.#nextNumbers[slot]) throw new Error("a number is stale");
      entry.assertInvariants();
    });
    if (size !== this.#size) throw new Error(`size is ${this.#size}, entries are ${size}`);
    if (size > this.limit) throw new Error("the table holds more than its limit");
  }

  #takeSlot(): number {
    const used = this.#slots.length;
    const canGrow = used < this.limit;
    const resting = this.#free.length - this.#freeStart;
    if (canGrow && resting <= SLOTS_AT_REST) {
      this.#slots.push(undefined);
      this.#revokedNumbers.push(NaN);
      this.#nextNumbers.push(used);
      return used;
    }
    const slot = this.#free[this.#freeStart++] as number;
    if (this.#freeStart > 256 && this.#freeStart * 2 > this.#free.length) {
      this.#free = this.#free.slice(this.#freeStart);
      this.#freeStart = 0;
    }
    return slot;
  }

  #whyNot(number: unknown): KernelError {
    if (typeof number !== "number") return notANumber(number);
    if (this.#revokedNumbers[number & 0xffff] === number) {
      return new KernelError("REVOKED", `handle ${number} was revoked`);
    }
    return new KernelError("BAD_HANDLE", `no open handle has the number ${number}`);
  }
}

/** The error of a handle's number that is none. */
export function notANumber(given: unknown): KernelError {
  const kind = given === null || given === undefined ? String(given) : `of type ${typeof given}`;
  return new KernelError("BAD_HANDLE", `a handle is a number, not ${kind}`);
}
