/**
 * Who works on a pipe, for the explorer: programs of honest readers and writers as a task's stub
 * runs them, and as the kernel does for who waits in it; and what each of them saw.
 *
 * Always holds: a byte that a participant says it wrote is in `acknowledged`, one that it may have
 * written in `inFlight`; a byte that it read is in `got`, and no more than `reading` are on the way.
 *
 * @module
 */
import { assert } from "@std/assert";
import type { NextGeneration } from "../../../memory/mapped_ring.ts";
import {
  BUSY,
  type Cut,
  GARBLED,
  MOVED,
  type RingSeat,
  STALE,
} from "../../../memory/ring_layout.ts";
import type { ExplorableMappedRing, ExplorableWatch, PipeCode } from "./explorable_ring.ts";
import { type Steps, until } from "./scheduler.ts";

/** What a participant may do. */
export interface Rights {
  readonly reads?: boolean;
  readonly writes?: boolean;
  /** It is the kernel's isolate: it has no generation word, and the kernel's programs run in it. */
  readonly isKernel?: boolean;
}

/** The pipe as its participants find it. */
export interface SharedPipe {
  readonly capacity: number;
  readonly packet: boolean;
  readonly code: PipeCode;
  /** The memory that counts now. */
  readonly memory: SharedArrayBuffer;
  readonly isMoving: boolean;
  /** Somebody garbled it. */
  readonly isOver: boolean;
  readersAreGone: boolean;
  readonly writersAreGone: boolean;
  /** How long waits last before the program looks what the kernel says. */
  readonly patienceMs: number;
  /** How a participant takes part in the present generation. */
  seatOf(participant: Participant): Partial<RingSeat>;
  /** Bytes that no other write has. */
  fresh(by: Participant, length: number): Uint8Array;
  /** The kernel's isolate does one thing at a time, and others where it awaits. */
  enterKernel(): Steps;
  leaveKernel(): void;
}

/** A thread that maps the pipe. */
export class Participant {
  readonly name: string;
  readonly rights: Rights;
  readonly word = new Int32Array(new SharedArrayBuffer(4));
  /** The cut of the generation that it holds, from the move until it asks. */
  cut: Cut | undefined;
  isMapping = true;
  /** Which generation it holds. */
  holds: SharedArrayBuffer;
  ring: ExplorableMappedRing;
  /** What it read, in order. */
  readonly got: number[] = [];
  /** Writes that were answered, and the one that isn't yet. */
  readonly acknowledged: number[][] = [];
  inFlight: number[] = [];
  /** Most bytes of a read that isn't answered yet. */
  reading = 0;
  /** It saw the end of the stream. */
  sawEnd = false;
  /** An operation said that the ring was garbled. */
  sawGarbled = false;
  readonly pipe: SharedPipe;

  constructor(pipe: SharedPipe, name: string, rights: Rights) {
    this.pipe = pipe;
    this.name = name;
    this.rights = rights;
    this.holds = pipe.memory;
    // Set once all participants are known.
    this.ring = undefined as unknown as ExplorableMappedRing;
  }

  /** Takes its seat at the pipe's present generation. */
  map(): void {
    this.holds = this.pipe.memory;
    const seat = this.pipe.seatOf(this);
    this.ring = new this.pipe.code.MappedRing(
      this.pipe.memory,
      this.pipe.capacity,
      seat,
      () => this.#ask(),
    );
  }

