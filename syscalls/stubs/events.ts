/**
 * Events as programs hold them: channels, subscriptions, a task's own queue.
 *
 * @module
 */
import type {
  DeliveryConfig,
  DeliveryResult,
  Event,
  EventContent,
  EventFilter,
  EventPayload,
  EventPriority,
  RegisteredFilter,
} from "../../capabilities/event_ops.ts";
import { readField, type WaitOptions } from "../arguments.ts";
import { SYSCALLS } from "../table.ts";
import type { ChannelStatus, PublishOptions, SubscribeOptions } from "../table/events.ts";
import { EventReceiverStub, type EventReceiving } from "./event_receiving.ts";
import { done, doorOf, Handle, prepared, rejecting } from "./handle.ts";
import { adopt, register } from "./registry.ts";

/**
 * The task's own events: what is sent to it directly, through groups, and by the kernel.
 *
 * @example
 * ```ts
 * import { Kernel } from "@carmine/kernel";
 *
 * await using kernel = new Kernel();
 * const child = kernel.init.spawn(async (task) => {
 *   const event = await task.events.receive();
 *   return event.payload;
 * });
 * child.send({ type: "notification", notification: "work" }, { type: "string", value: "now" });
 * console.log(await child.wait()); // { …, value: { type: "string", value: "now" } }
 * ```
 */
export interface TaskEvents extends EventReceiving {
  /**
   * Says how the queue takes events; what is left out stays as it is.
   *
   * @throws {EventError} INVALID_CONFIGURATION for values out of range.
   * @throws {KernelError} LIMIT_EXCEEDED when the buffer is larger than the task's limit allows.
   */
  configureDelivery(config: DeliveryConfig): void;
}

/** The task's own queue, over any door. */
export class TaskEventsStub extends EventReceiverStub implements TaskEvents {
  configureDelivery(config: DeliveryConfig): void {
    this.door.call(SYSCALLS.eventConfigure, config);
  }
}

/**
 * A channel: what is published goes to every subscription. Publishing needs WRITE, subscribing READ.
 *
 * @example
 * ```ts
 * import { Kernel } from "@carmine/kernel";
 *
 * await using kernel = new Kernel();
 * const channel = kernel.init.createEventChannel("prices");
 * const prices = channel.subscribe({ bufferSize: 16, onOverflow: "drop-oldest" });
 * channel.publish(
 *   { type: "message", messageType: 1, category: "CARM" },
 *   { type: "integer", value: 42n },
 * );
 * channel.close();
 * for await (const event of prices) console.log(event.payload); // { type: "integer", value: 42n }
 * ```
 */
export class EventChannel extends Handle {
  /** `name#id`, what events and filters call the channel. It is not authority: handles are. */
  get channelId(): string {
    return this.#status().channelId;
  }

  /** True while a handle to the channel with WRITE is left. */
  get isActive(): boolean {
    return this.#status().isActive;
  }

  /** Subscriptions alive. */
  get subscriberCount(): number {
    return this.#status().subscriberCount;
  }

  /**
   * Hands an event to every subscription that wants it and has room; never waits. Needs WRITE.
   *
   * @returns How many have it, and how many wanted it and were full.
   * @throws {KernelError} ACCESS_DENIED, INVALID_ARGUMENT, OUT_OF_RANGE, LIMIT_EXCEEDED when the
   * payload is more than the sender may have in buffers.
   */
  publish(
    content: EventContent,
    payload?: EventPayload,
    options?: PublishOptions,
  ): DeliveryResult {
    return done(doorOf(this).call(SYSCALLS.eventPublish, this.number, content, payload, options));
  }

