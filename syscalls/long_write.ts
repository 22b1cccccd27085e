/**
 * Writes that go on until all of their bytes are moved, a part at a time (`movesAll` in the table).
 *
 * Always holds: whatever ends such a write early says how many bytes it had moved by then.
 *
 * @module
 */
import { KernelError, retold } from "../capabilities/errors.ts";
import { WOULD_BLOCK } from "../capabilities/stream_ops.ts";
import { byteLengthOf } from "./arguments.ts";
import type { Caller } from "./caller.ts";
import type { CompiledSyscall } from "./compiled_syscall.ts";

/**
 * Moves as much of the rest as there is room for. Whoever waited for bytes takes each part at once,
 * so there may be room again though nobody else says so.
 *
 * @param before How many bytes are moved already.
 * @returns How many are moved now.
 */
export function moveRest(
  caller: Caller,
  call: CompiledSyscall,
  args: readonly unknown[],
  before: number,
): number {
  const length = byteLengthOf(args[1] as Uint8Array);
  let moved = before;
  try {
    do {
      const more = call.run(caller, args[0], args[1], moved, undefined);
      if (more === WOULD_BLOCK) break;
      moved += more as number;
    } while (moved < length);
  } catch (error) {
    throw withTransferred(error, moved);
  }
  return moved;
}

/** The error of a call that has moved a part of its bytes says how many. */
export function withTransferred(error: unknown, moved: number): unknown {
  if (moved === 0 || !(error instanceof KernelError)) return error;
  if (error.transferred !== undefined) return error;
  return retold(error, { transferred: moved });
}