  /** The system call of who finds that the pipe moved. The kernel answers when no move is under way. */
  *#ask(): Steps<NextGeneration> {
    yield* until(() => !this.pipe.isMoving);
    const cut = this.cut;
    this.cut = undefined;
    if (!this.isMapping || this.pipe.isOver) return { cut, memory: undefined, seat: {} };
    this.holds = this.pipe.memory;
    return { cut, memory: this.pipe.memory, seat: this.pipe.seatOf(this) };
  }

  /** Writes operations of the given sizes, each whole; ends when there is nobody to write for. */
  *write(...sizes: number[]): Steps {
    for (const size of sizes) {
      const bytes = this.pipe.fresh(this, size);
      this.inFlight = [...bytes];
      for (let done = 0; done < size;) {
        const answer = yield* this.ring.$write(bytes, done, size);
        if (answer > 0) {
          this.acknowledged.push([...bytes.subarray(done, done + answer)]);
          done += answer;
          this.inFlight = [...bytes.subarray(done)];
        } else if (answer === 0 || answer === BUSY) {
          if (this.pipe.readersAreGone) return;
          yield* this.#waitWritable(size - done);
        } else return this.#end(answer);
      }
    }
  }

  /** Writes once, if there is room. */
  *writeOnce(size: number): Steps {
    yield* this.ring.$write(this.pipe.fresh(this, size), 0, size);
  }

  /** Writes as long as the pipe isn't over: for the kernel, which knows. */
  *writeUnlessOver(size: number): Steps {
    if (!this.pipe.isOver) yield* this.write(size);
  }

  /** Reads once, for the kernel, which doesn't block. */
  *poll(size: number): Steps {
    if (this.pipe.isOver) return;
    const into = new Uint8Array(size);
    const answer = yield* this.ring.$read(into, 0, size);
    if (answer > 0) this.got.push(...into.subarray(0, answer));
  }

  /** Reads so many bytes as the kernel does for who waits in it: it never blocks the isolate. */
  readInKernel(count: number): Steps {
    return this.#workInKernel("reader", () => {
      const into = new Uint8Array(count - this.got.length);
      return this.#counting(this.ring.$read(into, 0, into.length), (done) => {
        this.got.push(...into.subarray(0, done));
        return this.got.length === count;
      });
    });
  }

  /** Writes once, whole, in the same way. */
  writeInKernel(size: number): Steps {
    const bytes = this.pipe.fresh(this, size);
    return this.#workInKernel(
      "writer",
      () =>
        this.#counting(this.ring.$write(bytes, 0, size), () => {
          this.acknowledged.push([...bytes]);
          return true;
        }),
    );
  }

  /** Waits in the kernel until there are bytes. */
  awaitBytesInKernel(): Steps {
    // A look is one step here: whoever waits was announced before it.
    return this.#workInKernel(
      "reader",
      function* (this: Participant) {
        yield* until(() => true);
        return this.ring.ring.availableBytes > 0;
      }.bind(this),
    );
  }

  *#counting(
    operation: Steps<number>,
    isDone: (done: number) => boolean,
  ): Steps<boolean | "busy"> {
    const answer = yield* operation;
    if (answer === BUSY) return "busy";
    assert(answer >= 0, `The kernel met ${answer}`);
    return answer > 0 && isDone(answer);
  }

  /** Announce, look, rest, as an attendant does; the look is the operation. */
  *#workInKernel(side: "reader" | "writer", look: () => Steps<boolean | "busy">): Steps {
    const { pipe, pipe: { code } } = this;
    const watchFor = side === "reader" ? code.watchForBytes : code.watchForRoom;
    const pace = new code.WaitPace();
    let watched: SharedArrayBuffer | undefined;
    let watch: ExplorableWatch | undefined;
    for (;;) {
      yield* pipe.enterKernel();
      const { memory } = pipe;
      if (watch === undefined || memory !== watched) watch = watchFor(memory);
      watched = memory;
      yield* watch.$announce();
      const isDone = yield* look();
      pipe.leaveKernel();
      if (isDone === true) return;
      if (isDone === "busy") yield* code.$lockFreed(memory, side, pace);
      else yield* watch.$rest(false);
    }
  }

  /** Reads so many bytes, asking the kernel each time whether anything is new. */
  *readRefreshing(size: number, count: number): Steps {
    const into = new Uint8Array(size);
    while (this.got.length < count) {
      yield* this.ring.$refresh();
      const answer = yield* this.ring.$read(into, 0, size);
      assert(answer >= 0, `A refreshed ring answered ${answer}`);
      this.got.push(...into.subarray(0, answer));
      if (answer === 0) yield* this.#waitReadable();
    }
  }

  /** Writes by reserve and commit; what says STALE is done again. */
  *writeReserved(...sizes: number[]): Steps {
    for (const size of sizes) {
      const bytes = this.pipe.fresh(this, size);
      for (;;) {
        const room = yield* this.ring.$reserve(size);
        if (room === undefined) {
          if (this.ring.isLost || this.ring.ring.condition !== 0) return this.#end(MOVED);
          yield* this.#waitWritable(size);
          continue;
        }
        room.set(bytes);
        this.inFlight = [...bytes];
        const answer = yield* this.ring.$commit(size);
        if (answer === size) {
          this.acknowledged.push([...bytes]);
          this.inFlight = [];
          break;
        }
        this.inFlight = [];
        if (answer === MOVED || answer === GARBLED) return this.#end(answer);
        if (answer !== STALE) yield* this.#waitWritable(size);
      }
    }
  }

  /** Reads until the end, or so many bytes. */
  *read(size: number, count = Infinity): Steps {
    const into = new Uint8Array(size);
    while (this.got.length < count) {
      const wanted = Math.min(size, count - this.got.length);
      this.reading = wanted;
      const answer = yield* this.ring.$read(into, 0, this.pipe.packet ? size : wanted);
      if (answer > 0) this.got.push(...into.subarray(0, answer));
      this.reading = 0;
      if (answer === 0 && (yield* this.#isEnd(into))) return;
      if (answer === MOVED || answer === GARBLED) return this.#end(answer);
      if (answer === 0 || answer === BUSY) yield* this.#waitReadable();
    }
  }

  /** The same by peek and consume. */
  *readPeeked(size: number, count: number): Steps {
    while (this.got.length < count) {
      const view = yield* this.ring.$peek();
      const taken = [...view.subarray(0, Math.min(size, count - this.got.length))];
      if (taken.length === 0) {
        if (this.ring.isLost || this.ring.ring.condition !== 0) return this.#end(MOVED);
        yield* this.#waitReadable();
        continue;
      }
      this.reading = taken.length;
      const answer = yield* this.ring.$consume(taken.length);
      if (answer === taken.length) this.got.push(...taken);
      this.reading = 0;
      if (answer === MOVED || answer === GARBLED) return this.#end(answer);
      if (answer === BUSY) yield* this.#waitReadable();
    }
  }

  /** Nothing was there: whether that is the end. Closed is confirmed first, then comes the last look. */
  *#isEnd(into: Uint8Array): Steps<boolean> {
    if (!this.ring.ring.writeIsClosed || !this.pipe.writersAreGone) return false;
    const answer = yield* this.ring.$read(into, 0, into.length);
    if (answer > 0) this.got.push(...into.subarray(0, answer));
    this.sawEnd = answer === 0;
    return this.sawEnd;
  }

  /** Waits; a hint that the side is closed, which the kernel says is false, isn't believed again. */
  *#waitReadable(): Steps {
    const closedIsFalse = this.ring.ring.writeIsClosed && !this.pipe.writersAreGone;
    yield* this.ring.$waitReadableSync(this.pipe.patienceMs, undefined, closedIsFalse);
  }

  *#waitWritable(size: number): Steps {
    const closedIsFalse = this.ring.ring.readIsClosed && !this.pipe.readersAreGone;
    yield* this.ring.$waitWritableSync(size, this.pipe.patienceMs, undefined, closedIsFalse);
  }

  /** A garbled pipe is over for who sees it; a reader tells the kernel by closing. */
  #end(answer: number): void {
    if (answer !== GARBLED) return;
    this.sawGarbled = true;
    if (this.rights.reads === true) this.pipe.readersAreGone = true;
  }
}
