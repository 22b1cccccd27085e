import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { KernelError } from "../../capabilities/errors.ts";
import { Account, type Countable, type Lease } from "../../kernel/account.ts";
import { DEFAULT_LIMITS } from "../../capabilities/limits.ts";
import { codeOf } from "../_codes.ts";

function account(limits: Partial<Record<Countable, number>>, parent?: Account): Account {
  return new Account({ ...DEFAULT_LIMITS, ...limits }, parent);
}

Deno.test("Account.charge() counts on every account above", () => {
  const root = account({});
  const child = account({}, root);
  const grandchild = account({}, child);
  grandchild.charge("objects", 3);
  child.charge("objects", 1);
  assertEquals([root, child, grandchild].map(({ usage }) => usage.objects), [4, 4, 3]);
  grandchild.refund("objects", 3);
  assertEquals([root, child, grandchild].map(({ usage }) => usage.objects), [1, 1, 0]);
});

Deno.test("Account.charge() throws LIMIT_EXCEEDED for any account above, and charges none", () => {
  const root = account({ objects: 5 });
  const children = [account({}, root), account({}, root)];
  children[0]?.charge("objects", 4);
  assertEquals(codeOf(() => children[1]?.charge("objects", 2)), "LIMIT_EXCEEDED");
  assertEquals([root.usage.objects, children[1]?.usage.objects], [4, 0]);
  children[1]?.charge("objects", 1);
  for (const each of [root, ...children]) each.assertInvariants();
});

Deno.test("Account.lease() charges all or nothing", () => {
  const root = account({ objects: 2, bufferBytes: 100, queuedEvents: 10 });
  assertEquals(codeOf(() => root.lease(101)), "LIMIT_EXCEEDED");
  assertEquals(codeOf(() => root.lease(50, 11)), "LIMIT_EXCEEDED");
  assertEquals([root.usage.objects, root.usage.bufferBytes, root.usage.queuedEvents], [0, 0, 0]);
  const lease = root.lease(100, 10);
  lease.release();
  lease.release();
  assertEquals([root.usage.objects, root.usage.bufferBytes, root.usage.queuedEvents], [0, 0, 0]);
});

Deno.test("Lease.resize() changes what is charged, or nothing", () => {
  const root = account({ bufferBytes: 100, queuedEvents: 10 });
  const lease = root.lease(40, 4);
  lease.resize(100);
  assertEquals(codeOf(() => lease.resize(101)), "LIMIT_EXCEEDED");
  assertEquals(root.usage.bufferBytes, 100);
  lease.resizeEvents(10);
  assertEquals(codeOf(() => lease.resizeEvents(11)), "LIMIT_EXCEEDED");
  lease.resize(0);
  lease.resizeEvents(0);
  assertEquals([root.usage.bufferBytes, root.usage.queuedEvents], [0, 0]);
});

Deno.test("Lease.resize() after the release charges nothing", () => {
  const root = account({});
  const lease = root.lease(10, 1);
  lease.release();
  lease.resize(50);
  lease.resizeEvents(5);
  assertEquals([root.usage.bufferBytes, root.usage.queuedEvents], [0, 0]);
});

Deno.test("Account and Lease agree with plain sums over random programs", () => {
  const step = fc.tuple(fc.nat(2), fc.constantFrom("lease", "release", "resize"), fc.nat(60));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const root = account({ objects: 8, bufferBytes: 200 });
      const child = account({ objects: 6, bufferBytes: 120 }, root);
      const accounts = [root, child, account({ objects: 4 }, child)];
      const held: { lease: Lease; owner: number; bytes: number }[] = [];
      const sum = (below: number, of: (each: { bytes: number }) => number) =>
        held.filter(({ owner }) => owner >= below).reduce((total, each) => total + of(each), 0);
      for (const [owner, what, bytes] of steps) {
        const one = held[bytes % Math.max(1, held.length)];
        try {
          if (what === "lease") {
            const lease = (accounts[owner] as Account).lease(bytes);
            held.push({ lease, owner, bytes });
          } else if (one !== undefined && what === "release") {
            one.lease.release();
            held.splice(held.indexOf(one), 1);
          } else if (one !== undefined) {
            one.lease.resize(bytes);
            one.bytes = bytes;
          }
        } catch (error) {
          if (!(error instanceof KernelError)) throw error;
        }
        accounts.forEach((each, below) => {
          each.assertInvariants();
          assertEquals(each.usage.objects, sum(below, () => 1));
          assertEquals(each.usage.bufferBytes, sum(below, ({ bytes }) => bytes));
        });
      }
    }),
    { numRuns: 200 },
  );
});
