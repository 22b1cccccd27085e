/**
 * Wait sets: waiting on thousands of handles at the cost of those that are ready.
 *
 * @module
 */
import type { HandleEntry } from "./handle.ts";
import type { Signals } from "./signals.ts";
import type { WouldBlock } from "./stream_ops.ts";

/** What a program calls a member of a wait set. */
export type WaitSetKey = number | string;

/** A member of a wait set that is ready. */
export interface ReadyMember {
  /** What the member is called. */
  readonly key: WaitSetKey;
  /** Those of its signals that were asked for and are up. */
  readonly signals: Signals;
}

/** Sets of handles to wait on. */
export interface WaitSetOps {
  /** Adds a member; an edge-triggered one is reported once for each rise. */
  add(entry: HandleEntry, signals: Signals, key: WaitSetKey, isEdge: boolean): void;
  /** Changes the signals that a member waits for; it counts as newly added. */
  modify(key: WaitSetKey, signals: Signals): void;
  /** Takes a member out. */
  remove(key: WaitSetKey): void;
  /** Up to `max` members that are ready, or WOULD_BLOCK when none is. */
  tryCollect(max: number): ReadyMember[] | WouldBlock;
}
