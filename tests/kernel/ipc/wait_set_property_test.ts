import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { HandleEntry } from "../../../capabilities/handle.ts";
import { DEFAULT_LIMITS } from "../../../capabilities/limits.ts";
import { Rights } from "../../../capabilities/rights.ts";
import { Signals } from "../../../capabilities/signals.ts";
import { WOULD_BLOCK } from "../../../capabilities/stream_ops.ts";
import { Account } from "../../../kernel/account.ts";
import { ManualClock } from "../../../kernel/clock.ts";
import { TimerObject } from "../../../kernel/ipc/timer.ts";
import { WaitSetObject } from "../../../kernel/ipc/wait_set.ts";

const MASKS = [Signals.USER_0, Signals.USER_1, Signals.USER_0 | Signals.USER_1];
const SOURCES = 4;

/** A member as a naive poller remembers it. */
interface Polled {
  readonly entry: HandleEntry;
  mask: number;
  readonly isEdge: boolean;
  /** For edges: signals up at the last look, and whether a rise waits to be reported. */
  seen: number;
  hasRisen: boolean;
}

/** The set, and a model that looks at every member after every step. */
class Model {
  readonly account = new Account(DEFAULT_LIMITS);
  readonly set = new WaitSetObject(this.account);
  readonly sources = Array.from({ length: SOURCES }, () => new TimerObject(new ManualClock()));
  readonly anchors = this.sources.map((source) => new HandleEntry(source, Rights.ALL));
  readonly handles = this.anchors.map((anchor) => anchor.derive(Rights.ALL));
  readonly members = new Map<number, Polled>();

  look(): void {
    for (const member of this.members.values()) {
      const up = member.entry.object.signals & member.mask;
      if ((up & ~member.seen) !== 0) member.hasRisen = true;
      if (up === 0) member.hasRisen = false;
      member.seen = up;
    }
  }

  /** The keys that are ready, each with its signals, in the order of the keys. */
  ready(): [number, number][] {
    const ready: [number, number][] = [];
    for (const [key, { entry, mask, isEdge, hasRisen }] of this.members) {
      const up = entry.object.signals & mask;
      if (up !== 0 && (!isEdge || hasRisen)) ready.push([key, up]);
    }
    return ready.sort(([a], [b]) => a - b);
  }

  check(): void {
    this.look();
    this.set.assertInvariants();
    assertEquals(this.set.memberCount, this.members.size);
    assertEquals(this.account.usage.pendingWaits, this.members.size);
    assertEquals(this.set.signals, this.ready().length > 0 ? Signals.READABLE : 0);
  }
}

type Step = (model: Model) => void;
const source = fc.nat({ max: SOURCES - 1 });
const key = fc.nat({ max: 5 });
const mask = fc.constantFrom(...MASKS);

const add = fc.record({ source, key, mask, isEdge: fc.boolean() })
  .map(({ source, key, mask, isEdge }): Step => (model) => {
    const entry = model.handles[source];
    if (entry === undefined || entry.closed !== undefined || model.members.has(key)) return;
    model.set.add(entry, mask, key, isEdge);
    model.members.set(key, { entry, mask, isEdge, seen: 0, hasRisen: false });
  });

const modify = fc.record({ key, mask }).map(({ key, mask }): Step => (model) => {
  const member = model.members.get(key);
  if (member === undefined) return;
  model.set.modify(key, mask);
  Object.assign(member, { mask, seen: 0, hasRisen: false });
});

const remove = key.map((key): Step => (model) => {
  if (model.members.delete(key)) model.set.remove(key);
});

const signal = fc.record({ source, clear: mask, set: fc.option(mask) })
  .map(({ source, clear, set }): Step => (model) => {
    if (set === null) model.sources[source]?.setUserSignals(clear, 0);
    else model.sources[source]?.setUserSignals(0, set);
  });

const wait = fc.integer({ min: 1, max: 4 }).map((max): Step => (model) => {
  const expected = model.ready();
  const got = model.set.tryCollect(max);
  if (got === WOULD_BLOCK) {
    assertEquals(expected, []);
    return;
  }
  assertEquals(got.length, Math.min(max, expected.length));
  for (const { key, signals } of got) {
    assert(expected.some(([k, up]) => k === key && up === signals), "it was ready");
    const member = model.members.get(key as number);
    if (member !== undefined) member.hasRisen = false;
  }
});

const drop = fc.record({ source, how: fc.constantFrom("close", "revoke", "replace") })
  .map(({ source, how }): Step => (model) => {
    const handle = model.handles[source] as HandleEntry;
    if (how === "close") handle.close("closed");
    else if (how === "revoke") model.anchors[source]?.revokeDerived();
    else if (handle.closed === undefined) handle.supersede(handle.rights).close("closed");
    for (const [key, { entry }] of model.members) if (entry === handle) model.members.delete(key);
    model.handles[source] = (model.anchors[source] as HandleEntry).derive(Rights.ALL);
  });

Deno.test("WaitSetObject reports what polling every member would, in any program", () => {
  const step = fc.oneof(
    { weight: 4, arbitrary: add },
    { weight: 8, arbitrary: signal },
    { weight: 6, arbitrary: wait },
    { weight: 2, arbitrary: modify },
    { weight: 2, arbitrary: remove },
    { weight: 1, arbitrary: drop },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const model = new Model();
      const holder = new HandleEntry(model.set, Rights.ALL);
      for (const step of steps) {
        step(model);
        model.check();
      }
      holder.close("closed");
      assertEquals(model.account.usage.pendingWaits, 0);
      for (const source of model.sources) assert(source.waiters.isEmpty, "nobody looks on");
    }),
    { numRuns: 500 },
  );
});
