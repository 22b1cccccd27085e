import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { HandleEntry } from "../../capabilities/handle.ts";
import { HandleTable } from "../../capabilities/handle_table.ts";
import { Rights } from "../../capabilities/rights.ts";
import { ManualClock } from "../../kernel/clock.ts";
import { closeInFlight, land, sendable, takeOff } from "../../kernel/handle_transfer.ts";
import { TimerObject } from "../../kernel/ipc/timer.ts";
import { codeOf } from "../_codes.ts";

const nothing = () => false;

/** A table with handles to new objects, one for each mask of rights. */
function tableWith(...masks: number[]): { table: HandleTable; numbers: number[] } {
  const table = new HandleTable();
  const numbers = masks.map((rights) =>
    table.insert(new HandleEntry(new TimerObject(new ManualClock()), rights))
  );
  return { table, numbers };
}

Deno.test("sendable() checks every handle and changes nothing", () => {
  const { table, numbers } = tableWith(Rights.ALL, Rights.TRANSFER, Rights.READ);
  const [free, sole, kept] = numbers;
  assertEquals(sendable(table, [free, sole], false, nothing).length, 2);
  assertEquals(codeOf(() => sendable(table, [free, kept], false, nothing)), "ACCESS_DENIED");
  assertEquals(codeOf(() => sendable(table, [free, sole], true, nothing)), "ACCESS_DENIED");
  assertEquals(codeOf(() => sendable(table, [free, free], false, nothing)), "INVALID_ARGUMENT");
  assertEquals(codeOf(() => sendable(table, [free, 12_345], false, nothing)), "BAD_HANDLE");
  assertEquals(codeOf(() => sendable(table, [free, "1"], false, nothing)), "BAD_HANDLE");
  assertEquals(codeOf(() => sendable(table, [free], false, () => true)), "INVALID_ARGUMENT");
  const many = new Array(65).fill(free);
  assertEquals(codeOf(() => sendable(table, many, false, nothing)), "OUT_OF_RANGE");
  assertEquals(table.size, 3);
  table.assertInvariants();
});

Deno.test("takeOff() keeps the entry, its rights, role and place in the derivation tree", () => {
  const { table, numbers } = tableWith(Rights.ALL);
  const parent = table.get(numbers[0]);
  const child = parent.derive(Rights.ALL);
  child.role = "stdin";
  table.insert(child);
  const [moved] = takeOff([child], false);
  assertStrictEquals(moved, child);
  assertEquals([child.table, child.closed, child.object.waiters.isEmpty], [
    undefined,
    undefined,
    true,
  ]);
  const other = new HandleTable();
  const [arrival] = land([child], other);
  assertEquals(arrival, { number: child.number, type: "timer", rights: Rights.ALL });
  assertEquals(other.get(arrival?.number).role, "stdin");
  parent.revokeDerived();
  assertEquals(codeOf(() => other.get(arrival?.number)), "REVOKED");
});

Deno.test("land() moves all handles or none", () => {
  const { table, numbers } = tableWith(Rights.ALL, Rights.ALL);
  const inFlight = takeOff(sendable(table, numbers, false, nothing), false);
  const small = new HandleTable(1);
  assertEquals(codeOf(() => land(inFlight, small)), "TOO_MANY_HANDLES");
  assertEquals(small.size, 0);
  assertEquals(land(inFlight, new HandleTable(2)).length, 2);
});

Deno.test("land() gives a revoked handle a number that is REVOKED and takes no room", () => {
  const { table, numbers } = tableWith(Rights.ALL);
  const parent = table.get(numbers[0]);
  const inFlight = takeOff([parent], true);
  parent.revokeDerived();
  const receiver = new HandleTable();
  const [arrival] = land(inFlight, receiver);
  assertEquals(receiver.size, 0);
  assertEquals(receiver.find(arrival?.number), undefined);
  assertEquals(codeOf(() => receiver.get(arrival?.number)), "REVOKED");
  receiver.assertInvariants();
});

Deno.test("closeInFlight() closes what nobody receives", () => {
  const { table, numbers } = tableWith(Rights.ALL);
  const timer = table.get(numbers[0]).object as TimerObject;
  timer.set({ delayMs: 10, periodMs: 0 });
  const inFlight = takeOff(sendable(table, numbers, false, nothing), false);
  assertEquals(timer.handleCount, 1, "in flight, it counts");
  assert(timer.isSet);
  closeInFlight(inFlight);
  assertEquals([timer.handleCount, timer.isSet], [0, false]);
});
