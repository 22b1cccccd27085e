/**
 * What pipes are to do, said as plainly as possible: arrays of bytes, a list of the calls that
 * wait, and a loop that lets the first of them that may go on do so. No ring, no queues, no wake-ups.
 *
 * @module
 */

/** How a call ended. */
export type Outcome = { value: number } | { code: string; transferred: number | undefined };

/** Most bytes that are written whole. */
const PIPE_BUF = 4_096;
/** What a packet costs beside its bytes. */
const PACKET_HEADER = 4;

/** One pipe. */
export class PipeModel {
  readonly capacity: number;
  readonly isPacket: boolean;
  /** Writes that are whole and unread; of a byte pipe, single bytes. */
  chunks: number[][] = [];
  /** Bytes that ever left, for where the ring wraps. */
  taken = 0;
  hasFailed = false;
  /** Handles that are open. */
  readonly readers: Set<number> = new Set();
  readonly writers: Set<number> = new Set();

  constructor(capacity: number, isPacket = false) {
    this.capacity = capacity;
    this.isPacket = isPacket;
  }

  /** Bytes unread; of packets, those of the next. */
  get available(): number {
    return this.isPacket ? this.chunks[0]?.length ?? 0 : this.chunks.length;
  }

  get free(): number {
    if (!this.isPacket) return this.capacity - this.chunks.length;
    const used = this.chunks.reduce((sum, { length }) => sum + length + PACKET_HEADER, 0);
    return Math.max(0, this.capacity - used);
  }

  get isReadable(): boolean {
    return this.available > 0 || this.writers.size === 0 || this.hasFailed;
  }

  get isWritable(): boolean {
    return this.free > 0 || this.readers.size === 0 || this.hasFailed;
  }

  /** Bytes unread up to the ring's wrap. */
  get upToWrap(): number {
    return Math.min(this.available, this.capacity - this.taken % this.capacity);
  }

  put(bytes: readonly number[]): void {
    if (this.isPacket) this.chunks.push([...bytes]);
    else for (const byte of bytes) this.chunks.push([byte]);
  }

  take(count: number): number[] {
    if (this.isPacket) return this.chunks.shift() ?? [];
    this.taken += count;
    return this.chunks.splice(0, count).flat();
  }

  fail(): void {
    if (this.hasFailed) return;
    this.hasFailed = true;
    this.taken += this.isPacket ? 0 : this.chunks.length;
    this.chunks = [];
  }
}

/** A call on one pipe, or from one to another. */
export interface Call {
  readonly kind: "read" | "write" | "splice" | "tee";
  /** The handles it goes through. */
  readonly handles: readonly number[];
  /** Bytes asked for, or to be written. */
  readonly length: number;
  /** Where it takes bytes. */
  readonly from: PipeModel | undefined;
  /** Where it puts them. */
  readonly to: PipeModel | undefined;
  /** What it writes. */
  readonly bytes: readonly number[];
  /** What a read got. */
  got: number[];
  moved: number;
  outcome: Outcome | undefined;
}

/** Several pipes, and the calls that wait on them in the order in which they came. */
export class PipesModel {
  waiting: Call[] = [];

