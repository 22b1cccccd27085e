import { assert, assertEquals } from "@std/assert";
import * as fc from "fast-check";
import { allocateRing, BUSY, GARBLED, packetBytesNeeded, Ring, STALE } from "../../memory/ring.ts";
import { dataBytes, HEAD, HEADER_BYTES, HEADER_WORDS, TAIL } from "../../memory/ring_layout.ts";
import { moveRing } from "../../memory/ring_move.ts";

/** What a program may do to a ring; `size` and `part` are scaled to the ring. */
interface Step {
  readonly kind: "write" | "read" | "reserve" | "commit" | "peek" | "consume" | "move";
  readonly size: number;
  readonly part: number;
}

const steps = fc.array(
  fc.record<Step>({
    kind: fc.constantFrom("write", "read", "reserve", "commit", "peek", "consume", "move"),
    size: fc.double({ min: 0, max: 1.2, noNaN: true }),
    part: fc.double({ min: 0, max: 1, noNaN: true }),
  }),
  { maxLength: 60, size: "max" },
);

const capacities = fc.oneof(
  fc.constantFrom(1, 2, 3, 4, 100, 4096, 5000, 20_000),
  fc.integer({ min: 1, max: 300 }),
);

/** How far from the wrap of the indices a ring begins. */
const distances = fc.integer({ min: 0, max: 50 });

const seats = fc.record({ soleReader: fc.boolean(), soleWriter: fc.boolean() });

/** Memory of an empty ring whose indices stand `distance` before their wrap. */
function nearTheWrap(capacity: number, packet: boolean, distance: number): SharedArrayBuffer {
  const memory = allocateRing(capacity, packet);
  const words = new Int32Array(memory, 0, HEADER_WORDS);
  const wrap = 2 * dataBytes(capacity, packet);
  words[HEAD] = words[TAIL] = (wrap - 1 - distance % wrap) | 0;
  return memory;
}

let next = 0;
function fresh(length: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, () => next++ & 0xff);
}

Deno.test("Ring behaves as a plain queue of bytes", () => {
  fc.assert(fc.property(capacities, distances, seats, steps, (capacity, distance, seat, steps) => {
    let memory = nearTheWrap(capacity, false, distance);
    let ring = new Ring(memory, capacity, seat);
    const queue: number[] = [];
    const into = new Uint8Array(Math.ceil(capacity * 1.2) + 1);
    let reserved: Uint8Array | undefined;
    let peeked = 0;
    for (const { kind, size, part } of steps) {
      const wanted = Math.round(size * capacity);
      const free = capacity - queue.length;
      if (kind === "write") {
        const bytes = fresh(wanted + 2);
        const fits = wanted <= free ? wanted : wanted <= ring.atomicBytes ? 0 : free;
        assertEquals(ring.write(bytes, 1, 1 + wanted), fits);
        for (let i = 0; i < fits; i++) queue.push(bytes[1 + i] ?? -1);
        if (fits > 0) reserved = undefined;
      } else if (kind === "read") {
        const there = Math.min(wanted, queue.length);
        assertEquals(ring.read(into, 0, wanted), there);
        assertEquals([...into.subarray(0, there)], queue.splice(0, there));
        if (there > 0) peeked = 0;
      } else if (kind === "reserve") {
        const room = ring.reserve(wanted);
        assertEquals(room?.length, wanted > 0 && wanted <= free ? wanted : undefined);
        room?.set(fresh(wanted));
        reserved = room ?? reserved;
      } else if (kind === "commit" && reserved !== undefined) {
        const count = Math.round(part * reserved.length);
        assertEquals(ring.commit(count), count);
        queue.push(...reserved.subarray(0, count));
        reserved = undefined;
      } else if (kind === "peek") {
        const view = ring.peek();
        assert(view.length > 0 || queue.length === 0);
        assertEquals([...view], queue.slice(0, view.length));
        peeked = view.length;
      } else if (kind === "consume" && peeked > 0) {
        const count = Math.round(part * peeked);
        assertEquals(ring.consume(count), count);
        assertEquals(ring.consume(capacity + 1), STALE);
        queue.splice(0, count);
        peeked -= count;
      } else if (kind === "move") {
        const moved = moveRing(memory, capacity, false, []);
        assert(moved !== undefined);
        memory = moved.memory;
        ring = new Ring(memory, capacity, seat);
        reserved = undefined;
        peeked = 0;
      }
      ring.assertInvariants();
      assertEquals(ring.availableBytes, queue.length);
      assertEquals(ring.freeBytes, capacity - queue.length);
    }
  }));
});

