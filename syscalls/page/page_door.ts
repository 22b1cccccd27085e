/**
 * The door of a task in a worker: syscalls through its page.
 *
 * Synchronous and asynchronous calls go through the same rings at the same time. Whoever waits,
 * blocking or not, takes the replies that are there and hands them to the calls they belong to.
 *
 * @module
 */
import type { KernelError } from "../../capabilities/errors.ts";
import type { HandleInfo } from "../../capabilities/handle.ts";
import type { WouldBlock } from "../../capabilities/stream_ops.ts";
import { ArgumentForm } from "../argument_kinds.ts";
import {
  byteLengthOf,
  type CheckedWaitOptions,
  checkWaitOptions,
  hasAborted,
  noSuchSyscall,
  onAbort,
  type WaitOptions,
} from "../arguments.ts";
import type { CallerArgs, Door, Syscall, SyscallSpec, ThreadSeats } from "../door.ts";
import { SYSCALLS, SYSCALLS_BY_NUMBER } from "../table.ts";
import { decode } from "./decode.ts";
import { encode } from "./encode.ts";
import { FrameReceiver, FrameSender, HEADER_BYTES } from "./frames.ts";
import {
  MAX_REPLY_BYTES,
  MAX_REQUEST_BYTES,
  openPage,
  type Page,
  type PageMemory,
  ReplyKind,
  RequestMode,
} from "./page.ts";
import { OpenCalls, type Settlement } from "./open_calls.ts";
import { PageSeats } from "./page_seats.ts";
import { isLongWrite, pieces, timeLeft } from "./pieces.ts";
import {
  asError,
  inWordsOf,
  plainArguments,
  taskDead,
  tooLong,
  withMovedBefore,
  withReason,
} from "./page_errors.ts";
import { serveThreadWaits } from "./thread_waits.ts";

