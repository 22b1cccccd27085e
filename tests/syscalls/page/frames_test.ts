import { assertEquals, assertThrows } from "@std/assert";
import { allocateRing, Ring } from "../../../memory/ring.ts";
import { HEAD, HEADER_WORDS, TAIL } from "../../../memory/ring_layout.ts";
import { FrameReceiver, FrameSender } from "../../../syscalls/page/frames.ts";
import { MAX_FRAME_BYTES } from "../../../syscalls/page/page.ts";

/** Both sides of one ring, and the ring as a hostile sender has it. */
function connection(capacity: number) {
  const memory = allocateRing(capacity);
  const raw = new Ring(memory, capacity, { soleReader: false, soleWriter: true });
  const receiver = new FrameReceiver(
    new Ring(memory, capacity, { soleReader: true, soleWriter: false }),
  );
  return { memory, raw, sender: new FrameSender(raw), receiver };
}

/** The header of a frame of so many bytes. */
function header(length: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, length, true);
  return bytes;
}

Deno.test("FrameReceiver.receive() refuses a frame of no bytes", () => {
  const { raw, receiver } = connection(64);
  raw.write(header(0), 0, 4);
  assertThrows(() => receiver.receive(), RangeError);
});

Deno.test("FrameReceiver.receive() refuses a frame that is announced too long", () => {
  for (const length of [MAX_FRAME_BYTES + 1, 2 ** 31, 2 ** 32 - 1]) {
    const { raw, receiver } = connection(64);
    raw.write(header(length), 0, 4);
    assertThrows(() => receiver.receive(), RangeError);
  }
});

Deno.test("FrameReceiver.receive() waits for a long frame whose bytes never come", () => {
  const { raw, receiver } = connection(64);
  raw.write(header(MAX_FRAME_BYTES), 0, 4);
  for (let i = 0; i < 100; i++) assertEquals(receiver.receive(), undefined);
});

Deno.test("FrameReceiver.receive() never believes the ring's indices", () => {
  for (const index of [HEAD, TAIL]) {
    for (const nonsense of [-1, 2 ** 31 - 1, -(2 ** 31), 129, 200]) {
      const { memory, receiver } = connection(64);
      new Int32Array(memory, 0, HEADER_WORDS)[index] = nonsense;
      try {
        for (let i = 0; i < 10; i++) receiver.receive();
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
      }
    }
  }
});

Deno.test("FrameSender.send() keeps what has no room and tells how much that is", () => {
  const { sender, receiver } = connection(16);
  sender.send(new Uint8Array(12).fill(1));
  assertEquals(sender.backlogBytes, 0);
  sender.send(new Uint8Array(100).fill(2));
  assertEquals(sender.backlogBytes, 104);
  assertEquals(receiver.receive(), new Uint8Array(12).fill(1));
  let frame: Uint8Array | undefined;
  while (frame === undefined) {
    assertEquals(sender.flush(), true);
    frame = receiver.receive();
  }
  assertEquals(frame, new Uint8Array(100).fill(2));
  assertEquals([sender.backlogBytes, sender.flush()], [0, false]);
});