Deno.test("Ring in packet mode behaves as a queue of packets", () => {
  fc.assert(fc.property(capacities, distances, seats, steps, (capacity, distance, seat, steps) => {
    let memory = nearTheWrap(capacity, true, distance);
    let ring = new Ring(memory, capacity, { ...seat, packet: true });
    const queue: number[][] = [];
    let used = 0;
    const into = new Uint8Array(Math.ceil(capacity * 1.2) + 1);
    for (const { kind, size } of steps) {
      const wanted = Math.round(size * capacity);
      if (kind === "write" || kind === "reserve") {
        const packet = fresh(wanted);
        const fits = wanted > 0 && used + 4 + wanted <= capacity + 4;
        if (kind === "write") {
          assertEquals(ring.writePacket(packet), fits ? wanted : 0);
        } else {
          const room = ring.reserve(wanted);
          assertEquals(room?.length, fits ? wanted : undefined);
          room?.set(packet);
          if (fits) assertEquals(ring.commit(wanted), wanted);
        }
        if (fits) queue.push([...packet]);
        if (fits) used += 4 + wanted;
      } else if (kind === "read") {
        const first = queue[0];
        const answer = ring.readPacket(into, 0, wanted);
        if (first === undefined) assertEquals(answer, 0);
        else if (first.length > wanted) assertEquals(packetBytesNeeded(answer), first.length);
        else {
          assertEquals(answer, first.length);
          assertEquals([...into.subarray(0, answer)], queue.shift());
          used -= 4 + answer;
        }
      } else if (kind === "peek") {
        assertEquals([...ring.peek()], queue[0] ?? []);
        if (queue.length > 0) {
          const length = queue.shift()?.length ?? 0;
          assertEquals(ring.consume(length), length);
          used -= 4 + length;
        }
      } else if (kind === "move") {
        const moved = moveRing(memory, capacity, true, []);
        assert(moved !== undefined);
        memory = moved.memory;
        ring = new Ring(memory, capacity, { ...seat, packet: true });
      }
      ring.assertInvariants();
      assertEquals(ring.availableBytes, queue[0]?.length ?? 0);
      assertEquals(ring.freeBytes, Math.max(0, capacity - used));
    }
  }));
});

/** A store of a hostile participant: any header word or any byte of the data. */
const stores = fc.record({
  place: fc.oneof(fc.constantFrom(HEAD, TAIL), fc.nat({ max: HEADER_WORDS + 40 })),
  value: fc.oneof(fc.integer(), fc.integer({ min: -8, max: 250 })),
});

Deno.test("Ring answers, and stays inside its memory, whatever a hostile participant stores", () => {
  const mixed = fc.array(fc.oneof(steps.map((all) => all.slice(0, 4)), stores), {
    maxLength: 40,
    size: "max",
  });
  fc.assert(fc.property(
    fc.integer({ min: 1, max: 120 }),
    fc.boolean(),
    seats,
    mixed,
    (capacity, packet, seat, program) => {
      const memory = allocateRing(capacity, packet);
      const words = new Int32Array(memory);
      const ring = new Ring(memory, capacity, { ...seat, packet });
      const into = new Uint8Array(capacity + 10);
      for (const item of program) {
        if ("place" in item) {
          words[Math.min(item.place, words.length - 1)] = item.value;
          continue;
        }
        for (const { kind, size, part } of item) {
          const wanted = Math.round(size * capacity);
          into.fill(0xee);
          if (kind === "write") inRange(ring.write(fresh(wanted), 0, wanted), wanted);
          else if (kind === "read") {
            const answer = ring.read(into, 3, 3 + wanted);
            if (packetBytesNeeded(answer) === 0) inRange(answer, wanted);
            const count = Math.max(answer, 0);
            assert(into.subarray(3 + count).every((byte) => byte === 0xee));
          } else if (kind === "reserve") ring.reserve(wanted)?.fill(1);
          else if (kind === "commit") inRange(ring.commit(wanted), wanted);
          else if (kind === "peek") {
            const view = ring.peek();
            assert(view.byteOffset >= (view.buffer === memory ? HEADER_BYTES : 0));
            inRange(view.length, capacity);
          } else if (kind === "consume") {
            inRange(ring.consume(Math.round(part * capacity)), capacity);
          } else moveRing(memory, capacity, packet, []);
          inRange(ring.availableBytes, capacity);
          inRange(ring.freeBytes, capacity);
        }
      }
    },
  ));
});

function inRange(answer: number, most: number): void {
  const isCode = answer === BUSY || answer === GARBLED || answer === STALE;
  assert(isCode || (answer >= 0 && answer <= most), `answered ${answer}`);
}

Deno.test("short writes change no unread byte of a ring that others may work on", () => {
  const short = fc.integer({ min: 1, max: 140 });
  const moves = fc.array(fc.tuple(fc.boolean(), short), { maxLength: 400, size: "max" });
  const capacity = fc.integer({ min: 900, max: 3_000 });
  fc.assert(fc.property(capacity, distances, moves, (capacity, distance, moves) => {
    const memory = nearTheWrap(capacity, false, distance);
    const generation = { word: new Int32Array(new SharedArrayBuffer(4)), index: 0, value: 0 };
    const ring = new Ring(memory, capacity, { generation });
    const queue: number[] = [];
    for (const [isWrite, count] of moves) {
      if (isWrite) {
        const bytes = fresh(count);
        const fits = count <= capacity - queue.length ? count : 0;
        assertEquals(ring.write(bytes, 0, count), fits);
        queue.push(...bytes.subarray(0, fits));
      } else {
        const into = new Uint8Array(count);
        const there = Math.min(count, queue.length);
        assertEquals(ring.read(into), there);
        assertEquals([...into.subarray(0, there)], queue.splice(0, there));
      }
    }
    const rest = new Uint8Array(capacity);
    assertEquals([...rest.subarray(0, ring.read(rest))], queue);
  }));
});
