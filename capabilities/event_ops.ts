/**
 * Events: what they are made of, and what an object that sends or receives them can do.
 *
 * @module
 */
import type { WouldBlock } from "./stream_ops.ts";

/** How urgent an event is: 1 (low) … 4 (critical). Higher ones are received first. */
export type EventPriority = 1 | 2 | 3 | 4;

/** The type of the {@linkcode EventPriority} table. */
export interface EventPriorityTable {
  /** Received when nothing else is there. */
  readonly LOW: 1;
  /** The default. */
  readonly NORMAL: 2;
  /** The least priority of immediate events. */
  readonly HIGH: 3;
  /** Received before everything else. */
  readonly CRITICAL: 4;
}

/**
 * The priorities by name.
 *
 * @example
 * ```ts
 * import { EventPriority, Kernel } from "@carmine/kernel";
 *
 * await using kernel = new Kernel();
 * const channel = kernel.init.createEventChannel("news");
 * const news = channel.subscribe();
 * channel.publish({ type: "notification", notification: "later" });
 * channel.publish({ type: "notification", notification: "first" }, undefined, {
 *   priority: EventPriority.HIGH,
 * });
 * console.log((await news.receive()).content); // { type: "notification", notification: "first" }
 * ```
 */
export const EventPriority: EventPriorityTable = Object.freeze({
  LOW: 1,
  NORMAL: 2,
  HIGH: 3,
  CRITICAL: 4,
});

/**
 * What a process-control event asks for. `kill`, `stop` and `continue` act and are not delivered;
 * `terminate` and `interrupt` abort the task's signal and are delivered; the others only arrive.
 */
export type ProcessControl =
  | "terminate"
  | "kill"
  | "stop"
  | "continue"
  | "interrupt"
  | "quit"
  | "hangup"
  | "childExit"
  | "pipeBroken"
  | "alarm"
  | "ioReady"
  | { readonly user: number };

/** The process controls that are plain words; the order is the encoded records' numbering. */
export const PROCESS_CONTROLS: readonly Exclude<ProcessControl, { user: number }>[] = Object.freeze(
  [
    "terminate",
    "kill",
    "stop",
    "continue",
    "interrupt",
    "quit",
    "hangup",
    "childExit",
    "pipeBroken",
    "alarm",
    "ioReady",
  ],
);

/** What an event is about. */
export type EventContent =
  | { readonly type: "processControl"; readonly control: ProcessControl }
  | { readonly type: "message"; readonly messageType: number; readonly category: string }
  | { readonly type: "notification"; readonly notification: string }
  | { readonly type: "custom"; readonly namespace: string; readonly eventId: number };

/** Data that goes with an event. Bytes are copied when they are sent and for each receiver. */
export type EventPayload =
  | { readonly type: "empty" }
  | { readonly type: "integer"; readonly value: bigint }
  | { readonly type: "bytes"; readonly value: Uint8Array }
  | { readonly type: "string"; readonly value: string }
  | { readonly type: "custom"; readonly value: Uint8Array };

/** Which group an event was sent to. */
export type GroupTarget =
  | { readonly type: "taskGroup"; readonly id: number }
  | { readonly type: "session"; readonly id: number }
  | { readonly type: "custom"; readonly name: string }
  | { readonly type: "allTasks" };

/** How an event came. */
export type EventDelivery =
  | {
    readonly type: "direct";
    readonly target: number;
    readonly priority: EventPriority;
    readonly reliable: boolean;
  }
  | { readonly type: "channel"; readonly channelId: string; readonly priority: EventPriority }
  | {
    readonly type: "group";
    readonly target: GroupTarget;
    readonly priority: EventPriority;
    readonly reliable: boolean;
  }
  | { readonly type: "broadcast"; readonly priority: EventPriority; readonly reliable: boolean };

/** What the kernel stamps on an event; no sender can forge it. */
export interface EventMetadata {
  /** Unique in its kernel, rising. */
  readonly eventId: number;
  /** The id of the task that sent it; 0 for the kernel itself. */
  readonly sender: number;
  /** When it was sent, in milliseconds on the kernel's clock. */
  readonly timestampMs: number;
  /** How urgent it is. */
  readonly priority: EventPriority;
}

