/**
 * Carmine: a capability microkernel.
 *
 * Programs ("tasks") hold *handles*; a handle names a kernel object together with a rights mask;
 * every operation goes through one syscall layer that checks the handle, what the object can do,
 * and the rights. A task that was given no handle can reach nothing.
 *
 * @example
 * ```ts
 * import { Kernel, PipeReader } from "@carmine/kernel";
 *
 * await using kernel = new Kernel();
 * const { reader, writer } = kernel.init.createPipe();
 * const child = kernel.init.spawn(async (task) => {
 *   const input = task.handle("input", PipeReader);
 *   const buffer = new Uint8Array(4096);
 *   const length = await input.read(buffer);
 *   return new TextDecoder().decode(buffer.subarray(0, length));
 * }, { handles: { input: reader } });
 * await writer.write(new TextEncoder().encode("hello"));
 * console.log(await child.wait()); // { state: "exited", code: 0, value: "hello" }
 * ```
 *
 * @module
 */
export { Kernel, type KernelOptions, type NetworkOptions, type TaskInfo } from "./boot.ts";
export {
  CounterCommand,
  type CounterCommandTable,
  type CounterOps,
} from "./capabilities/counter_ops.ts";
export {
  codeOfErrno,
  ERRNO,
  errnoOf,
  type ErrorCode,
  EventError,
  type EventErrorCode,
  IpcError,
  type IpcErrorCode,
  KernelError,
  type KernelErrorDetails,
  PipeError,
  type PipeErrorCode,
  StreamError,
  type StreamErrorCode,
} from "./capabilities/errors.ts";
export {
  type DeliveryConfig,
  type DeliveryResult,
  type Event,
  type EventContent,
  type EventDelivery,
  type EventFilter,
  type EventIpcChannelObject,
  type EventMetadata,
  type EventOps,
  type EventPayload,
  EventPriority,
  type EventPriorityTable,
  type EventReceiver,
  type EventSender,
  type EventSubscriber,
  type FailurePolicy,
  type GroupOps,
  type GroupTarget,
  type OverflowPolicy,
  type ProcessControl,
  type RegisteredFilter,
} from "./capabilities/event_ops.ts";
export type { AccessMode, HandleInfo, HandleRole } from "./capabilities/handle.ts";
export { DEFAULT_LIMITS, type Limits } from "./capabilities/limits.ts";
export { describeRights, Rights, type RightsTable } from "./capabilities/rights.ts";
export { Signals, type SignalsTable } from "./capabilities/signals.ts";
export type {
  MappingInfo,
  MemoryMappingOps,
  SharedMemoryObject,
} from "./capabilities/memory_mapping_ops.ts";
export type {
  HandleArrival,
  MessageAccount,
  MessageParty,
  MessageQueueObject,
  OutgoingMessage,
  ReceivedMessage,
} from "./capabilities/message_ops.ts";
export type { ReadyMember, WaitSetKey } from "./capabilities/wait_set_ops.ts";
export type { TimerOps, TimerSettings } from "./capabilities/timer_ops.ts";
export type { NetworkAddress, PortOps, ReceivedDatagram } from "./capabilities/network_ops.ts";
export type {
  OutgoingSocketMessage,
  ReceivedSocketMessage,
  ShutdownHow,
  SocketObject,
  SocketType,
} from "./capabilities/socket_ops.ts";
export type { PipeObject, StreamIpcOps, StreamOps, WouldBlock } from "./capabilities/stream_ops.ts";
export type { ExitStatus, TaskOps, TaskState } from "./capabilities/task_ops.ts";
export { type Clock, ManualClock, SystemClock } from "./kernel/clock.ts";
export { decodeEvent } from "./kernel/ipc/event_record.ts";
export type { LogRecord } from "./kernel/kernel.ts";
export type { WaitOptions } from "./syscalls/arguments.ts";
export type { TraceRecord } from "./syscalls/call_words.ts";
export { Counter } from "./syscalls/stubs/counter.ts";
export type { EventReceiving } from "./syscalls/stubs/event_receiving.ts";
export { EventChannel, EventSubscription, type TaskEvents } from "./syscalls/stubs/events.ts";
export { Group } from "./syscalls/stubs/group.ts";
export { Handle } from "./syscalls/stubs/handle.ts";
export {
  type Message,
  MessageReceiver,
  MessageSender,
  type ReplyOptions,
  type SendOptions,
} from "./syscalls/stubs/message_queue.ts";
export { Listener, Namespace } from "./syscalls/stubs/namespace.ts";
export { DatagramEndpoint, Network, NetworkListener } from "./syscalls/stubs/network.ts";
export { MemoryView } from "./syscalls/stubs/memory_view.ts";
export {
  type PipeEnd,
  PipeHandle,
  PipeReader,
  PipeWriter,
  type StreamEnd,
} from "./syscalls/stubs/pipe.ts";
export { Socket, type SocketMessage, type SocketSendOptions } from "./syscalls/stubs/socket.ts";
export { SharedMemory } from "./syscalls/stubs/shared_memory.ts";
export type { Program, SpawnOptions, Task, WaitSource } from "./syscalls/stubs/task_api.ts";
export { TaskHandle } from "./syscalls/stubs/task_handle.ts";
export { Timer } from "./syscalls/stubs/timer.ts";
export {
  WaitSet,
  type WaitSetAddOptions,
  type WaitSetWaitOptions,
} from "./syscalls/stubs/wait_set.ts";
export type { CounterOptions } from "./syscalls/table/counters.ts";
export type {
  EventChannelOptions,
  EventSendOptions,
  GroupSendOptions,
  PublishOptions,
  SubscribeOptions,
} from "./syscalls/table/events.ts";
export type { GroupOptions } from "./syscalls/table/groups.ts";
export type { MapOptions, SharedMemoryOptions } from "./syscalls/table/memory.ts";
export type { MessageQueueOptions } from "./syscalls/table/messages.ts";
export type { TimerOptions } from "./syscalls/table/timers.ts";
export type { NetworkPort } from "./syscalls/table/network.ts";
export type { ListenOptions, SocketPairOptions } from "./syscalls/table/sockets.ts";
export type { PipeOptions } from "./syscalls/table/streams.ts";
