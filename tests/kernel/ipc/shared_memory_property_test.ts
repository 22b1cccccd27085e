/**
 * Shared memory against plain bytes: random programs of mediated reads and writes, mappings,
 * snapshots, atomics, growth and invalidation, by two tasks of which one is lent less than all.
 */
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { Kernel, KernelError, type MemoryView, Rights, type SharedMemory } from "@carmine/kernel";

const PAGE = 4_096;
const MOST = 4 * PAGE;

/** A mapping, and what the reference knows of it. */
interface Mapped {
  readonly view: MemoryView;
  readonly offset: number;
  /** The bytes of a snapshot; undefined where the view is the memory itself. */
  readonly snapshot: Uint8Array | undefined;
}

/** The memory as plain bytes. */
class Reference {
  bytes: Uint8Array<ArrayBuffer> = new Uint8Array(PAGE);
  isValid = true;
  readonly mapped: Mapped[] = [];

  /** What a call comes to: its value, or the code it fails with. */
  read(offset: number, length: number): unknown {
    if (offset + length > this.bytes.length) return "OUT_OF_RANGE";
    return [...this.bytes.subarray(offset, offset + length)];
  }

  write(offset: number, data: Uint8Array): unknown {
    if (offset + data.length > this.bytes.length) return "OUT_OF_RANGE";
    this.bytes.set(data, offset);
    return data.length;
  }

  resize(size: number): unknown {
    const pages = Math.ceil(size / PAGE) * PAGE;
    if (pages < this.bytes.length || pages > MOST) return "OUT_OF_RANGE";
    const grown = new Uint8Array(pages);
    grown.set(this.bytes);
    this.bytes = grown;
    return undefined;
  }

  /** The words of one mapping, wherever they are. */
  words({ offset, snapshot }: Mapped): DataView {
    if (snapshot !== undefined) return new DataView(snapshot.buffer);
    return new DataView(this.bytes.buffer, offset);
  }
}

/** A value, or the code of what was thrown. */
function outcome(call: () => unknown): unknown {
  try {
    return call();
  } catch (error) {
    if (error instanceof KernelError) return error.code;
    throw error;
  }
}

interface World {
  readonly memory: SharedMemory;
  readonly reader: SharedMemory;
  readonly reference: Reference;
}

/** One step, done by both; returns what each says. */
type Step = (world: World) => [actual: unknown, expected: unknown];

const offset = fc.oneof(fc.integer({ min: 0, max: MOST + 8 }), fc.constantFrom(0, PAGE - 4, PAGE));
const data = fc.uint8Array({ maxLength: 40 });
const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });

const read = fc.tuple(offset, fc.nat(64)).map(
  ([offset, length]): Step => ({ reader, reference }) => {
    const into = new Uint8Array(length);
    const actual = outcome(() => reader.read(offset, into) === length ? [...into] : "short");
    return [actual, reference.read(offset, length)];
  },
);

const write = fc.tuple(offset, data).map(([offset, data]): Step => ({ memory, reference }) => [
  outcome(() => memory.write(offset, data)),
  reference.write(offset, data),
]);

const resize = fc.integer({ min: 1, max: MOST + PAGE }).map(
  (size): Step => ({ memory, reference }) => [
    outcome(() => memory.resize(size)),
    reference.resize(size),
  ],
);

const map = fc.tuple(fc.nat(MOST / 8), fc.nat(200), fc.boolean()).map(
  ([eighth, length, isSnapshot]): Step => ({ memory, reader, reference }) => {
    const offset = eighth * 8;
    const isInside = length > 0 && offset + length <= reference.bytes.length;
    const from = isSnapshot ? reader : memory;
    const actual = outcome(() => {
      const view = from.map({ offset, length });
      const copy = reference.bytes.slice(offset, offset + length);
      reference.mapped.push({ view, offset, snapshot: isSnapshot ? copy : undefined });
      return [...view.bytes];
    });
    if (length === 0 || (reference.isValid && !isInside)) return [actual, "OUT_OF_RANGE"];
    if (!reference.isValid) return [actual, "INVALID_STATE"];
    return [actual, [...reference.bytes.subarray(offset, offset + length)]];
  },
);

const atomic = fc.tuple(
  fc.nat(10),
  fc.nat(60),
  fc.constantFrom("load", "store", "add", "cas"),
  int32,
)
  .map(([which, index, operation, value]): Step => ({ reference }) => {
    const mapped = reference.mapped[which];
    if (mapped === undefined) return [0, 0];
    const { view, snapshot } = mapped;
    const actual = outcome(() => {
      if (operation === "load") return view.load(index);
      if (operation === "store") return view.store(index, value);
      if (operation === "add") return view.add(index, value);
      return view.compareExchange(index, 0, value);
    });
    if (index >= view.int32.length) return [actual, "OUT_OF_RANGE"];
    const words = reference.words(mapped);
    const held = words.getInt32(index * 4, true);
    if (operation === "load") return [actual, held];
    if (snapshot !== undefined) return [actual, "ACCESS_DENIED"];
    const isLeft = operation === "cas" && held !== 0;
    const stored = operation === "add" ? held + value : isLeft ? held : value;
    words.setInt32(index * 4, stored, true);
    return [actual, operation === "store" ? value : held];
  });

const unmap = fc.nat(10).map((which): Step => ({ reference }) => {
  const [mapped] = reference.mapped.splice(which, 1);
  mapped?.view.unmap();
  return [outcome(() => mapped?.view.load(0)), mapped === undefined ? undefined : "INVALID_STATE"];
});

const invalidate = fc.constant<Step>(({ memory, reference }) => {
  memory.invalidate();
  reference.isValid = false;
  return [memory.isValid, false];
});

const step = fc.oneof(
  { arbitrary: read, weight: 4 },
  { arbitrary: write, weight: 4 },
  { arbitrary: map, weight: 4 },
  { arbitrary: atomic, weight: 6 },
  { arbitrary: unmap, weight: 2 },
  { arbitrary: resize, weight: 1 },
  { arbitrary: invalidate, weight: 1 },
);

Deno.test("SharedMemory holds what plain bytes would", async () => {
  const program = fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
    await using kernel = new Kernel();
    const before = kernel.tasks()[0]?.usage;
    const memory = kernel.init.createSharedMemory(1, { maxSize: MOST });
    const reader = memory.duplicate(Rights.READ | Rights.MAP);
    const reference = new Reference();
    for (const step of steps) {
      const [actual, expected] = step({ memory, reader, reference });
      assertEquals(actual, expected);
      assertEquals(memory.size, reference.bytes.length);
      assertEquals(memory.mappingCount, reference.mapped.length);
    }
    const all = new Uint8Array(memory.size);
    memory.read(0, all);
    assertEquals(all, reference.bytes);
    memory.close();
    reader.close();
    for (const { view } of reference.mapped) view.unmap();
    assertEquals(kernel.tasks()[0]?.usage, before);
  });
  await fc.assert(program, { numRuns: 200 });
});
