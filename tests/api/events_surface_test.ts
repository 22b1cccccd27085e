/** The public classes of events: every member with its type. @module */
import { assert } from "@std/assert";
import {
  type DeliveryConfig,
  type Event,
  EventChannel,
  type EventContent,
  type EventFilter,
  type EventPayload,
  type EventPriority,
  EventSubscription,
  Group,
  Kernel,
  type TaskHandle,
  type WaitOptions,
} from "@carmine/kernel";
import { assertSurface, HANDLE_MEMBERS, type HandleSurface } from "./_surface.ts";

/** What receives events promises. */
interface EventReceivingSurface {
  readonly receive: (options?: WaitOptions) => Promise<Event>;
  readonly receiveSync: (options?: WaitOptions) => Event;
  readonly tryReceive: () => Event | undefined;
  readonly pending: number;
  readonly dropped: number;
  readonly registerFilter: (filter: EventFilter, handlerId: number) => void;
  readonly unregisterFilter: (handlerId: number) => boolean;
  readonly getFilters: () => { handlerId: number; filter: EventFilter }[];
  readonly onEvent: (handler: (event: Event) => void) => () => void;
}

/** What a task's own events promise. */
interface TaskEventsSurface extends EventReceivingSurface {
  readonly configureDelivery: (config: DeliveryConfig) => void;
}

/** What a EventChannel promises beside what every handle has. */
interface EventChannelSurface extends HandleSurface {
  readonly channelId: string;
  readonly isActive: boolean;
  readonly subscriberCount: number;
  readonly publish: (
    content: EventContent,
    payload?: EventPayload,
    options?: { priority?: EventPriority },
  ) => { delivered: number; dropped: number };
  readonly publishAsync: (
    content: EventContent,
    payload?: EventPayload,
    options?: WaitOptions & { priority?: EventPriority },
  ) => Promise<{ delivered: number; dropped: number }>;
  readonly subscribe: (
    options?: {
      bufferSize?: number;
      filters?: EventFilter[];
      onOverflow?: "drop-newest" | "drop-oldest" | "block";
    },
  ) => EventSubscription;
}

/** What a EventSubscription promises beside what every handle has. */
interface EventSubscriptionSurface extends HandleSurface {
  readonly receive: (options?: WaitOptions) => Promise<Event>;
  readonly receiveSync: (options?: WaitOptions) => Event;
  readonly tryReceive: () => Event | undefined;
  readonly pending: number;
  readonly dropped: number;
  readonly registerFilter: (filter: EventFilter, handlerId: number) => void;
  readonly unregisterFilter: (handlerId: number) => boolean;
  readonly getFilters: () => { handlerId: number; filter: EventFilter }[];
  readonly onEvent: (handler: (event: Event) => void) => () => void;
  readonly [Symbol.asyncIterator]: () => AsyncIterator<Event>;
}

/** What a Group promises beside what every handle has. */
interface GroupSurface extends HandleSurface {
  readonly join: (task: TaskHandle) => void;
  readonly leave: (task: TaskHandle) => void;
  readonly joinSelf: () => void;
  readonly leaveSelf: () => void;
  readonly members: readonly number[];
  readonly send: (
    content: EventContent,
    payload?: EventPayload,
    options?: { priority?: EventPriority; reliable?: boolean },
  ) => { delivered: number; dropped: number };
}

Deno.test("EventChannel has the members that it promises", () => {
  assertSurface<EventChannelSurface>()(EventChannel, {
    ...HANDLE_MEMBERS,
    channelId: true,
    isActive: true,
    subscriberCount: true,
    publish: true,
    publishAsync: true,
    subscribe: true,
  });
});

Deno.test("EventSubscription has the members that it promises", () => {
  assertSurface<EventSubscriptionSurface>()(EventSubscription, {
    ...HANDLE_MEMBERS,
    receive: true,
    receiveSync: true,
    tryReceive: true,
    pending: true,
    dropped: true,
    registerFilter: true,
    unregisterFilter: true,
    getFilters: true,
    onEvent: true,
    [Symbol.asyncIterator]: true,
  });
});

Deno.test("Group has the members that it promises", () => {
  assertSurface<GroupSurface>()(Group, {
    ...HANDLE_MEMBERS,
    join: true,
    leave: true,
    joinSelf: true,
    leaveSelf: true,
    members: true,
    send: true,
  });
});

Deno.test("TaskEvents has the members that it promises", async () => {
  await using kernel = new Kernel();
  const events: TaskEventsSurface = kernel.init.events;
  const members: Record<keyof TaskEventsSurface, true> = {
    receive: true,
    receiveSync: true,
    tryReceive: true,
    pending: true,
    dropped: true,
    registerFilter: true,
    unregisterFilter: true,
    getFilters: true,
    onEvent: true,
    configureDelivery: true,
  };
  for (const name of Object.keys(members)) assert(name in events, name);
});
