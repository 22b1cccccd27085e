import { assert, assertEquals } from "@std/assert";
import { allocateRing, MOVED, Ring } from "../../memory/ring.ts";
import { HEAD, LEFT_BEHIND, READER_LOCK, TAIL, WRITER_LOCK } from "../../memory/ring_layout.ts";
import { moveRing } from "../../memory/ring_move.ts";

const WRITER = { soleReader: false, soleWriter: true };
const READER = { soleReader: true, soleWriter: false };

function wordAt(value = 0): { word: Int32Array; index: number; value: number } {
  const word = new Int32Array(new SharedArrayBuffer(8));
  word[1] = value;
  return { word, index: 1, value };
}

function bytes(length: number, first = 0): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, (_, i) => first + i);
}

Deno.test("moveRing() carries what is unread to fresh memory, and the indices go on", () => {
  for (const packet of [false, true]) {
    const memory = allocateRing(10, packet);
    const ring = new Ring(memory, 10, { packet });
    for (let i = 0; i < 3; i++) {
      ring.write(bytes(6), 0, 6);
      ring.read(new Uint8Array(6));
    }
    ring.write(bytes(7, 40), 0, 7);
    const moved = moveRing(memory, 10, packet, []);
    assert(moved !== undefined);
    assert(moved.memory !== memory);
    const words = new Int32Array(memory);
    assertEquals(moved.cut, { head: words[HEAD], tail: words[TAIL] } as never);
    const next = new Ring(moved.memory, 10, { packet });
    const into = new Uint8Array(7);
    assertEquals(next.read(into), 7);
    assertEquals(into, bytes(7, 40));
  }
});

Deno.test("moveRing() tells every participant, and leaves the locks behind", () => {
  const memory = allocateRing(10);
  const [one, two] = [wordAt(5), wordAt(-1)];
  moveRing(memory, 10, false, [one, two]);
  assertEquals([one.word[1], two.word[1]], [6, 0]);
  const words = new Int32Array(memory);
  assertEquals([words[WRITER_LOCK], words[READER_LOCK]], [LEFT_BEHIND, LEFT_BEHIND]);
});

Deno.test("moveRing() gives undefined when an index makes no sense, and tells the participants", () => {
  for (const [word, value] of [[HEAD, 20], [TAIL, -1], [HEAD, 1], [TAIL, 11]] as const) {
    const memory = allocateRing(10);
    new Int32Array(memory)[word] = value;
    const participant = wordAt();
    assertEquals(moveRing(memory, 10, false, [participant]), undefined);
    assertEquals(participant.word[1], 1);
  }
});

Deno.test("Ring.write() answers MOVED after a move, and settleWrite() tells it apart by the cut", () => {
  const memory = allocateRing(10);
  const generation = wordAt();
  const ring = new Ring(memory, 10, { ...WRITER, generation });
  assertEquals(ring.write(bytes(3), 0, 3), 3);
  const moved = moveRing(memory, 10, false, [generation]);
  assertEquals(ring.write(bytes(2), 0, 2), MOVED);
  assertEquals(moved?.cut, { head: 0, tail: 3 });
  assertEquals(ring.settleWrite({ head: 0, tail: 3 }), 0);
  assertEquals(ring.settleWrite({ head: 0, tail: 5 }), 2);
  assertEquals(ring.write(bytes(2), 0, 2), MOVED);
  assertEquals(ring.settleWrite({ head: 0, tail: 5 }), 2, "nothing was written after the move");
  assertEquals(ring.condition, MOVED);
});

Deno.test("Ring.write() of several slices settles with the slices that count", () => {
  const memory = allocateRing(100_000);
  const generation = wordAt();
  const ring = new Ring(memory, 100_000, { ...WRITER, generation });
  generation.word[1] = 1;
  const slice = 16 * 1024;
  assertEquals(ring.write(new Uint8Array(50_000), 0, 50_000), MOVED);
  assertEquals(ring.settleWrite({ head: 0, tail: 0 }), 0);
  assertEquals(ring.settleWrite({ head: 0, tail: slice }), slice);
  assertEquals(new Int32Array(memory)[TAIL], slice);
});

Deno.test("Ring.read() answers MOVED after a move, and settleRead() tells it apart by the cut", () => {
  const memory = allocateRing(10);
  new Ring(memory, 10).write(bytes(5), 0, 5);
  const generation = wordAt();
  const ring = new Ring(memory, 10, { ...READER, generation });
  moveRing(memory, 10, false, [generation]);
  assertEquals(ring.read(new Uint8Array(2)), MOVED);
  assertEquals(ring.settleRead({ head: 0, tail: 5 }), 0);
  assertEquals(ring.settleRead({ head: 2, tail: 5 }), 2);
  assertEquals(ring.read(new Uint8Array(2)), MOVED);
});

Deno.test("every operation of a Ring answers MOVED, or nothing, once the pipe moved", () => {
  for (const alone of [false, true]) {
    for (const operation of ["read", "write", "peek", "consume", "reserve", "commit"] as const) {
      const memory = allocateRing(10);
      const generation = wordAt();
      const seat = { soleReader: alone, soleWriter: alone, generation };
      const ring = new Ring(memory, 10, seat);
      ring.write(bytes(4), 0, 4);
      ring.peek();
      ring.reserve(2);
      moveRing(memory, 10, false, [generation]);
      if (operation === "peek") assertEquals(ring.peek().length, 0);
      else if (operation === "reserve") assertEquals(ring.reserve(1), undefined);
      else if (operation === "read") assertEquals(ring.read(new Uint8Array(1)), MOVED);
      else if (operation === "write") assertEquals(ring.write(bytes(1), 0, 1), MOVED);
      else assertEquals(ring[operation](1), MOVED);
      assertEquals(ring.condition, MOVED);
    }
  }
});
