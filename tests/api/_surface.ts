/**
 * What every handle promises, and how a class is held against what it promises.
 *
 * Members are written as properties, so that parameters are compared strictly: what a member takes
 * may only grow, what it gives may only shrink.
 *
 * @module
 */
import { assert } from "@std/assert";
import type { HandleInfo, HandleRole, Rights, Signals, WaitOptions } from "@carmine/kernel";

/** What every handle has. */
export interface HandleSurface {
  readonly number: number;
  readonly rights: Rights;
  readonly type: string;
  readonly closed: boolean;
  readonly duplicate: (rights?: Rights) => this;
  readonly replace: (rights: Rights) => this;
  readonly revoke: () => void;
  readonly close: () => void;
  readonly query: () => HandleInfo;
  readonly setRole: (role: HandleRole) => void;
  readonly waitFor: (signals: Signals, options?: WaitOptions) => Promise<Signals>;
  readonly waitForSync: (signals: Signals, options?: WaitOptions) => Signals;
  readonly tryWaitFor: (signals: Signals) => Signals;
  readonly signal: (clear: Signals, set: Signals) => void;
  readonly [Symbol.dispose]: () => void;
}
/** The members of {@linkcode HandleSurface}. */
export const HANDLE_MEMBERS: Record<keyof HandleSurface, true> = {
  number: true,
  rights: true,
  type: true,
  closed: true,
  duplicate: true,
  replace: true,
  revoke: true,
  close: true,
  query: true,
  setRole: true,
  waitFor: true,
  waitForSync: true,
  tryWaitFor: true,
  signal: true,
  [Symbol.dispose]: true,
};

/**
 * Compiles when the class's objects have what the surface says, with these types; checks that the
 * members are there at run time too.
 */
export function assertSurface<Surface>(): <Actual extends Surface>(
  Class: { readonly name: string; readonly prototype: Actual },
  members: Record<keyof Surface, true>,
) => void {
  return (Class, members) => {
    for (const name of Reflect.ownKeys(members)) {
      assert(name in (Class.prototype as object), `${Class.name} has no ${String(name)}`);
    }
  };
}
