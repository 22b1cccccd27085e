/**
 * Hashes a file with several threads: SHA-256 of each MiB, and of all these digests.
 *
 *     deno run --allow-read examples/parallel_hash.ts [--workers N] [--check] FILE
 *
 * It prints a line for each block, in order, and then the tree digest: the SHA-256 of the blocks'
 * digests, one after the other. What it prints doesn't depend on the number of workers; there are as
 * many as the machine has processors unless `--workers` says otherwise. `--check` hashes the file
 * again in one thread, without Carmine, and compares.
 *
 *                 blocks                     digests
 *              ┌═══════════▶ hash_blocks 0 ═══════════┐
 *     FILE ─▶ deal ════════▶ hash_blocks 1 ════════▶ collect ─▶ in order
 *              └═══════════▶ hash_blocks 2 ═══════════┘
 *
 * Blocks are dealt like cards, and the digests are collected in the same turn, so they need no
 * numbers. Each worker has a pipe of its own for either way, with the right MAP: bytes go from this
 * thread to the worker's through memory that both have. Since each end has but one holder, nobody
 * takes a lock there. What the pipes hold is all of the file that is ever in memory: who is too fast
 * waits.
 *
 * A worker (examples/parallel_hash/hash_blocks.ts) can read its blocks and write its digests. It has
 * never heard of the file.
 */
import { createHash } from "node:crypto";
import { open, stat } from "node:fs/promises";
import process from "node:process";
import { parseArgs } from "node:util";
// @ts-types="./cli_progress.d.ts"
import { SingleBar } from "cli-progress";
import { Kernel, type PipeReader, type PipeWriter, Rights, type TaskHandle } from "@carmine/kernel";

const PROGRAM = new URL("./parallel_hash/hash_blocks.ts", import.meta.url);
const BLOCK_BYTES = 1024 * 1024;
const DIGEST_BYTES = 32;
/** Each is a thread, which takes some megabytes. */
const MOST_WORKERS = 256;

/** Gets the blocks' digests in order, in hexadecimal. */
type Report = (block: number, digest: string) => void;

/** The blocks of a file. Each is good until the next one is asked for. */
async function* blocksOf(path: string): AsyncGenerator<Uint8Array> {
  const block = new Uint8Array(BLOCK_BYTES);
  const file = await open(path);
  try {
    for (let filled = BLOCK_BYTES; filled === BLOCK_BYTES;) {
      filled = 0;
      while (filled < BLOCK_BYTES) { // what is no plain file may give less at a time
        const { bytesRead } = await file.read(block, filled, BLOCK_BYTES - filled);
        if (bytesRead === 0) break;
        filled += bytesRead;
      }
      if (filled > 0) yield block.subarray(0, filled);
    }
  } finally {
    await file.close();
  }
}

/** Gives each worker a block in turn; closes the pipes after the last one, or when that fails. */
async function deal(path: string, writers: PipeWriter[]): Promise<void> {
  try {
    let turn = 0;
    for await (const block of blocksOf(path)) await writers[turn++ % writers.length]?.write(block);
  } finally {
    for (const writer of writers) writer.close();
  }
}

/** Takes a digest from each worker in turn, until there are no more; returns the tree digest. */
async function collect(readers: PipeReader[], report: Report): Promise<string> {
  const tree = createHash("sha256");
  const digest = new Uint8Array(DIGEST_BYTES);
  // A digest is written whole, because it is short, so it is read whole.
  for (let block = 0; await readers[block % readers.length]?.read(digest); block++) {
    tree.update(digest);
    report(block, Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join(""));
  }
  return tree.digest("hex");
}

/** Waits for a task's end. */
async function finished(task: TaskHandle): Promise<void> {
  const end = await task.wait();
  if (end.state === "crashed") throw end.error;
}

/**
 * Hashes a file with workers.
 *
 * @param workers How many, at least 1.
 * @returns The tree digest, in hexadecimal.
 */
export async function hashFile(
  path: string,
  workers: number,
  report: Report = () => {},
): Promise<string> {
  await using kernel = new Kernel();
  const { init } = kernel;
  const tasks: TaskHandle[] = [];
  const writers: PipeWriter[] = [];
  const readers: PipeReader[] = [];
  for (let i = 0; i < workers; i++) {
    const blocks = init.createPipe({ capacity: 2 * BLOCK_BYTES });
    const digests = init.createPipe();
    tasks.push(init.spawn(PROGRAM, {
      name: `hasher ${i}`,
      args: [String(BLOCK_BYTES)],
      handles: {
        blocks: blocks.reader.replace(Rights.READ | Rights.MAP | Rights.TRANSFER),
        digests: digests.writer.replace(Rights.WRITE | Rights.MAP | Rights.TRANSFER),
      },
    }));
    writers.push(blocks.writer);
    readers.push(digests.reader);
  }
  const tree = collect(readers, report);
  const results = await Promise.allSettled([tree, ...tasks.map(finished), deal(path, writers)]);
  // In this order: what a worker died of says more than the broken pipe that it left to `deal`.
  for (const result of results) if (result.status === "rejected") throw result.reason;
  return await tree;
}

/** The same tree digest, from one thread. */
export async function hashFileHere(path: string): Promise<string> {
  const tree = createHash("sha256");
  for await (const block of blocksOf(path)) {
    tree.update(createHash("sha256").update(block).digest());
  }
  return tree.digest("hex");
}

/** What the command line asks for. */
interface Options {
  path: string;
  workers: number;
  isChecked: boolean;
}

/** Reads the command line; throws a sentence where that can't be made out. */
function optionsOf(args: string[]): Options {
  const { values, positionals: [path, ...others] } = parseArgs({
    args,
    allowPositionals: true,
    options: { workers: { type: "string" }, check: { type: "boolean", default: false } },
  });
  const workers = Number(values.workers ?? Math.min(MOST_WORKERS, navigator.hardwareConcurrency));
  if (!Number.isSafeInteger(workers) || workers < 1 || workers > MOST_WORKERS) {
    throw new Error(`--workers takes a number 1 … ${MOST_WORKERS}, not "${values.workers}"`);
  }
  if (path === undefined || others.length > 0) throw new Error("One file is hashed at a time");
  return { path, workers, isChecked: values.check };
}

/** Prints a file's digests. */
async function print({ path, workers, isChecked }: Options): Promise<void> {
  const { size } = await stat(path);
  // It draws on the standard error, if that is a terminal, and else nothing.
  const bar = new SingleBar({
    format: "{bar} {percentage} % of {total} MiB, {eta_formatted} left",
    linewrap: true,
  });
  bar.start(Math.ceil(size / BLOCK_BYTES), 0);
  const lines: string[] = []; // printed at once: the bar may be on the same terminal
  const tree = await hashFile(path, workers, (block, digest) => {
    bar.update(lines.push(`${digest}  block ${block}`));
  }).finally(() => bar.stop());
  console.log([...lines, `${tree}  tree`].join("\n"));
  if (!isChecked) return;
  if (await hashFileHere(path) !== tree) throw new Error("One thread finds another tree digest");
  console.error("One thread finds the same tree digest");
}

/** Does something; a program that can't says why and ends with `code`. */
async function orExit<T>(code: number, make: () => T | Promise<T>, advice = ""): Promise<T> {
  try {
    return await make();
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}${advice}`);
    process.exit(code);
  }
}

if (import.meta.main) {
  const usage = "\nUsage: parallel_hash.ts [--workers N] [--check] FILE";
  const options = await orExit(2, () => optionsOf(process.argv.slice(2)), usage);
  await orExit(1, () => print(options));
}
