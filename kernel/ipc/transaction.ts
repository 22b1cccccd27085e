/**
 * Transactions: calls through a message queue that wait for their reply.
 *
 * Each path that a transaction can take, once:
 * 1. *queued*: its message is in the queue; nobody can reply yet.
 * 2. *received*: somebody got the message through a handle; whoever holds that handle can reply.
 * 3. *replied*: the reply waits for the caller, which takes it (4) unless it is stopped.
 * 4. *over*: the caller has the reply, or gave up, or was told that none can come.
 *
 * Invariants: ids are never reused, in no queue, so a reply can't reach another call than the one
 * it answers; a reply is accepted in state 2 alone; a transaction is in its queue's list of received
 * calls exactly in state 2.
 *
 * @module
 */
import { IpcError } from "../../capabilities/errors.ts";
import type { HandleEntry } from "../../capabilities/handle.ts";
import type { HandleTable } from "../../capabilities/handle_table.ts";
import type { ReceivedMessage } from "../../capabilities/message_ops.ts";
import { type Selectable, WaitQueue } from "../../capabilities/selectable.ts";
import { Signals } from "../../capabilities/signals.ts";
import { WOULD_BLOCK, type WouldBlock } from "../../capabilities/stream_ops.ts";
import type { AwaitedReply, Parcel } from "./parcel.ts";

let nextId = 1;

/** One call: what its caller waits on. */
export class Transaction implements AwaitedReply, Selectable {
  /** Unique in this isolate, never reused. */
  readonly id: number = nextId++;
  readonly waiters: WaitQueue = new WaitQueue(this);
  /** The handle that the message was received through; set in states 2 and 3. */
  via: HandleEntry | undefined = undefined;
  /** Set in state 3. */
  #reply: Parcel | undefined = undefined;
  /** True when no reply can come any more. */
  #isLost = false;
  #isOver = false;

  /** True while the caller waits and has no reply. */
  get isOpen(): boolean {
    return !this.#isOver && !this.#isLost && this.#reply === undefined;
  }

  get signals(): Signals {
    return this.#reply !== undefined || this.#isLost ? Signals.READABLE : 0;
  }

  /** 2 → 3, and on to 4 if the caller can run. */
  replied(reply: Parcel): void {
    this.#reply = reply;
    this.waiters.wake();
  }

  /** 1 or 2 → 4: the message or who received it is gone. */
  lost(): void {
    if (!this.isOpen) return;
    this.#isLost = true;
    this.waiters.wake();
  }

  /**
   * 3 → 4: the reply, for the caller.
   *
   * @throws {KernelError} PEER_CLOSED when none can come, TOO_MANY_HANDLES.
   */
  tryTake(table: HandleTable): ReceivedMessage | WouldBlock {
    const reply = this.#reply;
    if (reply === undefined) {
      if (!this.#isLost) return WOULD_BLOCK;
      throw new IpcError("PEER_CLOSED", "whoever could have replied is gone");
    }
    const handles = reply.land(table);
    this.#reply = undefined;
    this.#isOver = true;
    return reply.open(handles);
  }

  /** → 4: the caller has stopped waiting. A reply that it didn't take is dropped. */
  abandon(): void {
    this.#isOver = true;
    const reply = this.#reply;
    this.#reply = undefined;
    reply?.drop();
  }
}
