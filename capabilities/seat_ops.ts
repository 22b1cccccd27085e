/**
 * Objects whose own state threads work on directly, with no kernel in between.
 *
 * Who may do that has a *seat*: one thread's part in the object's memory. It ends when the task
 * gives up, or loses, one of the handles with MAP through which it took part; then the object goes
 * on in fresh memory, and what the thread still does to the old one is nobody's concern. Through a
 * handle that is left the thread takes another seat.
 *
 * @module
 */

import type { Rights } from "./rights.ts";

/** What a thread has to know to take part; none of it is in the memory, where others could change it. */
export type SeatTerms =
  | {
    readonly kind: "ring";
    readonly capacityBytes: number;
    readonly packet: boolean;
    /** Whether the thread is the only one that reads, and so takes no lock; the same for writing. */
    readonly soleReader: boolean;
    readonly soleWriter: boolean;
    /** Changes when others may have read: what the thread was shown before may not be there now. */
    readonly reads: number;
    /** Whether no handle to the one end or the other is left. */
    readonly readIsClosed: boolean;
    readonly writeIsClosed: boolean;
  }
  | { readonly kind: "counter"; readonly semaphore: boolean };

/** One thread's part in an object, as the object's side of the kernel sees it. */
export interface SeatHolder {
  /** The word that tells the thread of moves. */
  readonly word: Int32Array;
  readonly index: number;
  /** The memory that the thread works on is no longer the object's; `cut` says what counts of it. */
  moved(cut: SeatCut | undefined): void;
  /** The thread has no part in the object any more. */
  lose(): void;
}

/** What counts of a ring that moved: what lies before `head` was read, what lies before `tail` written. */
export interface SeatCut {
  readonly head: number;
  readonly tail: number;
}

/** What a thread gets for a handle: a seat, which it may have through another handle already. */
export interface TakenSeat {
  /** Names the seat in later calls. */
  readonly seat: number;
  /** True when the thread has taken it before. */
  readonly isKnown: boolean;
}

/** What a thread is told about a seat of its own. */
export interface SeatReport {
  /** Which of the thread's words tells of changes, and what it holds as long as this is true. */
  readonly wordIndex: number;
  readonly wordValue: number;
  /** How the thread takes part; undefined when it doesn't any more. */
  readonly terms: SeatTerms | undefined;
  /** What counts of the memory that it held; undefined when that has not moved, or is garbled. */
  readonly cut: SeatCut | undefined;
  /** The object's memory, where the thread doesn't have it yet. */
  readonly memory: SharedArrayBuffer | undefined;
}

/** What threads have seats at: an object, or what the ends of one have in common. */
export interface SeatHost {
  /** The memory that counts now. */
  readonly memory: SharedArrayBuffer;
  /** How the holder takes part now. */
  terms(holder: SeatHolder): SeatTerms;
  /**
   * Lets a thread take part through a handle, the first one or one more.
   *
   * @param object What the handle names.
   */
  join(holder: SeatHolder, object: object): void;
  /**
   * One of the handles through which the thread took part is gone, and so is the seat: no call
   * through that handle may be served any more, and only the thread knows which calls are.
   */
  leave(holder: SeatHolder): void;
  /** The thread is to stop at its next look, until it has asked: its task was stopped. */
  suspend(): void;
  /**
   * Throws when the memory holds what no honest thread could have left there; ends the seats. An
   * object that looks at its memory with every operation has no need of it.
   */
  inspect?(): void;
}

/** Objects that threads can have seats at. */
export interface SeatOps {
  /** Rights that a handle needs beside MAP, because nothing holds the thread to fewer. */
  readonly seatRights: Rights;
  /**
   * What to have a seat at.
   *
   * @throws {KernelError} NOT_SUPPORTED while the object can't be shared so, with the reason.
   */
  seatHost(): SeatHost;
}
