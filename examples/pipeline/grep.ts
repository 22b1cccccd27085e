/**
 * The second stage of pipeline.ts: `grep -aF PATTERN`.
 *
 * @module
 */
import { PipeReader, PipeWriter, type Task } from "@carmine/kernel";

/** How much is read at a time, at first: large enough that waiting for more costs little. */
const BLOCK_BYTES = 512 * 1024;
const NEWLINE = 0x0a;

/** Passes on the lines that contain a string. */
export async function grep(task: Task): Promise<void> {
  const input = task.handle("input", PipeReader);
  const output = task.handle("output", PipeWriter);
  const [pattern = ""] = task.args;
  const find = finder(new TextEncoder().encode(pattern));
  let block = new Uint8Array(BLOCK_BYTES);
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
