import { assert, assertEquals } from "@std/assert";
import type { HandleTarget } from "../../capabilities/capability.ts";
import { HandleEntry } from "../../capabilities/handle.ts";
import { HandleTable } from "../../capabilities/handle_table.ts";
import { Rights } from "../../capabilities/rights.ts";
import { CounterObject } from "../../kernel/ipc/counter.ts";
import { UnidirectionalPipe } from "../../kernel/ipc/pipe.ts";
import { Seats } from "../../kernel/seats.ts";
import { codeOf } from "../_codes.ts";

/** A thread of a task with a table. */
class Thread {
  readonly words: Int32Array;
  readonly seats: Seats;
  readonly table: HandleTable = new HandleTable(65_000);

  constructor(most = 4) {
    this.words = new Int32Array(most);
    this.seats = new Seats(this.words);
  }

  open(object: HandleTarget): HandleEntry {
    const entry = new HandleEntry(object, Rights.READ | Rights.WRITE | Rights.MAP);
    this.table.insert(entry);
    return entry;
  }

  take(object: HandleTarget): { entry: HandleEntry; seat: number } {
    const entry = this.open(object);
    const { seat } = this.seats.take(entry);
    this.seats.assertInvariants();
    return { entry, seat };
  }
}

Deno.test("Seats.take() gives one seat for all handles to one object, and both ends of a pipe are one", () => {
  const thread = new Thread();
  const { seats } = thread;
  const { reader, writer } = new UnidirectionalPipe();
  const { entry, seat } = thread.take(reader);
  assertEquals(seats.take(entry), { seat, isKnown: true });
  assertEquals(seats.take(thread.open(reader)), { seat, isKnown: true });
  assertEquals(seats.take(thread.open(writer)), { seat, isKnown: true });
  assertEquals(seats.take(thread.open(new UnidirectionalPipe().reader)), {
    seat: seat + 1,
    isKnown: false,
  });
  assertEquals(seats.size, 2);
});

Deno.test("Seats.follow() gives the memory once, and again where the thread has none", () => {
  const thread = new Thread();
  const pipe = new UnidirectionalPipe({ capacity: 10 });
  const { seat } = thread.take(pipe.reader);
  const first = thread.seats.follow(seat, false);
  assertEquals(first.memory, pipe.ring.memory);
  assertEquals([first.cut, first.wordValue], [undefined, thread.words[first.wordIndex]]);
  assertEquals(thread.seats.follow(seat, true).memory, undefined);
  assertEquals(thread.seats.follow(seat, false).memory, pipe.ring.memory);
  pipe.writer.tryWrite(Uint8Array.of(1));
  pipe.reader.tryRead(new Uint8Array(1)); // the kernel comes to the readers' side
  const next = thread.seats.follow(seat, true);
  assert(next.memory === pipe.ring.memory && next.memory !== first.memory);
  assertEquals(next.wordValue, thread.words[next.wordIndex]);
  assert(next.wordValue !== first.wordValue);
});

Deno.test("Seats.follow() tells the first cut since the thread last asked, and once", () => {
  const thread = new Thread();
  const pipe = new UnidirectionalPipe({ capacity: 10 });
  const { seat } = thread.take(pipe.reader);
  const others = [new Thread(), new Thread()];
  thread.seats.suspend();
  thread.seats.follow(seat, false);
  pipe.writer.tryWrite(Uint8Array.of(1, 2, 3));
  thread.seats.suspend(); // moves
  pipe.writer.tryWrite(Uint8Array.of(4));
  for (const other of others) other.take(pipe.reader);
  thread.seats.suspend();
  assertEquals(thread.seats.follow(seat, true).cut, { head: 0, tail: 3 });
  assertEquals(thread.seats.follow(seat, true).cut, undefined);
  thread.seats.suspend();
  assertEquals(thread.seats.follow(seat, true).cut, { head: 0, tail: 4 });
  thread.seats.suspend();
  assertEquals(thread.seats.follow(seat, false).cut, undefined, "it holds none that moved");
});