  /** The call begins: goes on at once, or is refused (`patience` "none"), or waits. */
  begin(call: Call, patience: "none" | "try" | "wait"): void {
    const isEmpty = call.length === 0 && (call.kind === "read" || call.kind === "write");
    if (isEmpty || !this.#isHeldBack(call, this.waiting)) this.#attempt(call);
    // What it moved may be taken by those who wait for it, and then there is room for more of it.
    for (let moved = -1; call.outcome === undefined && moved !== call.moved;) {
      moved = call.moved;
      this.settle();
      if (patience === "try" && moved > 0) break;
      if (moved > 0) this.#attempt(call);
    }
    if (call.outcome === undefined) {
      if (patience === "wait") this.waiting.push(call);
      else if (patience === "none") this.#end(call, "TIMED_OUT");
      else call.outcome = { value: call.moved > 0 ? call.moved : -1 };
    }
    this.settle();
  }

  /** The call's wait ends for a reason of its own. */
  interrupt(call: Call, code: string): void {
    if (call.outcome === undefined) this.#end(call, code);
    this.settle();
  }

  /** A handle closes: the calls that wait through it end. */
  closed(handle: number): void {
    for (const call of this.waiting) {
      if (call.handles.includes(handle)) this.#end(call, "BAD_HANDLE");
    }
    this.settle();
  }

  /** Lets whoever can go on do so, the first first, until nobody can. */
  settle(): void {
    for (let changed = true; changed;) {
      changed = false;
      this.waiting = this.waiting.filter(({ outcome }) => outcome === undefined);
      for (const [i, call] of this.waiting.entries()) {
        // One whose turn it is learns nothing, not even that it asks for too much, before its pipe
        // has something to give.
        if (call.from?.isReadable !== true && call.to?.isWritable !== true) continue;
        if (this.#isHeldBack(call, this.waiting.slice(0, i))) continue;
        const { moved } = call;
        this.#attempt(call);
        changed = call.outcome !== undefined || call.moved !== moved;
        if (changed) break;
      }
    }
  }

  /** Somebody before the call waits for the same side of a pipe, and for nothing else. */
  #isHeldBack(call: Call, before: readonly Call[]): boolean {
    return before.some((other) => {
      if (other.outcome !== undefined) return false;
      const isSplice = other.from !== undefined && other.to !== undefined;
      if (other.from !== undefined && other.from === call.from) {
        if (!isSplice || !other.from.isReadable) return true;
      }
      if (other.to !== undefined && other.to === call.to) {
        if (!isSplice || !other.to.isWritable) return true;
      }
      return false;
    });
  }

  #end(call: Call, code: string): void {
    call.outcome = { code, transferred: call.moved > 0 ? call.moved : undefined };
  }

  #attempt(call: Call): void {
    const { from, to } = call;
    if (from !== undefined && to !== undefined) this.#move(call, from, to);
    else if (from !== undefined) this.#read(call, from);
    else if (to !== undefined) this.#write(call, to);
  }

  #read(call: Call, pipe: PipeModel): void {
    if (pipe.available > 0 && call.length > 0) {
      if (pipe.isPacket && pipe.available > call.length) this.#end(call, "BUFFER_TOO_SMALL");
      else {
        call.got = pipe.take(Math.min(call.length, pipe.available));
        call.outcome = { value: call.got.length };
      }
    } else if (pipe.hasFailed) this.#end(call, "BROKEN_PIPE");
    else if (call.length === 0 || pipe.writers.size === 0) call.outcome = { value: 0 };
  }

  #write(call: Call, pipe: PipeModel): void {
    const rest = call.length - call.moved;
    if (rest === 0) call.outcome = { value: call.length };
    else if (pipe.readers.size === 0 || pipe.hasFailed) this.#end(call, "BROKEN_PIPE");
    else {
      const whole = Math.min(PIPE_BUF, pipe.capacity);
      if (pipe.isPacket && rest > whole) return this.#end(call, "MESSAGE_TOO_LONG");
      if (rest <= whole && rest > pipe.free) return;
      const count = Math.min(rest, pipe.free);
      pipe.put(call.bytes.slice(call.moved, call.moved + count));
      call.moved += count;
      if (call.moved === call.length) call.outcome = { value: call.length };
    }
  }

  #move(call: Call, from: PipeModel, to: PipeModel): void {
    if (call.length === 0) call.outcome = { value: 0 };
    else if (to.readers.size === 0 || to.hasFailed) this.#end(call, "BROKEN_PIPE");
    else if (from.hasFailed) this.#end(call, "BROKEN_PIPE");
    else if (from.available === 0 && from.writers.size === 0) call.outcome = { value: 0 };
    else {
      const isTee = call.kind === "tee";
      const count = Math.min(call.length, to.free, isTee ? from.upToWrap : from.available);
      if (count === 0) return;
      to.put(isTee ? from.chunks.slice(0, count).flat() : from.take(count));
      call.outcome = { value: count };
    }
  }
}
