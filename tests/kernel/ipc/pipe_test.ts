import { assertEquals } from "@std/assert";
import { Signals } from "../../../capabilities/signals.ts";
import { WOULD_BLOCK } from "../../../capabilities/stream_ops.ts";
import { PIPE_BUF, transfer, UnidirectionalPipe } from "../../../kernel/ipc/pipe.ts";
import { assertCode } from "../../_codes.ts";

/** Bytes that count up, so that an order can be seen. */
function bytes(length: number, first = 0): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, (_, i) => (first + i) & 0xff);
}

/** What a read with room for `most` bytes gives. */
function take(pipe: UnidirectionalPipe, most = 1 << 17): number[] {
  const into = new Uint8Array(most);
  const length = pipe.reader.tryRead(into);
  pipe.assertInvariants();
  return [...into.subarray(0, Math.max(0, length))];
}

/** Closes an end as the close of its last handle does. */
function close(end: UnidirectionalPipe["reader"] | UnidirectionalPipe["writer"]): void {
  const handle = {};
  end.handleOpened(handle);
  end.handleClosed(handle);
}

Deno.test("PipeReaderEnd.tryRead() gives what is there, up to the buffer", () => {
  const pipe = new UnidirectionalPipe();
  assertEquals(pipe.writer.tryWrite(bytes(10)), 10);
  assertEquals(take(pipe, 4), [0, 1, 2, 3]);
  assertEquals(take(pipe, 100), [4, 5, 6, 7, 8, 9]);
  assertEquals(pipe.reader.tryRead(new Uint8Array(1)), WOULD_BLOCK);
});

Deno.test("PipeReaderEnd.tryRead() gives 0 once no writer is left and the ring is empty", () => {
  const pipe = new UnidirectionalPipe();
  pipe.writer.tryWrite(bytes(2));
  close(pipe.writer);
  assertEquals(pipe.reader.signals, Signals.READABLE | Signals.PEER_CLOSED);
  assertEquals(take(pipe), [0, 1]);
  assertEquals(pipe.reader.tryRead(new Uint8Array(1)), 0);
});

Deno.test("PipeReaderEnd.tryRead() of no bytes gives 0, whatever the pipe holds", () => {
  for (const packet of [false, true]) {
    const pipe = new UnidirectionalPipe({ packet });
    assertEquals(pipe.reader.tryRead(new Uint8Array(0)), 0);
    pipe.writer.tryWrite(bytes(3));
    assertEquals(pipe.reader.tryRead(new Uint8Array(0)), 0);
    assertEquals(take(pipe), [0, 1, 2]);
  }
});

Deno.test("PipeWriterEnd.tryWrite() of no bytes gives 0, even without readers, and no packet", () => {
  const pipe = new UnidirectionalPipe({ packet: true });
  assertEquals(pipe.writer.tryWrite(bytes(0)), 0);
  assertEquals(pipe.reader.availableBytes, 0);
  close(pipe.reader);
  assertEquals(pipe.writer.tryWrite(bytes(0)), 0);
});

Deno.test("PipeWriterEnd.tryWrite() puts at most PIPE_BUF bytes in whole or not at all", () => {
  const pipe = new UnidirectionalPipe({ capacity: PIPE_BUF + 10 });
  pipe.writer.tryWrite(bytes(11));
  assertEquals(pipe.writer.tryWrite(bytes(PIPE_BUF)), WOULD_BLOCK);
  assertEquals(pipe.writer.tryWrite(bytes(PIPE_BUF - 1)), PIPE_BUF - 1);
  assertEquals(pipe.writer.tryWrite(bytes(1)), WOULD_BLOCK);
});

Deno.test("PipeWriterEnd.tryWrite() of more than PIPE_BUF bytes writes what fits", () => {
  const pipe = new UnidirectionalPipe({ capacity: 5_000 });
  assertEquals(pipe.writer.tryWrite(bytes(PIPE_BUF + 1, 7)), PIPE_BUF + 1);
  assertEquals(pipe.writer.tryWrite(bytes(PIPE_BUF + 1)), 5_000 - PIPE_BUF - 1);
  assertEquals(pipe.writer.tryWrite(bytes(PIPE_BUF + 1)), WOULD_BLOCK);
});

