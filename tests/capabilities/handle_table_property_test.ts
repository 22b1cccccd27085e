import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { KernelError } from "../../capabilities/errors.ts";
import { HandleEntry } from "../../capabilities/handle.ts";
import { HandleTable } from "../../capabilities/handle_table.ts";
import { Rights } from "../../capabilities/rights.ts";
import { ExampleObject } from "./_example_object.ts";

/** A handle as the reference model sees it: plain data, the tree by parents. */
interface ModelHandle {
  readonly entry: HandleEntry;
  readonly object: ExampleObject;
  readonly rights: number;
  parent: ModelHandle | undefined;
  /** Where it is: a table, in flight, or gone and why. */
  place: number | "in flight" | "closed" | "revoked";
  /** Every number it ever had, by table. */
  numbers: { table: number; number: number }[];
}

const TABLES = 3;
const LIMIT = 12;

/** Several tables, and beside them the plain model that they must agree with. */
class Model {
  readonly tables = Array.from({ length: TABLES }, () => new HandleTable(LIMIT));
  readonly handles: ModelHandle[] = [];
  readonly given: Set<number>[] = Array.from({ length: TABLES }, () => new Set());

  insert(table: number, rights: number): void {
    if (!this.#hasRoom(table)) return;
    const object = new ExampleObject();
    this.#add(new HandleEntry(object, rights), object, rights, undefined, table);
  }

  duplicate(index: number, mask: number): void {
    const source = this.#open(index);
    if (source === undefined || typeof source.place !== "number") return;
    if (!this.#hasRoom(source.place)) return;
    const rights = source.rights & mask;
    this.#add(source.entry.derive(rights), source.object, rights, source, source.place);
  }

  replace(index: number, mask: number): void {
    const old = this.#open(index);
    if (old === undefined || typeof old.place !== "number") return;
    const rights = old.rights & mask;
    const entry = old.entry.supersede(rights);
    const heir: ModelHandle = {
      ...old,
      entry,
      rights,
      numbers: [{ table: old.place, number: entry.number }],
    };
    this.#noteNumber(old.place, entry.number);
    for (const handle of this.handles) if (handle.parent === old) handle.parent = heir;
    old.place = "closed";
    this.handles.push(heir);
  }

  move(index: number, table: number): void {
    const handle = this.#open(index);
    if (handle === undefined || handle.place === table || !this.#hasRoom(table)) return;
    handle.entry.table?.forget(handle.entry);
    const number = this.tables[table]?.insert(handle.entry) as number;
    this.#noteNumber(table, number);
    handle.numbers.push({ table, number });
    handle.place = table;
  }

  takeOff(index: number): void {
    const handle = this.#open(index);
    if (handle === undefined) return;
    handle.entry.table?.forget(handle.entry);
    handle.place = "in flight";
  }

  close(index: number): void {
    const handle = this.#open(index);
    if (handle === undefined) return;
    handle.entry.close("closed");
    this.#gone(handle, "closed");
  }

  revoke(index: number): void {
    const handle = this.#open(index);
    if (handle === undefined) return;
    const below = this.handles.filter((other) => isBelow(other, handle) && isOpen(other));
    assertEquals(handle.entry.revokeDerived(), below.length);
    for (const other of below) other.place = "revoked";
  }

  /** Compares everything that can be seen. */
  check(): void {
    for (const [index, table] of this.tables.entries()) {
      table.assertInvariants();
      const held = this.handles.filter(({ place }) => place === index);
      assertEquals(table.size, held.length);
      assertEquals(table.room, LIMIT - held.length);
      assertSameEntries([...table], held);
    }
    for (const handle of this.handles) this.#checkHandle(handle);
  }

  #checkHandle(handle: ModelHandle): void {
    const { entry, place, numbers } = handle;
    entry.assertInvariants();
    if (isOpen(handle)) {
      const children = this.handles.filter((other) => other.parent === handle && isOpen(other));
      assertSameEntries([...entry.children()], children);
    }
    const named = this.handles.filter((other) => other.object === handle.object && isOpen(other));
    assertEquals(handle.object.handleCount, named.length);
    assertEquals(handle.object.ends, named.length === 0 ? 1 : 0);
    for (const [i, { table, number }] of numbers.entries()) {
      const isCurrent = place === table && i === numbers.length - 1;
      assertStrictEquals(this.tables[table]?.find(number), isCurrent ? entry : undefined);
      if (isCurrent) assertStrictEquals(this.tables[table]?.get(number), entry);
      else this.#checkStale(table, number);
    }
  }

  /** A stale number is REVOKED or BAD_HANDLE, and only a revoked handle's is REVOKED. */
  #checkStale(table: number, number: number): void {
    const error = assertThrows(() => this.tables[table]?.get(number), KernelError);
    const wasRevoked = this.handles.some(({ place, numbers }) =>
      place === "revoked" && numbers.at(-1)?.number === number && numbers.at(-1)?.table === table
    );
    assert(error.code === "BAD_HANDLE" || (wasRevoked && error.code === "REVOKED"), error.code);
  }

  #add(
    entry: HandleEntry,
    object: ExampleObject,
    rights: number,
    parent: ModelHandle | undefined,
    table: number,
  ): void {
    const number = this.tables[table]?.insert(entry) as number;
    this.#noteNumber(table, number);
    const numbers = [{ table, number }];
    this.handles.push({ entry, object, rights, parent, place: table, numbers });
  }

