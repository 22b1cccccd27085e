/**
 * Checks of what events are made of: content, payload, filters, delivery configuration. Each value
 * is read once and copied; what comes out is frozen and has nothing of the caller's in it.
 *
 * @module
 */
import { EventError, KernelError } from "../../capabilities/errors.ts";
import {
  type DeliveryConfig,
  type EventContent,
  type EventFilter,
  type EventPayload,
  type FailurePolicy,
  PROCESS_CONTROLS,
  type ProcessControl,
} from "../../capabilities/event_ops.ts";
import { type ArgumentSpec, custom, optional } from "../argument_kinds.ts";
import {
  byteLengthOf,
  checkBuffer,
  describe,
  invalid,
  readArray,
  readField,
  requireLength,
} from "../arguments.ts";

/** Most characters of a category, notification or namespace. */
const MOST_WORDS = 4_096;
/** Most bytes of a payload, or characters of a string. */
const MOST_PAYLOAD = 2 ** 24;
/** Most filters that a subscribe takes. */
const MOST_FILTERS = 256;
/** Most events that a task's own queue can be told to hold. */
const MOST_BUFFER_SIZE = 2 ** 20;
/** Most retries: each doubles the wait. */
const MOST_RETRIES = 32;

const EVENT_TYPES: readonly string[] = [
  "direct",
  "channel",
  "group",
  "broadcast",
  "processControl",
  "message",
  "notification",
  "custom",
];
const FAILURE_POLICIES: readonly FailurePolicy[] = ["ignore", "log", "notifySender", "systemEvent"];

const EMPTY: EventPayload = Object.freeze({ type: "empty" });

/** What an event is about. */
export function eventContent(name: string): ArgumentSpec {
  return custom(name, "event content", content);
}

/** An event's data; left out, it is empty. */
export function eventPayload(name: string): ArgumentSpec {
  return custom(name, "event payload, optional", payload);
}

/** One filter. */
export function eventFilter(name: string): ArgumentSpec {
  return custom(name, "event filter", filter);
}

/** Filters, or none. */
export function eventFilters(name: string): ArgumentSpec {
  return optional(
    custom(
      name,
      "event filters",
      (given, name) =>
        readArray(given, name, MOST_FILTERS).map((each, i) => filter(each, `${name}[${i}]`)),
    ),
  );
}

/** How a queue takes events. */
export function deliveryConfig(name: string): ArgumentSpec {
  return custom(name, "delivery configuration", config);
}

function content(given: unknown, name: string): EventContent {
  const type = readField(given, "type", name);
  switch (type) {
    case "processControl":
      return Object.freeze({ type, control: control(readField(given, "control", name), name) });
    case "message":
      return Object.freeze({
        type,
        messageType: whole(given, "messageType", name),
        category: words(given, "category", name),
      });
    case "notification":
      return Object.freeze({
        type,
        notification: words(given, "notification", name),
      });
    case "custom":
      return Object.freeze({
        type,
        namespace: words(given, "namespace", name),
        eventId: whole(given, "eventId", name),
      });
    default:
      throw invalid(`${name}.type`, "a type of event content", type);
  }
}

function control(given: unknown, name: string): ProcessControl {
  if (typeof given === "object" && given !== null) {
    return Object.freeze({ user: whole(given, "user", `${name}.control`) });
  }
  const known = PROCESS_CONTROLS.find((control) => control === given);
  if (known === undefined) throw invalid(`${name}.control`, "a process control", given);
  return known;
}

function payload(given: unknown, name: string): EventPayload {
  if (given === undefined) return EMPTY;
  const type = readField(given, "type", name);
  if (type === "empty") return EMPTY;
  const value = type === "integer" || type === "bytes" || type === "string" || type === "custom"
    ? readField(given, "value", name)
    : undefined;
  switch (type) {
    case "integer":
      if (typeof value !== "bigint") throw invalid(`${name}.value`, "a bigint", value);
      if (BigInt.asIntN(64, value) !== value) {
        throw new KernelError("OUT_OF_RANGE", `${name}.value doesn't fit 64 bits`);
      }
      return Object.freeze({ type, value });
    case "bytes":
    case "custom": {
      const bytes = checkBuffer(value, `${name}.value`);
      requireLength(byteLengthOf(bytes), `${name}.value`, "bytes", MOST_PAYLOAD);
      return Object.freeze({ type, value: new Uint8Array(bytes) });
    }
    case "string":
      if (typeof value !== "string") throw invalid(`${name}.value`, "a string", value);
      requireLength(value.length, `${name}.value`, "characters", MOST_PAYLOAD);
      return Object.freeze({ type, value });
    default:
      throw invalid(`${name}.type`, "a type of payload", type);
  }
}

