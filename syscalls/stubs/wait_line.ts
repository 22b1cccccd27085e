/**
 * Those of one thread who wait on one side of an object that the thread works on itself.
 *
 * They go on in order of arrival, whether they block the thread or not: who blocks it serves those
 * before him first. An attempt never waits; it answers {@linkcode PENDING} where it would have to.
 *
 * @module
 */
import { KernelError } from "../../capabilities/errors.ts";
import { LookOrSleep } from "../../memory/look_or_sleep.ts";
import type { WatchedWord } from "../../memory/ring.ts";
import { hasChanged, type WaitOutcome } from "../../memory/wait_word.ts";
import { type CheckedWaitOptions, onAbort } from "../arguments.ts";
import { canceled, taskDead } from "../page/page_errors.ts";
import { enterThreadWaits, leaveThreadWaits, serveThreadWaits } from "../page/thread_waits.ts";

/** What an attempt answers that has to be made again later. */
export const PENDING: unique symbol = Symbol("pending");
/** What an attempt answers when the thread has lost its seat: the kernel has to be asked. */
export const LOST: unique symbol = Symbol("lost");

/** The platform's timers take no more: 24 days, which nobody lives to see. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** How often a call that looks does so before it sleeps: about 50 µs, and a wake-up takes 35. */
const LOOKS_BEFORE_BLOCKING = 1_000;
/** How often it does so at first: about 3 µs. */
const GLANCES = 100;

// A task may replace these once it runs.
const { setTimeout, clearTimeout } = globalThis;
const { performance } = globalThis;
const now = (): number => performance.now();

/** Somebody who waits. */
export class LineWait<T> {
  /** Bytes, or the amount, that there has to be room for now. */
  needed: number | bigint;
  /** True when a hint that the other side is closed was found to be false. */
  closedIsFalse = false;
  isDone = false;
  /** When its time is over. */
  deadlineMs = Infinity;
  #result: T | typeof LOST | undefined = undefined;
  #error: unknown = undefined;
  #hasFailed = false;
  readonly #attempt: (wait: LineWait<T>) => T | typeof PENDING | typeof LOST;
  /** Called once, when it is done. */
  onDone: (() => void) | undefined = undefined;
  /** Gives up because its time is over. */
  onOverdue: (() => void) | undefined = undefined;

  constructor(
    needed: number | bigint,
    attempt: (wait: LineWait<T>) => T | typeof PENDING | typeof LOST,
  ) {
    this.needed = needed;
    this.#attempt = attempt;
  }

  /** Tries; true when it is done, one way or the other. */
  attempt(): boolean {
    if (this.isDone) return true;
    try {
      const result = this.#attempt(this);
      if (result === PENDING) return false;
      this.#result = result;
    } catch (error) {
      this.#error = error;
      this.#hasFailed = true;
    }
    this.#end();
    return true;
  }

  /** Ends it without a result. */
  fail(error: unknown): void {
    if (this.isDone) return;
    this.#error = error;
    this.#hasFailed = true;
    this.#end();
  }

  /** What came of it; throws what it failed with. */
  get outcome(): T | typeof LOST {
    if (this.#hasFailed) throw this.#error;
    return this.#result as T | typeof LOST;
  }

  #end(): void {
    this.isDone = true;
    this.onDone?.();
  }
}

/** How the thread sleeps until the first in a line may go on. */
export interface LineSleep {
  sync(first: LineWait<unknown>, timeoutMs: number): WaitOutcome;
  async(first: LineWait<unknown>): Promise<WaitOutcome>;
}

/** One line. */
export class WaitLine {
  readonly #waiting: LineWait<unknown>[] = [];
  readonly #sleep: LineSleep;
  readonly #killed: WatchedWord;
  readonly #choice = new LookOrSleep();
  #isPumping = false;

  constructor(sleep: LineSleep, killed: WatchedWord) {
    this.#sleep = sleep;
    this.#killed = killed;
  }

  /** True when nobody waits: whoever comes may try at once. */
  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  /**
   * How often to look once more before anything is made that a wait needs: an answer mostly comes
   * sooner than that.
   */
  get glances(): number {
    return this.#choice.looks ? GLANCES : 0;
  }

