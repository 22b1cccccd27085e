/** 710-719: seats, by which a task's own thread works on an object's memory. @module */
import { Capability } from "../../capabilities/capability.ts";
import { Rights } from "../../capabilities/rights.ts";
import type { SeatReport, TakenSeat } from "../../capabilities/seat_ops.ts";
import { flag, handle, type HandleRef, integer } from "../argument_kinds.ts";
import { syscall } from "./define.ts";

/** What a task gets for a handle. */
export interface SeatAnswer extends TakenSeat {
  /** True when plain calls through the handle throw where they would wait. */
  readonly nonblocking: boolean;
}

export const seatCalls = {
  seatTake: syscall<[handle: HandleRef], SeatAnswer>({
    number: 710,
    name: "seat_take",
    verb: "take a seat at",
    summary:
      "Lets the task's own thread work on the object's memory, as long as it has the handle.",
    args: [handle({ capability: Capability.SEATS, rights: Rights.MAP })],
    rightsNote: "READ for a pipe's reader, WRITE for its writer, both for a counter",
    errors: [
      "ACCESS_DENIED",
      "NOT_SUPPORTED: the task runs in the kernel's isolate, or the object can't be shared so now",
      "LIMIT_EXCEEDED",
    ],
  }),
  seatFollow: syscall<[seat: number, hasMemory: boolean], SeatReport>({
    number: 711,
    name: "seat_follow",
    verb: "follow a seat",
    summary: "Tells what became of a seat's object, and gives its memory.",
    args: [integer("seat", 1, Number.MAX_SAFE_INTEGER), flag("hasMemory")],
    errors: ["INVALID_STATE", "NOT_SUPPORTED: the task runs in the kernel's isolate"],
  }),
};
