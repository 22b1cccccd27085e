/**
 * One of the workers of parallel_hash.ts: hashes blocks until there are no more.
 *
 * It is plain blocking code. `readSync` takes bytes out of memory that this thread shares with who
 * writes them; it sleeps when there are none, and the kernel has no part in it.
 *
 * @module
 */
import { PipeReader, PipeWriter } from "@carmine/kernel";
import { task } from "@carmine/kernel/task";

const blocks = task.handle("blocks", PipeReader);
const digests = task.handle("digests", PipeWriter);

// Memory of its own: `crypto.subtle` takes none that others could change under its hands.
const block = new Uint8Array(Number(task.args[0]));

/** Reads a whole block, or what is left at the end; returns how many bytes. */
function nextBlock(): number {
  let filled = 0;
  while (filled < block.length) {
    const read = blocks.readSync(block.subarray(filled));
    if (read === 0) break;
    filled += read;
  }
  return filled;
}

for (let length; (length = nextBlock()) > 0;) {
  const digest = await crypto.subtle.digest("SHA-256", block.subarray(0, length));
  digests.writeSync(new Uint8Array(digest));
}
