/** 610-619: event channels and events sent to a task; 800-809: what receives events. @module */
import { Capability } from "../../capabilities/capability.ts";
import type {
  DeliveryConfig,
  DeliveryResult,
  Event,
  EventContent,
  EventFilter,
  EventPayload,
  EventPriority,
  OverflowPolicy,
  RegisteredFilter,
} from "../../capabilities/event_ops.ts";
import { Rights } from "../../capabilities/rights.ts";
import { Signals } from "../../capabilities/signals.ts";
import {
  type ArgumentSpec,
  flag,
  handle,
  type HandleRef,
  integer,
  oneOf,
  optional,
  record,
  text,
} from "../argument_kinds.ts";
import { syscall } from "./define.ts";
import {
  deliveryConfig,
  eventContent,
  eventFilter,
  eventFilters,
  eventPayload,
} from "./event_arguments.ts";

/** How to make a channel. */
export interface EventChannelOptions {
  /** Subscriptions that the channel takes at once. @default 65536 */
  maxSubscribers?: number;
}

/** How to subscribe to a channel. */
export interface SubscribeOptions {
  /** Events that the subscription's queue holds, 1 … 1,048,576. @default 256 */
  bufferSize?: number;
  /** Events that any of them matches are taken. @default all events */
  filters?: EventFilter[];
  /** What happens to events while the queue is full. @default "drop-newest" */
  onOverflow?: OverflowPolicy;
}

/** How to publish. */
export interface PublishOptions {
  /** How urgent the event is. @default EventPriority.NORMAL */
  priority?: EventPriority;
}

/** How to send to a group. */
export interface GroupSendOptions extends PublishOptions {
  /** True when members without room get the event later. @default false */
  reliable?: boolean;
}

/** How to send to a task. */
export interface EventSendOptions extends GroupSendOptions {
  /**
   * "immediate" passes the target's filters and a full queue, is reliable and at least HIGH.
   * Process control always is. @default "notification"
   */
  mode?: "immediate" | "notification";
}

/** What a receiver tells. */
export interface ReceiverStatus {
  pending: number;
  dropped: number;
}

/** What a channel tells. */
export interface ChannelStatus {
  channelId: string;
  isActive: boolean;
  subscriberCount: number;
}

const ANY_USE = Rights.READ | Rights.WRITE | Rights.INSPECT;

const priority = optional(integer("priority", 1, 4));
const reliable = optional(flag("reliable"));
const receiver = handle({ capability: Capability.EVENT_RECEIVER, rights: Rights.READ });
const subscriber = handle({ capability: Capability.EVENT_SUBSCRIBER, rights: Rights.READ });
const publisher = handle({ capability: Capability.EVENT_SENDER, rights: Rights.WRITE });

function options(...fields: ArgumentSpec[]): ArgumentSpec {
  return optional(record("options", fields));
}

