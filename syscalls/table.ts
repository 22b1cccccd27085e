/**
 * The table of syscalls: number, name, arguments, the capability and rights they ask, what the
 * call is for. Validation, dispatch, the stubs, the trace and `docs/syscalls.md` all follow from
 * it; nothing about a syscall is written twice.
 *
 * Ranges: 1-99 tasks, 100-199 handles and waiting, 200-299 streams, 600-699 IPC, 700-799 memory,
 * 800-899 events of tasks and groups, 900-999 tracing.
 *
 * @module
 */
import type { SyscallSpec } from "./door.ts";
import { counterCalls } from "./table/counters.ts";
import { eventCalls } from "./table/events.ts";
import { groupCalls } from "./table/groups.ts";
import { handleCalls } from "./table/handles.ts";
import { memoryCalls } from "./table/memory.ts";
import { messageCalls } from "./table/messages.ts";
import { networkCalls } from "./table/network.ts";
import { seatCalls } from "./table/seats.ts";
import { socketCalls } from "./table/sockets.ts";
import { streamCalls } from "./table/streams.ts";
import { taskCalls } from "./table/tasks.ts";
import { timerCalls } from "./table/timers.ts";
import { waitSetCalls } from "./table/wait_sets.ts";

/** Every syscall by its name in code. */
export const SYSCALLS = Object.freeze({
  ...taskCalls,
  ...handleCalls,
  ...streamCalls,
  ...messageCalls,
  ...timerCalls,
  ...waitSetCalls,
  ...socketCalls,
  ...networkCalls,
  ...eventCalls,
  ...groupCalls,
  ...counterCalls,
  ...memoryCalls,
  ...seatCalls,
});

/** Every syscall by number. */
export const SYSCALLS_BY_NUMBER: ReadonlyMap<number, SyscallSpec> = new Map(
  Object.values(SYSCALLS).map((spec) => [spec.number, spec]),
);
