/**
 * A pipe's ring while threads of tasks work on it directly.
 *
 * Everybody takes part as one participant a thread: each such thread, and the kernel's isolate for
 * all who call it. Who is alone on a side takes no lock there. The ring moves to fresh memory when
 *
 * - a thread loses a handle through which it took part (what it does to the old memory from then on
 *   is nobody's concern),
 * - somebody comes to a side where one thread was alone, which so far took no lock,
 * - a thread holds a lock for so long that it may never let go, or its task is stopped.
 *
 * Invariants: the pipe's ring is the kernel's seat at `memory`; a side that the kernel takes part in
 * has it in `isUsedByKernel`; once the sharing is over no seat is left and the kernel has the ring
 * for itself.
 *
 * @module
 */
import type { SeatHolder, SeatHost, SeatTerms } from "../../capabilities/seat_ops.ts";
import type { WaitQueue } from "../../capabilities/selectable.ts";
import { Signals } from "../../capabilities/signals.ts";
import { allocateRing, Ring } from "../../memory/ring.ts";
import { abandonRing, type MovedRing, moveRing } from "../../memory/ring_move.ts";
import { lockFreed, watchForBytes, watchForRoom } from "../../memory/ring_watch.ts";
import { WaitPace } from "../../memory/wait_word.ts";
import { Attendant } from "./attendant.ts";

/**
 * How often in a row the kernel may find the lock held before it moves the ring. Among honest threads
 * that work without a pause this is rare, and costs them a move; a hostile one could give the lock
 * from hand to hand for ever.
 */
const MOST_MEETINGS = 16;

/** The pipe, as this looks at it. */
export interface SharedPipe {
  ring: Ring;
  sharing: RingSharing | undefined;
  readonly isPacket: boolean;
  readonly reader: SharedEnd;
  readonly writer: SharedEnd;
}

/** One of its ends. */
interface SharedEnd {
  readonly isClosed: boolean;
  readonly waiters: WaitQueue;
  /** What was handed out before this changed is not to be taken or published. */
  operations: number;
}

/** One side: who works on it. */
class Side {
  readonly end: SharedEnd;
  readonly name: "reader" | "writer";
  /** Threads that do. */
  readonly seats: Set<SeatHolder> = new Set();
  /** The kernel's isolate works on it, too. */
  isUsedByKernel = false;
  awaitsLock = false;
  /** How often in a row those who waited for the lock met it again. */
  meetings = 0;
  readonly pace: WaitPace = new WaitPace();
  readonly attendant: Attendant;

  constructor(
    end: SharedEnd,
    name: "reader" | "writer",
    memory: () => SharedArrayBuffer | undefined,
  ) {
    this.end = end;
    this.name = name;
    this.attendant = name === "reader"
      ? new Attendant(end.waiters, Signals.READABLE, memory, watchForBytes)
      : new Attendant(end.waiters, Signals.WRITABLE, memory, watchForRoom);
  }

  /** Whether a participant, undefined for the kernel, works here and nobody else does. */
  isAlone(holder: SeatHolder | undefined): boolean {
    if (holder === undefined) return this.isUsedByKernel && this.seats.size === 0;
    return this.seats.has(holder) && this.seats.size === 1 && !this.isUsedByKernel;
  }
}

/** What threads have seats at: the ring of a pipe that the kernel has had for itself. */
export class RingSharing implements SeatHost {
  readonly #pipe: SharedPipe;
  readonly #readers: Side;
  readonly #writers: Side;
  #memory: SharedArrayBuffer;
  #isOver = false;

  constructor(pipe: SharedPipe) {
    this.#pipe = pipe;
    this.#memory = pipe.ring.memory;
    const memory = () => this.#isOver ? undefined : this.#memory;
    this.#readers = new Side(pipe.reader, "reader", memory);
    this.#writers = new Side(pipe.writer, "writer", memory);
  }

  get memory(): SharedArrayBuffer {
    return this.#memory;
  }

  terms(holder: SeatHolder): SeatTerms {
    const { ring, isPacket, reader, writer } = this.#pipe;
    return {
      kind: "ring",
      capacityBytes: ring.capacityBytes,
      packet: isPacket,
      soleReader: this.#readers.isAlone(holder),
      soleWriter: this.#writers.isAlone(holder),
      reads: reader.operations,
      readIsClosed: reader.isClosed,
      writeIsClosed: writer.isClosed,
    };
  }

