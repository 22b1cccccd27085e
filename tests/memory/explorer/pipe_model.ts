/**
 * A pipe as the kernel sees it, for the explorer: who maps it, its moves, and what the kernel
 * answers to those who ask; and the programs of honest readers and writers, as a task's stub
 * would run them.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import type { NextGeneration } from "../../../memory/mapped_ring.ts";
import type { Ring as ShippedRing } from "../../../memory/ring.ts";
import type { Cut, RingSeat, WatchedWord } from "../../../memory/ring_layout.ts";
import {
  allocateRing,
  BUSY,
  dataBytes,
  GARBLED,
  HEAD,
  MOVED,
  STALE,
  TAIL,
} from "../../../memory/ring_layout.ts";
import type { GenerationWord, MovedRing } from "../../../memory/ring_move.ts";
import type { WaitOutcome, WaitPace } from "../../../memory/wait_word.ts";
import type { Modules } from "./explorable.ts";
import { type Steps, until } from "./scheduler.ts";

/** What the explorer uses of `Ring` and `MappedRing` in their explorable form. */
interface Explorable {
  $read(into: Uint8Array, start: number, end: number): Steps<number>;
  $write(bytes: Uint8Array, start: number, end: number): Steps<number>;
  $peek(): Steps<Uint8Array>;
  $consume(bytes: number): Steps<number>;
  $reserve(bytes: number): Steps<Uint8Array | undefined>;
  $commit(bytes: number): Steps<number>;
  $waitReadableSync(
    timeoutMs: number,
    kill?: WatchedWord,
    closedIsFalse?: boolean,
  ): Steps<WaitOutcome>;
  $waitWritableSync(
    bytes: number,
    timeoutMs: number,
    kill?: WatchedWord,
    closedIsFalse?: boolean,
  ): Steps<WaitOutcome>;
}

/** A `Ring` whose operations can be stopped. */
export interface ExplorableRing extends Explorable, ShippedRing {
  $closeRead(): Steps;
  $closeWrite(): Steps;
}

interface ExplorableMappedRing extends Explorable {
  readonly ring: ExplorableRing;
  readonly isLost: boolean;
  $refresh(): Steps;
}

/** A `SleepWatch` whose operations can be stopped. */
export interface ExplorableWatch {
  $announce(): Steps;
  $rest(isInVain: boolean): Steps;
}

/** The explorable exports that the model uses. */
interface Memory {
  readonly Ring: new (memory: SharedArrayBuffer, capacity: number, seat: object) => ExplorableRing;
  readonly MappedRing: new (
    memory: SharedArrayBuffer,
    capacity: number,
    seat: object,
    ask: () => Steps<NextGeneration>,
  ) => ExplorableMappedRing;
  readonly $moveRing: (
    old: SharedArrayBuffer,
    capacity: number,
    packet: boolean,
    words: readonly GenerationWord[],
  ) => Steps<MovedRing | undefined>;
  readonly watchForBytes: (memory: SharedArrayBuffer) => ExplorableWatch;
  readonly watchForRoom: (memory: SharedArrayBuffer) => ExplorableWatch;
  readonly $lockFreed: (
    memory: SharedArrayBuffer,
    side: "reader" | "writer",
    pace: WaitPace,
  ) => Steps<boolean>;
  readonly WaitPace: new () => WaitPace;
}

/** What a participant may do. */
export interface Rights {
  readonly reads?: boolean;
  readonly writes?: boolean;
  /** It is the kernel's isolate: it has no generation word, and the kernel's programs run in it. */
  readonly isKernel?: boolean;
}

/** How a pipe begins. */
export interface PipeSetup {
  readonly capacity: number;
  readonly packet?: boolean;
  /** How far before their wrap the indices stand. @default 1 */
  readonly beforeWrap?: number;
  readonly participants: Record<string, Rights>;
}

/** A thread that maps the pipe. */
export class Participant {
  readonly name: string;
  readonly rights: Rights;
  readonly word = new Int32Array(new SharedArrayBuffer(4));
  /** The cut of the generation that it holds, from the move until it asks. */
  cut: Cut | undefined;
  hasGarbled = false;
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
  readonly pipe: PipeModel;

