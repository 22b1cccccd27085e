/**
 * Wait sets: each member looks on at its object for as long as it is a member, and a list of those
 * that are ready is kept while objects change. A wait reads that list and looks at the members that
 * threads change unseen, so it costs the same however many others are idle.
 *
 * Invariants:
 * - keys are unique; each member is charged to the set's owner as one pending wait;
 * - a level-triggered member is in the ready list exactly while one of its signals is up; if threads
 *   change its object unseen, from the next wait on at the latest;
 * - an edge-triggered member is in it from a rise until it is reported or its signals fall; where
 *   threads change the object unseen, whatever is up after a change of theirs counts as a rise;
 * - no wait set reaches itself through its members.
 *
 * @module
 */
import { Capability } from "../../capabilities/capability.ts";
import { KernelError } from "../../capabilities/errors.ts";
import type { HandleEntry } from "../../capabilities/handle.ts";
import { type PollResult, type Waiter, WaitNode } from "../../capabilities/selectable.ts";
import { Signals } from "../../capabilities/signals.ts";
import { WOULD_BLOCK, type WouldBlock } from "../../capabilities/stream_ops.ts";
import type { ReadyMember, WaitSetKey, WaitSetOps } from "../../capabilities/wait_set_ops.ts";
import type { Account } from "../account.ts";
import { KernelObject } from "../kernel_object.ts";

/** A place in the ring of ready members. */
class ReadyNode {
  nextReady: ReadyNode = this;
  previousReady: ReadyNode = this;

  get isReady(): boolean {
    return this.nextReady !== this;
  }

  /** Links this place into the ring before another. */
  linkBefore(place: ReadyNode): void {
    this.previousReady = place.previousReady;
    this.nextReady = place;
    place.previousReady.nextReady = this;
    place.previousReady = this;
  }

  unlink(): void {
    this.previousReady.nextReady = this.nextReady;
    this.nextReady.previousReady = this.previousReady;
    this.nextReady = this.previousReady = this;
  }
}

/** One handle in a wait set. */
class Member extends ReadyNode implements Waiter {
  readonly set: WaitSetObject;
  readonly entry: HandleEntry;
  readonly key: WaitSetKey;
  readonly isEdge: boolean;
  /** Its place in the object's queue. */
  node: WaitNode;
  /** Of its signals, those that were up when it looked last. */
  #seen: Signals = 0;

  constructor(
    set: WaitSetObject,
    entry: HandleEntry,
    signals: Signals,
    key: WaitSetKey,
    isEdge: boolean,
  ) {
    super();
    this.set = set;
    this.entry = entry;
    this.key = key;
    this.isEdge = isEdge;
    this.node = this.#look(signals);
  }

  /** Of its signals, those that are up. */
  get up(): Signals {
    return this.entry.object.signals & this.node.signals;
  }

  /** Something changed: the member is ready now, or no longer. */
  poll(): PollResult {
    const { up } = this;
    const hasRisen = (up & ~this.#seen) !== 0;
    this.#seen = up;
    if (up === 0) this.set.notReady(this);
    else if (hasRisen || !this.isEdge) this.set.ready(this);
    return "skipped";
  }

  /** What is up is taken for a rise: one may have been missed. */
  mayHaveFallen(): void {
    this.#seen = 0;
  }

  /** Threads change the object unseen, or no longer. */
  attended(isAttended: boolean): void {
    this.set.attended(this, isAttended);
  }

  /** The member's handle is gone: so is the member. */
  interrupt(): void {
    this.set.leave(this);
  }

  /** Waits for other signals, as if it were new. */
  change(signals: Signals): void {
    this.stop();
    this.#seen = 0;
    this.node = this.#look(signals);
  }

  /** No longer looks on. */
  stop(): void {
    this.node.queue?.remove(this.node);
    this.set.attended(this, false);
  }

  #look(signals: Signals): WaitNode {
    const node = new WaitNode(this, signals, false, this.entry, true);
    this.entry.object.waiters.add(node);
    return node;
  }
}

/** One wait set. */
export class WaitSetObject extends KernelObject implements WaitSetOps {
  readonly type = "wait set";
  readonly capabilities: number = Capability.WAIT_SET;
  readonly #members: Map<WaitSetKey, Member> = new Map();
  /** The ring of ready members starts after this place. */
  readonly #ready: ReadyNode = new ReadyNode();
  #readyCount = 0;
  /** Level-triggered members whose objects threads change unseen. */
  readonly #attended: Set<Member> = new Set();
  readonly #account: Account;

