/**
 * Signals: what an object says about its state. A bit set, level-triggered: a signal is up for as
 * long as what it says is true.
 *
 * @module
 */

/** A bit set of signals; see {@linkcode Signals} for the bits. */
export type Signals = number;

/** The type of the {@linkcode Signals} table. */
export interface SignalsTable {
  /** A read, receive or take would not have to wait. */
  readonly READABLE: number;
  /** A write, send or add of the smallest size would not have to wait. */
  readonly WRITABLE: number;
  /** No handle to the other end is left. */
  readonly PEER_CLOSED: number;
  /** A timer fired, a task ended. */
  readonly SIGNALED: number;
  /** An event is in the queue. */
  readonly EVENT_PENDING: number;
  /** A handle is next in a socket's sequence. */
  readonly HANDLE_PENDING: number;
  /** Raised and lowered by programs only. */
  readonly USER_0: number;
  /** Raised and lowered by programs only. */
  readonly USER_1: number;
  /** Raised and lowered by programs only. */
  readonly USER_2: number;
  /** Raised and lowered by programs only. */
  readonly USER_3: number;
  /** Raised and lowered by programs only. */
  readonly USER_4: number;
  /** Raised and lowered by programs only. */
  readonly USER_5: number;
  /** Raised and lowered by programs only. */
  readonly USER_6: number;
  /** Raised and lowered by programs only. */
  readonly USER_7: number;
}

/**
 * The signals by name, one bit each.
 *
 * @example
 * ```ts
 * import { Kernel, Signals } from "@carmine/kernel";
 *
 * await using kernel = new Kernel();
 * const { reader, writer } = kernel.init.createPipe();
 * writer.tryWrite(new Uint8Array([1]));
 * const up = await reader.waitFor(Signals.READABLE);
 * console.log(up === Signals.READABLE); // true
 * ```
 */
export const Signals: SignalsTable = Object.freeze({
  READABLE: 1 << 0,
  WRITABLE: 1 << 1,
  PEER_CLOSED: 1 << 2,
  SIGNALED: 1 << 3,
  EVENT_PENDING: 1 << 4,
  HANDLE_PENDING: 1 << 5,
  USER_0: 1 << 16,
  USER_1: 1 << 17,
  USER_2: 1 << 18,
  USER_3: 1 << 19,
  USER_4: 1 << 20,
  USER_5: 1 << 21,
  USER_6: 1 << 22,
  USER_7: 1 << 23,
});

/** All signals that only programs raise and lower. */
export const USER_SIGNALS: Signals = 0xff << 16;
/** All signals there are. */
export const ALL_SIGNALS: Signals = 0x3f | USER_SIGNALS;
