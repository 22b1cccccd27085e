/**
 * Waiting: the queue of those who wait on one object, and what an object owes them.
 *
 * Objects never block. A call that can't go on is *parked* on its object's queue; each change of
 * the object's state tries the parked again, first-in first-out. There is no other way to wait.
 *
 * Invariants: a node is in at most one queue; `parkedSignals` covers the signals of every
 * operation in the queue; whoever can go on after a change has gone on when `wake` returns.
 *
 * @module
 */
import { reportUncaught } from "./report_uncaught.ts";
import { Signals } from "./signals.ts";

/** What came of trying a parked call again. */
export type PollResult = "done" | "blocked" | "skipped";

/** Somebody who waits: a parked call, a wait set's membership. */
export interface Waiter {
  /**
   * Tries again. `"done"`: finished, and its nodes have left their queues. `"blocked"`: it needs
   * more than there is, and later operations on the same signals must not overtake it.
   * `"skipped"`: it can't run now (its task is stopped) or only looks on; others may pass.
   */
  poll(node: WaitNode): PollResult;
  /** The handle that the node waits on was closed, moved or revoked, or its task ended. */
  interrupt(node: WaitNode, reason: "closed" | "moved" | "revoked" | "dead"): void;
  /**
   * False while later operations may pass the node: it can't run now (its task is stopped), or it is
   * another object that it waits for. @default true
   */
  holdsBack?(node: WaitNode): boolean;
  /** Signals that were up may have been down in the meantime: see {@linkcode WaitQueue.mayHaveFallen}. */
  mayHaveFallen?(): void;
  /** From now on threads change the object unseen, or no longer: see {@linkcode WaitQueue.attended}. */
  attended?(isAttended: boolean): void;
}

/** What somebody waits through: a handle. Its end finds its places in queues without the others'. */
export interface WaitVia {
  /** The places that are in some queue, in order of arrival. */
  firstWait: WaitNode | undefined;
  lastWait: WaitNode | undefined;
}

/** A waiter's place in one object's queue. */
export class WaitNode {
  /** The queue that the node is in; undefined when in none. */
  queue: WaitQueue | undefined = undefined;
  next: WaitNode | undefined = undefined;
  previous: WaitNode | undefined = undefined;
  /** Its neighbours among the places of its handle. */
  nextOfVia: WaitNode | undefined = undefined;
  previousOfVia: WaitNode | undefined = undefined;
  /** Who waits. */
  readonly waiter: Waiter;
  /** What it waits for. */
  readonly signals: Signals;
  /** True when being served consumes what the signals announce: a read, a take. */
  readonly operation: boolean;
  /** The handle through which it waits, if any; when that closes, the wait ends. */
  readonly via: WaitVia | undefined;
  /** True when the waiter is polled after every change, also when its signals are down. */
  readonly watchesFalls: boolean;

  constructor(
    waiter: Waiter,
    signals: Signals,
    operation: boolean,
    via: WaitVia | undefined,
    watchesFalls = false,
  ) {
    this.waiter = waiter;
    this.signals = signals;
    this.operation = operation;
    this.via = via;
    this.watchesFalls = watchesFalls;
  }
}

/** What `wake` needs of the object it serves. */
export interface Selectable {
  /** The signals that are up. */
  readonly signals: Signals;
  /** Those who wait on the object. */
  readonly waiters: WaitQueue;
  /** Somebody has begun to wait: an object that other threads change has to look after that. */
  onAwaited?(): void;
}

/** PEER_CLOSED ends waits of every kind, so it says nothing about who queues behind whom. */
const QUEUEING = ~Signals.PEER_CLOSED;

/** Queues whose object changed while another one was being served. */
const changedQueues: WaitQueue[] = [];
let isServing = false;

