/**
 * The calls of one task that wait in the kernel for its page.
 *
 * Always holds: there are so many at most, and the bytes that the kernel keeps for all of them
 * together are bounded; each has an id of its own.
 *
 * @module
 */
import { KernelError } from "../../capabilities/errors.ts";
import type { PendingCall } from "../pending_call.ts";

/** Calls of one task that may wait at once. */
const MAX_WAITING_CALLS = 1_024;
/** Bytes of their requests and buffers, together: what a call writes is held while it waits. */
const MAX_HELD_BYTES = 96 * 1_024 * 1_024;

/** Calls that wait, by the ids that the task gave them. */
export class WaitingCalls {
  readonly #calls = new Map<number, PendingCall>();
  #heldBytes = 0;

  /** True when long buffers would leave too little for many short ones. */
  get holdMuch(): boolean {
    return this.#heldBytes > MAX_HELD_BYTES / 2;
  }

  /** Throws a RangeError when a call with this id waits: the task broke the protocol. */
  requireFresh(id: number): void {
    if (!this.#calls.has(id)) return;
    throw new RangeError("Two calls that wait on a task's page have the same id");
  }

  /** Throws LIMIT_EXCEEDED when no more calls, or no so many bytes, can be held. */
  requireRoom(bytes: number): void {
    if (this.#calls.size >= MAX_WAITING_CALLS) {
      throw limitExceeded(`${MAX_WAITING_CALLS} calls of this task wait already`);
    }
    if (this.#heldBytes + bytes > MAX_HELD_BYTES) {
      throw limitExceeded(`calls of this task that wait have over ${MAX_HELD_BYTES} bytes`);
    }
  }

  /** @param bytes What the kernel holds for the call; there was room for them. */
  add(id: number, call: PendingCall, bytes: number): void {
    this.#calls.set(id, call);
    this.#heldBytes += bytes;
  }

  /** The call has ended. */
  remove(id: number, bytes: number): void {
    this.#calls.delete(id);
    this.#heldBytes -= bytes;
  }

  /** Gives a call up; nothing happens when none has this id. */
  cancel(id: number): void {
    this.#calls.get(id)?.cancel();
  }

  /** Forgets them all: nobody can cancel them any more. */
  clear(): void {
    this.#calls.clear();
  }
}

function limitExceeded(why: string): KernelError {
  return new KernelError("LIMIT_EXCEEDED", `Cannot wait: ${why}`, { syscall: "page" });
}