  /** Lets those go on who can. */
  serve(): void {
    for (let first = this.#waiting[0]; first?.attempt() === true; first = this.#waiting[0]) {
      if (this.#waiting[0] === first) this.#waiting.shift();
    }
  }

  /**
   * Blocks the thread until the wait, behind those who are there already, is done.
   *
   * @throws {KernelError} TIMED_OUT, TASK_DEAD, and what the attempt throws.
   */
  block<T>(wait: LineWait<T>, timeoutMs: number): T | typeof LOST {
    const until = timeoutMs === Infinity ? Infinity : now() + timeoutMs;
    this.#waiting.push(wait as LineWait<unknown>);
    try {
      for (;;) {
        this.serve();
        this.#endOverdue(wait as LineWait<unknown>);
        if (wait.isDone) return wait.outcome;
        const left = until === Infinity ? Infinity : until - now();
        if (left <= 0) throw timedOut(timeoutMs);
        this.#lookOrSleep(wait as LineWait<unknown>, left);
        if (hasChanged([this.#killed])) throw taskDead();
      }
    } finally {
      this.#leave(wait as LineWait<unknown>);
    }
  }

  /** The same without blocking the thread. */
  wait<T>(
    wait: LineWait<T>,
    { signal, timeoutMs }: CheckedWaitOptions,
  ): Promise<T | typeof LOST> {
    const { promise, resolve, reject } = Promise.withResolvers<T | typeof LOST>();
    const giveUp = (error: KernelError): void => {
      wait.fail(error);
      this.#leave(wait as LineWait<unknown>);
    };
    wait.deadlineMs = now() + timeoutMs;
    wait.onOverdue = () => giveUp(timedOut(timeoutMs));
    const timer = timeoutMs > LONGEST_TIMER_MS ? undefined : setTimeout(wait.onOverdue, timeoutMs);
    const stopListening = signal === undefined
      ? undefined
      : onAbort(signal, () => giveUp(canceled(signal)));
    wait.onDone = () => {
      if (timer !== undefined) clearTimeout(timer);
      stopListening?.();
      try {
        resolve(wait.outcome);
      } catch (error) {
        reject(error);
      }
    };
    this.#waiting.push(wait as LineWait<unknown>);
    this.serve();
    void this.#pump();
    return promise;
  }

  /** Lets those up to this one in the line go on, or time pass. */
  #lookOrSleep(wait: LineWait<unknown>, timeoutMs: number): void {
    if (this.#choice.looks) {
      for (let i = 0; i < LOOKS_BEFORE_BLOCKING && !wait.isDone; i++) this.serve();
      this.#choice.looked(wait.isDone);
    } else this.#choice.slept();
    const [first] = this.#waiting;
    if (first === undefined || wait.isDone) return;
    const napMs = serveThreadWaits(this);
    this.#sleep.sync(first, Math.max(0, Math.min(timeoutMs, napMs, first.deadlineMs - now())));
    first.closedIsFalse = false;
  }

  /** A thread that blocks runs no timers: those before this one whose time is over give up here. */
  #endOverdue(wait: LineWait<unknown>): void {
    for (let first = this.#waiting[0]; first !== undefined && first !== wait;) {
      if (first.deadlineMs > now()) return;
      first.onOverdue?.();
      first = this.#waiting[0];
    }
  }

  #leave(wait: LineWait<unknown>): void {
    const place = this.#waiting.indexOf(wait);
    if (place < 0) return;
    this.#waiting.splice(place, 1);
    // The next one may need less than this one did, and it is this one that somebody sleeps for.
    if (place === 0) this.serve();
  }

  async #pump(): Promise<void> {
    if (this.#isPumping) return;
    this.#isPumping = true;
    enterThreadWaits(this);
    for (let first = this.#waiting[0]; first !== undefined; first = this.#waiting[0]) {
      await this.#sleep.async(first);
      first.closedIsFalse = false;
      if (hasChanged([this.#killed])) {
        for (const wait of this.#waiting.splice(0)) wait.fail(taskDead());
      } else this.serve();
    }
    leaveThreadWaits(this);
    this.#isPumping = false;
  }
}

function timedOut(timeoutMs: number): KernelError {
  return new KernelError("TIMED_OUT", `nothing happened for ${timeoutMs} ms`);
}
