import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { HandleEntry } from "../../capabilities/handle.ts";
import { HandleTable, MAX_HANDLES } from "../../capabilities/handle_table.ts";
import { Rights } from "../../capabilities/rights.ts";
import { WaitNode } from "../../capabilities/selectable.ts";
import { ExampleObject } from "./_example_object.ts";
import { codeOf } from "../_codes.ts";

function entry(rights: number = Rights.ALL): HandleEntry {
  return new HandleEntry(new ExampleObject(), rights);
}

Deno.test("HandleTable.get() throws BAD_HANDLE when the handle was closed", () => {
  const table = new HandleTable();
  const held = entry();
  const number = table.insert(held);
  assertEquals(table.get(number), held);
  held.close("closed");
  assertEquals(codeOf(() => table.get(number)), "BAD_HANDLE");
  assertEquals(table.find(number), undefined);
});

Deno.test("HandleTable.get() throws BAD_HANDLE for what is no handle's number, and calls nothing", () => {
  const table = new HandleTable();
  const number = table.insert(entry());
  let calls = 0;
  const spy = { valueOf: () => (calls++, number), toString: () => (calls++, String(number)) };
  const forged: unknown[] = [
    NaN,
    Infinity,
    -Infinity,
    -0,
    0,
    -number,
    number + 0.5,
    number + MAX_HANDLES,
    number + 2 ** 32,
    number + 2 ** 53,
    Number.MAX_VALUE,
    String(number),
    BigInt(number),
    [number],
    spy,
    Symbol("7"),
    null,
    undefined,
  ];
  for (const value of forged) {
    assertEquals(codeOf(() => table.get(value)), "BAD_HANDLE");
    assertEquals(table.find(value), undefined);
  }
  assertEquals(calls, 0);
});

Deno.test("HandleTable.get() tells REVOKED from BAD_HANDLE until the slot is used again", () => {
  const table = new HandleTable(2);
  const parent = entry();
  table.insert(parent);
  const number = table.insert(parent.derive(Rights.READ));
  assertEquals(parent.revokeDerived(), 1);
  assertEquals(codeOf(() => table.get(number)), "REVOKED");
  table.insert(entry()); // the only free slot
  assertEquals(codeOf(() => table.get(number)), "BAD_HANDLE");
});

Deno.test("HandleTable.get() never says REVOKED for a number that was not given out", () => {
  const table = new HandleTable(MAX_HANDLES);
  for (let i = 0; i < MAX_HANDLES; i++) table.insert(entry());
  for (const number of [-1, -2, 0, -65_536]) {
    assertEquals(codeOf(() => table.get(number)), "BAD_HANDLE");
  }
});

Deno.test("HandleTable.insert() throws TOO_MANY_HANDLES at the limit and changes nothing", () => {
  for (const limit of [1, 2, 70]) {
    const table = new HandleTable(limit);
    for (let i = 0; i < limit; i++) table.insert(entry());
    const other = entry();
    assertEquals(codeOf(() => table.insert(other)), "TOO_MANY_HANDLES");
    assertEquals(other.table, undefined);
    assertEquals(table.size, limit);
    assertEquals(table.room, 0);
    table.assertInvariants();
  }
});

Deno.test("HandleTable.insert() gives a slot a new number each time it is used", () => {
  const table = new HandleTable(1);
  const seen = new Set<number>();
  for (let i = 0; i < 1_000; i++) {
    const held = entry();
    const number = table.insert(held);
    assert(!seen.has(number));
    seen.add(number);
    held.close("closed");
  }
  table.assertInvariants();
});

Deno.test("HandleTable.insert() lets a freed slot rest while others are unused", () => {
  const table = new HandleTable(1_000);
  const slots: number[] = [];
  for (let i = 0; i < 64; i++) {
    const held = entry();
    slots.push(table.insert(held) & 0xffff);
    held.close("closed");
  }
  assertEquals(new Set(slots).size, 64);
});

Deno.test("HandleTable.insertRevoked() gives a number whose every use is REVOKED", () => {
  const table = new HandleTable(2);
  table.insert(entry());
  const number = table.insertRevoked();
  assertEquals(codeOf(() => table.get(number)), "REVOKED");
  assertEquals([table.size, table.find(number)], [1, undefined]);
  assert(table.insert(entry()) !== number); // and it takes nobody's place
  assertEquals(codeOf(() => table.insertRevoked()), "TOO_MANY_HANDLES");
  table.assertInvariants();
});

