/**
 * Capabilities: what an object can do, as a bit set that a syscall asks for.
 *
 * An object says what it can do by implementing the interfaces of this folder and setting their
 * bits; a syscall asks for a bit, never for a class.
 *
 * @module
 */
import type { WaitQueue } from "./selectable.ts";
import type { Signals } from "./signals.ts";

/** A bit set of capabilities. */
export type Capabilities = number;

/** The capabilities by name, one bit each. */
export const Capability = Object.freeze({
  /** No capability asked: any object will do. */
  ANY: 0,
  /** `StreamOps` */
  STREAM: 1 << 0,
  /** `StreamIpcOps` */
  STREAM_IPC: 1 << 1,
  /** `PipeObject` */
  PIPE: 1 << 2,
  /** `EventSender` */
  EVENT_SENDER: 1 << 3,
  /** `EventReceiver` */
  EVENT_RECEIVER: 1 << 4,
  /** `EventSubscriber` */
  EVENT_SUBSCRIBER: 1 << 5,
  /** `EventIpcChannelObject` */
  EVENT_CHANNEL: 1 << 6,
  /** `CounterOps` */
  COUNTER: 1 << 7,
  /** `MemoryMappingOps` */
  MEMORY_MAPPING: 1 << 8,
  /** `SharedMemoryObject` */
  SHARED_MEMORY: 1 << 9,
  /** `MessageQueueObject` */
  MESSAGE_QUEUE: 1 << 10,
  /** `SocketObject` */
  SOCKET: 1 << 11,
  /** `ListenerObject` */
  LISTENER: 1 << 12,
  /** `NamespaceObject` */
  NAMESPACE: 1 << 13,
  /** `ControlOps` */
  CONTROL: 1 << 14,
  /** `TaskOps` */
  TASK: 1 << 15,
  /** `GroupOps` */
  GROUP: 1 << 16,
  /** `TimerOps` */
  TIMER: 1 << 17,
  /** `WaitSetOps` */
  WAIT_SET: 1 << 18,
  /** `NetworkOps` */
  NETWORK: 1 << 19,
  /** `DatagramOps` */
  DATAGRAM: 1 << 20,
  /** `PortOps` */
  PORT: 1 << 21,
  /** `SeatOps` */
  SEATS: 1 << 22,
});

/** The names of a capability mask, for messages and the reference page. */
export function describeCapabilities(mask: Capabilities): string {
  const names = Object.entries(Capability)
    .filter(([, bit]) => bit !== 0 && (mask & bit) !== 0)
    .map(([name]) => name.toLowerCase().replaceAll("_", " "));
  return names.length === 0 ? "any" : names.join(", ");
}

/** What a handle can name: every kernel object, seen from the handle table. */
export interface HandleTarget {
  /** Unique and never reused. */
  readonly id: number;
  /** What the object is, in words that messages use: "pipe reader". */
  readonly type: string;
  /** What the object can do. */
  readonly capabilities: Capabilities;
  /** The signals that are up. */
  readonly signals: Signals;
  /** Those who wait on the object. */
  readonly waiters: WaitQueue;
  /** A handle that names the object came into being; `handle` is its identity. */
  handleOpened(handle: object): void;
  /** A handle that named the object is gone; the last one ends the object. */
  handleClosed(handle: object): void;
}

/** Objects that take part in their own duplication. */
export interface CloneOps {
  /** The object that a duplicate of a handle to this one names; usually this one. */
  customClone(): HandleTarget;
}

/** The object that a duplicate of a handle to this one names. */
export function cloneOf(object: HandleTarget): HandleTarget {
  const { customClone } = object as Partial<CloneOps>;
  return customClone === undefined ? object : customClone.call(object);
}
