import { assertEquals } from "@std/assert";
import * as fc from "fast-check";
import { Flag } from "../../../memory/doorbell.ts";
import { allocateRing, Ring } from "../../../memory/ring.ts";
import { FrameReceiver, FrameSender } from "../../../syscalls/page/frames.ts";

const MAX_FRAME_BYTES = 1_000_000;

const capacities = fc.oneof(fc.constantFrom(1, 3, 4, 5, 64), fc.integer({ min: 1, max: 20_000 }));

/** The two sides of a ring. */
function connect(capacity: number): [FrameSender, FrameReceiver, Ring] {
  const memory = allocateRing(capacity);
  const writing = new Ring(memory, capacity, { soleReader: false, soleWriter: true });
  const reading = new Ring(memory, capacity, { soleReader: true, soleWriter: false });
  const waits = new Flag(new Int32Array(new SharedArrayBuffer(4)), 0);
  return [
    new FrameSender(writing, waits),
    new FrameReceiver(reading, waits, MAX_FRAME_BYTES),
    writing,
  ];
}

/** A step of either direction. */
const steps = fc.array(
  fc.record({
    kind: fc.constantFrom("send", "receive", "flush"),
    isBack: fc.boolean(),
    length: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 40_000 })),
  }),
  { maxLength: 40, size: "max" },
);

Deno.test("FrameReceiver.receive() gives each frame of both directions whole and in order", () => {
  fc.assert(fc.property(capacities, steps, (capacity, steps) => {
    const lines = [connect(capacity), connect(capacity)].map(([sender, receiver]) => ({
      sender,
      receiver,
      underway: [] as Uint8Array[],
    }));
    let next = 0;
    const receive = ({ receiver, underway }: typeof lines[number]): boolean => {
      const frame = receiver.receive();
      if (frame === undefined) return false;
      assertEquals(frame, underway.shift());
      return true;
    };
    for (const { kind, isBack, length } of steps) {
      const line = lines[isBack ? 1 : 0];
      if (line === undefined) continue;
      if (kind === "flush") line.sender.flush();
      else if (kind === "receive") receive(line);
      else {
        const payload = Uint8Array.from({ length }, () => next++);
        line.underway.push(payload);
        line.sender.send(Uint8Array.of(0, 0, 0, 0, ...payload));
      }
    }
    for (const line of lines) {
      while (line.underway.length > 0) if (!receive(line)) line.sender.flush();
      assertEquals([line.sender.backlogBytes, line.receiver.receive()], [0, undefined]);
    }
  }));
});

Deno.test("FrameReceiver.receive() takes any bytes: frames within the bound, or a RangeError", () => {
  fc.assert(fc.property(capacities, fc.array(fc.uint8Array()), (capacity, pieces) => {
    const [, receiver, ring] = connect(capacity);
    for (const piece of pieces) {
      const end = Math.min(piece.length, ring.freeBytes);
      if (end > 0) ring.write(piece, 0, end);
      try {
        for (let frame = receiver.receive(); frame; frame = receiver.receive()) {
          assertEquals(frame.length > 0 && frame.length <= MAX_FRAME_BYTES, true);
        }
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
        return;
      }
    }
  }));
});