Deno.test("PipeWriterEnd.tryWrite() counts a capacity below PIPE_BUF as the most that is whole", () => {
  const pipe = new UnidirectionalPipe({ capacity: 3 });
  pipe.writer.tryWrite(bytes(1));
  assertEquals(pipe.writer.tryWrite(bytes(3)), WOULD_BLOCK);
  assertEquals(pipe.writer.tryWrite(bytes(4, 5)), 2);
  assertEquals(take(pipe), [0, 5, 6]);
});

Deno.test("PipeWriterEnd.tryWrite() throws BROKEN_PIPE once no reader is left", () => {
  const pipe = new UnidirectionalPipe();
  close(pipe.reader);
  const error = assertCode("BROKEN_PIPE", () => pipe.writer.tryWrite(bytes(1)));
  assertEquals(error.message, "no reader is left");
  assertEquals(pipe.writer.signals, Signals.WRITABLE | Signals.PEER_CLOSED);
});

Deno.test("UnidirectionalPipe with one byte of room passes bytes one by one", () => {
  const pipe = new UnidirectionalPipe({ capacity: 1 });
  for (let i = 0; i < 5; i++) {
    assertEquals(pipe.writer.tryWrite(bytes(1, i)), 1);
    assertEquals(pipe.writer.tryWrite(bytes(1)), WOULD_BLOCK);
    assertEquals(take(pipe), [i]);
  }
});

Deno.test("PipeEndpoint tells how full the pipe is", () => {
  const pipe = new UnidirectionalPipe({ capacity: 4 });
  const { reader, writer } = pipe;
  assertEquals([reader.availableBytes, writer.signals], [0, Signals.WRITABLE]);
  writer.tryWrite(bytes(4));
  assertEquals([reader.availableBytes, writer.availableBytes], [4, 4]);
  assertEquals(writer.description, "pipe writer, 4 of 4 bytes, 1 peer");
  assertEquals(writer.signals, 0);
  close(reader);
  assertEquals([writer.hasReaders, writer.isConnected], [false, false]);
});

Deno.test("PipeEndpoint tells which end it is, whatever the pipe holds", () => {
  const { reader, writer } = new UnidirectionalPipe({ capacity: 1 });
  const ends = () => [reader, writer].map((end) => [end.isReadable, end.isWritable]);
  const expected = [[true, false], [false, true]];
  assertEquals(ends(), expected);
  writer.tryWrite(bytes(1));
  assertEquals(ends(), expected);
  close(reader);
  assertEquals(ends(), expected);
});

Deno.test("PipeEndpoint.peerCount counts the handles of the other end", () => {
  const { reader, writer } = new UnidirectionalPipe();
  const [first, second] = [{}, {}];
  reader.handleOpened(first);
  reader.handleOpened(second);
  assertEquals(writer.peerCount, 2);
  reader.handleClosed(first);
  assertEquals([writer.peerCount, writer.hasReaders], [1, true]);
  reader.handleClosed(second);
  assertEquals([writer.peerCount, writer.hasReaders], [0, false]);
});

Deno.test("PipeReaderEnd.tryWrite() and PipeWriterEnd.tryRead() are NOT_SUPPORTED", () => {
  const pipe = new UnidirectionalPipe();
  assertCode("NOT_SUPPORTED", () => pipe.reader.tryWrite());
  assertCode("NOT_SUPPORTED", () => pipe.writer.tryRead());
});

Deno.test("packet mode gives each read what one write put in", () => {
  const pipe = new UnidirectionalPipe({ packet: true });
  pipe.writer.tryWrite(bytes(3));
  pipe.writer.tryWrite(bytes(2, 10));
  assertEquals(pipe.reader.availableBytes, 3);
  assertEquals(take(pipe), [0, 1, 2]);
  assertEquals(take(pipe), [10, 11]);
});

