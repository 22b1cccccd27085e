/**
 * Handles on their way from one task to another, inside a message or a socket's sequence.
 *
 * A transfer has four steps, and each carrier (message queue, socket) takes them in this order:
 * 1. `sendable`: looks the handles up in the sender's table and checks all of them. Nothing has
 *    changed yet, so whatever refuses the message (it is full, a limit) may still do so.
 * 2. `takeOff`: takes them out of the sender's table, or derives duplicates. They are in flight.
 * 3. `tookOff`, once the message is where it belongs: ends the sender's waits on what has left.
 *    Ending waits runs other calls, which must find the message queued and the handles gone.
 * 4. `land`: puts them into the receiver's table; or `closeInFlight` where nobody ever receives.
 *
 * Invariants:
 * - an entry in flight is in no table, is counted by its object and keeps its place in the
 *   derivation tree, so a revocation finds it;
 * - steps 1 and 4 move all of a message's handles or none.
 *
 * @module
 */
import { cloneOf, type HandleTarget } from "../capabilities/capability.ts";
import { IpcError, KernelError } from "../capabilities/errors.ts";
import type { HandleEntry } from "../capabilities/handle.ts";
import type { HandleTable } from "../capabilities/handle_table.ts";
import {
  type HandleArrival,
  type MessageParty,
  MOST_HANDLES_IN_MESSAGE,
} from "../capabilities/message_ops.ts";
import { describeRights, Rights } from "../capabilities/rights.ts";

/** What one handle in flight is charged to its sender in bytes: it is in nobody's table. */
export const IN_FLIGHT_HANDLE_BYTES = 256;

/** Who sends or receives, as the carriers see it: a task. */
export interface TransferParty extends MessageParty {
  readonly table: HandleTable;
}

/** An object that holds handles in flight. */
export interface Carrier {
  /**
   * Lets go of everything in flight. The kernel calls it at its end, for handles that only a cycle
   * of carriers keeps alive.
   */
  drain(): void;
}

/**
 * The entries that a task asks to send, each checked.
 *
 * @param table The sender's table.
 * @param numbers What the sender named; untrusted.
 * @param duplicate True when children of the entries are to be sent.
 * @param isOwnEnd True for the objects that the message travels through: they may not travel
 * through themselves.
 * @throws {KernelError} BAD_HANDLE, REVOKED, ACCESS_DENIED without TRANSFER (and DUPLICATE for
 * duplicates), INVALID_ARGUMENT, OUT_OF_RANGE for more than 64.
 */
export function sendable(
  table: HandleTable,
  numbers: readonly unknown[],
  duplicate: boolean,
  isOwnEnd: (object: HandleTarget) => boolean,
): HandleEntry[] {
  if (numbers.length > MOST_HANDLES_IN_MESSAGE) {
    throw new IpcError(
      "OUT_OF_RANGE",
      `${numbers.length} handles are more than the ${MOST_HANDLES_IN_MESSAGE} of one message`,
    );
  }
  const needed = duplicate ? Rights.TRANSFER | Rights.DUPLICATE : Rights.TRANSFER;
  const entries: HandleEntry[] = [];
  for (const number of numbers) {
    const entry = table.get(number);
    const missing = needed & ~entry.rights;
    if (missing !== 0) {
      throw new KernelError("ACCESS_DENIED", `${entry.subject} lacks ${describeRights(missing)}`);
    }
    if (entries.includes(entry)) {
      throw new IpcError("INVALID_ARGUMENT", `${entry.subject} is sent twice`);
    }
    if (isOwnEnd(entry.object)) {
      throw new IpcError("INVALID_ARGUMENT", `${entry.subject} can't travel through itself`);
    }
    entries.push(entry);
  }
  return entries;
}

/**
 * Takes checked entries out of their table, or derives duplicates of them.
 *
 * @returns What is in flight now.
 */
export function takeOff(entries: readonly HandleEntry[], duplicate: boolean): HandleEntry[] {
  return entries.map((entry) => {
    if (duplicate) return entry.derive(entry.rights, cloneOf(entry.object));
    entry.table?.forget(entry);
    return entry;
  });
}

/** Ends the waits that the sender had on handles which have left its table. */
export function tookOff(inFlight: readonly HandleEntry[]): void {
  for (const entry of inFlight) entry.object.waiters.interrupt(entry, "moved");
}

/**
 * Puts what is in flight into the receiver's table. What was revoked on the way gets a number too,
 * of which every use is REVOKED.
 *
 * @throws {KernelError} TOO_MANY_HANDLES when they don't fit; all are still in flight.
 */
export function land(inFlight: readonly HandleEntry[], table: HandleTable): HandleArrival[] {
  table.requireRoom(inFlight.length);
  return inFlight.map((entry) => ({
    number: entry.closed === undefined ? table.insert(entry) : table.insertRevoked(),
    type: entry.object.type,
    rights: entry.rights,
  }));
}

/** Entries that nobody receives any more and that are not closed yet. */
let doomed: HandleEntry[] = [];
let isClosing = false;

/**
 * Closes what nobody will receive. Closing the last handle to a carrier closes what that one
 * carries, and so on: the loop keeps a long chain of carriers from growing the stack.
 */
export function closeInFlight(inFlight: readonly HandleEntry[]): void {
  if (inFlight.length === 0) return;
  for (const entry of inFlight) doomed.push(entry);
  if (isClosing) return;
  isClosing = true;
  try {
    while (doomed.length > 0) {
      const batch = doomed;
      doomed = [];
      for (const entry of batch) entry.close("closed");
    }
  } finally {
    isClosing = false;
  }
}