/** An event as a task receives it: stamped by the kernel, frozen, each receiver's own. */
export interface Event {
  /** How it came. */
  readonly delivery: EventDelivery;
  /** What it is about. */
  readonly content: EventContent;
  /** Its data. */
  readonly payload: EventPayload;
  /** What the kernel stamped on it. */
  readonly metadata: EventMetadata;
}

/**
 * Which events a receiver takes. `eventId` is the content's (custom events only), `channel` a
 * channelId. A predicate runs in the kernel's isolate at delivery; where it throws, the event
 * counts as dropped.
 */
export type EventFilter =
  | { readonly type: "all" }
  | {
    readonly type: "eventType";
    readonly eventType: EventDelivery["type"] | EventContent["type"];
  }
  | { readonly type: "eventId"; readonly eventId: number }
  | { readonly type: "channel"; readonly channel: string }
  | { readonly type: "sender"; readonly sender: number }
  | { readonly type: "custom"; readonly predicate: (event: Event) => boolean };

/** A filter and the number under which it was registered. */
export interface RegisteredFilter {
  /** The number given at registration; -1, -2, … for the filters given to `subscribe`. */
  handlerId: number;
  /** What it lets through. */
  filter: EventFilter;
}

/** What becomes of a reliable event that could not be delivered in time. */
export type FailurePolicy = "ignore" | "log" | "notifySender" | "systemEvent";

/** How a task's own queue takes events. What is left out stays as it is. */
export interface DeliveryConfig {
  /** Events that the queue holds, 1 … 1,048,576. @default 256 */
  bufferSize?: number;
  /** Milliseconds that a reliable event waits for room at first; each retry doubles it. @default 1000 */
  timeoutMs?: number;
  /** How often the wait is renewed, 0 … 32. @default 3 */
  retryCount?: number;
  /** What happens to a reliable event after that. @default "notifySender" */
  failurePolicy?: FailurePolicy;
}

/** What becomes of an event when a subscription is full. */
export type OverflowPolicy = "drop-newest" | "drop-oldest" | "block";

/** What came of sending to several receivers. */
export interface DeliveryResult {
  /** Receivers that have it, or will have it as soon as they have room (reliable events). */
  delivered: number;
  /**
   * Receivers that wanted it and did not get it, or whose predicate threw. Those whose filters
   * refused it count nowhere.
   */
  dropped: number;
}

/** Objects that events are sent through. */
export interface EventSender {
  /** Hands a stamped event to whoever is behind the object. */
  sendEvent(event: Event): DeliveryResult;
}

/** Objects that events are received from. */
export interface EventReceiver {
  /** True when a receive would not have to wait for an event. */
  readonly hasPendingEvents: boolean;
  /** True when no event is there and none will ever come. */
  readonly isExhausted: boolean;
  /** Events in the queue. */
  readonly pendingCount: number;
  /** Events that found the queue full and were dropped. */
  readonly droppedCount: number;
  /** The next event, or WOULD_BLOCK. */
  tryReceiveEvent(): Event | WouldBlock;
}

/** Objects whose holder says which events they take. */
export interface EventSubscriber {
  /** Adds a filter: events that any filter matches are taken. */
  registerFilter(filter: EventFilter, handlerId: number): void;
  /** Takes a filter away; false when there was none. */
  unregisterFilter(handlerId: number): boolean;
  /** The filters, in the order they were registered. */
  getFilters(): RegisteredFilter[];
}

/** Objects that can do any of it. */
export type EventOps = EventSender | EventReceiver | EventSubscriber;

/** Event channels. */
export interface EventIpcChannelObject extends EventSender {
  /** `name#id`: names the channel in events and filters; authority comes from handles alone. */
  readonly channelId: string;
  /** True while somebody could publish. */
  readonly isActive: boolean;
  /** Subscriptions alive. */
  readonly subscriberCount: number;
}

/** Groups of tasks. */
export interface GroupOps {
  /** What an event's delivery says about the group. */
  readonly target: GroupTarget;
  /** Ids of the members, in the order they joined. */
  readonly memberIds: readonly number[];
}