  join(holder: SeatHolder, object: object): void {
    const side = object === this.#pipe.reader ? this.#readers : this.#writers;
    if (side.seats.has(holder)) return;
    // Whoever takes part already, and under other terms from now on, has to learn of them.
    const isThereAlready = this.#seats().has(holder);
    if (side.seats.size === 1 || isThereAlready) this.#move();
    if (this.#isOver) return holder.lose(); // garbled by the one who was alone
    side.seats.add(holder);
    // It may be gone again before anybody looks, with what was peeked at or reserved.
    side.end.operations++;
    // Should it come back, it says so, and until then the thread may be alone.
    side.isUsedByKernel = false;
    this.#takeKernelsSeat();
    // Who waits since before there was anything to attend to.
    for (const { attendant } of [this.#readers, this.#writers]) attendant.attend();
  }

  leave(holder: SeatHolder): void {
    const left = [this.#readers, this.#writers].filter(({ seats }) => seats.delete(holder));
    if (left.length === 0) return;
    for (const { end } of left) end.operations++; // as when it came: the kernel may be alone now
    this.#move(holder);
    holder.lose();
  }

  suspend(): void {
    this.#move();
  }

  /** The kernel is about to work on a side: those who were alone there must not think so. */
  enter(side: "reader" | "writer"): void {
    const entered = side === "reader" ? this.#readers : this.#writers;
    if (entered.isUsedByKernel) return;
    entered.isUsedByKernel = true;
    if (entered.seats.size > 0) this.#move();
    else this.#takeKernelsSeat();
  }

  /**
   * The ring for the kernel alone, on both sides, until {@linkcode RingSharing.giveBack} within the
   * same turn: nobody else has been given the memory yet.
   */
  takeAlone(): void {
    this.#move();
    if (this.#isOver) return;
    this.#pipe.ring = this.#seatAt(true, true);
  }

  giveBack(): void {
    if (!this.#isOver) this.#takeKernelsSeat();
  }

  /** An operation of the kernel's met a lock that a thread holds. */
  metLock(side: "reader" | "writer"): void {
    void this.#outwaitLock(side === "reader" ? this.#readers : this.#writers);
  }

  /** Somebody in the kernel waits at an end, for what threads do. */
  awaited(side: "reader" | "writer"): void {
    const { attendant } = side === "reader" ? this.#readers : this.#writers;
    attendant.attend();
  }

  /** The last handle to an end is gone. */
  endClosed(): void {
    const { reader, writer, ring } = this.#pipe;
    // What is written now is for nobody.
    if (reader.isClosed) this.dissolve();
    else if (writer.isClosed) ring.closeWrite();
  }

  /** Takes the ring from all threads at once, and what is in it away. */
  dissolve(): void {
    if (this.#isOver) return;
    this.#abandonMemory();
    const { ring, isPacket } = this.#pipe;
    try {
      this.#memory = allocateRing(ring.capacityBytes, isPacket);
    } catch {
      return this.#ruin();
    }
    this.#end(this.#seatAt(true, true));
  }

  /** Throws when an invariant is broken; for tests. */
  assertInvariants(): void {
    if (this.#isOver) throw new Error("a pipe keeps a sharing that is over");
    if (this.#pipe.sharing !== this) throw new Error("a sharing is not its pipe's");
    if (this.#pipe.ring.memory !== this.#memory) throw new Error("the kernel sits elsewhere");
    for (const { isUsedByKernel, seats } of [this.#readers, this.#writers]) {
      if (isUsedByKernel && seats.size === 0 && this.#seats().size === 0) {
        throw new Error("a pipe that the kernel has for itself is shared");
      }
    }
  }

  #seats(): Set<SeatHolder> {
    return new Set([...this.#readers.seats, ...this.#writers.seats]);
  }

  /** @param leaving Who takes part no more, and holds the old memory all the same. */
  #move(leaving?: SeatHolder): void {
    if (this.#isOver) return;
    const seats = this.#seats();
    if (leaving !== undefined) seats.add(leaving);
    const { capacityBytes } = this.#pipe.ring;
    let moved: MovedRing | undefined;
    try {
      moved = moveRing(this.#memory, capacityBytes, this.#pipe.isPacket, [...seats]);
    } catch {
      moved = undefined; // no memory can be had: the pipe ends, and nothing else
    }
    for (const seat of seats) seat.moved(moved?.cut);
    if (moved === undefined) return this.#ruin();
    this.#memory = moved.memory;
    this.#takeKernelsSeat();
  }

  /** The kernel's seat under today's terms. */
  #takeKernelsSeat(): void {
    if (this.#isOver) return;
    if (this.#seats().size === 0) return this.#end(this.#seatAt(true, true));
    this.#pipe.ring = this.#seatAt(
      this.#readers.isAlone(undefined),
      this.#writers.isAlone(undefined),
    );
    if (this.#pipe.writer.isClosed) this.#pipe.ring.closeWrite();
  }

  #seatAt(soleReader: boolean, soleWriter: boolean): Ring {
    const { ring: { capacityBytes }, isPacket } = this.#pipe;
    return new Ring(this.#memory, capacityBytes, { soleReader, soleWriter, packet: isPacket });
  }

  /** An operation found what no honest thread leaves behind: the pipe is over for all. */
  garbled(): void {
    if (this.#isOver) return;
    this.#abandonMemory();
    this.#ruin();
  }

  /** What is in the memory, and what threads still do to it, is for nobody. */
  #abandonMemory(): void {
    const seats = [...this.#seats()];
    abandonRing(this.#memory, seats);
    for (const seat of seats) seat.moved(undefined);
  }

  /** There is no memory to go on in: somebody garbled it, or none is left. */
  #ruin(): void {
    const { ring } = this.#pipe;
    ring.ruin();
    this.#end(ring);
  }

  /** No thread takes part any more; the kernel goes on with this ring. */
  #end(ring: Ring): void {
    const seats = this.#seats();
    this.#isOver = true;
    this.#pipe.ring = ring;
    this.#pipe.sharing = undefined;
    this.#readers.seats.clear();
    this.#writers.seats.clear();
    for (const seat of seats) seat.lose();
    // Later: whoever caused this may be in the middle of closing something.
    queueMicrotask(() => {
      this.#pipe.reader.waiters.wake();
      this.#pipe.writer.waiters.wake();
    });
  }

  async #outwaitLock(side: Side): Promise<void> {
    if (side.awaitsLock) return;
    side.awaitsLock = true;
    const memory = this.#memory;
    const isFree = await lockFreed(memory, side.name, side.pace);
    side.awaitsLock = false;
    if (memory === this.#memory && (!isFree || side.meetings >= MOST_MEETINGS)) {
      side.meetings = 0;
      this.#move();
    }
    side.end.waiters.wake();
    // Whoever is woken tries, and calls for this again when the lock is in its way once more.
    side.meetings = side.awaitsLock ? side.meetings + 1 : 0;
  }
}
