/**
 * Whole messages between tasks, with the handles that travel in them.
 *
 * @module
 */
import type { Rights } from "./rights.ts";
import type { StreamIpcOps, WouldBlock } from "./stream_ops.ts";

/** Priorities of messages are 0 … 31, the highest first. */
export const HIGHEST_PRIORITY = 31;

/** Most handles that travel in one message. */
export const MOST_HANDLES_IN_MESSAGE = 64;

/** A handle that has arrived in its receiver's table. */
export interface HandleArrival {
  /** Its number there. Of a handle that was revoked on its way, every use is REVOKED. */
  readonly number: number;
  /** The object's type. */
  readonly type: string;
  /** The handle's rights. */
  readonly rights: Rights;
}

/** A message as its receiver gets it. */
export interface ReceivedMessage {
  /** The receiver's own copy. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** 0 … 31. */
  readonly priority: number;
  /** The handles that came with it, in the order they were sent. */
  readonly handles: readonly HandleArrival[];
  /** The id of the task that sent it. */
  readonly sender: number;
  /** Set for a call, which waits for a reply, and for the reply to one. */
  readonly transactionId?: number;
}

/** A message to be sent. */
export interface OutgoingMessage {
  /** Copied when the message is queued. */
  readonly bytes: Uint8Array;
  /** 0 … 31. */
  readonly priority: number;
  /** Numbers in the sender's table; untrusted. */
  readonly handles: readonly unknown[];
  /** True when children of the handles are to be sent. */
  readonly duplicate: boolean;
}

/** Who sends or receives: a task, seen from a message queue. */
export interface MessageParty {
  /** Unique in its kernel. */
  readonly taskId: number;
  /** The handles that it holds: the kernel's own business. */
  readonly table: object;
  /** What is charged while a message is on its way. */
  readonly account: MessageAccount;
}

/** What a message on its way is charged to. */
export interface MessageAccount {
  /** Counts more; throws LIMIT_EXCEEDED and counts nothing. */
  charge(what: "queuedMessages" | "bufferBytes", amount?: number): void;
  /** Takes back what was charged. */
  refund(what: "queuedMessages" | "bufferBytes", amount?: number): void;
}

/** The ends of message queues. Neither operation ever waits. */
export interface MessageQueueObject extends StreamIpcOps {
  /**
   * Queues a message.
   *
   * @returns True, or WOULD_BLOCK when it is full.
   */
  trySend(from: MessageParty, message: OutgoingMessage): true | WouldBlock;
  /**
   * Takes the first message.
   *
   * @param via The identity of the handle it is received through: a call's reply has to come from
   * that handle's holder.
   * @param into Where its bytes go too.
   * @returns The message, or WOULD_BLOCK when there is none.
   */
  tryReceive(
    to: MessageParty,
    via: object,
    into?: Uint8Array,
  ): ReceivedMessage | WouldBlock;
}
