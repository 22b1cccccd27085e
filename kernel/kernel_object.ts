/**
 * What every kernel object is: an identity, signals, a queue of waiters, a count of handles.
 *
 * Invariants: ids are unique and never reused; `handleCount` is the number of open and in-flight
 * handles; `onLastHandleClosed` runs exactly once; what was charged for the object is given back
 * right after it.
 *
 * @module
 */
import type { Capabilities, HandleTarget } from "../capabilities/capability.ts";
import { WaitQueue } from "../capabilities/selectable.ts";
import type { Signals } from "../capabilities/signals.ts";
import type { Lease } from "./account.ts";

let nextId = 1;

/** The base of all objects that handles can name. */
export abstract class KernelObject implements HandleTarget {
  /** Unique in this isolate, never reused. */
  readonly id: number = nextId++;
  abstract readonly type: string;
  abstract readonly capabilities: Capabilities;
  readonly waiters: WaitQueue = new WaitQueue(this);
  /** What the object's creator was charged for it; undefined for objects that no task created. */
  lease: Lease | undefined = undefined;
  #handleCount = 0;
  #userSignals: Signals = 0;

  /** Handles that name the object. */
  get handleCount(): number {
    return this.#handleCount;
  }

  /** The signals that are up now. */
  get signals(): Signals {
    return this.ownSignals() | this.#userSignals;
  }

  handleOpened(_handle: object): void {
    this.#handleCount++;
  }

  handleClosed(_handle: object): void {
    if (--this.#handleCount > 0) return;
    this.onLastHandleClosed();
    this.releaseLease();
  }

  /** Lowers and raises user signals, and wakes who waited for them. */
  setUserSignals(clear: Signals, set: Signals): void {
    this.#userSignals = (this.#userSignals & ~clear) | set;
    this.waiters.wake();
  }

  /** The signals that the object's own state raises. */
  protected abstract ownSignals(): Signals;

  /** Nobody can name the object any more: let go of what it holds, tell its peers. */
  protected onLastHandleClosed(): void {}

  /** Gives back what was charged for the object. */
  protected releaseLease(): void {
    this.lease?.release();
    this.lease = undefined;
  }

  /** Throws when an invariant is broken; tests call it after every step. */
  assertInvariants(): void {
    if (this.#handleCount < 0) throw new Error(`${this.type} ${this.id} has a negative count`);
    this.waiters.assertInvariants();
  }
}
