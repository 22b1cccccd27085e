/**
 * A task's page: the shared memory through which a task in a worker calls the kernel.
 *
 * Two rings of bytes, one each way, and two bells. Only the task's thread and the kernel's isolate
 * have the page. The kernel takes what it reads there for data from a hostile task.
 *
 * @module
 */
import { Doorbell, Flag } from "../../memory/doorbell.ts";
import { allocateRing, Ring, type WatchedWord } from "../../memory/ring.ts";

/** Bytes that each ring holds: a frame with 64 KiB in it goes at once, a longer one in pieces. */
const RING_BYTES = 128 * 1_024;
/** Words of the control buffer, each on a cache line of its own. */
const REQUEST_BELL = 0;
const REPLY_BELL = 16;
const KILLED = 32;
const REQUESTS_WAIT = 48;
const REPLIES_WAIT = 64;
const CROWDED = 80;
const CONTROL_BYTES = 384;
/** Objects whose memory the thread can work on at once: a word for each. */
const SEATS = 1_024;

/** What crosses to the worker. */
export interface PageMemory {
  readonly control: SharedArrayBuffer;
  readonly requests: SharedArrayBuffer;
  readonly replies: SharedArrayBuffer;
  /** The words that tell the thread of changes at its seats. */
  readonly seats: SharedArrayBuffer;
}

/** A page as one side uses it. */
export interface Page {
  /** Bytes from the task to the kernel. */
  readonly requests: Ring;
  /** Bytes from the kernel to the task. */
  readonly replies: Ring;
  /** Rung by the task: requests are there, or room for replies. */
  readonly requestBell: Doorbell;
  /** Rung by the kernel: replies are there, or room for requests, or the task has ended. */
  readonly replyBell: Doorbell;
  /** Up while the task has requests that the ring has no room for. */
  readonly requestsWait: Flag;
  /** Up while the kernel has replies that the ring has no room for. */
  readonly repliesWait: Flag;
  /** Up while more tasks call at the same time than there are processors to look for answers on. */
  readonly crowded: Flag;
  /** Raised by the kernel when the task has ended. */
  readonly killed: Flag;
  /** As a word to watch, for waits that don't concern the page. */
  readonly killedWord: WatchedWord;
  /** A word for each seat. */
  readonly seats: Int32Array;
}

/** A fresh page. */
export function allocatePage(): PageMemory {
  return {
    control: new SharedArrayBuffer(CONTROL_BYTES),
    requests: allocateRing(RING_BYTES),
    replies: allocateRing(RING_BYTES),
    seats: new SharedArrayBuffer(SEATS * Int32Array.BYTES_PER_ELEMENT),
  };
}

/** The page seen from one of its sides, each of which alone reads one ring and writes the other. */
export function openPage(memory: PageMemory, side: "task" | "kernel"): Page {
  const words = new Int32Array(memory.control);
  const reads = { soleReader: true, soleWriter: false };
  const writes = { soleReader: false, soleWriter: true };
  return {
    requests: new Ring(memory.requests, RING_BYTES, side === "task" ? writes : reads),
    replies: new Ring(memory.replies, RING_BYTES, side === "task" ? reads : writes),
    requestBell: new Doorbell(words, REQUEST_BELL),
    replyBell: new Doorbell(words, REPLY_BELL),
    requestsWait: new Flag(words, REQUESTS_WAIT),
    repliesWait: new Flag(words, REPLIES_WAIT),
    crowded: new Flag(words, CROWDED),
    killed: new Flag(words, KILLED),
    killedWord: { word: words, index: KILLED, value: 0 },
    seats: new Int32Array(memory.seats),
  };
}

/** How a request wants to be treated. */
export const RequestMode = Object.freeze({
  /** Try once: the answer may be WOULD_BLOCK. */
  TRY: 0,
  /** Wait until it is done. */
  WAIT: 1,
  /** Give up the waiting request with this id. */
  CANCEL: 2,
  /** As WAIT, but the signal is aborted already: say so, unless the arguments are refused. */
  ABORTED: 3,
});

/** What a reply says. */
export const ReplyKind = Object.freeze({
  /** The result, and the bytes for an output buffer if there is one. */
  DONE: 0,
  /** The error. */
  FAILED: 1,
  /** No reply to a call: the task's signal is aborted. */
  ABORTED: 2,
  /** The result without its memory, which was posted before: no ring carries that. */
  DONE_WITH_MEMORY: 3,
});

/** The longest request, in bytes. Bounds what one task can make the kernel hold for it. */
export const MAX_REQUEST_BYTES = 17 * 1_024 * 1_024;
/** The longest reply: the longest message that a queue takes, and what is around it. */
export const MAX_REPLY_BYTES = 2 ** 30 + 2 ** 20;
