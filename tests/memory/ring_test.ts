import { assert, assertEquals, assertThrows } from "@std/assert";
import { allocateRing, BUSY, GARBLED, packetBytesNeeded, Ring, STALE } from "../../memory/ring.ts";
import {
  HEAD,
  HEADER_BYTES,
  HELD,
  READER_LOCK,
  TAIL,
  WRITER_LOCK,
} from "../../memory/ring_layout.ts";
import { isFreed } from "../_garbage.ts";

/** Bytes that count up, so that an order can be seen. */
function bytes(length: number, first = 0): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, (_, i) => (first + i) & 0xff);
}

function put(ring: Ring, length: number, first = 0): number {
  return ring.write(bytes(length, first), 0, length);
}

/** What a read with room for `most` bytes gives. */
function take(ring: Ring, most = 1 << 17): number[] {
  const into = new Uint8Array(most);
  const count = ring.read(into);
  ring.assertInvariants();
  return [...into.subarray(0, Math.max(0, count))];
}

/** A ring whose indices both stand at `index`. */
function ringAt(index: number, capacityBytes: number, packet = false): Ring {
  const memory = allocateRing(capacityBytes, packet);
  const words = new Int32Array(memory);
  words[HEAD] = words[TAIL] = index;
  return new Ring(memory, capacityBytes, { packet });
}

Deno.test("Ring.read() gives what is there, up to the buffer, in order", () => {
  const ring = new Ring(allocateRing(100), 100);
  assertEquals(put(ring, 10), 10);
  assertEquals(take(ring, 4), [0, 1, 2, 3]);
  assertEquals(take(ring), [4, 5, 6, 7, 8, 9]);
  assertEquals(ring.read(new Uint8Array(5)), 0);
});

Deno.test("Ring.read() fills only the part of the buffer that it is told", () => {
  const ring = new Ring(allocateRing(100), 100);
  put(ring, 10, 1);
  const into = new Uint8Array(6);
  assertEquals(ring.read(into, 2, 4), 2);
  assertEquals([...into], [0, 0, 1, 2, 0, 0]);
  assertEquals(ring.read(into, 3, 3), 0);
  assertEquals(ring.availableBytes, 8);
});

Deno.test("Ring.write() holds exactly its capacity", () => {
  for (const capacity of [1, 3, 100, 4096, 5000]) {
    const ring = new Ring(allocateRing(capacity), capacity);
    assertEquals(ring.freeBytes, capacity);
    for (let round = 0; round < 5; round++) {
      assertEquals(put(ring, capacity, round), capacity);
      assertEquals(ring.freeBytes, 0);
      assertEquals(put(ring, 1), 0);
      assertEquals(take(ring), [...bytes(capacity, round)]);
      put(ring, 1);
      take(ring);
    }
  }
});

Deno.test("Ring.write() is all or nothing up to atomicBytes, and writes what fits beyond", () => {
  const ring = new Ring(allocateRing(6000), 6000);
  assertEquals(ring.atomicBytes, 4096);
  assertEquals(put(ring, 4096), 4096);
  assertEquals(put(ring, 1905), 0);
  assertEquals(put(ring, 4097), 1904);
  assertEquals(put(ring, 4097), 0);
  const small = new Ring(allocateRing(3), 3);
  assertEquals(small.atomicBytes, 3);
  put(small, 1);
  assertEquals(put(small, 3), 0);
  assertEquals(put(small, 4), 2);
});

Deno.test("Ring.write() takes the part of the bytes that it is told", () => {
  const ring = new Ring(allocateRing(100), 100);
  assertEquals(ring.write(bytes(10), 3, 6), 3);
  assertEquals(ring.write(bytes(10), 6, 6), 0);
  assertEquals(take(ring), [3, 4, 5]);
});

Deno.test("Ring.write() and read() copy the same bytes whatever the alignment", () => {
  const ring = new Ring(allocateRing(1003), 1003);
  const source = bytes(700);
  const target = new Uint8Array(700);
  for (let i = 0; i < 2000; i++) {
    const [start, count] = [i % 13, (i * 7) % 600 + 1];
    const from = i % 3 === 0 ? source.subarray(i % 5) : source;
    assertEquals(ring.write(from, start, start + count), count);
    assertEquals(ring.read(target, i % 7, i % 7 + count), count);
    assertEquals(target.subarray(i % 7, i % 7 + count), from.subarray(start, start + count));
  }
});

