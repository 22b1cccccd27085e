/** Seats, 710-719. @module */
import { KernelError } from "../../capabilities/errors.ts";
import { HandleFlags } from "../../capabilities/handle.ts";
import { describeRights } from "../../capabilities/rights.ts";
import type { SeatOps } from "../../capabilities/seat_ops.ts";
import { Signals } from "../../capabilities/signals.ts";
import { WOULD_BLOCK } from "../../capabilities/stream_ops.ts";
import type { Seats } from "../../kernel/seats.ts";
import type { TaskObject } from "../../kernel/task.ts";
import type { Handlers } from "../caller.ts";
import type { seatCalls } from "../table/seats.ts";

export const seatHandlers: Handlers<typeof seatCalls> = {
  seatTake({ task }, target) {
    const missing = (target.object as unknown as SeatOps).seatRights & ~target.rights;
    if (missing !== 0) {
      throw new KernelError("ACCESS_DENIED", `that needs ${describeRights(missing)}, too`);
    }
    const { seat, isKnown } = seatsOf(task).take(target);
    return { seat, isKnown, nonblocking: (target.flags & HandleFlags.NONBLOCKING) !== 0 };
  },

  seatFollow: {
    run({ task }, seat, hasMemory) {
      return task.isRunning ? seatsOf(task).follow(seat, hasMemory) : WOULD_BLOCK;
    },
    park({ task }) {
      const { table: { own }, progress } = task;
      if (own === undefined) throw new KernelError("INVALID_STATE", "the task has no queue");
      return [{ entry: own, object: progress, signals: Signals.SIGNALED, operation: false }];
    },
  },
};

function seatsOf(task: TaskObject): Seats {
  if (task.seats !== undefined) return task.seats;
  throw new KernelError("NOT_SUPPORTED", "the task runs in the kernel's isolate, not in a thread");
}
