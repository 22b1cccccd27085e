/**
 * What the explorer's models use of memory/ for pipes, in its explorable form.
 *
 * @module
 */
import type { NextGeneration } from "../../../memory/mapped_ring.ts";
import type { Ring as ShippedRing } from "../../../memory/ring.ts";
import type { WatchedWord } from "../../../memory/ring_layout.ts";
import type { GenerationWord, MovedRing } from "../../../memory/ring_move.ts";
import type { WaitOutcome, WaitPace } from "../../../memory/wait_word.ts";
import type { Steps } from "./scheduler.ts";

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

/** A `MappedRing` whose operations can be stopped. */
export interface ExplorableMappedRing extends Explorable {
  readonly ring: ExplorableRing;
  readonly isLost: boolean;
  $refresh(): Steps;
}

/** A `SleepWatch` whose operations can be stopped. */
export interface ExplorableWatch {
  $announce(): Steps;
  $rest(isInVain: boolean): Steps;
}

/** The explorable exports that a pipe's model uses. */
export interface PipeCode {
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