Deno.test("Ring.read() and write() see through own properties of a hostile buffer", () => {
  const ring = new Ring(allocateRing(100), 100);
  const lie = { value: 1 << 30 };
  const trap = () => {
    throw new Error("looked up");
  };
  const hostile = Object.defineProperties(bytes(8), {
    length: lie,
    byteLength: lie,
    byteOffset: lie,
    buffer: { get: trap },
    set: { get: trap },
    subarray: { get: trap },
    slice: { get: trap },
    constructor: { get: trap },
  });
  for (let i = 0; i < 4; i++) {
    assertEquals(ring.write(hostile, 0, 8), 8);
    assertEquals(ring.write(hostile, 2, 4), 2);
    assertEquals(ring.read(hostile), 8);
    assertEquals(ring.read(hostile), 2);
  }
});

Deno.test("Ring.read() into a buffer that shrank and grew again loses nothing", () => {
  const ring = new Ring(allocateRing(100), 100);
  const buffer = new ArrayBuffer(16, { maxByteLength: 16 });
  const into = new Uint8Array(buffer);
  for (const length of [16, 16, 16, 8, 8, 8, 16, 16]) {
    buffer.resize(length);
    put(ring, length, 1);
    assertEquals(ring.read(into), length);
    assertEquals([...into], [...bytes(length, 1)]);
  }
});

Deno.test("Ring.writePacket() and readPacket() keep packets apart", () => {
  const ring = new Ring(allocateRing(100, true), 100, { packet: true });
  assertEquals(ring.freeBytes, 100);
  assertEquals(ring.writePacket(bytes(3)), 3);
  assertEquals(ring.writePacket(bytes(5), 1, 5), 4);
  assertEquals(ring.availableBytes, 3);
  const into = new Uint8Array(50);
  assertEquals(ring.readPacket(into), 3);
  assertEquals(ring.readPacket(into), 4);
  assertEquals([...into.subarray(0, 4)], [1, 2, 3, 4]);
  assertEquals(ring.readPacket(into), 0);
  assertEquals(ring.writePacket(bytes(0)), 0);
  ring.assertInvariants();
});

Deno.test("Ring.writePacket() puts a packet of the whole capacity into an empty ring", () => {
  for (const capacity of [1, 2, 3, 100, 4096]) {
    for (let index = 0; index < Math.min(2 * (capacity + 4), 40); index++) {
      const ring = ringAt(index, capacity, true);
      assertEquals(ring.writePacket(bytes(capacity)), capacity);
      assertEquals(ring.freeBytes, 0);
      assertEquals(ring.writePacket(bytes(1)), 0);
      assertEquals(ring.availableBytes, capacity);
      const into = new Uint8Array(capacity);
      assertEquals(ring.readPacket(into), capacity);
      assertEquals(into, bytes(capacity));
    }
  }
});

Deno.test("Ring.readPacket() into a too small buffer tells the size and consumes nothing", () => {
  const ring = new Ring(allocateRing(100, true), 100, { packet: true });
  ring.writePacket(bytes(9));
  const answer = ring.readPacket(new Uint8Array(8));
  assertEquals(packetBytesNeeded(answer), 9);
  assertEquals(packetBytesNeeded(ring.readPacket(new Uint8Array(0))), 9);
  assertEquals(ring.readPacket(new Uint8Array(9)), 9);
  for (const other of [0, 5, BUSY, GARBLED, STALE]) assertEquals(packetBytesNeeded(other), 0);
});

Deno.test("Ring.peek() shows the ring's own memory up to the wrap, and consume() takes it", () => {
  const memory = allocateRing(10);
  const ring = new Ring(memory, 10);
  put(ring, 8);
  assertEquals([...ring.peek()], [...bytes(8)]);
  assertEquals(ring.peek().buffer, memory);
  assertEquals(ring.consume(6), 6);
  assertEquals(ring.consume(3), STALE);
  put(ring, 6, 8);
  assertEquals([...ring.peek()], [6, 7, 8, 9]);
  assertEquals(ring.consume(4), 4);
  assertEquals([...ring.peek()], [10, 11, 12, 13]);
  assertEquals(ring.consume(0), 0);
  assertEquals(ring.consume(4), 4);
  assertEquals(ring.peek().length, 0);
  ring.assertInvariants();
});

