/**
 * Ends worker threads that never yield, through the process's own debugger.
 *
 * `Worker.terminate()` takes effect when a thread yields; a loop never does. Here such a thread's
 * JavaScript is interrupted. It is told to terminate *before* that, so that none of its code runs
 * after the interruption.
 *
 * Always holds: the debugger is open only while threads are being stopped, once for all that are
 * at the same time; every `kill` resolves, after `timeoutMs` at the latest.
 *
 * @module
 */
import type { WorkerThread } from "./bootstrap.ts";
import { DebuggerSession } from "./debugger_session.ts";
import { settlesWithin, TimeLimit } from "./time_limit.ts";

/** What became of a thread. */
export type KillOutcome =
  /** Its thread has ended. */
  | { readonly state: "gone" }
  /** It goes on, and keeps the process from ending. */
  | { readonly state: "lingering"; readonly reason: string };

/** Times, for hosts that know their threads. */
export interface HardKillOptions {
  /** How long a thread may take to end by itself before the debugger is opened. @default 10 */
  readonly graceMs?: number;
  /** How long a kill may take in all. @default 2000 */
  readonly timeoutMs?: number;
}

/** The part of a worker's thread that a kill uses. */
export type KillableThread = Pick<WorkerThread, "mark" | "gone" | "isGone" | "terminate">;

const FLAGS = "--allow-sys --allow-net=127.0.0.1";

/** How often a thread is interrupted that was told to end and hasn't. */
const RETRY_MS = 20;

/** One thread to end, taken up by a session or waiting for one. */
interface Kill {
  readonly thread: KillableThread;
  /** Aborted when its time is up. */
  readonly signal: AbortSignal;
  readonly outcome: PromiseWithResolvers<KillOutcome>;
  /** Why the thread goes on, if it does. */
  reason: string;
}

/** Ends threads that never yield. */
export class HardKill {
  readonly #graceMs: number;
  readonly #timeoutMs: number;
  /** Kills that no session has taken up. */
  #waiting: Kill[] = [];
  /** Not undefined while a session is open or being opened or closed. */
  #running: Promise<void> | undefined = undefined;

  /**
   * @throws {Error} When the host lacks a permission for it, where the message names the flags, or
   * isn't Deno. Nothing is opened to find out.
   */
  constructor({ graceMs = 10, timeoutMs = 2000 }: HardKillOptions = {}) {
    requirePermissions();
    this.#graceMs = graceMs;
    this.#timeoutMs = timeoutMs;
  }

  /** Ends a thread, the hard way if it doesn't yield. Never rejects. */
  async kill(thread: KillableThread): Promise<KillOutcome> {
    void thread.terminate(); // whoever kills a thread that isn't up waits for that first
    if (await settlesWithin(thread.gone, this.#graceMs)) return { state: "gone" };
    using time = new TimeLimit(this.#timeoutMs);
    const outcome = Promise.withResolvers<KillOutcome>();
    const reason = "the code it runs can't be interrupted";
    this.#waiting.push({ thread, signal: time.signal, outcome, reason });
    this.#running ??= this.#run();
    return await outcome.promise;
  }

  /** Resolves when the debugger isn't open on behalf of a kill. */
  async closed(): Promise<void> {
    await this.#running;
  }

  /** Opens one session for all kills that are waiting or come while it is open. */
  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      let last: Kill[] = [];
      try {
        using time = new TimeLimit(this.#timeoutMs);
        await using session = await DebuggerSession.open(time.signal);
        while (this.#waiting.length > 0) last = await this.#stopAll(session);
      } catch (error) {
        last = [...last, ...this.#takeWaiting()];
        for (const kill of last) kill.reason = reasonOf(error);
      }
      // When the session is closed: while it is open, workers start half a second later.
      for (const kill of last) settle(kill);
    }
    // In the same turn as the last look at the list, so that no kill is overlooked.
    this.#running = undefined;
  }

  /** Stops what is waiting; gives those kills that were done last, not yet settled. */
  async #stopAll(session: DebuggerSession): Promise<Kill[]> {
    const kills = this.#takeWaiting();
    const last: Kill[] = [];
    let left = kills.length;
    await Promise.all(kills.map(async (kill) => {
      await interrupt(kill, session);
      left--;
      // A session that goes on for others is no reason to keep this one's caller waiting.
      if (left > 0 || this.#waiting.length > 0) settle(kill);
      else last.push(kill);
    }));
    return last;
  }

  #takeWaiting(): Kill[] {
    const kills = this.#waiting;
    this.#waiting = [];
    return kills;
  }
}

/** Interrupts a thread until it is gone or its time is up. */
async function interrupt(kill: Kill, session: DebuggerSession): Promise<void> {
  const { thread, signal } = kill;
  try {
    while (!thread.isGone && !signal.aborted) {
      await session.terminateExecution(thread.mark, signal);
      await settlesWithin(thread.gone, RETRY_MS);
    }
  } catch (error) {
    if (!signal.aborted) kill.reason = reasonOf(error);
  }
}

function settle({ thread, outcome, reason }: Kill): void {
  outcome.resolve(thread.isGone ? { state: "gone" } : { state: "lingering", reason });
}

/** Asks no user: a permission that would have to be asked for is missing. */
function requirePermissions(): void {
  if (!("Deno" in globalThis)) {
    throw new Error("Cannot use the debugger to end threads: that needs Deno");
  }
  const wanted: Deno.PermissionDescriptor[] = [{ name: "sys" }, { name: "net", host: "127.0.0.1" }];
  const isGranted = wanted.every((descriptor) =>
    Deno.permissions.querySync(descriptor).state === "granted"
  );
  if (!isGranted) {
    throw new Error(
      `Cannot use the debugger to end threads: the permissions for it are missing, add ${FLAGS}`,
    );
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
