/**
 * The filters of one receiver.
 *
 * Invariants: no two filters have the same handler id; without filters every event is taken, with
 * some those that any of them matches.
 *
 * @module
 */
import { EventError } from "../../capabilities/errors.ts";
import type { Event, EventFilter, RegisteredFilter } from "../../capabilities/event_ops.ts";
import type { EventRecord } from "./event.ts";

/** Most filters that one receiver has: each is tried on every event, at the sender's cost. */
const MAX_FILTERS = 256;

/** Characters that they have together: a receiver isn't charged for them. */
const MAX_FILTER_CHARACTERS = 16_384;

/**
 * How deep predicates may call each other: one that sends events runs those of whoever receives
 * them. Without a bound, a filter that publishes to its own channel would take the whole stack, and
 * two would never end.
 */
const MOST_NESTED = 3;

/** Predicates that run now, in all queues of the isolate. */
let nested = 0;

/** What filters make of an event. */
export type Verdict = "wanted" | "unwanted" | "failed";

/** Which events a receiver takes. */
export class EventFilters {
  readonly #filters: Map<number, EventFilter> = new Map();
  /** Characters of all of them. */
  #characters = 0;

  /** How many there are. */
  get size(): number {
    return this.#filters.size;
  }

  /**
   * Adds a filter.
   *
   * @throws {EventError} ALREADY_EXISTS when the handler id has one, LIMIT_EXCEEDED.
   */
  add(filter: EventFilter, handlerId: number): void {
    if (this.#filters.has(handlerId)) {
      throw new EventError("ALREADY_EXISTS", `handler ${handlerId} has a filter already`);
    }
    if (this.#filters.size >= MAX_FILTERS) {
      throw new EventError(
        "LIMIT_EXCEEDED",
        `it has ${MAX_FILTERS} filters, the most there may be`,
      );
    }
    const characters = charactersOf(filter);
    if (this.#characters + characters > MAX_FILTER_CHARACTERS) {
      const most = `${MAX_FILTER_CHARACTERS} characters, the most there may be`;
      throw new EventError("LIMIT_EXCEEDED", `its filters have over ${most}`);
    }
    this.#characters += characters;
    this.#filters.set(handlerId, filter);
  }

  /** Takes a filter away; false when there was none. */
  remove(handlerId: number): boolean {
    const filter = this.#filters.get(handlerId);
    if (filter === undefined) return false;
    this.#characters -= charactersOf(filter);
    return this.#filters.delete(handlerId);
  }

  /** The filters, in the order they were added. */
  list(): RegisteredFilter[] {
    return [...this.#filters].map(([handlerId, filter]) => ({ handlerId, filter }));
  }

  /** True when a filter asks for exactly this type: then its holder deals with such events. */
  asksForType(eventType: string): boolean {
    for (const filter of this.#filters.values()) {
      if (filter.type === "eventType" && filter.eventType === eventType) return true;
    }
    return false;
  }

  /** Whether the event is wanted; "failed" when only predicates that failed could tell. */
  judge(record: EventRecord): Verdict {
    if (this.#filters.size === 0) return "wanted";
    let verdict: Verdict = "unwanted";
    for (const filter of this.#filters.values()) {
      try {
        if (matches(filter, record)) return "wanted";
      } catch {
        // A predicate is the receiver's code: its fault is no sender's, and the event counts as
        // dropped rather than vanish.
        verdict = "failed";
      }
    }
    return verdict;
  }
}

function charactersOf(filter: EventFilter): number {
  return filter.type === "channel" ? filter.channel.length : 0;
}

function matches(filter: EventFilter, record: EventRecord): boolean {
  const { content, delivery, metadata } = record;
  switch (filter.type) {
    case "all":
      return true;
    case "eventType":
      return delivery.type === filter.eventType || content.type === filter.eventType;
    case "eventId":
      return content.type === "custom" && content.eventId === filter.eventId;
    case "channel":
      return delivery.type === "channel" && delivery.channelId === filter.channel;
    case "sender":
      return metadata.sender === filter.sender;
    case "custom":
      return satisfiesPredicate(filter, record.toEvent());
    default:
      return filter satisfies never;
  }
}

/** What a predicate says of the event; throws what it throws. */
function satisfiesPredicate(filter: EventFilter & { type: "custom" }, event: Event): boolean {
  if (nested >= MOST_NESTED) throw new EventError("INVALID_STATE", "predicates call each other");
  // The bare function, so that a call of it doesn't hand out the filter as `this`.
  const { predicate } = filter;
  nested++;
  try {
    return Boolean(predicate(event));
  } finally {
    nested--;
  }
}