Deno.test("Ring.peek() gives another view each time", () => {
  const ring = new Ring(allocateRing(10), 10);
  put(ring, 8);
  const first = ring.peek();
  Object.assign(first, { secret: 1 });
  assertEquals(Object.hasOwn(ring.peek(), "secret"), false);
});

Deno.test("Ring.peek() shows a whole packet, also where it wraps", () => {
  for (let index = 0; index < 28; index++) {
    const ring = ringAt(index, 10, true);
    ring.writePacket(bytes(6));
    assertEquals([...ring.peek()], [...bytes(6)]);
    assertEquals(ring.consume(7), STALE);
    assertEquals(ring.consume(6), 6);
    assertEquals(ring.availableBytes, 0);
    assertEquals(ring.consume(1), STALE);
  }
});

Deno.test("Ring.reserve() gives exactly the bytes whenever that much is free", () => {
  for (let index = 0; index < 20; index++) {
    const memory = allocateRing(10);
    const words = new Int32Array(memory);
    words[HEAD] = words[TAIL] = index;
    const ring = new Ring(memory, 10);
    put(ring, 3);
    assertEquals(ring.reserve(8), undefined);
    const room = ring.reserve(7);
    assertEquals(room?.length, 7);
    assertEquals(room?.buffer === memory, index % 10 <= 0 || index % 10 >= 7);
    room?.set(bytes(7, 3));
    assertEquals(ring.availableBytes, 3);
    assertEquals(ring.commit(8), STALE);
    assertEquals(ring.commit(5), 5);
    assertEquals(ring.commit(1), STALE);
    assertEquals(take(ring), [...bytes(8)]);
  }
});

Deno.test("Ring.commit() of a reservation that a write overtook says STALE and writes nothing", () => {
  const ring = new Ring(allocateRing(10), 10);
  ring.reserve(4);
  put(ring, 2);
  assertEquals(ring.commit(4), STALE);
  assertEquals(take(ring), [0, 1]);
});

Deno.test("Ring.commit() of scratch memory that was detached says STALE", () => {
  const ring = ringAt(8, 10);
  const room = ring.reserve(5);
  structuredClone(room, { transfer: [room?.buffer as ArrayBuffer] });
  assertEquals(ring.commit(5), STALE);
  assertEquals(ring.availableBytes, 0);
});

Deno.test("Ring.commit() writes a packet, in the ring's memory or where it would wrap", () => {
  for (let index = 0; index < 28; index++) {
    const ring = ringAt(index, 10, true);
    assertEquals(ring.reserve(11), undefined);
    ring.reserve(9)?.set(bytes(9));
    assertEquals(ring.commit(4), 4);
    assertEquals(ring.availableBytes, 4);
    const into = new Uint8Array(10);
    assertEquals(ring.readPacket(into), 4);
    assertEquals([...into.subarray(0, 4)], [0, 1, 2, 3]);
  }
});

Deno.test("new Ring() goes on where the memory says, and refuses a bad capacity", () => {
  const memory = allocateRing(10);
  put(new Ring(memory, 10), 4);
  const second = new Ring(memory, 10, { soleReader: true, soleWriter: false });
  assertEquals(second.availableBytes, 4);
  assertEquals(second.freeBytes, 6);
  assertEquals(take(second), [0, 1, 2, 3]);
  for (const capacity of [0, -1, 1.5, NaN, 2 ** 30 + 1]) {
    assertThrows(() => allocateRing(capacity), RangeError);
    assertThrows(() => new Ring(memory, capacity), RangeError);
  }
  assertThrows(() => new Ring(memory, 17), RangeError);
});

Deno.test("Ring.read() and write() on a shared side see what other participants did", () => {
  const memory = allocateRing(10);
  const shared = { soleReader: false, soleWriter: false };
  const [one, two] = [new Ring(memory, 10, shared), new Ring(memory, 10, shared)];
  assertEquals(put(one, 3), 3);
  assertEquals(put(two, 3, 3), 3);
  assertEquals(put(one, 5), 0);
  assertEquals(take(two, 2), [0, 1]);
  assertEquals(take(one), [2, 3, 4, 5]);
  assertEquals(one.availableBytes, 0);
  assertEquals(two.freeBytes, 10);
});

