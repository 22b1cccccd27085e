/**
 * Communication between tasks, on the kernel's side: the objects that handles name, and the
 * interfaces that they implement.
 *
 * Streams are pipes and sockets; events are delivered in four modes (immediate, notification,
 * subscription, group); message queues carry whole messages with handles; counters count, and shared
 * memory is mapped.
 *
 * @example
 * ```ts
 * import { UnidirectionalPipe } from "./mod.ts";
 *
 * const { reader, writer } = new UnidirectionalPipe({ capacity: 16 });
 * writer.tryWrite(new TextEncoder().encode("hello"));
 * const buffer = new Uint8Array(16);
 * console.log(reader.tryRead(buffer)); // 5
 * ```
 *
 * @module
 */
export type { CounterOps } from "../../capabilities/counter_ops.ts";
export { EventError, IpcError, PipeError, StreamError } from "../../capabilities/errors.ts";
export type {
  Event,
  EventContent,
  EventDelivery,
  EventIpcChannelObject,
  EventOps,
  EventPayload,
  EventReceiver,
  EventSender,
  EventSubscriber,
  GroupTarget,
} from "../../capabilities/event_ops.ts";
export type {
  MappingInfo,
  MemoryMappingOps,
  SharedMemoryObject,
} from "../../capabilities/memory_mapping_ops.ts";
export type { MessageQueueObject } from "../../capabilities/message_ops.ts";
export type { SocketObject } from "../../capabilities/socket_ops.ts";
export type { PipeObject, StreamIpcOps, StreamOps } from "../../capabilities/stream_ops.ts";
export { CounterObject } from "./counter.ts";
export { EventChannelObject, EventSubscriptionObject } from "./event_channel.ts";
export { EventManager } from "./event_manager.ts";
export { EventQueue } from "./event_queue.ts";
export { decodeEvent, encodeEvent } from "./event_record.ts";
export { GroupObject } from "./group.ts";
export { PipeEndpoint, UnidirectionalPipe } from "./pipe.ts";
export { SharedMemory } from "./shared_memory.ts";
