/**
 * `cat FILE | grep -aF PATTERN | wc`, as three tasks that share nothing but pipes.
 *
 *     deno run --allow-read examples/pipeline.ts FILE PATTERN
 *
 * FILE may be `-` for the standard input. It prints what wc prints: the lines that contain PATTERN,
 * their words and their bytes. PATTERN is a fixed string and matches byte by byte; the file may
 * hold anything, and a last line without a newline gets one, as from grep. A word is a run of
 * characters between ASCII white space of which one is no control character, which is what wc
 * counts in UTF-8 text without Unicode's rarer spaces.
 *
 * Each task holds the ends of pipes that it was given and no others. A task that is done, or that
 * crashes, closes its ends: that is how the next one learns of the end, and how the one before
 * learns that nobody listens any more.
 */
import { createReadStream } from "node:fs";
import process from "node:process";
import { Kernel, PipeReader, PipeWriter, type Task, type TaskHandle } from "@carmine/kernel";

/** How much moves at a time: large enough that changing tasks costs little, and fits the cache. */
const BLOCK_BYTES = 256 * 1024;
const NEWLINE = 0x0a;

/** Puts a file, or the standard input, into a pipe. */
async function cat(task: Task): Promise<void> {
  const output = task.handle("output", PipeWriter);
  const [file = "-"] = task.args;
  const source: AsyncIterable<Uint8Array> = file === "-"
    ? process.stdin
    : createReadStream(file, { highWaterMark: BLOCK_BYTES });
  for await (const chunk of source) await output.write(chunk);
}

/** Passes on the lines that contain a string. */
async function grep(task: Task): Promise<void> {
  const input = task.handle("input", PipeReader);
  const output = task.handle("output", PipeWriter);
  const [pattern = ""] = task.args;
  const find = finder(new TextEncoder().encode(pattern));
  let block = new Uint8Array(2 * BLOCK_BYTES);
  /** Bytes at the start of the block that begin a line whose end is still to come. */
  let begun = 0;
  for (let isLast = false; !isLast;) {
    const read = await input.read(block.subarray(begun));
    isLast = read === 0;
    if (isLast && begun > 0) block[begun++] = NEWLINE;
    const filled = begun + read;
    // No newline was among the bytes of `begun`, so only the new ones are searched for the last.
    const lines = isLast ? begun : lastNewline(block, begun, filled) + 1;
    const kept = keepMatching(block, lines, find);
    if (kept > 0) await output.write(block.subarray(0, kept));
    block.copyWithin(0, lines, filled);
    begun = filled - lines;
    if (begun === block.length) block = grown(block);
  }
}

/** Counts lines, words and bytes. */
async function wc(task: Task): Promise<string> {
  let lines = 0;
  let words = 0;
  let bytes = 0;
  let isInWord = false;
  for await (const chunk of task.handle("input", PipeReader)) {
    bytes += chunk.length;
    for (let i = 0; i < chunk.length; i++) {
      const byte = chunk[i] as number;
      if (byte > 0x20) {
        if (!isInWord && byte !== 0x7f) {
          isInWord = true;
          words++;
        }
      } else if (byte === 0x20 || (byte >= 0x09 && byte <= 0x0d)) {
        isInWord = false;
        if (byte === NEWLINE) lines++;
      }
    }
  }
  return [lines, words, bytes].map((count) => String(count).padStart(7)).join(" ");
}

/** Finds a string among the first `end` bytes of a block, from a place on: its place, or -1. */
type Find = (block: Uint8Array, from: number, end: number) => number;

/** Horspool's search: what stands under the pattern's last byte says how far it can be moved. */
function finder(pattern: Uint8Array): Find {
  const length = Math.max(1, pattern.length); // an empty pattern is found before any byte
  const last = pattern.length - 1;
  const moves = new Int32Array(256).fill(length);
  for (let i = 0; i < last; i++) moves[pattern[i] as number] = last - i;
  return (block, from, end) => {
    for (let at = from; at + length <= end; at += moves[block[at + last] as number] as number) {
      let i = last;
      while (i >= 0 && block[at + i] === pattern[i]) i--;
      if (i < 0) return at;
    }
    return -1;
  };
}

/**
 * Moves the lines that match to the front of the block.
 *
 * @returns How many bytes they have.
 */
function keepMatching(block: Uint8Array, end: number, find: Find): number {
  let kept = 0;
  // Lines that match and follow each other are moved in one go.
  let runStart = 0;
  let runEnd = 0;
  for (let at = find(block, 0, end); at !== -1; at = find(block, runEnd, end)) {
    let start = at;
    while (start > runEnd && block[start - 1] !== NEWLINE) start--;
    if (start > runEnd) {
      block.copyWithin(kept, runStart, runEnd);
      kept += runEnd - runStart;
      runStart = start;
    }
    runEnd = at;
    while (block[runEnd++] !== NEWLINE); // there is one: the block ends in it
  }
  block.copyWithin(kept, runStart, runEnd);
  return kept + runEnd - runStart;
}

/** Where the last newline in `[start, end)` is; -1 when there is none. */
function lastNewline(block: Uint8Array, start: number, end: number): number {
  let at = end - 1;
  while (at >= start && block[at] !== NEWLINE) at--;
  return at < start ? -1 : at;
}

/** The same bytes with room for as many again: some line is very long. */
function grown(block: Uint8Array): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(2 * block.length);
  larger.set(block);
  return larger;
}

/** Runs the three tasks; returns what wc says, and what went wrong. */
export async function pipeline(
  file: string,
  pattern: string,
): Promise<{ counts: string | undefined; errors: Error[] }> {
  await using kernel = new Kernel();
  const { init } = kernel;
  const text = init.createPipe({ capacity: 2 * BLOCK_BYTES });
  const matches = init.createPipe({ capacity: 2 * BLOCK_BYTES });
  // The ends move to the tasks: this one keeps none, so it keeps nobody's pipe open.
  const tasks: TaskHandle[] = [
    init.spawn(cat, { args: [file], handles: { output: text.writer } }),
    init.spawn(grep, {
      args: [pattern],
      handles: { input: text.reader, output: matches.writer },
    }),
    init.spawn(wc, { handles: { input: matches.reader } }),
  ];
  const ends = await Promise.all(tasks.map((task) => task.wait()));
  const [counts] = ends.flatMap((end) => end.state === "exited" && end.value ? [end.value] : []);
  const errors = ends.flatMap((end) => end.state === "crashed" ? [end.error] : []);
  return { counts: counts as string | undefined, errors };
}

if (import.meta.main) {
  const [file = "-", pattern] = process.argv.slice(2);
  if (pattern === undefined || pattern.includes("\n")) {
    console.error("Usage: pipeline.ts FILE PATTERN\nFILE may be -, PATTERN is one line.");
    process.exit(2);
  }
  const { counts, errors } = await pipeline(file, pattern);
  if (counts !== undefined) console.log(counts);
  for (const error of errors) console.error(error.message);
  process.exitCode = errors.length === 0 ? 0 : 1;
}
