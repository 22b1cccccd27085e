/**
 * A job queue: counts the primes below a number in many small jobs, which workers take from one
 * message queue. Each job is a call and its result is the reply, so nobody has to match them up. A
 * job that is in a hurry overtakes those that wait.
 *
 * ```sh
 * deno run examples/job_queue.ts 5000000
 * ```
 *
 * Its progress is drawn on the standard error, if that is a terminal.
 *
 * @module
 */
import process from "node:process";
// @ts-types="./cli_progress.d.ts"
import { SingleBar } from "cli-progress";
import { Kernel, MessageReceiver, type MessageSender, Rights, type Task } from "@carmine/kernel";

/** Numbers that one job looks at. */
const JOB_SIZE = 50_000;
/** Workers that share the queue. */
const WORKERS = 4;
/** The largest limit: each job is a call that waits, and a task may have 65,536 of those. */
const MOST = 1_000_000_000;
/** Priorities of ordinary jobs and of one that somebody waits for. */
const ORDINARY = 0;
const URGENT = 31;

/** A range of numbers, the first one included, the last one not. */
interface Job {
  readonly from: number;
  readonly to: number;
}

/** What came of all jobs. */
export interface Summary {
  /** Primes below the limit. */
  primes: number;
  /** Primes below 1,000: the urgent job's result. */
  urgent: number;
  /** Ordinary jobs that waited in the queue and that the urgent one overtook. */
  overtaken: number;
  /** How many jobs each worker did. */
  jobsByWorker: ReadonlyMap<number, number>;
}

const encode = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
const decode = (bytes: Uint8Array): unknown => JSON.parse(new TextDecoder().decode(bytes));

/** Counts the primes in a range by trial division: work that takes its time. */
function countPrimes({ from, to }: Job): number {
  let count = 0;
  for (let n = Math.max(2, from); n < to; n++) {
    let isPrime = n === 2 || n % 2 === 1;
    for (let divisor = 3; isPrime && divisor * divisor <= n; divisor += 2) {
      isPrime = n % divisor !== 0;
    }
    if (isPrime) count++;
  }
  return count;
}

/** A worker: takes jobs until nobody can send any. It can receive and reply, and nothing else. */
async function work(task: Task): Promise<void> {
  const jobs = task.handle("jobs", MessageReceiver);
  for await (const job of jobs) {
    jobs.reply(job, encode(countPrimes(decode(job.bytes) as Job)));
    await later(); // the workers share an isolate: the next one's turn
  }
}

/** Lets the other tasks of the isolate go on. */
function later(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

/**
 * Counts the primes below `limit`.
 *
 * @param onProgress Gets the part of the jobs that is done, 0 … 1.
 */
export async function main(limit: number, onProgress = (_: number) => {}): Promise<Summary> {
  await using kernel = new Kernel();
  const { init } = kernel;
  const { sender, receiver } = init.createMessageQueue({ maxMessages: 16 });
  for (let i = 0; i < WORKERS; i++) {
    const jobs = receiver.duplicate(Rights.READ | Rights.TRANSFER);
    init.spawn(work, { name: `worker ${i}`, handles: { jobs } });
  }
  receiver.close(); // the workers are the only ones left that receive

  const total = Math.ceil(limit / JOB_SIZE);
  const summary = { primes: 0, urgent: 0, overtaken: 0, jobsByWorker: new Map<number, number>() };
  let done = 0;
  const pending: Promise<void>[] = [];
  for (let from = 0; from < limit; from += JOB_SIZE) {
    pending.push(
      ask(sender, { from, to: Math.min(limit, from + JOB_SIZE) }, ORDINARY).then(
        ({ count, worker }) => {
          summary.primes += count;
          summary.jobsByWorker.set(worker, (summary.jobsByWorker.get(worker) ?? 0) + 1);
          onProgress(++done / total);
        },
      ),
    );
    // Half-way through, somebody wants an answer now. Its job goes before those in the queue.
    if (pending.length === Math.ceil(total / 2)) {
      pending.push(
        ask(sender, { from: 0, to: 1_000 }, URGENT).then(({ count }) => {
          summary.urgent = count;
          summary.overtaken = Math.ceil(total / 2) - done;
        }),
      );
    }
  }
  await Promise.all(pending);
  return summary;
}

/** Has one job done. Waits while the queue is full, and then for the reply. */
async function ask(
  sender: MessageSender,
  job: Job,
  priority: number,
): Promise<{ count: number; worker: number }> {
  const reply = await sender.call(encode(job), { priority });
  return { count: decode(reply.bytes) as number, worker: reply.sender };
}

if (import.meta.main) {
  const limit = Number(process.argv[2] ?? 2_000_000);
  if (!Number.isSafeInteger(limit) || limit < 1 || limit > MOST) {
    console.error(`Usage: job_queue.ts [LIMIT]\nLIMIT is a whole number, 1 … ${MOST}.`);
    process.exit(2);
  }
  const bar = new SingleBar({ format: "{bar} {percentage} %", linewrap: true });
  bar.start(1, 0);
  const summary = await main(limit, (part) => bar.update(part));
  bar.stop();
  console.log(`${summary.primes} primes below ${limit}`);
  console.log(
    `${summary.urgent} primes below 1000, asked for half-way: that job overtook ` +
      `${summary.overtaken} others`,
  );
  for (const [worker, jobs] of summary.jobsByWorker) console.log(`task ${worker} did ${jobs} jobs`);
}
