/** Message queues, 630-639. @module */
import { IpcError, KernelError } from "../../capabilities/errors.ts";
import type { EventContent, EventPayload } from "../../capabilities/event_ops.ts";
import { type HandleEntry, HandleFlags } from "../../capabilities/handle.ts";
import type { MessageQueueObject } from "../../capabilities/message_ops.ts";
import { COMMON_RIGHTS, Rights } from "../../capabilities/rights.ts";
import { Signals } from "../../capabilities/signals.ts";
import { WOULD_BLOCK } from "../../capabilities/stream_ops.ts";
import {
  MessageQueue,
  type MessageReceiverEnd,
  type MessageSenderEnd,
} from "../../kernel/ipc/message_queue.ts";
import type { Transaction } from "../../kernel/ipc/transaction.ts";
import { EMPTY_PAYLOAD } from "../../kernel/ipc/event.ts";
import type { TaskObject } from "../../kernel/task.ts";
import type { Caller, Handlers } from "../caller.ts";
import type { CheckedSendArguments, messageCalls } from "../table/messages.ts";

// The table asked for the capability, so these hold.
const queueOf = (entry: HandleEntry) => entry.object as unknown as MessageQueueObject;
// An end with READ is a receiver, one with WRITE a sender: no handle has the other right.
const senderOf = (entry: HandleEntry) => entry.object as MessageSenderEnd;
const receiverOf = (entry: HandleEntry) => entry.object as MessageReceiverEnd;

/** Calls whose message was sent, by their checked options: each call has its own. */
const transactions: WeakMap<object, Transaction> = new WeakMap();

export const messageHandlers: Handlers<typeof messageCalls> = {
  messageQueueCreate({ kernel, task }, options) {
    task.table.requireRoom(2);
    const receiverLease = task.account.lease();
    let senderLease;
    try {
      senderLease = task.account.lease();
    } catch (error) {
      receiverLease.release();
      throw error;
    }
    const { sender, receiver } = new MessageQueue({ ...options, carriers: kernel.carriers });
    receiver.lease = receiverLease;
    sender.lease = senderLease;
    const flags = (options.nonblocking === true ? HandleFlags.NONBLOCKING : 0) |
      (options.closeOnSpawn === true ? HandleFlags.CLOSE_ON_SPAWN : 0);
    return {
      sender: task.install(sender, COMMON_RIGHTS | Rights.WRITE, flags),
      receiver: task.install(receiver, COMMON_RIGHTS | Rights.READ, flags),
    };
  },

  messageSend({ task }, target, bytes, options) {
    const sent = queueOf(target).trySend(task, outgoing(bytes, options));
    return sent === WOULD_BLOCK ? WOULD_BLOCK : undefined;
  },

  messageReceive: ({ task }, target) => queueOf(target).tryReceive(task, target),

  messageReceiveInto({ task }, target, into) {
    const received = queueOf(target).tryReceive(task, target, into);
    if (received === WOULD_BLOCK) return WOULD_BLOCK;
    const { bytes, ...message } = received;
    return { ...message, length: bytes.length };
  },

  messageCall: {
    run({ task }, target, bytes, options) {
      const call = options as object;
      const transaction = transactions.get(call);
      if (transaction !== undefined) return transaction.tryTake(task.table);
      const sent = senderOf(target).tryCall(task, outgoing(bytes, options));
      if (sent !== WOULD_BLOCK) {
        transactions.set(call, sent);
      } else if ((target.flags & HandleFlags.NONBLOCKING) !== 0) {
        throw new IpcError("CHANNEL_FULL", "there is no room for the message");
      }
      return WOULD_BLOCK; // until the reply is there
    },
    park(_caller, entry, _bytes, options) {
      const object = transactions.get(options as object);
      if (object === undefined) {
        const signals = Signals.WRITABLE | Signals.PEER_CLOSED;
        return [{ entry, signals, operation: true }];
      }
      return [{ entry, object, signals: Signals.READABLE, operation: false }];
    },
    abandon(_caller, target, _bytes, options) {
      const transaction = transactions.get(options as object);
      if (transaction !== undefined) senderOf(target).abandon(transaction);
    },
  },

  messageReply({ task }, target, transactionId, bytes, handles) {
    receiverOf(target).reply(task, target, transactionId, bytes, handles ?? []);
  },

  messageNotify(caller, target, content, payload) {
    receiverOf(target).notify(target, () => {
      // A handle that has moved on no longer speaks for the task that asked through it.
      if (target.table === caller.task.table) tell(caller, content, payload ?? EMPTY_PAYLOAD);
    });
  },
};

function outgoing(bytes: Uint8Array, options: unknown) {
  return new Outgoing(bytes, options as CheckedSendArguments); // checked by the table
}

/** A class, so that all sends share one shape. */
class Outgoing {
  readonly bytes: Uint8Array;
  readonly priority: number;
  readonly handles: readonly unknown[];
  readonly duplicate: boolean;

  constructor(bytes: Uint8Array, { priority, handles, duplicate }: CheckedSendArguments) {
    this.bytes = bytes;
    this.priority = priority;
    this.handles = handles;
    this.duplicate = duplicate;
  }
}

const NORMAL = 2;

/** Puts an event into the task's own queue. Process control is told and not acted on. */
function tell(
  { kernel, task }: { readonly kernel: Caller["kernel"]; readonly task: TaskObject },
  content: EventContent,
  payload: EventPayload,
): void {
  const delivery = {
    type: "direct",
    target: task.taskId,
    priority: NORMAL,
    reliable: false,
  } as const;
  const record = kernel.events.stamp(task, delivery, content, payload);
  try {
    task.events.offer(record);
  } catch (error) {
    // Whoever sent the message is not to blame that the task has no room for its event.
    if (!(error instanceof KernelError)) throw error;
    task.events.countDropped();
  }
}
