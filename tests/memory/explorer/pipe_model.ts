/**
 * A pipe as the kernel sees it, for the explorer: who maps it, its moves, and what the kernel
 * answers to those who ask; and the check that nothing was lost.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { allocateRing, dataBytes, HEAD, type RingSeat, TAIL } from "../../../memory/ring_layout.ts";
import type { Modules } from "./explorable.ts";
import type { PipeCode } from "./explorable_ring.ts";
import { Participant, type Rights, type SharedPipe } from "./participant.ts";
import { type Steps, until } from "./scheduler.ts";

/** How a pipe begins. */
export interface PipeSetup {
  readonly capacity: number;
  readonly packet?: boolean;
  /** How far before their wrap the indices stand. @default 1 */
  readonly beforeWrap?: number;
  readonly participants: Record<string, Rights>;
}

/** A pipe, and all that there is to know about it. */
export class PipeModel implements SharedPipe {
  readonly capacity: number;
  readonly packet: boolean;
  readonly code: PipeCode;
  readonly #byName: ReadonlyMap<string, Participant>;
  memory: SharedArrayBuffer;
  isMoving = false;
  #isKernelBusy = false;
  isOver = false;
  readersAreGone = false;
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
    } as unknown as PipeCode;
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

  seatOf({ rights, word }: Participant): Partial<RingSeat> {
    const isSole = (right: "reads" | "writes") =>
      rights[right] === true && this.#mapping.filter((it) => it.rights[right]).length === 1;
    const seat = { soleReader: isSole("reads"), soleWriter: isSole("writes"), packet: this.packet };
    const value = word[0] ?? 0;
    return rights.isKernel ? seat : { ...seat, generation: { word, index: 0, value } };
  }

  fresh(by: Participant, length: number): Uint8Array {
    return Uint8Array.from({ length }, () => {
      this.#writers.set(++this.#next, by);
      return this.#next;
    });
  }

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
