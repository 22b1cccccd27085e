/** 630-639: message queues. @module */
import { Capability } from "../../capabilities/capability.ts";
import type { EventContent, EventPayload } from "../../capabilities/event_ops.ts";
import { HIGHEST_PRIORITY, type ReceivedMessage } from "../../capabilities/message_ops.ts";
import { Rights } from "../../capabilities/rights.ts";
import {
  anything,
  buffer,
  custom,
  flag,
  handle,
  handleList,
  type HandleRef,
  integer,
  optional,
  outputBuffer,
  receivingEnd,
  record,
  sendingEnd,
} from "../argument_kinds.ts";
import { readField } from "../arguments.ts";
import { syscall } from "./define.ts";
import { eventContent, eventPayload } from "./event_arguments.ts";

/** How to make a message queue. */
export interface MessageQueueOptions {
  /** Messages that the queue holds, 1 … 65,536. @default 1024 */
  maxMessages?: number;
  /** Bytes that its messages have together, 1 … 1 GiB. @default 1048576 */
  maxBytes?: number;
  /** Bytes that one message has, at most `maxBytes` whatever it says. @default 65536 */
  maxMessageBytes?: number;
  /** True when plain calls throw CHANNEL_FULL or CHANNEL_EMPTY instead of waiting. @default false */
  nonblocking?: boolean;
  /** True when the ends are never given to a child. @default false */
  closeOnSpawn?: boolean;
}

/** How a message is sent, handles as numbers. */
export interface SendArguments {
  readonly priority?: number;
  readonly handles?: readonly unknown[];
  readonly duplicate?: boolean;
}

/** The same, checked. */
export interface CheckedSendArguments {
  readonly priority: number;
  readonly handles: readonly unknown[];
  readonly duplicate: boolean;
}

/** A message whose bytes went into the receiver's buffer. */
export interface MessageInto extends Omit<ReceivedMessage, "bytes"> {
  /** Bytes of the message. */
  readonly length: number;
}

const MOST_BYTES = 2 ** 30;
const NO_HANDLES: readonly never[] = Object.freeze([]);
const DEFAULTS: CheckedSendArguments = Object.freeze({
  priority: 0,
  handles: NO_HANDLES,
  duplicate: false,
});

const priority = optional(integer("priority", 0, HIGHEST_PRIORITY));
const handles = optional(handleList("handles"));
const duplicate = optional(flag("duplicate"));

/** Reads the options of a send, each once. */
function checkSend(given: unknown, name: string): CheckedSendArguments {
  if (given === undefined) return DEFAULTS;
  return {
    priority: (priority.check(readField(given, "priority", name), "priority") ?? 0) as number,
    handles: (handles.check(readField(given, "handles", name), "handles") ??
      NO_HANDLES) as unknown[],
    duplicate: duplicate.check(readField(given, "duplicate", name), "duplicate") === true,
  };
}

const SEND_KIND = "{ priority?: 0 … 31; handles?: handle[], at most 64; duplicate?: boolean }";
const sendOptions = custom("options", SEND_KIND, checkSend);
// A call is known by its options as it waits: each has an object of its own.
const callOptions = custom("options", SEND_KIND, (given, name) => ({ ...checkSend(given, name) }));

const sender = sendingEnd(Capability.MESSAGE_QUEUE);
const receiver = receivingEnd(Capability.MESSAGE_QUEUE);
const idleReceiver = handle({
  capability: Capability.MESSAGE_QUEUE,
  rights: Rights.READ,
});

const SEND_NOTE = "TRANSFER on each of the sent handles, and DUPLICATE to send duplicates";
const SEND_ERRORS = [
  "PEER_CLOSED",
  "MESSAGE_TOO_LONG",
  "OUT_OF_RANGE",
  "ACCESS_DENIED",
  "LIMIT_EXCEEDED",
  "CHANNEL_FULL",
];
const RECEIVE_ERRORS = ["PEER_CLOSED", "TOO_MANY_HANDLES", "CHANNEL_EMPTY"];

export const messageCalls = {
  messageQueueCreate: syscall<
    [options: MessageQueueOptions],
    { sender: number; receiver: number }
  >({
    number: 630,
    name: "message_queue",
    verb: "create a message queue",
    summary: "Makes a message queue and gives a handle to each of its ends.",
    args: [
      record("options", [
        optional(integer("maxMessages", 1, 65_536)),
        optional(integer("maxBytes", 1, MOST_BYTES)),
        optional(integer("maxMessageBytes", 1, MOST_BYTES)),
        optional(flag("nonblocking")),
        optional(flag("closeOnSpawn")),
      ]),
    ],
    errors: ["TOO_MANY_HANDLES", "LIMIT_EXCEEDED"],
  }),
  messageSend: syscall<
    [handle: HandleRef, bytes: Uint8Array, options: SendArguments | undefined],
    void
  >({
    number: 631,
    name: "message_send",
    verb: "send to",
    summary: "Queues a message; the handles that it carries leave the sender.",
    args: [sender, buffer("bytes"), sendOptions],
    rightsNote: SEND_NOTE,
    wouldBlock: "CHANNEL_FULL",
    errors: SEND_ERRORS,
  }),
  messageReceive: syscall<[handle: HandleRef], ReceivedMessage>({
    number: 632,
    name: "message_receive",
    verb: "receive from",
    summary: "Takes the first message of the highest priority, with its handles.",
    args: [receiver],
    wouldBlock: "CHANNEL_EMPTY",
    errors: RECEIVE_ERRORS,
  }),
  messageReceiveInto: syscall<[handle: HandleRef, into: Uint8Array], MessageInto>({
    number: 633,
    name: "message_receive_into",
    verb: "receive from",
    summary: "The same with the bytes put into a buffer; too small a buffer takes nothing.",
    args: [receiver, outputBuffer("into")],
    wouldBlock: "CHANNEL_EMPTY",
    errors: [...RECEIVE_ERRORS, "BUFFER_TOO_SMALL"],
  }),
  messageCall: syscall<
    [handle: HandleRef, bytes: Uint8Array, options: SendArguments | undefined],
    ReceivedMessage
  >({
    number: 634,
    name: "message_call",
    verb: "call through",
    summary: "Queues a message and waits for the reply to it.",
    args: [sender, buffer("bytes"), callOptions],
    rightsNote: SEND_NOTE,
    parksFirst: true,
    wouldBlock: "CHANNEL_FULL",
    errors: [...SEND_ERRORS, "TOO_MANY_HANDLES"],
  }),
  messageReply: syscall<
    [
      handle: HandleRef,
      transactionId: unknown,
      bytes: Uint8Array,
      handles: readonly unknown[] | undefined,
    ],
    void
  >({
    number: 635,
    name: "message_reply",
    verb: "reply through",
    summary: "Answers a call that was received here and whose caller still waits.",
    args: [idleReceiver, anything("transactionId"), buffer("bytes"), handles],
    rightsNote: "TRANSFER on each of the sent handles",
    errors: [
      "INVALID_STATE",
      "MESSAGE_TOO_LONG",
      "OUT_OF_RANGE",
      "ACCESS_DENIED",
      "LIMIT_EXCEEDED",
    ],
  }),
  messageNotify: syscall<
    [handle: HandleRef, content: EventContent, payload: EventPayload | undefined],
    void
  >({
    number: 636,
    name: "message_notify",
    verb: "ask for a notification from",
    summary: "Sends the caller one direct event when the queue next turns from empty to non-empty.",
    args: [idleReceiver, eventContent("content"), eventPayload("payload")],
  }),
};