  /** @param account Who is charged for the members. */
  constructor(account: Account) {
    super();
    this.#account = account;
  }

  /** Handles in the set. */
  get memberCount(): number {
    return this.#members.size;
  }

  add(entry: HandleEntry, signals: Signals, key: WaitSetKey, isEdge: boolean): void {
    if (this.#members.has(key)) {
      throw new KernelError("ALREADY_EXISTS", `a member has the key ${describeKey(key)} already`);
    }
    const { object } = entry;
    if (object instanceof WaitSetObject && object.#reaches(this)) {
      throw new KernelError("INVALID_ARGUMENT", "the wait set would wait on itself");
    }
    this.#account.charge("pendingWaits");
    const member = new Member(this, entry, signals, key, isEdge);
    this.#members.set(key, member);
    member.poll();
  }

  modify(key: WaitSetKey, signals: Signals): void {
    const member = this.#get(key);
    member.change(signals);
    this.notReady(member);
    member.poll();
  }

  remove(key: WaitSetKey): void {
    this.leave(this.#get(key));
  }

  tryCollect(max: number): ReadyMember[] | WouldBlock {
    for (const member of this.#attended) member.poll();
    const ready: ReadyMember[] = [];
    // Each at most once: those that stay ready go to the end, so that all get their turn.
    for (let left = this.#readyCount; left > 0 && ready.length < max; left--) {
      const member = this.#ready.nextReady as Member;
      member.unlink();
      const { up } = member;
      if (up !== 0) ready.push({ key: member.key, signals: up });
      if (up === 0 || member.isEdge) this.#readyCount--;
      else member.linkBefore(this.#ready);
    }
    if (this.#readyCount === 0) this.waiters.wake(); // READABLE may have fallen
    return ready.length === 0 ? WOULD_BLOCK : ready;
  }

  /** A member has something to report. */
  ready(member: Member): void {
    if (member.isReady) return;
    member.linkBefore(this.#ready);
    if (++this.#readyCount === 1) this.waiters.wake();
  }

  /** A member has nothing to report. */
  notReady(member: Member): void {
    if (!member.isReady) return;
    member.unlink();
    if (--this.#readyCount === 0) this.waiters.wake();
  }

  /** Threads change a member's object unseen, or no longer. An edge is reported when it is noticed. */
  attended(member: Member, isAttended: boolean): void {
    if (!isAttended) this.#attended.delete(member);
    else if (!member.isEdge) this.#attended.add(member);
  }

  /** A member leaves. */
  leave(member: Member): void {
    if (this.#members.get(member.key) !== member) return;
    this.#members.delete(member.key);
    member.stop();
    this.#account.refund("pendingWaits");
    this.notReady(member);
  }

  protected override onLastHandleClosed(): void {
    for (const member of [...this.#members.values()]) this.leave(member);
  }

  protected ownSignals(): number {
    return this.#readyCount > 0 ? Signals.READABLE : 0;
  }

  override assertInvariants(): void {
    super.assertInvariants();
    let ready = 0;
    for (const [key, member] of this.#members) {
      if (member.key !== key) throw new Error("a member is filed under another key");
      if (member.node.queue !== member.entry.object.waiters) throw new Error("it does not look on");
      if (member.isReady) ready++;
      if (member.isReady && member.up === 0) throw new Error("a ready member has nothing up");
      const isMissing = !member.isEdge && !member.isReady && member.up !== 0;
      if (isMissing && !this.#attended.has(member)) {
        throw new Error("a member with signals up is not ready");
      }
    }
    if (ready !== this.#readyCount) throw new Error("the ready list holds strangers");
  }

  #get(key: WaitSetKey): Member {
    const member = this.#members.get(key);
    if (member !== undefined) return member;
    throw new KernelError("INVALID_ARGUMENT", `no member has the key ${describeKey(key)}`);
  }

  /** True when waiting on this set would wait on the other one. */
  #reaches(other: WaitSetObject): boolean {
    const reached = new Set<WaitSetObject>([this]);
    for (const set of reached) {
      if (set === other) return true;
      for (const { entry: { object } } of set.#members.values()) {
        if (object instanceof WaitSetObject) reached.add(object);
      }
    }
    return false;
  }
}

function describeKey(key: WaitSetKey): string {
  if (typeof key === "number") return String(key);
  return key.length > 40 ? "given" : JSON.stringify(key);
}
