/**
 * Counts the letters of a text with several tasks that share memory.
 *
 *     deno run --allow-read examples/shared_counter.ts [FILE]
 *
 * Two pieces of shared memory: one holds the text, the other one a tally, a 32-bit word for each
 * value that a byte can have. The tasks get the text with READ and MAP alone, so what they map is a
 * private snapshot: none can spoil the text for the others. The tally they get with WRITE as well,
 * so they map the memory itself and count in it together, with no call into the kernel.
 *
 * Counting together is what atomics are for. `view.add` adds in one step. Whoever loads, and stores
 * later what he loaded plus one, forgets what the others stored between the two; the program counts
 * both ways and prints how many letters the careless way lost. Tasks share out the work through a
 * word of the tally, too: the next piece of the text belongs to whoever adds 1 to it first.
 */
import { readFile } from "node:fs/promises";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { Kernel, type MemoryView, Rights, SharedMemory, type Task } from "@carmine/kernel";

const COUNTERS = 4;
const PIECE_BYTES = 64;

// The words of the tally: one for each value of a byte, then these.
const NEXT_PIECE = 256;
const COUNTERS_LEFT = 257;
const TALLY_BYTES = 4 * 258;

/** Adds one piece of the text to the tally. */
type Count = (tally: MemoryView, piece: Uint8Array) => Promise<void>;

/** Each letter in one step. */
async function carefully(tally: MemoryView, piece: Uint8Array): Promise<void> {
  for (const byte of piece) tally.add(byte, 1);
  await null; // lets the others have their turn
}

/** Each letter in two steps, with others between them. */
async function carelessly(tally: MemoryView, piece: Uint8Array): Promise<void> {
  const counts = Array.from(piece, (byte) => tally.load(byte));
  await null;
  piece.forEach((byte, i) => tally.store(byte, (counts[i] as number) + 1));
}

/** One task: counts pieces of the text until none is left. */
async function count(task: Task, countPiece: Count): Promise<void> {
  const tally = task.handle("tally", SharedMemory).map();
  try {
    const length = Number(task.args[0]);
    const text = task.handle("text", SharedMemory).map().bytes.subarray(0, length);
    for (;;) {
      const start = tally.add(NEXT_PIECE, 1) * PIECE_BYTES;
      if (start >= length) break;
      await countPiece(tally, text.subarray(start, start + PIECE_BYTES));
    }
  } finally {
    // Also when something went wrong: whoever waits for the last one would wait for ever.
    if (tally.add(COUNTERS_LEFT, -1) === 1) tally.notify(COUNTERS_LEFT);
  }
}

/** Counts how often each byte is in a text. */
async function tallyOf(bytes: Uint8Array, countPiece: Count): Promise<Int32Array> {
  await using kernel = new Kernel();
  const { init } = kernel;
  const text = init.createSharedMemory(Math.max(1, bytes.length)); // no memory is empty
  text.write(0, bytes);
  const tally = init.createSharedMemory(TALLY_BYTES);
  using view = tally.map();
  view.store(COUNTERS_LEFT, COUNTERS);
  const tasks = Array.from({ length: COUNTERS }, (_, i) => {
    return init.spawn((task) => count(task, countPiece), {
      name: `counter ${i}`,
      args: [String(bytes.length)],
      handles: {
        text: text.duplicate(Rights.READ | Rights.MAP | Rights.TRANSFER),
        tally: tally.duplicate(Rights.READ | Rights.WRITE | Rights.MAP | Rights.TRANSFER),
      },
    });
  });
  // As with the platform's own wait: the word is looked at again after each one.
  for (let left = COUNTERS; left > 0; left = view.load(COUNTERS_LEFT)) {
    await view.wait(COUNTERS_LEFT, left);
  }
  for (const task of tasks) {
    const end = await task.wait();
    if (end.state === "crashed") throw end.error;
  }
  return view.int32.slice(0, 256);
}

/** What counting both ways came to. */
export interface LetterCounts {
  /** Letters a … z with how often each is there, the most frequent first. */
  letters: [letter: string, count: number][];
  /** Bytes of the text that were counted, and so all that there are. */
  counted: number;
  /** Bytes that the careless way lost. */
  lost: number;
}

/** Counts the letters of a text. */
export async function countLetters(text: Uint8Array): Promise<LetterCounts> {
  const tally = await tallyOf(text, carefully);
  const careless = await tallyOf(text, carelessly);
  const sum = (counts: Int32Array) => counts.reduce((sum, count) => sum + count, 0);
  const letters = Array.from({ length: 26 }, (_, i): [string, number] => {
    const [upper, lower] = [0x41 + i, 0x61 + i];
    return [String.fromCharCode(lower), (tally[upper] ?? 0) + (tally[lower] ?? 0)];
  });
  letters.sort(([, a], [, b]) => b - a);
  return { letters, counted: sum(tally), lost: sum(tally) - sum(careless) };
}

if (import.meta.main) {
  const [file = fileURLToPath(import.meta.url)] = process.argv.slice(2);
  const text = await readFile(file).catch((error) => {
    console.error(error.message);
    process.exit(1);
  });
  const { letters, counted, lost } = await countLetters(text);
  const most = Math.max(1, letters[0]?.[1] ?? 0);
  for (const [letter, count] of letters) {
    console.log(`${letter} ${String(count).padStart(7)} ${"█".repeat((40 * count) / most)}`);
  }
  console.log(`${COUNTERS} tasks counted ${counted} bytes; without atomics they lost ${lost}`);
}
