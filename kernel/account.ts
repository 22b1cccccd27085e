/**
 * Accounts: what a task and its descendants use, held against their limits.
 *
 * Invariants: an account's usage is the sum of what its task and all its descendants, living or
 * ended, still hold; it never exceeds the account's limits; a charge succeeds on every account up
 * to init's, or on none.
 *
 * @module
 */
import { KernelError } from "../capabilities/errors.ts";
import type { Limits } from "../capabilities/limits.ts";

/** What is counted over a task and its descendants. */
export type Countable =
  | "objects"
  | "bufferBytes"
  | "queuedEvents"
  | "queuedMessages"
  | "pendingWaits"
  | "children";

/** What a task and its descendants use, and may use. */
export class Account {
  readonly limits: Readonly<Limits>;
  readonly parent: Account | undefined;
  /** This account and those above it. */
  readonly #lineage: readonly Account[];
  readonly usage: Record<Countable, number> = {
    objects: 0,
    bufferBytes: 0,
    queuedEvents: 0,
    queuedMessages: 0,
    pendingWaits: 0,
    children: 0,
  };

  constructor(limits: Limits, parent?: Account) {
    this.limits = Object.freeze({ ...limits });
    this.parent = parent;
    this.#lineage = parent === undefined ? [this] : [this, ...parent.#lineage];
  }

  /**
   * Counts `amount` more here and on every account above.
   *
   * @throws {KernelError} LIMIT_EXCEEDED when one of them has no room; then none is charged.
   */
  charge(what: Countable, amount = 1): void {
    for (const account of this.#lineage) {
      if (account.usage[what] + amount > account.limits[what]) {
        throw new KernelError(
          "LIMIT_EXCEEDED",
          `${amount} more would exceed the limit of ${account.limits[what]} ${what}, ` +
            `${account.usage[what]} are in use`,
        );
      }
    }
    for (const account of this.#lineage) account.usage[what] += amount;
  }

  /** Takes back what was charged. */
  refund(what: Countable, amount = 1): void {
    for (const account of this.#lineage) account.usage[what] -= amount;
  }

  /** Charges for one object with a buffer; the lease gives both back. */
  lease(bufferBytes = 0, queuedEvents = 0): Lease {
    this.charge("objects");
    try {
      this.charge("bufferBytes", bufferBytes);
      try {
        this.charge("queuedEvents", queuedEvents);
      } catch (error) {
        this.refund("bufferBytes", bufferBytes);
        throw error;
      }
    } catch (error) {
      this.refund("objects");
      throw error;
    }
    return new Lease(this, bufferBytes, queuedEvents);
  }

  /** Throws when an invariant is broken; for tests. */
  assertInvariants(): void {
    for (const [what, used] of Object.entries(this.usage) as [Countable, number][]) {
      if (used < 0) throw new Error(`${what} is negative`);
      if (used > this.limits[what]) throw new Error(`${what} is over its limit`);
      if (this.parent !== undefined && this.parent.usage[what] < used) {
        throw new Error(`${what} is more than the parent's`);
      }
    }
  }
}

/** What one object was charged; given back once. */
export class Lease {
  readonly #account: Account;
  #bufferBytes: number;
  #queuedEvents: number;
  #isHeld = true;

  constructor(account: Account, bufferBytes: number, queuedEvents: number) {
    this.#account = account;
    this.#bufferBytes = bufferBytes;
    this.#queuedEvents = queuedEvents;
  }

  /** Changes what is charged for the buffer; throws LIMIT_EXCEEDED and changes nothing. */
  resize(bufferBytes: number): void {
    if (!this.#isHeld) return;
    this.#account.charge("bufferBytes", Math.max(0, bufferBytes - this.#bufferBytes));
    this.#account.refund("bufferBytes", Math.max(0, this.#bufferBytes - bufferBytes));
    this.#bufferBytes = bufferBytes;
  }

  /** Changes the room for events that is charged; throws LIMIT_EXCEEDED and changes nothing. */
  resizeEvents(queuedEvents: number): void {
    if (!this.#isHeld) return;
    this.#account.charge("queuedEvents", Math.max(0, queuedEvents - this.#queuedEvents));
    this.#account.refund("queuedEvents", Math.max(0, this.#queuedEvents - queuedEvents));
    this.#queuedEvents = queuedEvents;
  }

  release(): void {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    this.#account.refund("objects");
    this.#account.refund("bufferBytes", this.#bufferBytes);
    this.#account.refund("queuedEvents", this.#queuedEvents);
  }
}