/** Those who wait on one object, in order of arrival. */
export class WaitQueue {
  readonly #object: Selectable;
  #first: WaitNode | undefined = undefined;
  #last: WaitNode | undefined = undefined;
  /** Signals that some node waits for; may be too wide until the queue is empty. */
  #awaited: Signals = 0;
  /** Nodes that only look on; they are satisfied by the level alone. */
  #onlookers = 0;
  /** Signals of the onlookers; may be too wide until there is none. */
  #lookedOn: Signals = 0;
  /** Onlookers that watch falls too. */
  #watchers = 0;
  #isMarkedChanged = false;
  /** Kinds of changes that threads make unseen, and which somebody attends to. */
  #attendances = 0;
  /** Nodes that have left so far. */
  departures = 0;
  /** Signals of the operations in the queue; may be too wide until the queue is empty. */
  parkedSignals: Signals = 0;

  constructor(object: Selectable) {
    this.#object = object;
  }

  get isEmpty(): boolean {
    return this.#first === undefined;
  }

  /** Signals that some node waits for; may be too wide until the queue is empty. */
  get awaited(): Signals {
    return this.#awaited;
  }

  /** The signals of the object that the queue belongs to. */
  get signals(): Signals {
    return this.#object.signals;
  }

  /** Adds a node at the end. */
  add(node: WaitNode): void {
    node.queue = this;
    node.previous = this.#last;
    node.next = undefined;
    if (this.#last === undefined) this.#first = node;
    else this.#last.next = node;
    this.#last = node;
    if (node.via !== undefined) addTo(node.via, node);
    this.#awaited |= node.signals;
    if (node.operation) this.parkedSignals |= node.signals & QUEUEING;
    else {
      this.#onlookers++;
      this.#lookedOn |= node.signals;
    }
    if (node.watchesFalls) this.#watchers++;
    if (this.#attendances > 0) node.waiter.attended?.(true);
    this.#object.onAwaited?.();
  }

  /** Takes a node out; nothing happens when it is not in this queue. */
  remove(node: WaitNode): void {
    if (node.queue !== this) return;
    if (node.previous === undefined) this.#first = node.next;
    else node.previous.next = node.next;
    if (node.next === undefined) this.#last = node.previous;
    else node.next.previous = node.previous;
    node.queue = undefined;
    if (node.via !== undefined) removeFrom(node.via, node);
    this.departures++;
    if (!node.operation && --this.#onlookers === 0) this.#lookedOn = 0;
    if (node.watchesFalls) this.#watchers--;
    if (this.#first === undefined) this.#awaited = this.parkedSignals = 0;
  }

  /**
   * True when an operation on these signals has to stay behind one that is parked already.
   *
   * @param before The operation's own place, if it is parked itself; else it comes last.
   */
  mustQueue(signals: Signals, before?: WaitNode): boolean {
    if ((this.parkedSignals & signals) === 0) return false;
    for (let node = this.#first; node !== undefined && node !== before; node = node.next) {
      const overlaps = (node.signals & signals & QUEUEING) !== 0;
      if (node.operation && overlaps && node.waiter.holdsBack?.(node) !== false) return true;
    }
    return false;
  }

  /** The object's state changed: whoever can go on does, in order of arrival. */
  wake(): void {
    if (this.#first === undefined || this.#isMarkedChanged) return;
    this.#isMarkedChanged = true;
    changedQueues.push(this);
    // Serving one object changes others (a reader makes room for a writer): those are served by
    // the loop that is already running, so the stack stays flat and the order stays fair.
    if (!isServing) serveChanged();
  }

  /**
   * Threads have changed the object, which is seen only now: signals may have been down for a while
   * in which nobody looked. `wake` comes next.
   */
  mayHaveFallen(): void {
    if (this.#watchers === 0) return;
    for (const node of this.nodes()) if (node.watchesFalls) node.waiter.mayHaveFallen?.();
  }

  /**
   * Threads change the object unseen from now on, or no longer: `wake` comes after a change, but
   * late. Who keeps what it saw has to look again before it relies on that.
   */
  attended(isAttended: boolean): void {
    this.#attendances += isAttended ? 1 : -1;
    if (this.#attendances !== (isAttended ? 1 : 0)) return;
    for (const node of this.nodes()) node.waiter.attended?.(isAttended);
  }

  /**
   * Ends the waits that go through one handle. Only when all of them have does anybody go on: else
   * the end of the first would let the second one through a handle that is gone.
   */
  interrupt(via: WaitVia, reason: "closed" | "moved" | "revoked" | "dead"): void {
    const wasMarkedChanged = this.#isMarkedChanged;
    this.#isMarkedChanged = true;
    try {
      const nodes: WaitNode[] = [];
      for (let node = via.firstWait; node !== undefined; node = node.nextOfVia) nodes.push(node);
      for (const node of nodes) if (node.queue === this) node.waiter.interrupt(node, reason);
    } finally {
      this.#isMarkedChanged = wasMarkedChanged;
    }
    this.wake();
  }

  /** A snapshot of the nodes, first to last. */
  nodes(): WaitNode[] {
    const nodes: WaitNode[] = [];
    for (let node = this.#first; node !== undefined; node = node.next) nodes.push(node);
    return nodes;
  }

  /** Serves the queue once; called by the loop below. */
  serve(): void {
    this.#isMarkedChanged = false;
    let blocked = 0;
    let node = this.#first;
    while (node !== undefined) {
      const up = this.#object.signals;
      // Nobody further down can be satisfied: a crowd of waiters costs nothing.
      const useful = (this.#awaited & ~blocked) | this.#lookedOn;
      if ((up & useful) === 0 && this.#watchers === 0) return;
      const next: WaitNode | undefined = node.next;
      const wanted = node.signals & up;
      const isBehind = node.operation && (node.signals & blocked & QUEUEING) !== 0;
      if (node.watchesFalls || (wanted !== 0 && !isBehind)) {
        if (node.waiter.poll(node) === "blocked") blocked |= node.signals;
      }
      // A poll may take other nodes of this queue out; then the rest is walked from the start.
      node = next === undefined || next.queue === this ? next : this.#first;
    }
  }

  /** Throws when an invariant is broken; for tests. */
  assertInvariants(): void {
    let previous: WaitNode | undefined = undefined;
    let onlookers = 0;
    for (const node of this.nodes()) {
      if (node.queue !== this) throw new Error("a node in the queue names another queue");
      if (node.previous !== previous) throw new Error("a node's previous is not the one before it");
      const before = node.previousOfVia === undefined
        ? node.via?.firstWait
        : node.previousOfVia.nextOfVia;
      if (node.via !== undefined && before !== node) {
        throw new Error("a handle misses a place of its");
      }
      if (node.operation) {
        const parked = node.signals & QUEUEING;
        if ((parked & ~this.parkedSignals) !== 0) throw new Error("parkedSignals is too narrow");
      } else onlookers++;
      previous = node;
    }
    if (onlookers !== this.#onlookers) throw new Error("the count of onlookers is off");
    if (previous !== this.#last) throw new Error("the last node is not the last");
  }
}

function addTo(via: WaitVia, node: WaitNode): void {
  const last = via.lastWait;
  node.previousOfVia = last;
  if (last === undefined) via.firstWait = node;
  else last.nextOfVia = node;
  via.lastWait = node;
}

function removeFrom(via: WaitVia, node: WaitNode): void {
  const { nextOfVia: next, previousOfVia: previous } = node;
  if (previous === undefined) via.firstWait = next;
  else previous.nextOfVia = next;
  if (next === undefined) via.lastWait = previous;
  else next.previousOfVia = previous;
  node.nextOfVia = node.previousOfVia = undefined;
}

function serveChanged(): void {
  isServing = true;
  for (let queue = changedQueues.shift(); queue !== undefined; queue = changedQueues.shift()) {
    try {
      queue.serve();
    } catch (error) {
      // Whoever made the change is not to blame, and those in the other queues must not wait for
      // the next one.
      reportUncaught(error);
    }
  }
  isServing = false;
}
