/**
 * What a task in a worker gets for `@carmine/kernel`: every name that `mod.ts` exports, without the
 * kernel's side, which would be two thirds of what each worker loads.
 *
 * Always holds: it exports exactly the names of `mod.ts`, and all but `Kernel` are the same
 * declarations.
 *
 * @module
 */
import { KernelError } from "../../capabilities/errors.ts";

export { CounterCommand } from "../../capabilities/counter_ops.ts";
export {
  codeOfErrno,
  ERRNO,
  errnoOf,
  EventError,
  IpcError,
  KernelError,
  PipeError,
  StreamError,
} from "../../capabilities/errors.ts";
export { EventPriority } from "../../capabilities/event_ops.ts";
export { DEFAULT_LIMITS } from "../../capabilities/limits.ts";
export { describeRights, Rights } from "../../capabilities/rights.ts";
export { Signals } from "../../capabilities/signals.ts";
export { ManualClock, SystemClock } from "../../kernel/clock.ts";
export { decodeEvent } from "../../kernel/ipc/event_record.ts";
export { Counter } from "../../syscalls/stubs/counter.ts";
export { EventChannel, EventSubscription } from "../../syscalls/stubs/events.ts";
export { Group } from "../../syscalls/stubs/group.ts";
export { Handle } from "../../syscalls/stubs/handle.ts";
export { MemoryView } from "../../syscalls/stubs/memory_view.ts";
export { MessageReceiver, MessageSender } from "../../syscalls/stubs/message_queue.ts";
export { Listener, Namespace } from "../../syscalls/stubs/namespace.ts";
export { DatagramEndpoint, Network, NetworkListener } from "../../syscalls/stubs/network.ts";
export { PipeHandle, PipeReader, PipeWriter } from "../../syscalls/stubs/pipe.ts";
export { SharedMemory } from "../../syscalls/stubs/shared_memory.ts";
export { Socket } from "../../syscalls/stubs/socket.ts";
export { TaskHandle } from "../../syscalls/stubs/task_handle.ts";
export { Timer } from "../../syscalls/stubs/timer.ts";
export { WaitSet } from "../../syscalls/stubs/wait_set.ts";

/** Stands in for the kernel, which a task in a worker holds handles of and can't boot. */
export class Kernel {
  /** @throws {KernelError} NOT_SUPPORTED, always. */
  constructor() {
    throw new KernelError(
      "NOT_SUPPORTED",
      "Cannot boot a kernel: a task in a worker has the task's side alone; " +
        "boot kernels in the host's isolate",
    );
  }
}