Deno.test("packet mode refuses a buffer that is too small and loses nothing", () => {
  const pipe = new UnidirectionalPipe({ packet: true });
  pipe.writer.tryWrite(bytes(5));
  const error = assertCode("BUFFER_TOO_SMALL", () => pipe.reader.tryRead(new Uint8Array(4)));
  assertEquals(error.needed, 5);
  assertEquals(take(pipe, 5), [0, 1, 2, 3, 4]);
});

Deno.test("packet mode refuses a packet longer than min(PIPE_BUF, capacity)", () => {
  const pipe = new UnidirectionalPipe({ packet: true });
  assertEquals(pipe.writer.tryWrite(bytes(PIPE_BUF)), PIPE_BUF);
  assertCode("MESSAGE_TOO_LONG", () => pipe.writer.tryWrite(bytes(PIPE_BUF + 1)));
  const small = new UnidirectionalPipe({ packet: true, capacity: 8 });
  assertEquals(small.writer.tryWrite(bytes(8)), 8);
  assertCode("MESSAGE_TOO_LONG", () => small.writer.tryWrite(bytes(9)));
});

Deno.test("packet mode commits a reservation as one packet", () => {
  const pipe = new UnidirectionalPipe({ packet: true });
  pipe.writer.reserve(1, 10, true)?.set([1, 2, 3]);
  pipe.writer.commit(1, 3);
  pipe.writer.tryWrite(bytes(1, 9));
  assertEquals(take(pipe), [1, 2, 3]);
  assertEquals(take(pipe), [9]);
});

Deno.test("packet mode peeks at the next packet and consumes it whole", () => {
  const pipe = new UnidirectionalPipe({ packet: true, capacity: 10 });
  for (let i = 0; i < 20; i++) {
    pipe.writer.tryWrite(bytes(3, i));
    assertEquals([...pipe.reader.peek(1, true)], [...bytes(3, i)]);
    assertCode("INVALID_ARGUMENT", () => pipe.reader.consume(1, 2));
    pipe.reader.consume(1, 0);
    pipe.reader.consume(1, 3);
    pipe.assertInvariants();
    assertEquals(pipe.reader.peek(1, true).length, 0);
  }
});

Deno.test("a pipe whose memory was garbled throws INVALID_STATE at both ends", () => {
  for (const packet of [false, true]) {
    const pipe = new UnidirectionalPipe({ packet });
    pipe.writer.tryWrite(bytes(4));
    new Int32Array(pipe.reader.peek(1, true).buffer).fill(0x7fff_ffff, 0, 64);
    assertCode("INVALID_STATE", () => {
      for (let i = 0; i < 40; i++) pipe.writer.tryWrite(bytes(4_000));
    });
    assertCode("INVALID_STATE", () => {
      for (let i = 0; i < 40; i++) pipe.reader.tryRead(new Uint8Array(4_000));
    });
    assertEquals(pipe.reader.signals & Signals.READABLE, Signals.READABLE);
    assertEquals(pipe.writer.signals & Signals.WRITABLE, Signals.WRITABLE);
  }
});

Deno.test("PipeReaderEnd.peek() shows without taking, consume() takes", () => {
  const { reader, writer } = new UnidirectionalPipe();
  assertEquals([...reader.peek(1, true)], []);
  writer.tryWrite(bytes(5));
  assertEquals([...reader.peek(1, true)], [0, 1, 2, 3, 4]);
  reader.consume(1, 2);
  assertEquals([...reader.peek(1, true)], [2, 3, 4]);
  reader.consume(1, 1);
  reader.consume(1, 1); // the rest of one window may be taken bit by bit
  assertEquals(reader.availableBytes, 1);
});

