/**
 * How a stub comes by a seat at its object.
 *
 * @module
 */
import { KernelError } from "../../capabilities/errors.ts";
import { Rights } from "../../capabilities/rights.ts";
import type { WatchedWord } from "../../memory/ring.ts";
import type { SeatNews } from "../door.ts";
import { doorOf, type Handle } from "./handle.ts";
import type { SeatedHandle } from "./mapped_handle.ts";

/** True when the handle's thread may work on the object itself, with no kernel in between. */
export function mayTakeSeat(handle: Handle): boolean {
  return doorOf(handle).seats !== undefined && (handle.rights & Rights.MAP) !== 0;
}

/**
 * What calls through a seat at the handle's object.
 *
 * @param make Makes this thread's seat at the object; handles to one object share it.
 * @param use Makes what calls through the handle.
 * @param onLost The seat is lost; another may be had, or the kernel says why not.
 * @returns Null where the kernel has to be called for each operation, undefined where it has to be
 * for this one.
 */
export function takeSeat<Seat extends object, Calls>(
  handle: Handle,
  make: (first: SeatNews, ask: () => SeatNews, killed: WatchedWord) => Seat,
  use: (at: SeatedHandle, seat: Seat) => Calls,
  onLost: () => void,
): Calls | null | undefined {
  const door = doorOf(handle);
  const { seats } = door;
  if (seats === undefined) return null;
  try {
    const { number, type } = handle;
    const { seat, nonblocking } = seats.take(
      number,
      (first, ask) => make(first, ask, seats.killed),
    );
    return use({ door, number, type, nonblocking, onLost }, seat);
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
    // A stopped task's thread may have a seat again when it goes on.
    return error.code === "INVALID_STATE" ? undefined : null;
  }
}
