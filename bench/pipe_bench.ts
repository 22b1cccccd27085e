/**
 * What a pipe in one isolate moves, against the memory copies it is made of and against the
 * platform's own streams.
 *
 *     deno bench --allow-read --allow-sys bench/pipe_bench.ts
 *     deno run --allow-read --allow-sys bench/pipe_bench.ts   # in turns, with ratios
 */
import { PassThrough } from "node:stream";
import { Kernel } from "@carmine/kernel";
import { compare, type Contestant, table } from "./_compare.ts";

const { init } = new Kernel();

/** Two copies: into a buffer in the middle, and out of it. */
function copies(bytes: number): Contestant {
  const [from, middle, to] = [bytes, bytes, bytes].map((size) => new Uint8Array(size));
  return {
    name: "two copies",
    run(operations) {
      for (let i = 0; i < operations; i++) {
        middle?.set(from as Uint8Array);
        to?.set(middle as Uint8Array);
      }
    },
  };
}

/** The same with shared memory in the middle, as a pipe's is: V8 copies that more slowly. */
function sharedCopies(bytes: number): Contestant {
  return { ...sharedCopiesAt(bytes, 0), name: "two copies, shared memory" };
}

/** And much more slowly where the bytes lie at another place modulo 8 there. */
function unlikeCopies(bytes: number): Contestant {
  return { ...sharedCopiesAt(bytes, 3), name: "two copies, 3 bytes apart" };
}

function sharedCopiesAt(bytes: number, place: number): Omit<Contestant, "name"> {
  const [from, to] = [new Uint8Array(bytes), new Uint8Array(bytes)];
  const middle = new Uint8Array(new SharedArrayBuffer(place + bytes), place);
  return {
    run(operations) {
      for (let i = 0; i < operations; i++) {
        middle.set(from);
        to.set(middle);
      }
    },
  };
}

/** A pipe's copying calls, one after the other. */
function tries(bytes: number): Contestant {
  const { reader, writer } = init.createPipe();
  const [from, to] = [new Uint8Array(bytes), new Uint8Array(bytes)];
  return {
    name: "pipe, tryWrite and tryRead",
    run(operations) {
      for (let i = 0; i < operations; i++) {
        writer.tryWrite(from);
        reader.tryRead(to);
      }
    },
  };
}

/** A pipe's waiting calls, the writer and the reader as two loops that take turns. */
function waits(bytes: number): Contestant {
  const { reader, writer } = init.createPipe();
  const [from, to] = [new Uint8Array(bytes), new Uint8Array(bytes)];
  return {
    name: "pipe, write and read",
    async run(operations) {
      const writing = (async () => {
        for (let i = 0; i < operations; i++) await writer.write(from);
      })();
      for (let left = operations * bytes; left > 0;) left -= await reader.read(to);
      await writing;
    },
  };
}

/** The program works in the ring itself; each side touches the chunk, nothing is copied. */
function inPlace(bytes: number): Contestant {
  const { reader, writer } = init.createPipe();
  return {
    name: "pipe, reserve … consume",
    run(operations) {
      for (let i = 0; i < operations; i++) {
        const room = writer.reserve(bytes);
        if (room !== undefined) room[0] = i;
        writer.commit(bytes);
        const shown = reader.peek();
        if (shown[0] !== (i & 0xff)) throw new Error("The pipe garbled a chunk");
        reader.consume(shown.length);
      }
    },
  };
}

/** Chunks by reference: nothing is copied. */
function transformStream(bytes: number): Contestant {
  const { readable, writable } = new TransformStream<Uint8Array>();
  const [reader, writer] = [readable.getReader(), writable.getWriter()];
  const from = new Uint8Array(bytes);
  return {
    name: "TransformStream, by reference",
    async run(operations) {
      for (let i = 0; i < operations; i++) {
        const writing = writer.write(from);
        await reader.read();
        await writing;
      }
    },
  };
}

/** Chunks by reference, many under way: what the stream does at its best. */
function transformStreamAhead(bytes: number): Contestant {
  const many = { highWaterMark: 64 };
  const { readable, writable } = new TransformStream<Uint8Array>(undefined, many, many);
  const [reader, writer] = [readable.getReader(), writable.getWriter()];
  const from = new Uint8Array(bytes);
  return {
    name: "TransformStream, 64 chunks ahead",
    async run(operations) {
      for (let done = 0; done < operations; done += 64) {
        for (let i = 0; i < 64; i++) void writer.write(from);
        for (let i = 0; i < 64; i++) await reader.read();
      }
    },
  };
}

/** Chunks by reference through node's streams. */
function passThrough(bytes: number): Contestant {
  const stream = new PassThrough({ readableObjectMode: true, writableObjectMode: true });
  const from = new Uint8Array(bytes);
  return {
    name: "node:stream PassThrough",
    run(operations) {
      for (let i = 0; i < operations; i++) {
        stream.write(from);
        stream.read();
      }
    },
  };
}

const SIZES = [64, 1_024, 65_536];
const MAKERS = [
  copies,
  sharedCopies,
  tries,
  waits,
  inPlace,
  transformStream,
  transformStreamAhead,
  passThrough,
];

for (const bytes of SIZES) {
  for (const make of MAKERS) {
    const { name, run } = make(bytes);
    Deno.bench({
      name,
      group: `${bytes} bytes`,
      baseline: make === copies,
      fn: async () => {
        await run(128);
      },
    });
  }
}

/** Chunks that leave the next one at an odd place of the ring. */
const ODD_SIZES = [1_001, 65_531];

if (import.meta.main) {
  for (const bytes of ODD_SIZES) {
    const results = await compare([sharedCopies, unlikeCopies, tries].map((make) => make(bytes)));
    console.log(`${table(`${bytes} bytes a chunk`, results, bytes)}\n`);
  }
  for (const bytes of SIZES) {
    const results = await compare(MAKERS.map((make) => make(bytes)));
    console.log(`${table(`${bytes} bytes a chunk`, results, bytes)}\n`);
  }
}