Deno.test("Ring.read() and write() answer BUSY while another participant holds the lock", () => {
  const memory = allocateRing(10);
  const ring = new Ring(memory, 10, { soleReader: false, soleWriter: false });
  const words = new Int32Array(memory);
  put(ring, 3);
  words[WRITER_LOCK] = words[READER_LOCK] = HELD;
  assertEquals(put(ring, 1), BUSY);
  assertEquals(ring.read(new Uint8Array(1)), BUSY);
  assertEquals(ring.consume(1), BUSY);
  assertEquals(ring.peek().length, 0);
  words[WRITER_LOCK] = words[READER_LOCK] = 0;
  assertEquals(put(ring, 1), 1);
  assertEquals(ring.read(new Uint8Array(4)), 4);
});

Deno.test("Ring.consume() on a shared side is STALE when another reader came first", () => {
  const memory = allocateRing(10);
  const seat = { soleReader: false, soleWriter: false };
  const [one, two] = [new Ring(memory, 10, seat), new Ring(memory, 10, seat)];
  put(one, 8);
  const view = one.peek();
  assertEquals(view.buffer === memory, false);
  assertEquals(one.consume(2), 2);
  assertEquals(one.consume(2), 2);
  assertEquals(one.consume(5), STALE);
  assertEquals(take(two, 1), [4]);
  assertEquals(one.consume(1), STALE);
  assertEquals([...one.peek()], [5, 6, 7]);
  assertEquals(one.consume(3), 3);
});

Deno.test("Ring.commit() on a shared side answers 0 when another writer took the room", () => {
  const memory = allocateRing(10);
  const seat = { soleReader: true, soleWriter: false };
  const [one, two] = [new Ring(memory, 10, seat), new Ring(memory, 10, seat)];
  one.reserve(6)?.set(bytes(6));
  put(two, 5, 100);
  assertEquals(one.commit(6), 0);
  two.read(new Uint8Array(2));
  assertEquals(one.commit(6), 6);
  assertEquals(two.availableBytes, 9);
});

Deno.test("Ring.read() and write() answer GARBLED when an index makes no sense", () => {
  for (const packet of [false, true]) {
    for (const sole of [false, true]) {
      for (const [word, value] of [[HEAD, -1], [TAIL, 1000], [HEAD, 5], [TAIL, 27]] as const) {
        const memory = allocateRing(10, packet);
        const seat = { soleReader: sole, soleWriter: sole, packet };
        const ring = new Ring(memory, 10, seat);
        const words = new Int32Array(memory);
        words[word] = value;
        // A side that is alone doesn't look at its own index.
        const answers = [ring.read(new Uint8Array(11)), ring.write(bytes(11), 0, 11)];
        assertEquals(answers.includes(GARBLED), true, `${packet} ${sole} ${word} ${value}`);
        assertEquals(ring.condition, GARBLED);
        const again = new Ring(memory, 10, seat);
        again.peek();
        again.reserve(3);
        again.availableBytes;
        again.freeBytes;
      }
    }
  }
});

Deno.test("Ring.readPacket() answers GARBLED when a length makes no sense", () => {
  for (const length of [0, 7, 0xff_ff_ff_ff]) {
    const memory = allocateRing(10, true);
    const ring = new Ring(memory, 10, { packet: true });
    ring.writePacket(bytes(6));
    new DataView(memory).setUint32(HEADER_BYTES, length, true);
    assertEquals(ring.availableBytes, 0);
    assertEquals(ring.readPacket(new Uint8Array(10)), GARBLED);
    assertEquals(ring.readPacket(new Uint8Array(10)), GARBLED);
  }
});

Deno.test("Ring.closeRead() and closeWrite() are seen by all who map the ring", () => {
  const memory = allocateRing(10);
  const [one, two] = [new Ring(memory, 10), new Ring(memory, 10)];
  assertEquals([two.readIsClosed, two.writeIsClosed], [false, false]);
  one.closeWrite();
  assertEquals([two.readIsClosed, two.writeIsClosed], [false, true]);
  one.closeRead();
  assertEquals([two.readIsClosed, two.writeIsClosed], [true, true]);
});

Deno.test("Ring.read() and write() keep no buffer that is longer than the ring", async () => {
  const ring = new Ring(allocateRing(64), 64);
  assert(
    await isFreed(() => {
      const long = new Uint8Array(1_000);
      for (let i = 0; i < 3; i++) {
        assertEquals(ring.write(long, 0, 8), 8);
        assertEquals(ring.read(long), 8);
      }
      return long;
    }),
  );
});