  /**
   * As {@linkcode EventChannel.publish}, but full subscriptions with the policy "block" hold it
   * until they have room. A wait that ends early has served the others already.
   *
   * @throws {KernelError} TIMED_OUT, CANCELED, and as `publish`.
   */
  publishAsync(
    content: EventContent,
    payload?: EventPayload,
    options?: WaitOptions & PublishOptions,
  ): Promise<DeliveryResult> {
    return rejecting(() => {
      const syscall = SYSCALLS.eventPublishAll;
      const priority = options === undefined
        ? undefined
        : prepared(syscall, this, () => readField(options, "priority", "options")) as EventPriority;
      return doorOf(this).wait(
        syscall,
        options,
        this.number,
        content,
        payload,
        priority === undefined ? undefined : { priority },
      );
    });
  }

  /**
   * Makes a subscription: events published from now on that its filters let through wait in its
   * queue. Needs READ.
   *
   * @throws {EventError} PEER_CLOSED when no publisher is left, LIMIT_EXCEEDED when the channel
   * takes no more.
   * @throws {KernelError} OUT_OF_RANGE, LIMIT_EXCEEDED when the task may not queue so many events,
   * TOO_MANY_HANDLES.
   */
  subscribe(options?: SubscribeOptions): EventSubscription {
    const door = doorOf(this);
    const number = done(door.call(SYSCALLS.eventSubscribe, this.number, options));
    return adopt(door, number) as EventSubscription; // what the syscall makes
  }

  #status(): ChannelStatus {
    return done(doorOf(this).call(SYSCALLS.eventChannelStatus, this.number));
  }
}

/**
 * A subscription to a channel, with a bounded queue and filters of its own. Receiving needs READ.
 *
 * @example
 * ```ts
 * import { Kernel } from "@carmine/kernel";
 *
 * await using kernel = new Kernel();
 * const channel = kernel.init.createEventChannel("jobs");
 * const mine = channel.subscribe({
 *   filters: [{ type: "eventId", eventId: 7 }],
 * });
 * channel.publish({ type: "custom", namespace: "job", eventId: 6 });
 * channel.publish({ type: "custom", namespace: "job", eventId: 7 });
 * console.log(mine.pending, (await mine.receive()).metadata.sender); // 1 1
 * ```
 */
export class EventSubscription extends Handle implements EventReceiving {
  #made: EventReceiverStub | undefined = undefined;

  /** Waits for an event and takes it. See {@linkcode EventReceiving.receive}. */
  receive(options?: WaitOptions): Promise<Event> {
    return this.#receiver.receive(options);
  }

  /** As {@linkcode EventSubscription.receive}, but blocks the thread. Only in workers. */
  receiveSync(options?: WaitOptions): Event {
    return this.#receiver.receiveSync(options);
  }

  /** Takes an event that is there; undefined when none is. */
  tryReceive(): Event | undefined {
    return this.#receiver.tryReceive();
  }

  /** Events in the queue. */
  get pending(): number {
    return this.#receiver.pending;
  }

  /** Events that this subscription wanted and lost: it was full, or a predicate threw. */
  get dropped(): number {
    return this.#receiver.dropped;
  }

  /** Adds a filter. See {@linkcode EventReceiving.registerFilter}. */
  registerFilter(filter: EventFilter, handlerId: number): void {
    this.#receiver.registerFilter(filter, handlerId);
  }

  /** Takes a filter away; those given to `subscribe` have the ids -1, -2, … */
  unregisterFilter(handlerId: number): boolean {
    return this.#receiver.unregisterFilter(handlerId);
  }

  /** The filters, those given to `subscribe` first. */
  getFilters(): RegisteredFilter[] {
    return this.#receiver.getFilters();
  }

  /** Calls a function with every event. See {@linkcode EventReceiving.onEvent}. */
  onEvent(handler: (event: Event) => void): () => void {
    return this.#receiver.onEvent(handler);
  }

  /** The events one by one, until no publisher is left. Leaving early keeps the handle open. */
  [Symbol.asyncIterator](): AsyncIterator<Event> {
    return this.#receiver[Symbol.asyncIterator]();
  }

  get #receiver(): EventReceiverStub {
    return this.#made ??= new EventReceiverStub(doorOf(this), this.number);
  }
}

register("event channel", EventChannel);
register("event subscription", EventSubscription);
