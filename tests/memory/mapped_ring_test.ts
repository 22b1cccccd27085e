import { assert, assertEquals } from "@std/assert";
import { MappedRing, type NextGeneration } from "../../memory/mapped_ring.ts";
import { allocateRing, type Cut, MOVED, Ring, type RingSeat, STALE } from "../../memory/ring.ts";
import { moveRing } from "../../memory/ring_move.ts";

/** A pipe of which a task maps one side or both, with the kernel beside it. */
class Setup {
  readonly word = new Int32Array(new SharedArrayBuffer(4));
  memory = allocateRing(10);
  cut: Cut | undefined;
  asked = 0;
  isLost = false;
  readonly ring: MappedRing;
  #alone: boolean;

  constructor(alone = true) {
    this.#alone = alone;
    this.ring = new MappedRing(this.memory, 10, this.#seat(), () => this.#ask());
  }

  move({ alone = this.#alone } = {}): void {
    this.#alone = alone;
    const moved = moveRing(this.memory, 10, false, [{ word: this.word, index: 0 }]);
    assert(moved !== undefined);
    this.memory = moved.memory;
    // A later move doesn't overwrite the cut of the generation that the task holds.
    this.cut ??= moved.cut;
  }

  /** What is in the pipe. */
  rest(): number[] {
    const into = new Uint8Array(10);
    const count = new Ring(this.memory, 10).read(into);
    return [...into.subarray(0, count)];
  }

  #seat(): Partial<RingSeat> {
    const generation = { word: this.word, index: 0, value: this.word[0] ?? 0 };
    return { soleReader: this.#alone, soleWriter: this.#alone, generation };
  }

  #ask(): NextGeneration {
    this.asked++;
    const cut = this.cut;
    this.cut = undefined;
    return { cut, memory: this.isLost ? undefined : this.memory, seat: this.#seat() };
  }
}

Deno.test("MappedRing.write() and read() follow moves", () => {
  for (const alone of [true, false]) {
    const setup = new Setup(alone);
    const { ring } = setup;
    const into = new Uint8Array(10);
    for (let i = 0; i < 10; i++) {
      setup.move();
      if (i % 3 === 0) setup.move();
      assertEquals(ring.write(Uint8Array.of(i, i + 1), 0, 2), 2);
      setup.move();
      assertEquals(ring.read(into), 2);
      assertEquals([...into.subarray(0, 2)], [i, i + 1]);
    }
    assertEquals(setup.asked, 20);
    assertEquals(setup.rest(), []);
  }
});

Deno.test("MappedRing.peek() and consume() follow moves while the side is alone", () => {
  const setup = new Setup();
  const { ring } = setup;
  ring.write(Uint8Array.of(1, 2, 3), 0, 3);
  setup.move();
  assertEquals([...ring.peek()], [1, 2, 3]);
  setup.move();
  assertEquals(ring.consume(2), 2);
  assertEquals(setup.rest(), [3]);
});

Deno.test("MappedRing.consume() is STALE after a move to a shared side", () => {
  const setup = new Setup();
  const { ring } = setup;
  ring.write(Uint8Array.of(1, 2, 3), 0, 3);
  ring.peek();
  setup.move({ alone: false });
  assertEquals(ring.consume(2), STALE);
  assertEquals([...ring.peek()], [1, 2, 3]);
  assertEquals(ring.consume(2), 2);
  ring.peek();
  setup.move();
  assertEquals(ring.consume(1), STALE);
  assertEquals(setup.rest(), [3]);
});

Deno.test("MappedRing.commit() after a move is STALE and writes nothing", () => {
  for (const alone of [true, false]) {
    const setup = new Setup(alone);
    const { ring } = setup;
    ring.reserve(3)?.fill(1);
    setup.move();
    assertEquals(ring.commit(3), STALE);
    assertEquals(setup.rest(), []);
    ring.reserve(3)?.fill(2);
    assertEquals(ring.commit(2), 2);
    assertEquals(setup.rest(), [2, 2]);
  }
});

Deno.test("MappedRing answers MOVED once the mapping was lost", () => {
  const setup = new Setup();
  const { ring } = setup;
  ring.write(Uint8Array.of(1, 2, 3), 0, 3);
  setup.isLost = true;
  setup.move();
  for (let i = 0; i < 2; i++) {
    assertEquals(ring.read(new Uint8Array(1)), MOVED);
    assertEquals(ring.write(Uint8Array.of(1), 0, 1), MOVED);
    assertEquals(ring.peek().length, 0);
    assertEquals(ring.consume(1), MOVED);
    assertEquals(ring.reserve(1), undefined);
    assertEquals(ring.isLost, true);
  }
  assertEquals(setup.asked, 1);
  assertEquals(setup.rest(), [1, 2, 3]);
});

Deno.test("MappedRing.waitReadableSync() ends when the pipe moved or the task is killed", () => {
  const setup = new Setup(false);
  const kill = { word: new Int32Array(new SharedArrayBuffer(4)), index: 0, value: 0 };
  assertEquals(setup.ring.waitReadableSync(5, kill), "timed-out");
  setup.move();
  assertEquals(setup.ring.waitReadableSync(10_000, kill), "changed");
  assertEquals(setup.ring.read(new Uint8Array(1)), 0);
  kill.word[0] = 1;
  assertEquals(setup.ring.waitReadableSync(10_000, kill), "stopped");
  assertEquals(setup.ring.waitWritableSync(10, 10_000, kill), "changed");
});
