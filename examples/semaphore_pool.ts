/**
 * `sha256sum FILE…`, a task for each file, of which at most so many are open at a time.
 *
 *     deno run --allow-read examples/semaphore_pool.ts 4 FILE...
 *     npx --yes node@24 examples/semaphore_pool.ts 4 FILE...
 *
 * Without arguments it takes this folder's files, 4 at a time. It prints what sha256sum prints, and
 * on the standard error how many files were open at most.
 *
 * The limit is a counter in semaphore mode: as many permits as files may be open. All tasks start at
 * once; each takes a permit before it opens its file, and puts it back afterwards. The tasks get two
 * of the counter's rights, READ to take and WRITE to add, so none can switch its mode, or hand it on.
 */
import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { Counter, Kernel, Rights, type Task } from "@carmine/kernel";

/** What the pool did. */
export interface PoolReport {
  /** A line for each file that could be read, in the order of the files. */
  lines: string[];
  /** Why the others could not. */
  errors: Error[];
  /** Most files that were open at the same time. */
  mostAtOnce: number;
}

/** What a job gives its parent. */
interface Hashed {
  line: string;
  /** Permits left when this job had taken its own. */
  permitsLeft: number;
}

/** One job: waits for its turn, hashes its file, makes room for the next one. */
async function hashFile(task: Task): Promise<Hashed> {
  const permits = task.handle("permits", Counter);
  const [file = ""] = task.args;
  await permits.take();
  const permitsLeft = Number(permits.value);
  try {
    const digest = createHash("sha256").update(await readFile(file)).digest("hex");
    return { line: `${digest}  ${file}`, permitsLeft };
  } finally {
    // Also when the file can't be read: nobody else would put this permit back.
    await permits.add(1);
  }
}

/**
 * Hashes files, each in a task of its own.
 *
 * @param files Their paths.
 * @param atOnce How many may be open at the same time, at least 1.
 */
export async function hashFiles(files: readonly string[], atOnce: number): Promise<PoolReport> {
  await using kernel = new Kernel({ limits: { children: files.length, handles: 65_536 } });
  const { init } = kernel;
  const permits = init.createCounter({ initial: atOnce, semaphore: true });
  const lent = Rights.READ | Rights.WRITE | Rights.TRANSFER;
  const jobs = files.map((file) =>
    init.spawn(hashFile, { args: [file], handles: { permits: permits.duplicate(lent) } })
  );
  const report: PoolReport = { lines: [], errors: [], mostAtOnce: 0 };
  for (const job of jobs) {
    const end = await job.wait();
    if (end.state === "crashed") report.errors.push(end.error);
    if (end.state !== "exited") continue;
    const { line, permitsLeft } = end.value as Hashed;
    report.lines.push(line);
    report.mostAtOnce = Math.max(report.mostAtOnce, atOnce - permitsLeft);
  }
  return report;
}

/** The TypeScript files of this folder. */
async function exampleFiles(): Promise<string[]> {
  const folder = fileURLToPath(new URL(".", import.meta.url));
  const names = await readdir(folder);
  return names.filter((name) => name.endsWith(".ts")).sort().map((name) => folder + name);
}

if (import.meta.main) {
  const [count = "4", ...given] = process.argv.slice(2);
  const atOnce = Number(count);
  if (!Number.isSafeInteger(atOnce) || atOnce < 1) {
    console.error("Usage: semaphore_pool.ts [COUNT [FILE...]]\nCOUNT files are open at a time.");
    process.exit(2);
  }
  const files = given.length > 0 ? given : await exampleFiles();
  const { lines, errors, mostAtOnce } = await hashFiles(files, atOnce);
  for (const line of lines) console.log(line);
  for (const error of errors) console.error(error.message);
  console.error(`${files.length} files, at most ${mostAtOnce} open at once`);
  process.exitCode = errors.length === 0 ? 0 : 1;
}