Deno.test("PipeReaderEnd.peek() shows no more than up to the wrap", () => {
  const pipe = new UnidirectionalPipe({ capacity: 4 });
  pipe.writer.tryWrite(bytes(3));
  take(pipe);
  pipe.writer.tryWrite(bytes(3, 10));
  const shown = [...pipe.reader.peek(1, true)];
  pipe.reader.consume(1, shown.length);
  assertEquals([...shown, ...take(pipe)], [10, 11, 12]);
});

Deno.test("PipeReaderEnd.peek() is the ring's memory only with MAP and for a sole reader", () => {
  const { reader, writer } = new UnidirectionalPipe();
  writer.tryWrite(bytes(2));
  assertEquals(reader.peek(1, true).buffer instanceof SharedArrayBuffer, true);
  assertEquals(reader.peek(1, false).buffer instanceof ArrayBuffer, true);
  for (const handle of [{}, {}]) reader.handleOpened(handle);
  assertEquals(reader.peek(1, true).buffer instanceof ArrayBuffer, true);
});

Deno.test("PipeReaderEnd.consume() refuses more than was shown and what was read since", () => {
  const pipe = new UnidirectionalPipe();
  pipe.writer.tryWrite(bytes(4));
  assertCode("INVALID_STATE", () => pipe.reader.consume(1, 1));
  pipe.reader.peek(1, true);
  assertCode("OUT_OF_RANGE", () => pipe.reader.consume(1, 5));
  take(pipe, 1);
  assertCode("INVALID_STATE", () => pipe.reader.consume(1, 1));
  pipe.reader.peek(1, false);
  pipe.writer.fail("gone");
  assertCode("INVALID_STATE", () => pipe.reader.consume(1, 1));
});

Deno.test("PipeWriterEnd.reserve() gives exactly so much room, or none", () => {
  const pipe = new UnidirectionalPipe({ capacity: 8 });
  assertCode("OUT_OF_RANGE", () => pipe.writer.reserve(1, 9, true));
  pipe.writer.tryWrite(bytes(5));
  assertEquals(pipe.writer.reserve(1, 4, true), undefined);
  assertEquals(pipe.writer.reserve(1, 3, true)?.length, 3);
  take(pipe, 5);
  // Eight are free, and they wrap: they are still eight.
  for (const direct of [true, false]) {
    const room = pipe.writer.reserve(1, 8, direct);
    assertEquals(room?.length, 8);
    room?.set(bytes(8, 20));
    pipe.writer.commit(1, 7);
    assertEquals(take(pipe), [...bytes(7, 20)]);
  }
});

Deno.test("PipeWriterEnd.commit() publishes the first bytes, once", () => {
  const pipe = new UnidirectionalPipe();
  assertCode("INVALID_STATE", () => pipe.writer.commit(1, 1));
  pipe.writer.reserve(1, 4, true)?.set([1, 2, 3, 4]);
  assertEquals(pipe.reader.availableBytes, 0);
  assertCode("OUT_OF_RANGE", () => pipe.writer.commit(1, 5));
  pipe.writer.commit(1, 2);
  assertEquals(take(pipe), [1, 2]);
  assertCode("INVALID_STATE", () => pipe.writer.commit(1, 1));
});

Deno.test("PipeWriterEnd.commit() of a mapped reservation fails after another write", () => {
  const pipe = new UnidirectionalPipe();
  pipe.writer.reserve(1, 2, true)?.set([1, 2]);
  pipe.writer.tryWrite(bytes(1, 9));
  assertCode("INVALID_STATE", () => pipe.writer.commit(1, 2));
  assertEquals(take(pipe), [9]);
});

Deno.test("PipeWriterEnd.commit() of a private copy fails only when the room is gone", () => {
  const pipe = new UnidirectionalPipe({ capacity: 4 });
  pipe.writer.reserve(1, 2, false)?.set([1, 2]);
  pipe.writer.reserve(2, 2, false)?.set([3, 4]);
  pipe.writer.tryWrite(bytes(1, 9));
  pipe.writer.commit(1, 2);
  assertCode("INVALID_STATE", () => pipe.writer.commit(2, 2));
  assertEquals(take(pipe), [9, 1, 2]);
});

