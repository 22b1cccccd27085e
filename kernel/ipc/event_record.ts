/**
 * Events as bytes: what reading an event queue as a stream gives, one record a read.
 *
 * All numbers are little-endian. The layout is part of the ABI; docs/events.md has it as a table.
 *
 *     offset  size  field
 *          0     4  length of the whole record in bytes
 *          4     1  version, 1
 *          5     1  delivery: 0 direct, 1 channel, 2 group, 3 broadcast
 *          6     1  priority, 1 … 4
 *          7     1  flags: bit 0 reliable
 *          8     8  event id
 *         16     8  sender's task id, 0 for the kernel
 *         24     8  timestamp in milliseconds, a float64
 *         32     1  content: 0 processControl, 1 message, 2 notification, 3 custom
 *         33     1  payload: 0 empty, 1 integer, 2 bytes, 3 string, 4 custom
 *         34     1  group: 0 taskGroup, 1 session, 2 custom, 3 allTasks; 0 where there is none
 *         35     1  process control: its place in PROCESS_CONTROLS, 255 for user; 0 where none
 *         36     4  zero
 *         40     8  content's number: messageType, custom eventId, user control; 0 where none
 *         48     8  target: task id (direct), group id (taskGroup, session); 0 where none
 *         56   4+n  channelId or group's name, its length in bytes first; UTF-8
 *            4+n    category, notification or namespace, likewise
 *            4+n    payload, likewise: an integer takes 8 bytes
 *
 * @module
 */
import { EventError } from "../../capabilities/errors.ts";
import {
  type Event,
  type EventContent,
  type EventDelivery,
  type EventPayload,
  type EventPriority,
  type GroupTarget,
  PROCESS_CONTROLS,
} from "../../capabilities/event_ops.ts";

const VERSION = 1;
const HEADER_BYTES = 56;
const USER_CONTROL = 255;

const DELIVERIES = ["direct", "channel", "group", "broadcast"] as const;
const CONTENTS = ["processControl", "message", "notification", "custom"] as const;
const PAYLOADS = ["empty", "integer", "bytes", "string", "custom"] as const;
const GROUPS = ["taskGroup", "session", "custom", "allTasks"] as const;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The event as one record. */
export function encodeEvent(event: Event): Uint8Array<ArrayBuffer> {
  const { delivery, content, payload, metadata } = event;
  const parts = [
    encoder.encode(placeOf(delivery)),
    encoder.encode(wordsOf(content)),
    bytesOf(payload),
  ];
  const length = parts.reduce((sum, part) => sum + 4 + part.length, HEADER_BYTES);
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, length, true);
  bytes[4] = VERSION;
  bytes[5] = DELIVERIES.indexOf(delivery.type);
  bytes[6] = metadata.priority;
  bytes[7] = "reliable" in delivery && delivery.reliable ? 1 : 0;
  view.setBigUint64(8, BigInt(metadata.eventId), true);
  view.setBigUint64(16, BigInt(metadata.sender), true);
  view.setFloat64(24, metadata.timestampMs, true);
  bytes[32] = CONTENTS.indexOf(content.type);
  bytes[33] = PAYLOADS.indexOf(payload.type);
  bytes[34] = delivery.type === "group" ? GROUPS.indexOf(delivery.target.type) : 0;
  bytes[35] = controlCode(content);
  view.setBigInt64(40, BigInt(numberOf(content)), true);
  view.setBigUint64(48, BigInt(targetOf(delivery)), true);
  let offset = HEADER_BYTES;
  for (const part of parts) {
    view.setUint32(offset, part.length, true);
    bytes.set(part, offset + 4);
    offset += 4 + part.length;
  }
  return bytes;
}

/**
 * The event that an encoded record holds, as it was before.
 *
 * @param bytes One whole record, as a read of an event queue gives it.
 * @returns The event, frozen.
 * @throws {EventError} INVALID_ARGUMENT when it is no record.
 *
 * @example
 * ```ts
 * import { decodeEvent, Kernel } from "@carmine/kernel";
 *
 * await using kernel = new Kernel();
 * const channel = kernel.init.createEventChannel("news");
 * const news = channel.subscribe();
 * channel.publish({ type: "notification", notification: "hello" });
 * const buffer = new Uint8Array(1024);
 * const length = await kernel.init.syscall(200, news.number, buffer) as number; // stream_read
 * console.log(decodeEvent(buffer.subarray(0, length)).content); // { type: "notification", … }
 * ```
 */
export function decodeEvent(bytes: Uint8Array): Event {
  try {
    return decode(new Uint8Array(bytes));
  } catch (cause) {
    if (cause instanceof EventError) throw cause;
    throw malformed("it can't be read", cause);
  }
}

function decode(bytes: Uint8Array<ArrayBuffer>): Event {
  if (bytes.length < HEADER_BYTES) throw malformed("it is too short");
  const view = new DataView(bytes.buffer);
  if (view.getUint32(0, true) !== bytes.length) throw malformed("its length is another");
  if (bytes[4] !== VERSION) throw malformed(`its version is ${bytes[4]}`);
  const priority = at([1, 2, 3, 4] as const, (bytes[6] as number) - 1);
  const parts = readParts(bytes, view);
  const metadata = Object.freeze({
    eventId: safe(view.getBigUint64(8, true)),
    sender: safe(view.getBigUint64(16, true)),
    timestampMs: view.getFloat64(24, true),
    priority,
  });
  const delivery = decodeDelivery(view, priority, decoder.decode(parts[0]));
  const content = decodeContent(view, decoder.decode(parts[1]));
  const payload = decodePayload(view, parts[2]);
  return Object.freeze({
    delivery: Object.freeze(delivery),
    content: Object.freeze(content),
    payload: Object.freeze(payload),
    metadata,
  });
}

