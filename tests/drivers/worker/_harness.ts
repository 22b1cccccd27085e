/**
 * Runs a task in a worker as the kernel would, with a runtime that only reports.
 *
 * @module
 */
import {
  startWorker,
  type WorkerEnd,
  type WorkerOptions,
  type WorkerThread,
} from "../../../drivers/worker/bootstrap.ts";
import { newReportPage, readReports } from "./_report_page.ts";

/** A task under test. */
export interface RunningTask {
  readonly thread: WorkerThread;
  readonly page: SharedArrayBuffer;
  readonly ready: Promise<void>;
  readonly end: Promise<WorkerEnd>;
}

/** The module of these tests that a task may import. */
export const PUBLIC_MODULE: URL = new URL("./_public_kernel.ts", import.meta.url);

/** Starts a file of this folder, or a URL. */
export function startTask(
  entry: string | URL,
  options: Partial<WorkerOptions> = {},
): RunningTask {
  const page = newReportPage();
  const ready = Promise.withResolvers<void>();
  const end = Promise.withResolvers<WorkerEnd>();
  const thread = startWorker({
    entry: new URL(entry, import.meta.url),
    name: "task under test",
    imports: [],
    payload: page,
    runtime: new URL("./_fake_runtime.ts", import.meta.url),
    publicModules: [{ url: PUBLIC_MODULE, module: PUBLIC_MODULE }],
    onReady: () => ready.resolve(),
    onEnd: (value) => end.resolve(value),
    ...options,
  });
  return { thread, page, ready: ready.promise, end: end.promise };
}

/** Starts a task from source text; such a task has no folder. */
export function startSource(source: string, options: Partial<WorkerOptions> = {}): RunningTask {
  return startTask(new URL(`data:text/typescript,${encodeURIComponent(source)}`), options);
}

/** How a task ended, and what it reported. */
export interface Outcome {
  readonly end: WorkerEnd;
  readonly reports: string[];
}

/** Waits until the task has ended and its thread is gone. */
export async function outcomeOf({ thread, page, end }: RunningTask): Promise<Outcome> {
  const value = await end;
  await thread.gone;
  return { end: value, reports: readReports(page) };
}

/** Runs a file to its end. */
export function runTask(
  entry: string | URL,
  options: Partial<WorkerOptions> = {},
): Promise<Outcome> {
  return outcomeOf(startTask(entry, options));
}

/** Runs source text to its end. */
export function runSource(source: string, options: Partial<WorkerOptions> = {}): Promise<Outcome> {
  return outcomeOf(startSource(source, options));
}
