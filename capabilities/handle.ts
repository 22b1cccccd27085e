/**
 * A handle on the kernel's side: an object, a rights mask, a place in the derivation tree.
 *
 * Invariants:
 * - an entry is open in exactly one table, or in flight in one message, or closed for good;
 * - its rights are a subset of those that the entry it was derived from had then, and so of the
 *   creator's; an entry that is replaced by one with fewer takes nothing from its children;
 * - an open or in-flight entry is counted by its object, a closed one is not.
 *
 * @module
 */
import { Rights } from "./rights.ts";
import type { Capabilities, HandleTarget } from "./capability.ts";
import type { WaitNode, WaitQueue, WaitVia } from "./selectable.ts";
import { KernelError } from "./errors.ts";

/** What a handle is for, as its holder sees it. */
export type HandleRole =
  | "regular"
  | "stdin"
  | "stdout"
  | "stderr"
  | "ipc"
  | "eventChannel"
  | "eventSubscription";

/** All roles. */
export const HANDLE_ROLES: readonly HandleRole[] = Object.freeze([
  "regular",
  "stdin",
  "stdout",
  "stderr",
  "ipc",
  "eventChannel",
  "eventSubscription",
]);

/** What may be done through a handle, as its rights say. */
export type AccessMode = "none" | "read" | "write" | "readWrite";

/** What a handle tells about itself. */
export interface HandleInfo {
  /** The object's type, such as "pipe reader". */
  type: string;
  /** The handle's rights. */
  rights: Rights;
  /** What the handle is for. */
  role: HandleRole;
  /** READ and WRITE among the rights, in words. */
  access: AccessMode;
  /** True when the handle is never given to a child. */
  closeOnSpawn: boolean;
  /** True when plain calls throw WOULD_BLOCK where they would wait. */
  nonblocking: boolean;
}

/** Special semantics of a handle, a bit set. */
export const HandleFlags = Object.freeze({
  CLOSE_ON_SPAWN: 1 << 0,
  NONBLOCKING: 1 << 1,
});

/** What an entry asks of the table that holds it. */
export interface EntryHolder {
  /** Takes the entry out. */
  forget(entry: HandleEntry, wasRevoked?: boolean): void;
  /** Puts an entry that is in no table into this one. */
  insert(entry: HandleEntry): number;
}

/** Why a handle stopped naming its object. */
export type CloseReason = "closed" | "revoked" | "dead";

/** A place in a ring of siblings; the ring's head is the parent's {@linkcode HandleEntry.children}. */
class DerivationNode {
  next: DerivationNode = this;
  previous: DerivationNode = this;

  /** Links this node into the ring before `place`. */
  linkBefore(place: DerivationNode): void {
    this.previous = place.previous;
    this.next = place;
    place.previous.next = this;
    place.previous = this;
  }

  unlink(): void {
    this.previous.next = this.next;
    this.next.previous = this.previous;
    this.next = this.previous = this;
  }
}

/** What no call can be given: stands for "none yet", and is as short as a detached one. */
const NO_BUFFER = new Uint8Array(0);

/**
 * One handle.
 *
 * The derivation tree is a ring of children for each entry that has any. A child needs no pointer
 * to its parent: when an entry closes, its ring of children is spliced into its own place, so
 * closing costs the same however many children there are, and `revoke` of an ancestor still finds
 * them.
 */
export class HandleEntry extends DerivationNode implements WaitVia {
  /** The table that holds the entry; undefined when it is in flight or closed. */
  table: EntryHolder | undefined = undefined;
  /** The number in that table; -1 when in none. */
  number = -1;
  readonly object: HandleTarget;
  readonly rights: Rights;
  // The object's own, here because entries are all of one class and objects of many: the engine
  // reads a field of one class faster.
  readonly capabilities: Capabilities;
  readonly waiters: WaitQueue;
  /**
   * The buffer that a call through this handle was last given, found to be a Uint8Array of fixed
   * length on a buffer that isn't shared: that never changes, so a call that is given it again
   * only has to see that it isn't detached.
   */
  checkedBuffer: Uint8Array = NO_BUFFER;
  /** The rights that the first entry in this place of the tree had: no child has others. */
  readonly #firstRights: Rights;
  /** {@linkcode HandleFlags} */
  flags: number;
  role: HandleRole = "regular";
  /** Called once, when the entry leaves the table that it is in, for whatever reason. */
  onLeave: (() => void) | undefined = undefined;
  firstWait: WaitNode | undefined = undefined;
  lastWait: WaitNode | undefined = undefined;
  /** Set when the entry stopped naming its object. */
  closed: CloseReason | undefined = undefined;
  #children: DerivationNode | undefined = undefined;

