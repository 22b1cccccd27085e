/**
 * Event channels: what is published goes to every subscription, each with its own bounded queue.
 *
 * Invariants:
 * - a channel is active while a handle with WRITE names it, and never again after that;
 * - `subscriptions` are those with a handle left, in the order they were made;
 * - a publish under way serves the subscriptions that were there when it began and are left;
 * - a publish that is held keeps its event, and is charged for it, until it is finished or given up.
 *
 * @module
 */
import { Capability } from "../../capabilities/capability.ts";
import { EventError } from "../../capabilities/errors.ts";
import type {
  DeliveryResult,
  EventDelivery,
  EventFilter,
  EventIpcChannelObject,
  EventPriority,
  OverflowPolicy,
} from "../../capabilities/event_ops.ts";
import { Rights } from "../../capabilities/rights.ts";
import { Signals } from "../../capabilities/signals.ts";
import { KernelObject } from "../kernel_object.ts";
import type { EventRecord } from "./event.ts";
import { DEFAULT_BUFFER_SIZE, EventReceiverObject, Offer } from "./event_receiver.ts";

/** Subscriptions that a channel takes unless it is told otherwise. */
const DEFAULT_MAX_SUBSCRIBERS = 65_536;

/** How to subscribe. */
export interface SubscriptionSettings {
  readonly bufferSize?: number;
  readonly filters?: readonly EventFilter[];
  readonly onOverflow?: OverflowPolicy;
}

/** A publish that waits for subscriptions with the policy "block". */
export interface BlockedPublish extends DeliveryResult {
  readonly record: EventRecord;
  /** Subscriptions that want the event and had no room yet; the record is retained while any is. */
  waitsFor: readonly EventSubscriptionObject[];
}

/** One channel. */
export class EventChannelObject extends KernelObject implements EventIpcChannelObject {
  readonly type = "event channel";
  readonly capabilities: number = Capability.EVENT_SENDER | Capability.EVENT_CHANNEL;
  readonly channelId: string;
  readonly maxSubscribers: number;
  /** What events of the channel say of their delivery, by priority; made when first needed. */
  readonly #deliveries: EventDelivery[] = [];
  readonly #subscriptions: Set<EventSubscriptionObject> = new Set();
  /** The same as an array that is never changed; undefined from a change on until it is needed. */
  #snapshot: readonly EventSubscriptionObject[] | undefined = undefined;
  /** Open and in-flight handles with WRITE. */
  #publishers = 0;

  constructor(name: string, maxSubscribers: number = DEFAULT_MAX_SUBSCRIBERS) {
    super();
    this.channelId = `${name}#${this.id}`;
    this.maxSubscribers = maxSubscribers;
  }

  get isActive(): boolean {
    return this.#publishers > 0;
  }

  get subscriberCount(): number {
    return this.#subscriptions.size;
  }

  override handleOpened(handle: object): void {
    super.handleOpened(handle);
    if (canPublish(handle)) this.#publishers++;
  }

