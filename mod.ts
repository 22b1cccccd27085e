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
export { Kernel, type KernelOptions, type TaskInfo } from "./boot.ts";
export {
  codeOfErrno,
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
export type { AccessMode, HandleInfo, HandleRole } from "./capabilities/handle.ts";
export { DEFAULT_LIMITS, type Limits } from "./capabilities/limits.ts";
export { describeRights, Rights, type RightsTable } from "./capabilities/rights.ts";
export { Signals, type SignalsTable } from "./capabilities/signals.ts";
export type { PipeObject, StreamIpcOps, StreamOps } from "./capabilities/stream_ops.ts";
export type { ExitStatus, TaskOps, TaskState } from "./capabilities/task_ops.ts";
export { type Clock, ManualClock, SystemClock } from "./kernel/clock.ts";
export type { LogRecord } from "./kernel/kernel.ts";
export type { WaitOptions } from "./syscalls/arguments.ts";
export type { TraceRecord } from "./syscalls/dispatcher.ts";
export { Handle } from "./syscalls/stubs/handle.ts";
export { type PipeEnd, PipeReader, PipeWriter, type StreamEnd } from "./syscalls/stubs/pipe.ts";
export type { Program, SpawnOptions, Task, WaitSource } from "./syscalls/stubs/task_api.ts";
export { TaskHandle } from "./syscalls/stubs/task_handle.ts";
export type { PipeOptions } from "./syscalls/table/streams.ts";
