/**
 * The calls whose message was received from one queue and that have no reply yet.
 *
 * Always holds: a call is here exactly in state 2 of its transaction; only who received it can
 * reply, and a call whose receiving handle closes is told that no reply can come.
 *
 * @module
 */
import { IpcError } from "../../capabilities/errors.ts";
import type { HandleEntry } from "../../capabilities/handle.ts";
import type { HandleTable } from "../../capabilities/handle_table.ts";
import type { AwaitedReply } from "./parcel.ts";

/** Calls by their transaction ids. */
export class ReceivedCalls {
  readonly #calls = new Map<number, AwaitedReply>();

  /** A call's message was received through the handle. */
  add(call: AwaitedReply, via: HandleEntry): void {
    call.via = via;
    this.#calls.set(call.id, call);
  }

  /**
   * The call that a task may reply to.
   *
   * @param id What the message bore; untrusted.
   * @param via The handle that the reply goes through.
   * @param table The replying task's handles.
   * @throws {IpcError} INVALID_STATE when the task received no such call, or it needs no reply.
   */
  find(id: unknown, via: HandleEntry, table: HandleTable): AwaitedReply {
    const call = this.#calls.get(id as number);
    // Another task that holds this receiver could guess the number of a call that it never got.
    if (call?.via !== undefined && (call.via === via || call.via.table === table)) return call;
    throw new IpcError("INVALID_STATE", "no call that was received here waits for this reply");
  }

  /** The call is replied to, or nobody waits for its reply. */
  remove(call: AwaitedReply): void {
    this.#calls.delete(call.id);
  }

  /** The handle is closed: nobody can reply to what was received through it. */
  handleClosed(handle: object): void {
    for (const call of [...this.#calls.values()]) {
      if (call.via !== handle) continue;
      this.remove(call);
      call.lost();
    }
  }

  /** Throws when an invariant is broken; for tests. */
  assertInvariants(): void {
    for (const [id, call] of this.#calls) {
      if (call.id !== id || !call.isOpen || call.via === undefined) {
        throw new Error("a received call is not one");
      }
    }
  }
}