Deno.test("Seats.follow() tells the cut of a lost seat once, and then knows it no more", () => {
  const thread = new Thread();
  const pipe = new UnidirectionalPipe({ capacity: 10 });
  const { entry, seat } = thread.take(pipe.writer);
  thread.seats.follow(seat, false);
  pipe.writer.tryWrite(Uint8Array.of(1, 2));
  thread.seats.follow(seat, true);
  entry.close("revoked");
  assertEquals(thread.seats.size, 0);
  const report = thread.seats.follow(seat, true);
  assertEquals([report.terms, report.memory, report.cut], [undefined, undefined, {
    head: 0,
    tail: 2,
  }]);
  assertEquals(codeOf(() => thread.seats.follow(seat, true)), "INVALID_STATE");
  assertEquals(codeOf(() => thread.seats.follow(99, true)), "INVALID_STATE");
});

Deno.test("a seat ends with the first of its handles, and the others take another", () => {
  const thread = new Thread();
  const pipe = new UnidirectionalPipe();
  const [first, second] = [thread.take(pipe.reader), thread.take(pipe.reader)];
  const writer = thread.take(pipe.writer);
  assertEquals([second.seat, writer.seat], [first.seat, first.seat]);
  second.entry.close("closed");
  assertEquals([thread.seats.size, pipe.sharing], [0, undefined]);
  const again = thread.seats.take(first.entry);
  assertEquals(again, { seat: first.seat + 1, isKnown: false });
  writer.entry.close("closed"); // it was through the old one that it took part
  assertEquals([thread.seats.size, thread.seats.follow(again.seat, false).terms?.kind], [
    1,
    "ring",
  ]);
  first.entry.close("closed");
  assertEquals(thread.seats.size, 0);
  thread.seats.assertInvariants();
});

Deno.test("a seat ends with its handle's move to another table", () => {
  const [thread, other] = [new Thread(), new Thread()];
  const counter = new CounterObject();
  const { entry, seat } = thread.take(counter);
  thread.table.forget(entry);
  other.table.insert(entry);
  assertEquals(thread.seats.follow(seat, false).terms, undefined);
  assertEquals(other.seats.take(entry).isKnown, false);
  assertEquals([thread.seats.size, other.seats.size], [0, 1]);
});

Deno.test("a word is used again, and always holds something that it didn't before", () => {
  const thread = new Thread(1);
  const seen = new Set<number>();
  for (let i = 0; i < 100; i++) {
    const counter = i % 2 === 0 ? new CounterObject() : new UnidirectionalPipe().reader;
    const { entry, seat } = thread.take(counter);
    const { wordValue } = thread.seats.follow(seat, false);
    assert(!seen.has(wordValue));
    seen.add(wordValue);
    entry.close("closed");
    assert(thread.words[0] !== wordValue, "the thread sees that it was lost");
  }
});

Deno.test("Seats.take() refuses more seats than there are words, and no word is lost then", () => {
  const thread = new Thread(3);
  const taken = [1, 2, 3].map(() => thread.take(new CounterObject()));
  const pipe = new UnidirectionalPipe();
  const entry = thread.open(pipe.reader);
  for (let i = 0; i < 3; i++) {
    assertEquals(codeOf(() => thread.seats.take(entry)), "LIMIT_EXCEEDED");
  }
  // The pipe works as if nobody had asked.
  assertEquals(pipe.writer.tryWrite(Uint8Array.of(1)), 1);
  assertEquals(pipe.reader.tryRead(new Uint8Array(1)), 1);
  taken[1]?.entry.close("closed");
  assertEquals(thread.seats.take(entry).isKnown, false);
  thread.seats.assertInvariants();
});

Deno.test("lost seats that nobody asks for are kept in a bounded number", () => {
  const thread = new Thread(2);
  const counter = new CounterObject();
  const numbers: number[] = [];
  for (let i = 0; i < 5_000; i++) {
    const { entry, seat } = thread.take(counter);
    numbers.push(seat);
    entry.close("closed");
  }
  thread.seats.assertInvariants();
  assertEquals(codeOf(() => thread.seats.follow(numbers[0] ?? 0, true)), "INVALID_STATE");
  assertEquals(thread.seats.follow(numbers.at(-1) ?? 0, true).terms, undefined);
});