  constructor(
    object: HandleTarget,
    rights: Rights,
    flags = 0,
    predecessor: HandleEntry | undefined = undefined,
  ) {
    super();
    this.object = object;
    this.capabilities = object.capabilities;
    this.waiters = object.waiters;
    this.rights = rights;
    this.#firstRights = predecessor === undefined ? rights : predecessor.#firstRights;
    this.flags = flags;
    object.handleOpened(this);
  }

  /** "handle 7 (pipe reader)" */
  get subject(): string {
    return `handle ${this.number} (${this.object.type})`;
  }

  get access(): AccessMode {
    const canRead = (this.rights & Rights.READ) !== 0;
    const canWrite = (this.rights & Rights.WRITE) !== 0;
    if (canRead) return canWrite ? "readWrite" : "read";
    return canWrite ? "write" : "none";
  }

  /** What the entry tells about itself. */
  query(): HandleInfo {
    return {
      type: this.object.type,
      rights: this.rights,
      role: this.role,
      access: this.access,
      closeOnSpawn: (this.flags & HandleFlags.CLOSE_ON_SPAWN) !== 0,
      nonblocking: (this.flags & HandleFlags.NONBLOCKING) !== 0,
    };
  }

  /** A child of this entry with some of its rights; in no table yet. */
  derive(rights: Rights, object: HandleTarget = this.object): HandleEntry {
    const child = new HandleEntry(object, rights, this.flags);
    child.role = this.role;
    this.#children ??= new DerivationNode();
    child.linkBefore(this.#children);
    return child;
  }

  /** An entry with some of this one's rights, derived from what this one was; in no table yet. */
  beside(rights: Rights): HandleEntry {
    const entry = new HandleEntry(this.object, rights);
    entry.linkBefore(this);
    return entry;
  }

  /**
   * An entry with some of this one's rights that takes its place in the tree and in the table; this
   * one closes. The heir is in the table before the waits on this one end: whoever goes on then
   * may take the last slot.
   */
  supersede(rights: Rights): HandleEntry {
    const heir = new HandleEntry(this.object, rights, this.flags, this);
    heir.role = this.role;
    heir.linkBefore(this);
    heir.#children = this.#children;
    this.#children = undefined;
    const { table } = this;
    table?.forget(this);
    table?.insert(heir);
    this.close("closed");
    return heir;
  }

  /** Stops naming the object; O(1) but for the waits that this ends. */
  close(reason: CloseReason): void {
    if (this.closed !== undefined) return;
    this.table?.forget(this, reason === "revoked");
    this.closed = reason;
    this.#spliceChildren();
    this.unlink();
    this.object.waiters.interrupt(this, reason);
    this.object.handleClosed(this);
  }

  /** Closes whatever was derived from this entry, transitively, in every table; returns how many. */
  revokeDerived(): number {
    let revoked = 0;
    for (let child = this.#lastChild(); child !== undefined; child = this.#lastChild()) {
      child.close("revoked"); // splices its own children into this ring: no recursion
      revoked++;
    }
    return revoked;
  }

  /** The entries derived from this one directly. */
  *children(): Generator<HandleEntry> {
    const head = this.#children;
    if (head === undefined) return;
    for (let node = head.next; node !== head; node = node.next) yield node as HandleEntry;
  }

  /** Throws when an invariant is broken; for tests. */
  assertInvariants(): void {
    if (this.closed !== undefined && this.table !== undefined) {
      throw new Error("a closed entry is still in a table");
    }
    for (const child of this.children()) {
      if (child.closed !== undefined) throw new Error("a closed entry is still in the tree");
      const more = (child.rights | child.#firstRights) & ~this.#firstRights;
      if (more !== 0) throw new Error("a child has more rights");
      child.assertInvariants();
    }
  }

  #lastChild(): HandleEntry | undefined {
    const head = this.#children;
    return head === undefined || head.previous === head ? undefined : head.previous as HandleEntry;
  }

  /** Puts the children in this entry's place among its siblings. */
  #spliceChildren(): void {
    const head = this.#children;
    this.#children = undefined;
    if (head === undefined || head.next === head) return;
    const first = head.next;
    const last = head.previous;
    first.previous = this.previous;
    this.previous.next = first;
    last.next = this;
    this.previous = last;
  }
}

/**
 * The handle to a task's own event queue, which the task can neither close nor replace. It is in no
 * slot of the table; see `OWN_EVENT_QUEUE`.
 */
export class OwnHandleEntry extends HandleEntry {
  /** Throws: the queue stays with its task. */
  override close(_reason: CloseReason): void {
    throw ownQueueStays();
  }

  /** Throws: the queue stays with its task. */
  override supersede(_rights: Rights): HandleEntry {
    throw ownQueueStays();
  }

  /** The task has ended, and the queue with it. */
  end(): void {
    super.close("dead");
  }
}

function ownQueueStays(): KernelError {
  return new KernelError("NOT_SUPPORTED", "a task's own event queue stays with it until its end");
}
