/** Streams and pipes, 200-299 and 600-609. @module */
import { KernelError } from "../../capabilities/errors.ts";
import { type HandleEntry, HandleFlags } from "../../capabilities/handle.ts";
import { COMMON_RIGHTS, Rights } from "../../capabilities/rights.ts";
import type { PipeObject, StreamIpcOps, StreamOps } from "../../capabilities/stream_ops.ts";
import {
  DEFAULT_CAPACITY,
  type PipeReaderEnd,
  type PipeWriterEnd,
  transfer,
  UnidirectionalPipe,
} from "../../kernel/ipc/pipe.ts";
import type { Handlers } from "../caller.ts";
import type { streamCalls } from "../table/streams.ts";

const READER_RIGHTS = COMMON_RIGHTS | Rights.READ | Rights.MAP;
const WRITER_RIGHTS = COMMON_RIGHTS | Rights.WRITE | Rights.MAP;

// The table asked for the capability, so these hold.
const streamOf = (entry: HandleEntry) => entry.object as unknown as StreamOps;
const pipeOf = (entry: HandleEntry) => entry.object as unknown as PipeObject;
// A pipe end with READ is a reader, one with WRITE a writer: no handle has the other right.
const readerOf = (entry: HandleEntry) => entry.object as PipeReaderEnd;
const writerOf = (entry: HandleEntry) => entry.object as PipeWriterEnd;

const isMapped = (entry: HandleEntry) => (entry.rights & Rights.MAP) !== 0;

export const streamHandlers: Handlers<typeof streamCalls> = {
  streamRead: (_caller, target, into) => streamOf(target).tryRead(into),

  streamWrite({ kernel, task }, target, bytes, start?: number) {
    try {
      return streamOf(target).tryWrite(bytes, start ?? 0);
    } catch (error) {
      const isBroken = error instanceof KernelError && error.code === "BROKEN_PIPE";
      if (isBroken) kernel.events.pipeBroken(task, target.number);
      throw error;
    }
  },

  pipeCreate({ task }, options) {
    const capacity = options.capacity ?? DEFAULT_CAPACITY;
    task.table.requireRoom(2);
    const readerLease = task.account.lease(capacity);
    try {
      const writerLease = task.account.lease();
      try {
        const { reader, writer } = createPipe(capacity, options.packet ?? false);
        reader.lease = readerLease; // the bytes are the reader's: it can outlive the writer
        writer.lease = writerLease;
        const flags = (options.nonblocking === true ? HandleFlags.NONBLOCKING : 0) |
          (options.closeOnSpawn === true ? HandleFlags.CLOSE_ON_SPAWN : 0);
        return {
          reader: task.install(reader, READER_RIGHTS, flags),
          writer: task.install(writer, WRITER_RIGHTS, flags),
        };
      } catch (error) {
        writerLease.release();
        throw error;
      }
    } catch (error) {
      readerLease.release();
      throw error;
    }
  },

  pipeStatus(_caller, target) {
    const { isReadable, isWritable, bufferSize, availableBytes, hasReaders, hasWriters } = pipeOf(
      target,
    );
    return { isReadable, isWritable, bufferSize, availableBytes, hasReaders, hasWriters };
  },

  peerStatus(_caller, target) {
    const { isConnected, peerCount, description } = target.object as unknown as StreamIpcOps;
    return { isConnected, peerCount, description };
  },

  pipePeek: (_caller, target) => readerOf(target).peek(target, isMapped(target)),

  pipeConsume(_caller, target, bytes) {
    readerOf(target).consume(target, bytes);
  },

  pipeReserve: (_caller, target, bytes) =>
    writerOf(target).reserve(target, bytes, isMapped(target)),

  pipeCommit(_caller, target, bytes, content) {
    writerOf(target).commit(target, bytes, content);
  },

  pipeFail(_caller, target, reason) {
    writerOf(target).fail(reason);
  },

  pipeSplice: (_caller, from, to, bytes) => transfer(readerOf(from), writerOf(to), bytes, false),

  pipeTee: (_caller, from, to, bytes) => transfer(readerOf(from), writerOf(to), bytes, true),
};

function createPipe(capacity: number, packet: boolean): UnidirectionalPipe {
  try {
    return new UnidirectionalPipe({ capacity, packet });
  } catch (cause) {
    if (cause instanceof KernelError) throw cause;
    throw new KernelError("NO_SPACE", `${capacity} bytes of memory can't be had`, { cause });
  }
}
