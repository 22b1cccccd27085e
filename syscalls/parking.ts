/**
 * Where a call waits: its places in the queues of objects, and who has to stay behind it there.
 *
 * Invariants:
 * - a parking has a node in the queue of every place where its call waits, or in none;
 * - where the call waits on something else than its handle's object, a guard that waits for nothing
 *   stands at that object, so that the handle's end still ends the call;
 * - a call on two objects keeps its place in both queues, and holds back others only at those that
 *   it really waits for: a splice whose source is empty stops no other writer.
 *
 * @module
 */
import { Capability } from "../capabilities/capability.ts";
import { HandleEntry } from "../capabilities/handle.ts";
import { type Waiter, WaitNode, type WaitQueue } from "../capabilities/selectable.ts";
import { ArgumentForm } from "./argument_kinds.ts";
import { byteLengthOf } from "./arguments.ts";
import type { Caller, ParkingPlace } from "./caller.ts";
import type { CompiledSyscall } from "./compiled_syscall.ts";

/** Operations that wait for their turn on two objects; mostly there is none. */
let waitingOnSeveral = 0;

/** A place of a call. */
class ParkingNode extends WaitNode {
  readonly parking: Parking;

  constructor(
    parking: Parking,
    waiter: Waiter,
    { entry, signals, operation }: ParkingPlace,
  ) {
    super(waiter, signals, operation, entry);
    this.parking = parking;
  }
}

/** The places of one call. */
export class Parking {
  readonly #waiter: Waiter;
  #nodes: ParkingNode[] = [];
  /** On the handles' own objects, where the call waits on others. */
  #guards: WaitNode[] = [];

  /** @param waiter Whom the queues try again. */
  constructor(waiter: Waiter) {
    this.#waiter = waiter;
  }

  /** True when the call waits on one object only. */
  get hasOnePlace(): boolean {
    return this.#nodes.length === 1;
  }

  /** Enters the queues. */
  park(places: readonly ParkingPlace[]): void {
    this.#nodes = places.map((place) => {
      const node = new ParkingNode(this, this.#waiter, place);
      (place.object ?? place.entry.object).waiters.add(node);
      return node;
    });
    if (this.#isOnSeveral) waitingOnSeveral++;
    for (const { entry, object } of places) {
      if (object === undefined || object === entry.object) continue;
      const guard = new WaitNode(this.#waiter, 0, false, entry);
      entry.object.waiters.add(guard);
      this.#guards.push(guard);
    }
  }

  /** Leaves every queue; returns those that somebody may have been held back in. */
  leave(): WaitQueue[] {
    const queues: WaitQueue[] = [];
    if (this.#isOnSeveral) waitingOnSeveral--;
    for (const node of this.#nodes) {
      if (node.queue !== undefined) queues.push(node.queue);
      node.queue?.remove(node);
    }
    for (const guard of this.#guards) guard.queue?.remove(guard);
    if (this.#guards.length > 0) this.#guards = [];
    return queues;
  }

  /** Parks the call where it waits from now on; false when it is there already. */
  moveOn(places: readonly ParkingPlace[]): boolean {
    const nodes = this.#nodes;
    const isThere = places.length === nodes.length && places.every((place, i) => {
      const { waiters } = place.object ?? place.entry.object;
      return nodes[i]?.queue === waiters && nodes[i]?.signals === place.signals;
    });
    if (isThere) return false;
    const left = this.leave();
    this.park(places);
    this.wake(); // what it waits for now may be there already
    for (const queue of left) queue.wake(); // as for those that it held back where it was
    return true;
  }

  /** Has the call tried again wherever its signals are up. */
  wake(): void {
    for (const node of this.#nodes) node.queue?.wake();
  }

  /** True while later operations on the node's signals must stay behind it. */
  holdsBack(node: WaitNode): boolean {
    return this.hasOnePlace || ((node.queue?.signals ?? 0) & node.signals) === 0;
  }

  /** Its turn has come in one queue; in the others somebody may still be before it. */
  isHeldBackElsewhere(turn: WaitNode): boolean {
    if (!turn.operation || this.hasOnePlace) return false;
    return this.#nodes.some((node) =>
      node !== turn && ((node.via as HandleEntry).closed !== undefined ||
        node.queue?.mustQueue(node.signals, node) === true)
    );
  }

  /** An operation on two objects: a splice, a tee. */
  get #isOnSeveral(): boolean {
    return this.#nodes.length > 1 && this.#nodes[0]?.operation === true;
  }
}

/** Somebody left these queues: whoever was behind may be able to go on. */
export function letNextGoOn(queues: readonly WaitQueue[]): void {
  for (const queue of queues) {
    queue.wake();
    if (waitingOnSeveral === 0) continue;
    // A call that was behind and waits on another object too may have all it needs there, though
    // nothing changed there now.
    for (const node of queue.nodes()) {
      if (node.operation && node instanceof ParkingNode) node.parking.wake();
    }
  }
}

/** True when the call has to wait although its object might be ready. */
export function mustQueue(
  { task }: Caller,
  call: CompiledSyscall,
  target: HandleEntry,
  second: unknown,
): boolean {
  if (task.isStopped || call.spec.parksFirst === true) return true;
  if (call.alsoWaits.length > 0 && mustQueueElsewhere(call, second)) return true;
  const { waiters } = target.object;
  if ((waiters.parkedSignals & call.waits) === 0) return false;
  // Moving no bytes waits for nothing, so not for its turn either. An empty message is a message.
  // Nor does adding 0 to a counter.
  if (second === 0n) return false;
  const movesBytes = call.args[1]?.form === ArgumentForm.BUFFER &&
    (call.capability & Capability.STREAM) !== 0;
  if (movesBytes && byteLengthOf(second as Uint8Array) === 0) return false;
  return waiters.mustQueue(call.waits);
}

/** The same for the other object of a call that works on two. */
function mustQueueElsewhere(call: CompiledSyscall, second: unknown): boolean {
  const { object } = second as HandleEntry; // only the second argument is ever such a handle
  return call.alsoWaits.some(({ waits }) => object.waiters.mustQueue(waits));
}

/** Where the handler says; by default on the signals of each handle argument that has some. */
export function parkingPlaces(
  call: CompiledSyscall,
  caller: Caller,
  args: readonly unknown[],
): ParkingPlace[] {
  if (call.park !== undefined) return call.park(caller, args[0], args[1], args[2], args[3]);
  const places: ParkingPlace[] = [];
  call.args.forEach((argument, i) => {
    const entry = args[i];
    if (argument.form !== ArgumentForm.HANDLE || argument.waits === 0) return;
    if (entry instanceof HandleEntry) {
      places.push({ entry, signals: argument.waits, operation: true });
    }
  });
  return places;
}