  constructor(pipe: PipeModel, name: string, rights: Rights) {
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

/** A pipe, and all that there is to know about it. */
export class PipeModel {
  readonly capacity: number;
  readonly packet: boolean;
  readonly code: Memory;
  readonly #byName: ReadonlyMap<string, Participant>;
  memory: SharedArrayBuffer;
  isMoving = false;
  #isKernelBusy = false;
  /** Somebody garbled it. */
  isOver = false;
  readersAreGone = false;
  /** How long waits last before the program looks what the kernel says. */
  patienceMs = Infinity;
  writersAreGone = false;
  /** Bytes are numbered; who wrote which. */
  readonly #writers = new Map<number, Participant>();
  #next = 0;

  constructor(
    modules: Modules,
    { capacity, packet = false, beforeWrap = 1, participants }: PipeSetup,
  ) {
    this.code = {
      ...modules["ring.ts"],
      ...modules["mapped_ring.ts"],
      ...modules["ring_move.ts"],
      ...modules["ring_watch.ts"],
      ...modules["wait_word.ts"],
    } as unknown as Memory;
    this.capacity = capacity;
    this.packet = packet;
    this.memory = allocateRing(capacity, packet);
    const words = new Int32Array(this.memory);
    const wrap = 2 * dataBytes(capacity, packet);
    words[HEAD] = words[TAIL] = (wrap - beforeWrap) % wrap;
    this.#byName = new Map(
      Object.entries(participants).map((
        [name, rights],
      ) => [name, new Participant(this, name, rights)]),
    );
    for (const participant of this.#byName.values()) participant.map();
  }

  /** The participant of that name. */
  at(name: string): Participant {
    const participant = this.#byName.get(name);
    assert(participant !== undefined);
    return participant;
  }

  get #mapping(): Participant[] {
    return [...this.#byName.values()].filter((it) => it.isMapping);
  }

  /** How a participant takes part in the present generation. */
  seatOf({ rights, word }: Participant): Partial<RingSeat> {
    const isSole = (right: "reads" | "writes") =>
      rights[right] === true && this.#mapping.filter((it) => it.rights[right]).length === 1;
    const seat = { soleReader: isSole("reads"), soleWriter: isSole("writes"), packet: this.packet };
    const value = word[0] ?? 0;
    return rights.isKernel ? seat : { ...seat, generation: { word, index: 0, value } };
  }

  /** Bytes that no other write has. */
  fresh(by: Participant, length: number): Uint8Array {
    return Uint8Array.from({ length }, () => {
      this.#writers.set(++this.#next, by);
      return this.#next;
    });
  }

  /** The kernel's isolate does one thing at a time, and others where it awaits. */
  *enterKernel(): Steps {
    yield* until(() => !this.#isKernelBusy);
    this.#isKernelBusy = true;
  }

  leaveKernel(): void {
    this.#isKernelBusy = false;
  }

  /** A move by an actor of its own, beside others that work in the kernel. */
  *moveInKernel(...losers: string[]): Steps {
    yield* this.enterKernel();
    yield* this.move(...losers);
    this.leaveKernel();
  }

  /** The kernel takes mappings away, or moves for another reason. */
  *move(...losers: string[]): Steps {
    this.isMoving = true;
    for (const name of losers) this.at(name).isMapping = false;
    const holding = [...this.#byName.values()].filter((it) => it.holds === this.memory);
    const words = holding.filter((it) => !it.rights.isKernel).map(({ word }) => ({
      word,
      index: 0,
    }));
    const moved = yield* this.code.$moveRing(this.memory, this.capacity, this.packet, words);
    if (moved === undefined) this.isOver = true;
    else {
      this.memory = moved.memory;
      for (const it of holding) if (!it.rights.isKernel) it.cut = moved.cut;
      for (const it of holding) if (it.rights.isKernel) it.map();
    }
    this.isMoving = false;
  }

  /** The kernel closes the last handle of a side, which takes its mapping away too. */
  *close(side: "reads" | "writes"): Steps {
    if (side === "reads") this.readersAreGone = true;
    else this.writersAreGone = true;
    const losers = this.#mapping.filter(({ rights }) => rights[side]).map(({ name }) => name);
    yield* this.move(...losers);
    if (this.isOver) return;
    const ring = new this.code.Ring(this.memory, this.capacity, {
      soleReader: false,
      soleWriter: false,
    });
    yield* side === "reads" ? ring.$closeRead() : ring.$closeWrite();
  }

  /** What is in the present generation. */
  rest(): number[] {
    const ring = new this.code.Ring(this.memory, this.capacity, { packet: this.packet });
    ring.assertInvariants();
    const all: number[] = [];
    const into = new Uint8Array(this.capacity);
    for (let count; (count = ring.read(into)) > 0;) all.push(...into.subarray(0, count));
    return all;
  }

  /**
   * Nothing was lost, doubled or reordered, and writes stayed whole.
   *
   * @param dead Who ended in the middle: its write in flight counts wholly or not, and as many bytes as it
   * was reading may have gone with it.
   */
  check(...dead: string[]): void {
    const all = [...this.#byName.values()];
    const rest = this.rest();
    const lost = dead.reduce((most, name) => Math.max(most, this.at(name).reading), 0);
    for (const { got } of all) {
      for (const writer of all) {
        const fromWriter = got.filter((byte) => this.#writers.get(byte) === writer);
        assertRising(fromWriter, "A reader got a writer's bytes out of order");
      }
    }
    // A single reader's bytes and the rest are one stream; several readers' only as a set.
    const seen = [...all.flatMap(({ got }) => got), ...rest];
    assertEquals(new Set(seen).size, seen.length, `Doubled: ${seen}`);
    const acknowledged = all.flatMap(({ acknowledged }) => acknowledged);
    const missing = acknowledged.flat().filter((byte) => !seen.includes(byte));
    assert(missing.length <= lost, `Lost: ${missing} of ${acknowledged.flat()}; seen: ${seen}`);
    const inFlight = dead.flatMap((name) => [this.at(name).inFlight]);
    for (const operation of inFlight) {
      const there = operation.filter((byte) => seen.includes(byte)).length;
      const isWhole = there === 0 || there === operation.length || lost > 0;
      assert(isWhole, `A write of ${operation} was split: ${seen}`);
    }
    const written = new Set([...acknowledged.flat(), ...inFlight.flat()]);
    assert(seen.every((byte) => written.has(byte)), `Out of nothing: ${seen}`);
    const readers = all.filter(({ got }) => got.length > 0).length;
    if (readers > 1 || lost > 0) return;
    for (const operation of acknowledged) {
      const at = seen.indexOf(operation[0] ?? 0);
      assertEquals(seen.slice(at, at + operation.length), operation, "A write was interleaved");
    }
    for (const { acknowledged } of all) {
      const order = acknowledged.flat().map((byte) => seen.indexOf(byte));
      assertRising(order, "Writes changed their order");
    }
  }
}

function assertRising(numbers: readonly number[], message: string): void {
  for (let i = 1; i < numbers.length; i++) {
    assert((numbers[i - 1] ?? 0) < (numbers[i] ?? 0), `${message}: ${numbers}`);
  }
}
