import { assertEquals, assertThrows } from "@std/assert";
import { Flag } from "../../../memory/doorbell.ts";
import { allocateRing, Ring } from "../../../memory/ring.ts";
import { HEAD, HEADER_WORDS, TAIL } from "../../../memory/ring_layout.ts";
import { FrameReceiver, FrameSender, HEADER_BYTES } from "../../../syscalls/page/frames.ts";

const MAX_FRAME_BYTES = 1_000_000;

/** Both sides of one ring, and the ring as a hostile sender has it. */
function connection(capacity: number) {
  const memory = allocateRing(capacity);
  const raw = new Ring(memory, capacity, { soleReader: false, soleWriter: true });
  const waits = new Flag(new Int32Array(new SharedArrayBuffer(4)), 0);
  const receiver = new FrameReceiver(
    new Ring(memory, capacity, { soleReader: true, soleWriter: false }),
    waits,
    MAX_FRAME_BYTES,
  );
  return { memory, raw, sender: new FrameSender(raw, waits), receiver };
}

/** The header of a frame of so many bytes. */
function header(length: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, length, true);
  return bytes;
}

/** A frame of so many bytes, with room for its header. */
function frameOf(length: number, value: number): Uint8Array {
  return new Uint8Array(HEADER_BYTES + length).fill(value);
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
  sender.send(frameOf(12, 1));
  assertEquals(sender.backlogBytes, 0);
  sender.send(frameOf(100, 2));
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

Deno.test("FrameReceiver.takeHasMadeRoom() tells of room only while the sender waits for it", () => {
  const { sender, receiver } = connection(16);
  sender.send(frameOf(8, 1));
  receiver.receive();
  assertEquals(receiver.takeHasMadeRoom(), false);
  sender.send(frameOf(40, 2));
  assertEquals(receiver.receive(), undefined);
  assertEquals([receiver.takeHasMadeRoom(), receiver.takeHasMadeRoom()], [true, false]);
  while (sender.flush()) receiver.receive();
  assertEquals(receiver.takeHasMadeRoom(), false);
});

Deno.test("FrameSender.send() keeps no frame: its bytes may change afterwards", () => {
  const { sender, receiver } = connection(16);
  const frame = frameOf(20, 3);
  sender.send(frame);
  frame.fill(9);
  let received: Uint8Array | undefined;
  while ((received = receiver.receive()) === undefined) sender.flush();
  assertEquals(received, new Uint8Array(20).fill(3));
});
