/**
 * `cat FILE | grep -aF PATTERN | wc`, as three tasks that share nothing but pipes.
 *
 *     deno run --allow-read examples/pipeline.ts [--workers] FILE PATTERN
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
 *
 * With `--workers` the same grep and wc (in examples/pipeline/) run in workers, each in a thread of
 * its own. There they could open no file, so cat stays here, and what it may touch is this program's
 * own care. Their pipes have the right MAP, as every pipe has for who made it: the bytes go from
 * thread to thread with no kernel in between.
 */
import { createReadStream } from "node:fs";
import process from "node:process";
import { Kernel, PipeWriter, type Program, type Task, type TaskHandle } from "@carmine/kernel";
import { grep } from "./pipeline/grep.ts";
import { wc } from "./pipeline/wc.ts";

/** How much moves at a time: large enough that changing tasks costs little, and fits the cache. */
const BLOCK_BYTES = 256 * 1024;
const WORKER = new URL("./pipeline/worker.ts", import.meta.url);

/** Puts a file, or the standard input, into a pipe. */
async function cat(task: Task): Promise<void> {
  const output = task.handle("output", PipeWriter);
  const [file = "-"] = task.args;
  const source: AsyncIterable<Uint8Array> = file === "-"
    ? process.stdin
    : createReadStream(file, { highWaterMark: BLOCK_BYTES });
  for await (const chunk of source) await output.write(chunk);
}

/**
 * Runs the three tasks.
 *
 * @param inWorkers Whether grep and wc get a thread each.
 * @returns What wc says, and what went wrong.
 */
export async function pipeline(
  file: string,
  pattern: string,
  inWorkers = false,
): Promise<{ counts: string | undefined; errors: Error[] }> {
  await using kernel = new Kernel();
  const { init } = kernel;
  const text = init.createPipe({ capacity: 2 * BLOCK_BYTES });
  const matches = init.createPipe({ capacity: 2 * BLOCK_BYTES });
  // The ends move to the tasks: this one keeps none, so it keeps nobody's pipe open.
  const stage = (program: Program) => inWorkers ? WORKER : program;
  const tasks: TaskHandle[] = [
    init.spawn(cat, { name: "cat", args: [file], handles: { output: text.writer } }),
    init.spawn(stage(grep), {
      name: "grep",
      args: [pattern],
      handles: { input: text.reader, output: matches.writer },
    }),
    init.spawn(stage(wc), { name: "wc", handles: { input: matches.reader } }),
  ];
  const ends = await Promise.all(tasks.map((task) => task.wait()));
  const [counts] = ends.flatMap((end) => end.state === "exited" && end.value ? [end.value] : []);
  const errors = ends.flatMap((end) => end.state === "crashed" ? [end.error] : []);
  return { counts: counts as string | undefined, errors };
}

if (import.meta.main) {
  const args = process.argv.slice(2);
  const inWorkers = args[0] === "--workers"; // anything further on may be the pattern
  const [file = "-", pattern] = inWorkers ? args.slice(1) : args;
  if (pattern === undefined || pattern.includes("\n")) {
    console.error("Usage: pipeline.ts [--workers] FILE PATTERN");
    console.error("FILE may be -, PATTERN is one line.");
    process.exit(2);
  }
  const { counts, errors } = await pipeline(file, pattern, inWorkers);
  if (counts !== undefined) console.log(counts);
  for (const error of errors) console.error(error.message);
  process.exitCode = errors.length === 0 ? 0 : 1;
}