  /** No number is given out twice. */
  #noteNumber(table: number, number: number): void {
    assert(this.given[table]?.has(number) === false, `${number} was given out twice`);
    this.given[table]?.add(number);
  }

  #hasRoom(table: number): boolean {
    if (this.tables[table]?.room !== 0) return true;
    const entry = new HandleEntry(new ExampleObject(), 0);
    const error = assertThrows(() => this.tables[table]?.insert(entry), KernelError);
    assertEquals(error.code, "TOO_MANY_HANDLES");
    return false;
  }

  /** An open handle picked by number; undefined when there is none. */
  #open(index: number): ModelHandle | undefined {
    const open = this.handles.filter(isOpen);
    return open[index % Math.max(1, open.length)];
  }

  #gone(handle: ModelHandle, place: "closed" | "revoked"): void {
    handle.place = place;
    for (const other of this.handles) if (other.parent === handle) other.parent = handle.parent;
  }
}

/** The same entries in any order, by identity: entries are linked in rings. */
function assertSameEntries(actual: HandleEntry[], expected: ModelHandle[]): void {
  assertEquals(actual.length, expected.length);
  const entries = new Set(actual);
  for (const { entry } of expected) assert(entries.has(entry), "an entry is missing");
}

function isOpen({ place }: ModelHandle): boolean {
  return typeof place === "number" || place === "in flight";
}

function isBelow(handle: ModelHandle, ancestor: ModelHandle): boolean {
  for (let at = handle.parent; at !== undefined; at = at.parent) if (at === ancestor) return true;
  return false;
}

const index = fc.nat(1_000);
const table = fc.nat(TABLES - 1);
const mask = fc.nat(Rights.ALL);
const step: fc.Arbitrary<(model: Model) => void> = fc.oneof(
  fc.tuple(table, mask).map(([t, m]) => (model: Model) => model.insert(t, m)),
  fc.tuple(index, mask).map(([i, m]) => (model: Model) => model.duplicate(i, m)),
  fc.tuple(index, mask).map(([i, m]) => (model: Model) => model.duplicate(i, m | Rights.READ)),
  fc.tuple(index, mask).map(([i, m]) => (model: Model) => model.replace(i, m)),
  fc.tuple(index, table).map(([i, t]) => (model: Model) => model.move(i, t)),
  index.map((i) => (model: Model) => model.takeOff(i)),
  index.map((i) => (model: Model) => model.close(i)),
  index.map((i) => (model: Model) => model.revoke(i)),
);

Deno.test("HandleTable and derivation agree with a plain model over random programs", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const model = new Model();
      for (const run of steps) {
        run(model);
        model.check();
      }
    }),
    { numRuns: 400 },
  );
});

Deno.test("HandleTable.insert() never gives a number twice over many generations", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(4), { minLength: 50, maxLength: 300 }), (choices) => {
      const held: HandleEntry[] = [];
      const small = new HandleTable(4);
      const given = new Set<number>();
      for (const choice of choices) {
        if (choice === 4 || held.length === 4) {
          held.splice(choice % Math.max(1, held.length), 1)[0]?.close("closed");
        } else {
          const entry = new HandleEntry(new ExampleObject(), 0);
          const number = small.insert(entry);
          assert(!given.has(number));
          assert(Number.isSafeInteger(number) && number > 0);
          given.add(number);
          held.push(entry);
        }
        small.assertInvariants();
      }
    }),
    { numRuns: 50 },
  );
});