Deno.test("HandleTable iterates over its entries even when they are closed meanwhile", () => {
  const table = new HandleTable();
  const entries = Array.from({ length: 10 }, () => entry());
  for (const held of entries) table.insert(held);
  let count = 0;
  for (const held of table) {
    held.close("closed");
    count++;
  }
  assertEquals(count, 10);
  assertEquals(table.size, 0);
});

Deno.test("HandleEntry.close() ends the object with the last handle, once", () => {
  const object = new ExampleObject();
  const first = new HandleEntry(object, Rights.ALL);
  const second = first.derive(Rights.READ);
  assertEquals(object.handleCount, 2);
  first.close("closed");
  first.close("closed");
  assertEquals([object.handleCount, object.ends], [1, 0]);
  second.close("closed");
  assertEquals([object.handleCount, object.ends], [0, 1]);
});

Deno.test("HandleEntry.close() leaves its children to whom it was derived from", () => {
  const root = entry();
  const middle = root.derive(Rights.ALL);
  const leaves = [middle.derive(Rights.READ), middle.derive(Rights.WRITE)];
  const other = root.derive(Rights.WAIT);
  middle.close("closed");
  assertEquals(new Set(root.children()), new Set([...leaves, other]));
  assertEquals(root.revokeDerived(), 3);
  assertEquals(leaves.map(({ closed }) => closed), ["revoked", "revoked"]);
});

Deno.test("HandleEntry.revokeDerived() reaches across tables and leaves the handle itself", () => {
  const [mine, theirs] = [new HandleTable(), new HandleTable()];
  const root = entry();
  const number = mine.insert(root);
  const child = root.derive(Rights.READ);
  const theirNumber = theirs.insert(child);
  const inFlight = child.derive(Rights.READ);
  assertEquals(root.revokeDerived(), 2);
  assertEquals(mine.get(number), root);
  assertEquals(codeOf(() => theirs.get(theirNumber)), "REVOKED");
  assertEquals(inFlight.closed, "revoked");
  assertEquals(root.object.waiters.isEmpty, true);
});

Deno.test("HandleEntry.revokeDerived() takes a chain of a hundred thousand without recursion", () => {
  const root = entry();
  let last = root;
  for (let i = 0; i < 100_000; i++) last = last.derive(Rights.READ);
  assertEquals(root.revokeDerived(), 100_000);
  assertEquals(last.closed, "revoked");
  assertEquals([...root.children()], []);
});

Deno.test("HandleEntry.supersede() takes the place in the table and in the tree", () => {
  const table = new HandleTable(2);
  const root = entry();
  const old = root.derive(Rights.ALL);
  const child = old.derive(Rights.ALL);
  const oldNumber = table.insert(old);
  table.insert(entry()); // the table is full
  const heir = old.supersede(Rights.READ);
  assertEquals(codeOf(() => table.get(oldNumber)), "BAD_HANDLE");
  assertEquals(table.get(heir.number), heir);
  assertEquals([...root.children()], [heir]);
  assertEquals([...heir.children()], [child]);
  assertEquals(child.rights, Rights.ALL);
  root.assertInvariants();
  table.assertInvariants();
});

Deno.test("HandleEntry.supersede() holds its place in the table before the old one's waits end", () => {
  const table = new HandleTable(1);
  const old = entry();
  table.insert(old);
  let roomWhenInterrupted = -1;
  const waiter = {
    poll: () => "skipped" as const,
    interrupt: () => void (roomWhenInterrupted = table.room),
  };
  old.object.waiters.add(new WaitNode(waiter, 1, true, old));
  const heir = old.supersede(Rights.READ);
  assertEquals(roomWhenInterrupted, 0);
  assertEquals(table.get(heir.number), heir);
});

Deno.test("HandleEntry.query() tells what the handle is", () => {
  const table = new HandleTable();
  const held = entry(Rights.READ | Rights.WAIT);
  table.insert(held);
  assertEquals(held.query(), {
    type: "example",
    rights: Rights.READ | Rights.WAIT,
    role: "regular",
    access: "read",
    closeOnSpawn: false,
    nonblocking: false,
  });
  assertEquals(entry(Rights.WRITE).access, "write");
  assertEquals(entry(Rights.READ | Rights.WRITE).access, "readWrite");
  assertEquals(entry(Rights.WAIT).access, "none");
  assertStringIncludes(held.subject, "(example)");
});