Deno.test("PipeWriterEnd.reserve() and commit() throw BROKEN_PIPE once no reader is left", () => {
  const pipe = new UnidirectionalPipe();
  pipe.writer.reserve(1, 2, true);
  close(pipe.reader);
  assertCode("BROKEN_PIPE", () => pipe.writer.commit(1, 2));
  assertCode("BROKEN_PIPE", () => pipe.writer.reserve(1, 2, true));
});

Deno.test("PipeWriterEnd.fail() drops what is unread and gives readers the reason", () => {
  for (const packet of [false, true]) {
    const pipe = new UnidirectionalPipe({ packet });
    pipe.writer.tryWrite(bytes(4));
    pipe.writer.fail("no more");
    pipe.writer.fail("the first reason stays");
    pipe.assertInvariants();
    const error = assertCode("BROKEN_PIPE", () => pipe.reader.tryRead(new Uint8Array(1)));
    assertEquals(error.cause, "no more");
    assertCode("BROKEN_PIPE", () => pipe.writer.tryWrite(bytes(1)));
  }
});

Deno.test("transfer() moves what is there and fits, across both wraps", () => {
  const from = new UnidirectionalPipe({ capacity: 8 });
  const to = new UnidirectionalPipe({ capacity: 7 });
  for (let i = 0; i < 50; i++) {
    from.writer.tryWrite(bytes(6, i));
    assertEquals(transfer(from.reader, to.writer, 5, false), 5);
    assertEquals(take(to), [...bytes(5, i)]);
    assertEquals(take(from), [...bytes(1, i + 5)]);
  }
});

Deno.test("transfer() that keeps leaves the bytes in the source", () => {
  const [from, to] = [new UnidirectionalPipe(), new UnidirectionalPipe()];
  from.writer.tryWrite(bytes(6));
  assertEquals(transfer(from.reader, to.writer, 4, true), 4);
  assertEquals(take(to), [0, 1, 2, 3]);
  assertEquals(take(from), [0, 1, 2, 3, 4, 5]);
});

Deno.test("transfer() waits for data and for room, and ends with the source", () => {
  const [from, to] = [new UnidirectionalPipe(), new UnidirectionalPipe({ capacity: 2 })];
  assertEquals(transfer(from.reader, to.writer, 9, false), WOULD_BLOCK);
  from.writer.tryWrite(bytes(3));
  assertEquals(transfer(from.reader, to.writer, 9, false), 2);
  assertEquals(transfer(from.reader, to.writer, 9, false), WOULD_BLOCK);
  close(from.writer);
  assertEquals(transfer(from.reader, to.writer, 9, false), WOULD_BLOCK); // one byte is left
  take(to);
  assertEquals(transfer(from.reader, to.writer, 9, false), 1);
  assertEquals(transfer(from.reader, to.writer, 9, false), 0);
});

Deno.test("transfer() refuses the same pipe, packets, a broken pipe and a failed stream", () => {
  const [from, to] = [new UnidirectionalPipe(), new UnidirectionalPipe()];
  assertCode("INVALID_ARGUMENT", () => transfer(from.reader, from.writer, 1, false));
  const packets = new UnidirectionalPipe({ packet: true });
  assertCode("NOT_SUPPORTED", () => transfer(packets.reader, to.writer, 1, false));
  assertCode("NOT_SUPPORTED", () => transfer(from.reader, packets.writer, 1, false));
  assertEquals(transfer(from.reader, to.writer, 0, false), 0);
  from.writer.fail("why");
  assertEquals(
    assertCode("BROKEN_PIPE", () => transfer(from.reader, to.writer, 1, false)).cause,
    "why",
  );
  close(to.reader);
  assertCode("BROKEN_PIPE", () => transfer(from.reader, to.writer, 1, false));
});
