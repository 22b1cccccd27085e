/**
 * A handler for every syscall of the table, a file a subsystem.
 *
 * @module
 */
import type { Handlers } from "../caller.ts";
import type { SYSCALLS } from "../table.ts";
import { counterHandlers } from "./counters.ts";
import { eventHandlers } from "./events.ts";
import { groupHandlers } from "./groups.ts";
import { handleHandlers } from "./handles.ts";
import { memoryHandlers } from "./memory.ts";
import { messageHandlers } from "./messages.ts";
import { networkHandlers } from "./network.ts";
import { seatHandlers } from "./seats.ts";
import { socketHandlers } from "./sockets.ts";
import { streamHandlers } from "./streams.ts";
import { taskHandlers } from "./tasks.ts";
import { timerHandlers } from "./timers.ts";
import { waitSetHandlers } from "./wait_sets.ts";

/** Every handler by its syscall's name in code. */
export const HANDLERS: Handlers<typeof SYSCALLS> = {
  ...taskHandlers,
  ...handleHandlers,
  ...streamHandlers,
  ...messageHandlers,
  ...timerHandlers,
  ...waitSetHandlers,
  ...socketHandlers,
  ...networkHandlers,
  ...eventHandlers,
  ...groupHandlers,
  ...counterHandlers,
  ...memoryHandlers,
  ...seatHandlers,
};
