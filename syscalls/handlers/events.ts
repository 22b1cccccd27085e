/** Events, 610-619 and 800-809. @module */
import { EventError, KernelError } from "../../capabilities/errors.ts";
import type {
  EventContent,
  EventIpcChannelObject,
  EventPayload,
  EventPriority,
  EventReceiver,
  EventSubscriber,
} from "../../capabilities/event_ops.ts";
import type { HandleEntry } from "../../capabilities/handle.ts";
import { COMMON_RIGHTS, Rights } from "../../capabilities/rights.ts";
import { Signals } from "../../capabilities/signals.ts";
import { WOULD_BLOCK } from "../../capabilities/stream_ops.ts";
import { type BlockedPublish, EventChannelObject } from "../../kernel/ipc/event_channel.ts";
import { DEFAULT_BUFFER_SIZE } from "../../kernel/ipc/event_receiver.ts";
import { EMPTY_PAYLOAD } from "../../kernel/ipc/event.ts";
import type { TaskObject } from "../../kernel/task.ts";
import type { Caller, Handlers } from "../caller.ts";
import type { eventCalls, PublishOptions } from "../table/events.ts";

const CHANNEL_RIGHTS = COMMON_RIGHTS | Rights.READ | Rights.WRITE;
const SUBSCRIPTION_RIGHTS = COMMON_RIGHTS | Rights.READ;
const NORMAL: EventPriority = 2;

// The table asked for the capability, so these hold.
const receiverOf = (entry: HandleEntry) => entry.object as unknown as EventReceiver;
const subscriberOf = (entry: HandleEntry) => entry.object as unknown as EventSubscriber;
const channelOf = (entry: HandleEntry) => entry.object as EventChannelObject;
const taskOf = (entry: HandleEntry) => entry.object as TaskObject;

/** Publishes that wait, by the event's content: the copy that the call was made with. */
const blocked: WeakMap<EventContent, BlockedPublish> = new WeakMap();

export const eventHandlers: Handlers<typeof eventCalls> = {
  eventChannelCreate({ task }, name, options) {
    task.table.requireRoom(1);
    const lease = task.account.lease();
    const channel = new EventChannelObject(name, options?.maxSubscribers);
    channel.lease = lease;
    const number = task.install(channel, CHANNEL_RIGHTS);
    task.table.get(number).role = "eventChannel";
    return number;
  },

  eventSubscribe({ task }, target, options) {
    task.table.requireRoom(1);
    const lease = task.account.lease(0, options?.bufferSize ?? DEFAULT_BUFFER_SIZE);
    try {
      const subscription = channelOf(target).subscribe(options);
      subscription.lease = lease;
      const number = task.install(subscription, SUBSCRIPTION_RIGHTS);
      task.table.get(number).role = "eventSubscription";
      return number;
    } catch (error) {
      lease.release();
      throw error;
    }
  },

  eventUnsubscribe(_caller, target) {
    target.close("closed");
  },

  eventPublish: (caller, target, content, payload, options) =>
    channelOf(target).sendEvent(stamped(caller, target, content, payload, options)),

  eventPublishAll: {
    run(caller, target, content, payload, options) {
      const channel = channelOf(target);
      let publish = blocked.get(content);
      if (publish === undefined) {
        publish = channel.beginPublish(stamped(caller, target, content, payload, options));
        if (publish.waitsFor.length > 0) blocked.set(content, publish);
      } else channel.continuePublish(publish);
      if (publish.waitsFor.length > 0) return WOULD_BLOCK;
      return { delivered: publish.delivered, dropped: publish.dropped };
    },
    abandon(_caller, target, content) {
      const publish = blocked.get(content);
      if (publish !== undefined) channelOf(target).abandonPublish(publish);
    },
    // It looks on and is no operation: the publisher of one full subscription must not hold up
    // those of others. Each tries in order of arrival, so a subscription's order holds.
    park: (_caller, entry) => [{ entry, signals: Signals.WRITABLE, operation: false }],
  },

  eventChannelStatus(_caller, target) {
    const channel = target.object as unknown as EventIpcChannelObject;
    const { channelId, isActive, subscriberCount } = channel;
    return { channelId, isActive, subscriberCount };
  },

  eventHandlerRegister(_caller, target, filter, handlerId) {
    subscriberOf(target).registerFilter(filter, handlerId);
  },

  eventHandlerUnregister: (_caller, target, handlerId) =>
    subscriberOf(target).unregisterFilter(handlerId),

  eventFilters: (_caller, target) => subscriberOf(target).getFilters(),

  eventReceive: (_caller, target) => receiverOf(target).tryReceiveEvent(),

  eventAwait: {
    run(_caller, target) {
      const { hasPendingEvents, pendingCount, isExhausted } = receiverOf(target);
      if (hasPendingEvents) return pendingCount;
      if (isExhausted) throw new EventError("PEER_CLOSED", "no publisher is left");
      return WOULD_BLOCK;
    },
    park: (_caller, entry) => [{
      entry,
      signals: Signals.EVENT_PENDING | Signals.PEER_CLOSED,
      operation: false,
    }],
  },

  eventStatus(_caller, target) {
    const { pendingCount, droppedCount } = receiverOf(target);
    return { pending: pendingCount, dropped: droppedCount };
  },

  eventConfigure({ kernel, task }, config) {
    kernel.events.configure(task, config);
  },

  eventSendDirect({ kernel, task }, target, content, payload, options) {
    requireRight(target, content.type === "processControl" ? "SIGNAL_TASK" : "WRITE");
    kernel.events.sendDirect(task, taskOf(target), content, payload ?? EMPTY_PAYLOAD, options);
  },
};

function stamped(
  { kernel, task }: Caller,
  target: HandleEntry,
  content: EventContent,
  payload: EventPayload | undefined,
  options: PublishOptions | undefined,
) {
  const delivery = channelOf(target).deliveryOf(options?.priority ?? NORMAL);
  return kernel.events.stamp(task, delivery, content, payload ?? EMPTY_PAYLOAD);
}

/** Throws ACCESS_DENIED when the handle lacks a right that only some of a call's uses need. */
export function requireRight(target: HandleEntry, right: "SIGNAL_TASK" | "WRITE"): void {
  if ((target.rights & Rights[right]) !== 0) return;
  throw new KernelError("ACCESS_DENIED", `the right ${right} is missing`);
}
