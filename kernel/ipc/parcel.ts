/**
 * One message on its way: bytes, handles in flight, and what its sender is charged for it.
 *
 * Invariants: a parcel is charged to its sender from its making until it is opened or dropped, which
 * happens once; its handles are in flight in between.
 *
 * @module
 */
import type { HandleEntry } from "../../capabilities/handle.ts";
import type { HandleTable } from "../../capabilities/handle_table.ts";
import type {
  HandleArrival,
  MessageAccount,
  ReceivedMessage,
} from "../../capabilities/message_ops.ts";
import { lengthOf } from "../../memory/atomics.ts";
import {
  closeInFlight,
  IN_FLIGHT_HANDLE_BYTES,
  land,
  type TransferParty,
} from "../handle_transfer.ts";

const NOTHING: readonly never[] = Object.freeze([]);

/** A call that a message belongs to, as its carrier sees it. */
export interface AwaitedReply {
  /** Unique in this isolate, never reused. */
  readonly id: number;
  /** True while a reply can come and has not. */
  readonly isOpen: boolean;
  /** The handle that the message was received through; undefined while it is queued. */
  via: HandleEntry | undefined;
  /** Hands the reply over to the caller. */
  replied(reply: Parcel): void;
  /** No reply can come any more. */
  lost(): void;
}

/** A message on its way. */
export class Parcel {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly priority: number;
  readonly sender: number;
  /** The call that the message belongs to, if one. */
  readonly transaction: AwaitedReply | undefined;
  /** Set by the carrier once the handles have left the sender's table. */
  inFlight: readonly HandleEntry[] = NOTHING;
  readonly #account: MessageAccount;
  readonly #heldBytes: number;

  /**
   * Charges the sender and copies the bytes.
   *
   * @param handleCount How many handles are to travel in it.
   * @throws {KernelError} LIMIT_EXCEEDED; nothing is charged.
   */
  constructor(
    from: TransferParty,
    bytes: Uint8Array,
    priority: number,
    handleCount: number,
    transaction?: AwaitedReply,
  ) {
    const { account } = from;
    const heldBytes = lengthOf(bytes) + handleCount * IN_FLIGHT_HANDLE_BYTES;
    account.charge("queuedMessages");
    if (heldBytes > 0) {
      try {
        account.charge("bufferBytes", heldBytes);
      } catch (error) {
        account.refund("queuedMessages");
        throw error;
      }
    }
    this.#account = account;
    this.#heldBytes = heldBytes;
    // The constructor reads the array itself, whatever methods its owner put on it.
    this.bytes = new Uint8Array(bytes);
    this.priority = priority;
    this.sender = from.taskId;
    this.transaction = transaction;
  }

  /** Puts the handles into a table; throws TOO_MANY_HANDLES and changes nothing. */
  land(table: HandleTable): readonly HandleArrival[] {
    return this.inFlight.length === 0 ? NOTHING : land(this.inFlight, table);
  }

  /** What the receiver gets; the parcel is over. */
  open(handles: readonly HandleArrival[]): ReceivedMessage {
    this.inFlight = NOTHING;
    this.#refund();
    const { bytes, priority, sender, transaction } = this;
    if (transaction === undefined) return { bytes, priority, handles, sender };
    return { bytes, priority, handles, sender, transactionId: transaction.id };
  }

  /** Nobody gets it: its handles close. */
  drop(): void {
    const { inFlight } = this;
    this.inFlight = NOTHING;
    this.#refund();
    closeInFlight(inFlight);
  }

  #refund(): void {
    this.#account.refund("queuedMessages");
    if (this.#heldBytes > 0) this.#account.refund("bufferBytes", this.#heldBytes);
  }
}