/** Calls the kernel from another thread. */
export class PageDoor implements Door {
  readonly sharesMemory = false;
  readonly seats: ThreadSeats;
  readonly #page: Page;
  readonly #requests: FrameSender;
  readonly #replies: FrameReceiver;
  readonly #open = new OpenCalls();
  readonly #receiveMemory: () => unknown;
  readonly #onAbort: (reason: KernelError) => void;
  /** What a handle names, in words; undefined where there is no such handle. */
  readonly #typeOf = (handle: number): string | undefined => {
    try {
      return (this.call(SYSCALLS.handleQuery, handle) as HandleInfo).type;
    } catch {
      return undefined;
    }
  };
  #nextId = 1;
  /** True from the first request of a turn until the bell is rung for all of them. */
  #willRing = false;

  /**
   * @param receiveMemory Takes the next memory that the kernel has posted to this thread.
   * @param hasSystemClock True when the kernel's time is the system's.
   * @param onAbort The task's signal is aborted.
   */
  constructor(
    memory: PageMemory,
    receiveMemory: () => unknown,
    hasSystemClock: boolean,
    onAbort: (reason: KernelError) => void,
  ) {
    this.#page = openPage(memory, "task");
    this.seats = new PageSeats(this, this.#page, hasSystemClock);
    this.#receiveMemory = receiveMemory;
    this.#requests = new FrameSender(this.#page.requests, this.#page.requestsWait);
    this.#replies = new FrameReceiver(this.#page.replies, this.#page.repliesWait, MAX_REPLY_BYTES);
    this.#onAbort = onAbort;
    void this.#pump();
  }

  call<Args extends readonly unknown[], Result>(
    syscall: Syscall<Args, Result>,
    ...args: CallerArgs<Args>
  ): Result | WouldBlock {
    return this.#callNow(syscall, syscall.number, args, RequestMode.TRY) as Result | WouldBlock;
  }

  async wait<Args extends readonly unknown[], Result>(
    syscall: Syscall<Args, Result>,
    options: WaitOptions | undefined,
    ...args: CallerArgs<Args>
  ): Promise<Result> {
    const wait = this.#inWords(syscall, args, () => checkWaitOptions(options));
    if (!isLongWrite(syscall, args)) {
      return await this.#waitFor(syscall, args, wait) as Result;
    }
    const bytes = args[1] as Uint8Array;
    const until = performance.now() + wait.timeoutMs; // for all pieces together
    let moved = 0;
    for (const piece of pieces(bytes)) {
      const rest = { signal: wait.signal, timeoutMs: timeLeft(until) };
      const written = await this.#waitFor(syscall, [args[0], piece], rest)
        .catch((error) => Promise.reject(withMovedBefore(error, moved)));
      moved += written as number;
      if (written !== piece.length) break; // a nonblocking handle takes what fits
    }
    return moved as Result;
  }

  block<Args extends readonly unknown[], Result>(
    syscall: Syscall<Args, Result>,
    options: WaitOptions | undefined,
    ...args: CallerArgs<Args>
  ): Result {
    const wait = this.#inWords(syscall, args, () => checkWaitOptions(options));
    if (!isLongWrite(syscall, args)) return this.#blockFor(syscall, args, wait) as Result;
    const until = performance.now() + wait.timeoutMs;
    let moved = 0;
    for (const piece of pieces(args[1] as Uint8Array)) {
      try {
        const rest = { signal: wait.signal, timeoutMs: timeLeft(until) };
        const written = this.#blockFor(syscall, [args[0], piece], rest);
        moved += written as number;
        if (written !== piece.length) break;
      } catch (error) {
        throw withMovedBefore(error, moved);
      }
    }
    return moved as Result;
  }

  isOpen(handle: number): boolean {
    return this.#typeOf(handle) !== undefined;
  }

  raw(number: number, args: readonly unknown[]): unknown {
    if (typeof number !== "number") throw noSuchSyscall(number);
    const spec = SYSCALLS_BY_NUMBER.get(number);
    const arity = spec?.args.length ?? 0;
    const given = args.slice(0, arity);
    if (spec?.mayWait !== true) return this.#callNow(spec, number, given, RequestMode.TRY);
    return this.wait(spec, args[arity] as WaitOptions | undefined, ...given as never[]);
  }

  /** What `make` gives; a refusal is told in the words of the call. */
  #inWords<Result>(
    spec: SyscallSpec | undefined,
    args: readonly unknown[],
    make: () => Result,
  ): Result {
    return inWordsOf(spec, args, this.#typeOf, make);
  }

  /** Sends a request and takes replies until its own is there. */
  #callNow(
    spec: SyscallSpec | undefined,
    number: number,
    args: readonly unknown[],
    mode: number,
    timeoutMs = Infinity,
  ): unknown {
    let outcome: { readonly result?: unknown; readonly error?: unknown } | undefined;
    this.#send(spec, number, args, mode, timeoutMs, {
      resolve: (result) => outcome = { result },
      reject: (error) => outcome = { error },
    });
    this.#page.requestBell.ring();
    while (outcome === undefined) {
      const seen = this.#page.replyBell.count;
      this.#takeReplies();
      if (outcome !== undefined) break;
      // Other calls are short, and may come from within an operation on mapped memory.
      const napMs = mode === RequestMode.WAIT ? serveThreadWaits() : Infinity;
      this.#page.replyBell.block(seen, this.#page.crowded.isUp, napMs);
    }
    const { error, result } = outcome as { readonly result?: unknown; readonly error?: unknown };
    if (error !== undefined) throw error;
    return result;
  }

  /** A call that may wait, and blocks the thread meanwhile. */
  #blockFor(
    spec: SyscallSpec,
    args: readonly unknown[],
    { signal, timeoutMs }: CheckedWaitOptions,
  ): unknown {
    try {
      return this.#callNow(spec, spec.number, args, waitMode(signal), timeoutMs);
    } catch (error) {
      throw withReason(error, signal);
    }
  }

  #waitFor(
    spec: SyscallSpec,
    args: readonly unknown[],
    { signal, timeoutMs }: CheckedWaitOptions,
  ): Promise<unknown> {
    return new Promise((resolve, reject) => {
      let stopListening: (() => void) | undefined;
      const id = this.#send(spec, spec.number, args, waitMode(signal), timeoutMs, {
        resolve: (result) => {
          stopListening?.();
          resolve(result);
        },
        reject: (error) => {
          stopListening?.();
          reject(withReason(error, signal));
        },
      });
      if (signal !== undefined) {
        stopListening = onAbort(signal, () => {
          this.#requests.send(encode([id, RequestMode.CANCEL, spec.number, [], -1], HEADER_BYTES));
          this.#ringThisTurn();
        });
      }
      this.#ringThisTurn();
    });
  }

  /** Writes one request; returns its id. */
  #send(
    spec: SyscallSpec | undefined,
    number: number,
    args: readonly unknown[],
    mode: number,
    timeoutMs: number,
    settlement: Settlement,
  ): number {
    this.#requireAlive();
    const id = this.#nextId++;
    let output: Uint8Array | undefined;
    const sent = args.map((given, i) => {
      const argument = spec?.args[i];
      if (argument?.form !== ArgumentForm.BUFFER) return given;
      const bytes = this.#inWords(
        spec,
        args,
        () => argument.check(given, argument.name),
      ) as Uint8Array;
      if (argument.isOutput !== true) return bytes;
      output = bytes;
      return byteLengthOf(bytes);
    });
    const timeout = timeoutMs === Infinity ? -1 : timeoutMs;
    const frame = this.#inWords(spec, args, () => {
      try {
        return encode([id, mode, number, sent, timeout], HEADER_BYTES);
      } catch (error) {
        if (spec === undefined) throw error;
        return encode([id, mode, number, plainArguments(spec, sent), timeout], HEADER_BYTES);
      }
    });
    if (frame.length - HEADER_BYTES > MAX_REQUEST_BYTES) {
      this.#inWords(spec, args, () => tooLong(frame.length));
    }
    this.#open.add(id, settlement, output);
    this.#requests.send(frame);
    return id;
  }

  /** One ring for all the calls of a turn. */
  #ringThisTurn(): void {
    if (this.#willRing) return;
    this.#willRing = true;
    queueMicrotask(() => {
      this.#willRing = false;
      this.#page.requestBell.ring();
    });
  }

  /** Takes replies while nothing blocks the thread. */
  async #pump(): Promise<void> {
    while (!this.#page.killed.isUp) {
      const seen = this.#page.replyBell.count;
      this.#takeReplies();
      await this.#page.replyBell.changed(seen);
    }
    this.#takeReplies();
  }

  /** Hands out the replies that are there, and sends what had no room before. */
  #takeReplies(): void {
    for (let frame = this.#replies.receive(); frame; frame = this.#replies.receive()) {
      this.#settle(decode(frame) as [number, number, unknown, Uint8Array | undefined]);
    }
    const hasMadeRoom = this.#replies.takeHasMadeRoom(); // the kernel may wait for it
    if (this.#requests.flush() || hasMadeRoom) this.#page.requestBell.ring();
    if (this.#page.killed.isUp) this.#open.abandon();
  }

  #settle([id, kind, value, bytes]: [number, number, unknown, Uint8Array | undefined]): void {
    if (kind === ReplyKind.ABORTED) return this.#onAbort(asError(value));
    // Posted and replied to in the same order, so it is taken also where nobody waits any more.
    if (kind === ReplyKind.DONE_WITH_MEMORY) {
      value = { ...value as object, memory: this.#receiveMemory() };
    }
    this.#open.settle(id, kind, value, bytes);
  }

  #requireAlive(): void {
    if (this.#page.killed.isUp) throw taskDead();
  }
}

/** How to ask for a call that may wait; the kernel looks at its arguments before its signal. */
function waitMode(signal: AbortSignal | undefined): number {
  return signal !== undefined && hasAborted(signal) ? RequestMode.ABORTED : RequestMode.WAIT;
}