/** The three parts of varying length, which end where the record does. */
function readParts(
  bytes: Uint8Array<ArrayBuffer>,
  view: DataView,
): [Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>] {
  let offset = HEADER_BYTES;
  const next = (): Uint8Array<ArrayBuffer> => {
    const end = offset + 4 + view.getUint32(offset, true);
    if (end > bytes.length) throw malformed("a part reaches beyond its end");
    const part = bytes.slice(offset + 4, end);
    offset = end;
    return part;
  };
  const parts: ReturnType<typeof readParts> = [next(), next(), next()];
  if (offset !== bytes.length) throw malformed("it has more bytes than parts");
  return parts;
}

function decodeDelivery(view: DataView, priority: EventPriority, place: string): EventDelivery {
  const reliable = (view.getUint8(7) & 1) !== 0;
  const type = at(DELIVERIES, view.getUint8(5));
  const id = safe(view.getBigUint64(48, true));
  switch (type) {
    case "direct":
      return { type, target: id, priority, reliable };
    case "channel":
      return { type, channelId: place, priority };
    case "group":
      return {
        type,
        target: Object.freeze(decodeGroup(at(GROUPS, view.getUint8(34)), id, place)),
        priority,
        reliable,
      };
    case "broadcast":
      return { type, priority, reliable };
    default:
      return type satisfies never;
  }
}

function decodeGroup(type: GroupTarget["type"], id: number, name: string): GroupTarget {
  if (type === "custom") return { type, name };
  return type === "allTasks" ? { type } : { type, id };
}

function decodeContent(view: DataView, words: string): EventContent {
  const type = at(CONTENTS, view.getUint8(32));
  const number = safe(view.getBigInt64(40, true));
  switch (type) {
    case "processControl": {
      const code = view.getUint8(35);
      if (code === USER_CONTROL) return { type, control: Object.freeze({ user: number }) };
      return { type, control: at(PROCESS_CONTROLS, code) };
    }
    case "message":
      return { type, messageType: number, category: words };
    case "notification":
      return { type, notification: words };
    case "custom":
      return { type, namespace: words, eventId: number };
    default:
      return type satisfies never;
  }
}

function decodePayload(view: DataView, bytes: Uint8Array<ArrayBuffer>): EventPayload {
  const type = at(PAYLOADS, view.getUint8(33));
  switch (type) {
    case "empty":
      return { type };
    case "integer":
      return { type, value: new DataView(bytes.buffer).getBigInt64(0, true) };
    case "string":
      return { type, value: decoder.decode(bytes) };
    case "bytes":
    case "custom":
      return { type, value: bytes };
    default:
      return type satisfies never;
  }
}

/** The name of where an event was sent, where it has one. */
function placeOf(delivery: EventDelivery): string {
  if (delivery.type === "channel") return delivery.channelId;
  const isNamed = delivery.type === "group" && delivery.target.type === "custom";
  return isNamed ? (delivery.target as { name: string }).name : "";
}

function targetOf(delivery: EventDelivery): number {
  if (delivery.type === "direct") return delivery.target;
  return delivery.type === "group" && "id" in delivery.target ? delivery.target.id : 0;
}

function wordsOf(content: EventContent): string {
  switch (content.type) {
    case "processControl":
      return "";
    case "message":
      return content.category;
    case "notification":
      return content.notification;
    case "custom":
      return content.namespace;
    default:
      return content satisfies never;
  }
}

function numberOf(content: EventContent): number {
  if (content.type === "message") return content.messageType;
  if (content.type === "custom") return content.eventId;
  const isUser = content.type === "processControl" && typeof content.control === "object";
  return isUser ? (content.control as { user: number }).user : 0;
}

function controlCode(content: EventContent): number {
  if (content.type !== "processControl") return 0;
  const { control } = content;
  return typeof control === "string" ? PROCESS_CONTROLS.indexOf(control) : USER_CONTROL;
}

function bytesOf(payload: EventPayload): Uint8Array {
  switch (payload.type) {
    case "empty":
      return new Uint8Array();
    case "integer": {
      const bytes = new Uint8Array(8);
      new DataView(bytes.buffer).setBigInt64(0, payload.value, true);
      return bytes;
    }
    case "string":
      return encoder.encode(payload.value);
    case "bytes":
    case "custom":
      return payload.value;
    default:
      return payload satisfies never;
  }
}

function at<T>(choices: readonly T[], index: number): T {
  const choice = choices[index];
  if (choice === undefined) throw malformed(`a code of ${index} is unknown`);
  return choice;
}

function safe(value: bigint): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw malformed("a number is too large");
  return number;
}

function malformed(why: string, cause?: unknown): EventError {
  return new EventError(
    "INVALID_ARGUMENT",
    `Cannot decode an event's record: ${why}`,
    { cause },
  );
}