export const eventCalls = {
  eventChannelCreate: syscall<[name: string, options: EventChannelOptions | undefined], number>({
    number: 610,
    name: "event_channel_create",
    verb: "create an event channel",
    summary: "Makes an event channel. Its name is for people: authority comes from handles alone.",
    args: [text("name", 255), options(optional(integer("maxSubscribers", 0, 2 ** 31 - 1)))],
    errors: ["TOO_MANY_HANDLES", "LIMIT_EXCEEDED"],
  }),
  eventSubscribe: syscall<[handle: HandleRef, options: SubscribeOptions | undefined], number>({
    number: 611,
    name: "event_subscribe",
    verb: "subscribe to",
    summary: "Makes a subscription to a channel, with a bounded queue and filters of its own.",
    args: [
      handle({ capability: Capability.EVENT_CHANNEL, rights: Rights.READ }),
      options(
        optional(integer("bufferSize", 1, 2 ** 20)),
        eventFilters("filters"),
        optional(oneOf("onOverflow", ["drop-newest", "drop-oldest", "block"])),
      ),
    ],
    errors: ["PEER_CLOSED", "LIMIT_EXCEEDED", "TOO_MANY_HANDLES"],
  }),
  eventUnsubscribe: syscall<[handle: HandleRef], void>({
    number: 612,
    name: "event_unsubscribe",
    verb: "unsubscribe",
    summary: "Gives a subscription's handle up; the last one ends the subscription.",
    args: [subscriber],
    whileStopped: true,
  }),
  eventPublish: syscall<
    [
      handle: HandleRef,
      content: EventContent,
      payload: EventPayload | undefined,
      options: PublishOptions | undefined,
    ],
    DeliveryResult
  >({
    number: 613,
    name: "event_publish",
    verb: "publish to",
    summary: "Hands an event to every subscription that wants it and has room.",
    args: [publisher, eventContent("content"), eventPayload("payload"), options(priority)],
    errors: ["LIMIT_EXCEEDED"],
  }),
  eventHandlerRegister: syscall<
    [handle: HandleRef, filter: EventFilter, handlerId: number],
    void
  >({
    number: 614,
    name: "event_handler_register",
    verb: "register a filter with",
    summary: "Adds a filter: from then on, events that any filter matches are taken.",
    args: [
      subscriber,
      eventFilter("filter"),
      integer("handlerId", 0, Number.MAX_SAFE_INTEGER),
    ],
    errors: ["ALREADY_EXISTS", "LIMIT_EXCEEDED"],
  }),
  eventSendDirect: syscall<
    [
      handle: HandleRef,
      content: EventContent,
      payload: EventPayload | undefined,
      options: EventSendOptions | undefined,
    ],
    void
  >({
    number: 615,
    name: "event_send_direct",
    verb: "send an event to",
    summary: "Sends an event to one task; process control acts on it.",
    args: [
      handle({ capability: Capability.TASK }),
      eventContent("content"),
      eventPayload("payload"),
      options(optional(oneOf("mode", ["immediate", "notification"])), reliable, priority),
    ],
    rightsNote: "SIGNAL_TASK for process control, WRITE for everything else",
    errors: ["ACCESS_DENIED", "TASK_DEAD", "LIMIT_EXCEEDED", "NOT_SUPPORTED"],
  }),
  eventPublishAll: syscall<
    [
      handle: HandleRef,
      content: EventContent,
      payload: EventPayload | undefined,
      options: PublishOptions | undefined,
    ],
    DeliveryResult
  >({
    number: 616,
    name: "event_publish_all",
    verb: "publish to",
    summary: 'Publishes, and waits for room in the full subscriptions whose policy is "block".',
    args: [publisher, eventContent("content"), eventPayload("payload"), options(priority)],
    mayWait: true,
    errors: ["LIMIT_EXCEEDED"],
  }),
  eventChannelStatus: syscall<[handle: HandleRef], ChannelStatus>({
    number: 617,
    name: "event_channel_status",
    verb: "look at",
    summary: "Tells a channel's id, whether somebody could publish, and how many subscribe.",
    args: [handle({ capability: Capability.EVENT_CHANNEL, anyRight: ANY_USE })],
  }),
  eventReceive: syscall<[handle: HandleRef], Event>({
    number: 800,
    name: "event_receive",
    verb: "receive from",
    summary: "Takes the next event: the oldest of the most urgent.",
    args: [
      handle({
        capability: Capability.EVENT_RECEIVER,
        rights: Rights.READ,
        waits: Signals.EVENT_PENDING | Signals.READABLE | Signals.PEER_CLOSED,
      }),
    ],
    errors: ["PEER_CLOSED"],
  }),
  eventStatus: syscall<[handle: HandleRef], ReceiverStatus>({
    number: 801,
    name: "event_status",
    verb: "look at",
    summary: "Tells how many events are there, and how many were dropped.",
    args: [handle({ capability: Capability.EVENT_RECEIVER, anyRight: ANY_USE })],
  }),
  eventHandlerUnregister: syscall<[handle: HandleRef, handlerId: number], boolean>({
    number: 802,
    name: "event_handler_unregister",
    verb: "unregister a filter of",
    summary: "Takes a filter away; tells whether there was one.",
    args: [
      subscriber,
      integer("handlerId", Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER),
    ],
  }),
  eventFilters: syscall<[handle: HandleRef], RegisteredFilter[]>({
    number: 803,
    name: "event_filters",
    verb: "look at the filters of",
    summary: "Tells the filters, in the order they were registered.",
    args: [receiver],
  }),
  eventConfigure: syscall<[config: DeliveryConfig], void>({
    number: 804,
    name: "event_configure",
    verb: "configure delivery",
    summary: "Says how the calling task's own queue takes events.",
    args: [deliveryConfig("config")],
    errors: ["INVALID_CONFIGURATION", "LIMIT_EXCEEDED"],
  }),
  eventAwait: syscall<[handle: HandleRef], number>({
    number: 805,
    name: "event_await",
    verb: "wait for events from",
    summary: "Waits until there is an event, takes none, and tells how many there are.",
    args: [receiver],
    mayWait: true,
    errors: ["PEER_CLOSED"],
  }),
};