function filter(given: unknown, name: string): EventFilter {
  const type = readField(given, "type", name);
  switch (type) {
    case "all":
      return Object.freeze({ type });
    case "eventType": {
      const eventType = readField(given, "eventType", name);
      if (typeof eventType !== "string" || !EVENT_TYPES.includes(eventType)) {
        throw invalid(`${name}.eventType`, "a type of delivery or content", eventType);
      }
      return Object.freeze({ type, eventType } as EventFilter);
    }
    case "eventId":
      return Object.freeze({
        type,
        eventId: whole(given, type, name),
      });
    case "sender":
      return Object.freeze({
        type,
        sender: whole(given, type, name),
      });
    case "channel":
      return Object.freeze({
        type,
        channel: words(given, type, name),
      });
    case "custom": {
      const predicate = readField(given, "predicate", name);
      if (typeof predicate !== "function") {
        throw invalid(`${name}.predicate`, "a function", predicate);
      }
      return Object.freeze({ type, predicate: predicate as (event: unknown) => boolean });
    }
    default:
      throw invalid(`${name}.type`, "a type of filter", type);
  }
}

function config(given: unknown, name: string): DeliveryConfig {
  const bufferSize = readField(given, "bufferSize", name);
  const timeoutMs = readField(given, "timeoutMs", name);
  const retryCount = readField(given, "retryCount", name);
  const failurePolicy = readField(given, "failurePolicy", name);
  requireNumber(bufferSize, `${name}.bufferSize`, 1, MOST_BUFFER_SIZE, Number.isSafeInteger);
  requireNumber(timeoutMs, `${name}.timeoutMs`, 0, Infinity, () => true);
  requireNumber(retryCount, `${name}.retryCount`, 0, MOST_RETRIES, Number.isSafeInteger);
  if (failurePolicy !== undefined && !FAILURE_POLICIES.includes(failurePolicy as FailurePolicy)) {
    throw misconfigured(
      `${name}.failurePolicy`,
      `one of ${FAILURE_POLICIES.join(", ")}`,
      failurePolicy,
    );
  }
  return {
    ...(bufferSize === undefined ? {} : { bufferSize: bufferSize as number }),
    ...(timeoutMs === undefined ? {} : { timeoutMs: timeoutMs as number }),
    ...(retryCount === undefined ? {} : { retryCount: retryCount as number }),
    ...(failurePolicy === undefined ? {} : { failurePolicy: failurePolicy as FailurePolicy }),
  };
}

function requireNumber(
  given: unknown,
  name: string,
  least: number,
  most: number,
  isKind: (value: number) => boolean,
): void {
  if (given === undefined) return;
  const isNumber = typeof given === "number" && given >= least && given <= most && isKind(given);
  if (!isNumber) throw misconfigured(name, `a number ${least} … ${most}`, given);
}

/** A field that is an integer. */
function whole(from: unknown, field: string, name: string): number {
  const given = readField(from, field, name);
  if (typeof given === "number" && Number.isSafeInteger(given)) return given + 0; // -0 is 0
  throw invalid(`${name}.${field}`, "an integer", given);
}

/** A field that is a short string. */
function words(from: unknown, field: string, name: string): string {
  const given = readField(from, field, name);
  if (typeof given !== "string") throw invalid(`${name}.${field}`, "a string", given);
  if (given.length > MOST_WORDS) {
    requireLength(given.length, `${name}.${field}`, "characters", MOST_WORDS);
  }
  return given;
}

function misconfigured(name: string, expected: string, given: unknown): EventError {
  return new EventError(
    "INVALID_CONFIGURATION",
    `${name} must be ${expected}, not ${describe(given)}`,
  );
}