  override handleClosed(handle: object): void {
    if (canPublish(handle) && --this.#publishers === 0) this.#tellEnd();
    super.handleClosed(handle);
  }

  /** What events of this priority say of their delivery: one object for all of them. */
  deliveryOf(priority: EventPriority): EventDelivery {
    const { channelId } = this;
    return this.#deliveries[priority] ??= Object.freeze({ type: "channel", channelId, priority });
  }

  /**
   * Makes a subscription.
   *
   * @throws {EventError} PEER_CLOSED when no publisher is left, LIMIT_EXCEEDED when the channel has
   * as many subscriptions as it takes, ALREADY_EXISTS.
   */
  subscribe(settings: SubscriptionSettings = {}): EventSubscriptionObject {
    if (!this.isActive) throw new EventError("PEER_CLOSED", "no publisher is left");
    if (this.#subscriptions.size >= this.maxSubscribers) {
      throw new EventError(
        "LIMIT_EXCEEDED",
        `it has ${this.maxSubscribers} subscriptions, the most it takes`,
      );
    }
    const subscription = new EventSubscriptionObject(this, settings);
    this.#subscriptions.add(subscription);
    this.#snapshot = undefined;
    return subscription;
  }

  /** A subscription has ended: whoever waited for room in it doesn't any more. */
  leave(subscription: EventSubscriptionObject): void {
    this.#subscriptions.delete(subscription);
    this.#snapshot = undefined;
    this.waiters.wake();
  }

  /** Hands the event to every subscription that wants it and has room. */
  sendEvent(record: EventRecord): DeliveryResult {
    let delivered = 0;
    let dropped = 0;
    const subscriptions = this.#listed();
    // Held until all have been served: what the payload costs is charged once, before any effect.
    record.retain();
    try {
      for (let i = 0; i < subscriptions.length; i++) {
        const result = (subscriptions[i] as EventSubscriptionObject).offer(record);
        if (result === Offer.TAKEN) delivered++;
        else if (result === Offer.DROPPED) dropped++;
      }
    } finally {
      record.release();
    }
    return { delivered, dropped };
  }

  /**
   * As `sendEvent`, but remembers the full subscriptions that hold their publishers. The caller goes
   * on with a publish that has some, or gives it up.
   */
  beginPublish(record: EventRecord): BlockedPublish {
    const waitsFor: EventSubscriptionObject[] = [];
    const publish: BlockedPublish = { record, delivered: 0, dropped: 0, waitsFor };
    const subscriptions = this.#listed();
    let isHeld = false;
    record.retain();
    try {
      for (const subscription of subscriptions) {
        const isPatient = subscription.overflow === "block";
        const result = isPatient ? subscription.tryOffer(record) : subscription.offer(record);
        if (result === Offer.FULL) waitsFor.push(subscription);
        else count(result, publish);
      }
      isHeld = waitsFor.length > 0;
    } finally {
      if (!isHeld) record.release();
    }
    return publish;
  }

  /** Goes on with a publish that was held. */
  continuePublish(publish: BlockedPublish): void {
    publish.waitsFor = publish.waitsFor.filter((subscription) => {
      const result = subscription.take(publish.record);
      count(result, publish);
      return result === Offer.FULL;
    });
    if (publish.waitsFor.length === 0) publish.record.release();
  }

  /** Gives a publish that was held up: those it waits for don't get the event. */
  abandonPublish(publish: BlockedPublish): void {
    if (publish.waitsFor.length === 0) return;
    publish.waitsFor = [];
    publish.record.release();
  }

  /** A full subscription has room again: whoever was held goes on, in order of arrival. */
  roomMade(): void {
    this.waiters.wake();
  }

  /** A publish is always possible; what `publishAsync` waits for is known to itself alone. */
  protected ownSignals(): number {
    return Signals.WRITABLE;
  }

  override assertInvariants(): void {
    super.assertInvariants();
    if (this.#publishers < 0 || this.#publishers > this.handleCount) {
      throw new Error("the count of publishers is off");
    }
    for (const subscription of this.#subscriptions) {
      if (subscription.isClosed) throw new Error("a closed subscription is still served");
      subscription.assertInvariants();
    }
  }

  #tellEnd(): void {
    for (const subscription of this.#listed()) subscription.waiters.wake();
  }

  /** The subscriptions as they are now; what a filter's predicate changes, a walk doesn't see. */
  #listed(): readonly EventSubscriptionObject[] {
    return this.#snapshot ??= [...this.#subscriptions];
  }
}

/** One subscription: its queue, and the channel that fills it. */
export class EventSubscriptionObject extends EventReceiverObject {
  readonly type = "event subscription";
  readonly channel: EventChannelObject;

  constructor(channel: EventChannelObject, settings: SubscriptionSettings) {
    super(settings.bufferSize ?? DEFAULT_BUFFER_SIZE, settings.onOverflow ?? "drop-newest");
    this.channel = channel;
    settings.filters?.forEach((filter, i) => this.filters.add(filter, -1 - i));
  }

  override get isExhausted(): boolean {
    return !this.channel.isActive && !this.hasPendingEvents;
  }

  protected override roomMade(): void {
    if (this.overflow === "block") this.channel.roomMade();
  }

  protected override onLastHandleClosed(): void {
    super.onLastHandleClosed();
    this.channel.leave(this);
  }

  protected override ownSignals(): number {
    if (this.channel.isActive) return super.ownSignals();
    return super.ownSignals() | Signals.READABLE | Signals.PEER_CLOSED;
  }
}

function count(result: number, publish: DeliveryResult): void {
  if (result === Offer.TAKEN) publish.delivered++;
  else if (result === Offer.DROPPED) publish.dropped++;
}

function canPublish(handle: object): boolean {
  return "rights" in handle && ((handle.rights as Rights) & Rights.WRITE) !== 0;
}
