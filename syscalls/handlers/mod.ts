/**
 * A handler for every syscall of the table, a file a subsystem.
 *
 * @module
 */
import type { Handlers } from "../caller.ts";
import type { SYSCALLS } from "../table.ts";
import { handleHandlers } from "./handles.ts";
import { streamHandlers } from "./streams.ts";
import { taskHandlers } from "./tasks.ts";

/** Every handler by its syscall's name in code. */
export const HANDLERS: Handlers<typeof SYSCALLS> = {
  ...taskHandlers,
  ...handleHandlers,
  ...streamHandlers,
};
