/**
 * A thread that stores what it likes, beside honest ones: whose operations end all the same.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { HEADER_WORDS } from "../../../memory/ring_layout.ts";
import { CounterModel } from "./counter_model.ts";
import type { Modules } from "./explorable.ts";
import { PipeModel } from "./pipe_model.ts";
import { inTurn, run } from "./scenario.ts";
import { hostileStore, type Run, type Steps, until } from "./scheduler.ts";

/** A store by a hostile thread: which word of the ring's memory, and what. */
export interface Store {
  readonly index: number;
  readonly value: number;
}

/** The stores that are likely to hurt: every word of the header that means something, with values near every limit. */
export const HOSTILE_STORES: readonly Store[] = [0, 16, 32, 33, 34, 48, 64, 65, HEADER_WORDS]
  .flatMap((index) =>
    [0, 1, 2, 3, 4, 5, 6, 15, -1, 0x7fff_ffff].map((value) => ({ index, value }))
  );

function* storeAll(memory: SharedArrayBuffer, stores: readonly Store[]): Steps {
  const words = new Int32Array(memory);
  for (const { index, value } of stores) yield* hostileStore(words, index, value);
}

/**
 * A hostile participant stores what it likes until it is revoked, and goes on storing. The others' operations
 * end all the same, and what is written after the revocation arrives unless the pipe is over.
 */
export function hostileWriter(modules: Modules, stores: readonly Store[], packet = false): Run {
  const participants = {
    hostile: { writes: true },
    reader: { reads: true },
    kernel: { writes: true, isKernel: true },
  };
  const pipe = new PipeModel(modules, { capacity: 3, packet, participants });
  pipe.patienceMs = 100;
  const old = pipe.memory;
  const kernel = pipe.at("kernel");
  const reader = pipe.at("reader");
  const again = until(() => !kernel.isMapping || kernel.acknowledged.length > 0 || pipe.isOver);
  const check = () => {
    if (pipe.isOver || reader.sawGarbled) return;
    assert(reader.sawEnd);
    assertEquals(reader.got.slice(-2), kernel.acknowledged.flat());
  };
  const programs = {
    hostile: inTurn(
      pipe.at("hostile").writeOnce(2),
      storeAll(old, stores),
      again,
      storeAll(old, stores),
    ),
    reader: reader.read(3),
    kernel: inTurn(pipe.move("hostile"), kernel.writeUnlessOver(2), pipe.close("writes")),
  };
  return { ...run(pipe, programs, check), mayTimeOut: true };
}

/** The same for a hostile reader beside honest ones: two writers, whose side has a lock to spoil. */
export function hostileReader(modules: Modules, stores: readonly Store[], packet = false): Run {
  const participants = {
    hostile: { reads: true },
    one: { writes: true },
    two: { writes: true },
    kernel: { reads: true, isKernel: true },
  };
  const pipe = new PipeModel(modules, { capacity: 3, packet, participants });
  pipe.patienceMs = 100;
  const old = pipe.memory;
  const programs = {
    hostile: inTurn(storeAll(old, stores), until(() => !pipe.isMoving), storeAll(old, stores)),
    one: pipe.at("one").write(2),
    two: pipe.at("two").write(2),
    kernel: inTurn(pipe.move("hostile"), pipe.at("kernel").poll(3), pipe.close("reads")),
  };
  return { ...run(pipe, programs, () => {}), mayTimeOut: true };
}

/** A hostile participant stores what it likes into a counter's cell: the others' operations end. */
export function hostileCounter(modules: Modules, value: bigint): Run {
  const counter = new CounterModel(modules, 1n, false);
  const programs = {
    hostile: counter.spoil(value),
    adder: counter.addOnce(2n),
    taker: counter.takeOnce(),
    kernel: counter.moveIfHonest(),
  };
  const { actors } = counter.run(programs);
  return { actors, check: () => {}, mayTimeOut: true };
}
