/**
 * Whole messages between tasks, with the handles that travel in them.
 *
 * @module
 */
import type { Rights } from "./rights.ts";

/** A handle that has arrived in its receiver's table. */
export interface HandleArrival {
  /** Its number there. Of a handle that was revoked on its way, every use is REVOKED. */
  readonly number: number;
  /** The object's type. */
  readonly type: string;
  /** The handle's rights. */
  readonly rights: Rights;
}
