/**
 * The kernel's side of a task's page: takes requests, calls the dispatcher, sends replies.
 *
 * Invariants: a request is copied out of the page once and never looked at there again; what the
 * kernel holds for one task is bounded (frames, calls that wait, replies that nobody takes); the
 * kernel's isolate never waits for the task; a task that breaks the protocol ends, and nothing else.
 *
 * @module
 */
import { KernelError } from "../../capabilities/errors.ts";
import type { Caller } from "../caller.ts";
import type { Dispatcher } from "../dispatcher.ts";
import { PendingCall } from "../pending_call.ts";
import { decode } from "./decode.ts";
import { Crowd } from "./crowd.ts";
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
import { tooLongForBuffer } from "./page_errors.ts";
import { isCut, keepable, parseRequest, type Request, withOutput } from "./request.ts";
import { othersTurn, Turn } from "./turn.ts";
import { WaitingCalls } from "./waiting_calls.ts";

/** Looks at a bell that the task goes on ringing before everybody else gets a turn. */
const LOOKS_PER_TURN = 64;
/** More requests than a full ring of the shortest ones has. */
const LAST_REQUESTS = 4_096;
/** Bytes of replies that may wait for the task before its requests have to. */
const MAX_BACKLOG_BYTES = 1_024 * 1_024;
/** Bytes of them at which the task ends: what waited is answered even when requests have to wait. */
const MAX_UNTAKEN_BYTES = 128 * 1_024 * 1_024;
/** The most bytes that a call which waits reads at once where much is held already. */
const MAX_WAITING_OUTPUT_BYTES = 64 * 1_024;
/** Longer messages of errors are cut: they may quote what the task sent. */
const MAX_ERROR_TEXT = 4_096;
/** The most bytes that any call reads at once. */
const MAX_OUTPUT_BYTES = 16 * 1_024 * 1_024;

/** Stands for a signal of the task's; the task knows the reason. */
const ABORTED = AbortSignal.abort(null);

/** Serves one task's page. */
export class PageServer {
  readonly #dispatcher: Dispatcher;
  readonly #caller: Caller;
  readonly #page: Page;
  readonly #requests: FrameReceiver;
  readonly #replies: FrameSender;
  readonly #waiting = new WaitingCalls();
  readonly #post: (memory: SharedArrayBuffer | ArrayBuffer) => void;
  readonly #onViolation: (error: Error) => void;
  readonly #crowd: Crowd;
  readonly #turn = new Turn();
  /** True while requests are served: the bell is rung once for all of their replies. */
  #isDraining = false;
  #willRing = false;
  #isStopped = false;
  /** Requests that an ended task is still served. */
  #lastRequests = 0;

  /**
   * @param post Hands memory to the task's thread, which takes it in this order.
   * @param onViolation The task broke the protocol; called once at most.
   */
  constructor(
    dispatcher: Dispatcher,
    caller: Caller,
    memory: PageMemory,
    post: (memory: SharedArrayBuffer | ArrayBuffer) => void,
    onViolation: (error: Error) => void,
  ) {
    this.#dispatcher = dispatcher;
    this.#caller = caller;
    this.#page = openPage(memory, "kernel");
    this.#post = post;
    this.#requests = new FrameReceiver(
      this.#page.requests,
      this.#page.requestsWait,
      MAX_REQUEST_BYTES,
    );
    this.#replies = new FrameSender(this.#page.replies, this.#page.repliesWait);
    this.#crowd = new Crowd(this.#page.crowded);
    this.#onViolation = onViolation;
    const { signal } = caller.task.abort;
    signal.addEventListener("abort", () => {
      const { name, code, message } = signal.reason as KernelError; // always the kernel's own
      this.#reply([0, ReplyKind.ABORTED, { name, code, message }]);
    }, { once: true });
  }

  /** Serves until it is stopped. */
  async serve(): Promise<void> {
    const { requestBell } = this.#page;
    const { task } = this.#caller;
    let looks = 0;
    while (!this.#isStopped) {
      const seen = requestBell.count;
      const hasMore = this.drain();
      // No bell announces what a stopped task left in the page.
      if (task.isStopped) await task.whenContinued();
      // A bell that is rung all the time is never waited for, and microtasks let nobody else run.
      else if (hasMore || ++looks % LOOKS_PER_TURN === 0) await othersTurn();
      else await requestBell.changed(seen);
    }
  }

  /**
   * Serves what an ended task left, and no more: its thread may go on sending.
   *
   * @param onDone Called when that is done; at once if it is the work of one turn.
   */
  drainLast(onDone: () => void): void {
    this.#lastRequests = LAST_REQUESTS;
    if (!this.#drain(true)) return onDone();
    void this.#drainOn(onDone);
  }

  async #drainOn(onDone: () => void): Promise<void> {
    do await othersTurn(); while (this.#drain(true));
    onDone();
  }

  /** Serves what is there, up to a bound; true when there may be more. */
  drain(): boolean {
    return this.#drain(false);
  }

  #drain(isLast: boolean): boolean {
    const { task } = this.#caller;
    this.#isDraining = true;
    try {
      if (this.#replies.flush()) this.#willRing = true;
      for (this.#turn.begin(); !this.#turn.isOver;) {
        if (this.#isStopped || this.#replies.backlogBytes > MAX_BACKLOG_BYTES) return false;
        if (isLast && this.#lastRequests-- === 0) return false;
        // A stopped task's requests stay where they are: its thread comes to rest at the next one.
        if (task.isStopped && !isLast) return false;
        const frame = this.#requests.receive();
        // The task may wait for it, with the rest of a frame that is longer than the ring.
        if (this.#requests.takeHasMadeRoom()) this.#willRing = true;
        if (frame === undefined) return false;
        this.#turn.count(frame.length);
        if (this.#turn.isFirstRequest) this.#crowd.visit();
        this.#serveRequest(parseRequest(decode(frame)), frame.length);
      }
      return true;
    } catch (error) {
      this.#giveUp(error);
      return false;
    } finally {
      this.#isDraining = false;
      if (this.#willRing) this.#page.replyBell.ring();
      this.#willRing = false;
    }
  }

  /** The task has ended: every wait of its side wakes, and nothing is served any more. */
  stop(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#waiting.clear();
    this.#page.killed.raise();
    this.#page.replyBell.ring();
    this.#page.requestBell.ring(); // lets `serve` end
  }

  #serveRequest(request: Request, bytes: number): void {
    if (request.mode === RequestMode.CANCEL) return this.#waiting.cancel(request.id);
    const isWait = request.mode === RequestMode.WAIT || request.mode === RequestMode.ABORTED;
    if (isWait) this.#waiting.requireFresh(request.id);
    const outputs: Uint8Array[] = [];
    try {
      const call = this.#dispatcher.find(request.number);
      const most = isWait && this.#waiting.holdMuch ? MAX_WAITING_OUTPUT_BYTES : MAX_OUTPUT_BYTES;
      const args = keepable(call, request.args, bytes)
        .map((given, i) => withOutput(call, given, i, most, outputs));
      if (isWait) {
        return this.#wait(request, args, outputs[0], bytes + (outputs[0]?.length ?? 0));
      }
      const result = this.#dispatcher.callOnce(this.#caller, request.number, args);
      this.#succeed(request.id, result, outputs[0]);
    } catch (error) {
      this.#fail(request.id, error, outputs[0]);
    }
  }

  /** Carries out a call that may wait; `bytes` is what the kernel holds for it meanwhile. */
  #wait(
    { id, mode, number, timeoutMs }: Request,
    [a, b, c, d]: readonly unknown[],
    output: Uint8Array | undefined,
    bytes: number,
  ): void {
    this.#waiting.requireRoom(bytes);
    const wait = {
      signal: mode === RequestMode.ABORTED ? ABORTED : undefined,
      timeoutMs: timeoutMs >= 0 ? timeoutMs : Infinity,
    };
    const result = this.#dispatcher.begin(this.#caller, number, wait, a, b, c, d);
    if (result instanceof PendingCall) void this.#finish(id, result, output, bytes);
    else this.#succeed(id, result, output);
  }

  async #finish(
    id: number,
    call: PendingCall,
    output: Uint8Array | undefined,
    bytes: number,
  ): Promise<void> {
    this.#waiting.add(id, call, bytes);
    try {
      this.#succeed(id, await call.promise, output);
    } catch (error) {
      this.#fail(id, error, output);
    } finally {
      this.#waiting.remove(id, bytes);
    }
  }

  #succeed(id: number, result: unknown, output: Uint8Array | undefined): void {
    if (output === undefined) return this.#replyDone(id, result);
    const count = typeof result === "number" ? Math.max(0, result) : output.length;
    this.#reply([id, ReplyKind.DONE, result, output.subarray(0, count)]);
  }

  #replyDone(id: number, result: unknown): void {
    const memory = memoryIn(result);
    if (memory === undefined) return this.#reply([id, ReplyKind.DONE, result]);
    if (this.#isStopped) return;
    this.#post(memory);
    const rest = { ...result as object, memory: undefined };
    this.#reply([id, ReplyKind.DONE_WITH_MEMORY, rest]);
  }

  #fail(id: number, thrown: unknown, output?: Uint8Array): void {
    // The kernel's own fault. Nobody awaits a call that waited, so thrown it would end the process.
    if (!(thrown instanceof KernelError)) return this.#giveUp(thrown);
    const error = output !== undefined && isCut(output)
      ? tooLongForBuffer(thrown, output.length)
      : thrown;
    const { name, code, message, syscall, needed, transferred, cause } = error;
    const text = message.length > MAX_ERROR_TEXT ? `${message.slice(0, MAX_ERROR_TEXT)}…` : message;
    const facts = { name, code, message: text, syscall, needed, transferred };
    try {
      this.#reply([id, ReplyKind.FAILED, { ...facts, cause }]);
    } catch {
      this.#reply([id, ReplyKind.FAILED, facts]); // the cause may be anything; it can't cross
    }
  }

  /** Ends the task for what it did, or for what the kernel could not do for it. */
  #giveUp(error: unknown): void {
    this.stop();
    this.#onViolation(error instanceof Error ? error : new Error(String(error)));
  }

  #reply(reply: readonly unknown[]): void {
    if (this.#isStopped) return;
    const frame = encode(reply, HEADER_BYTES);
    if (frame.length - HEADER_BYTES > MAX_REPLY_BYTES) {
      throw new KernelError("MESSAGE_TOO_LONG", `An answer of ${frame.length} bytes can't cross`);
    }
    this.#replies.send(frame);
    if (this.#isDraining) this.#willRing = true;
    else this.#page.replyBell.ring();
    const { backlogBytes } = this.#replies;
    // One message may be longer, and a task that takes it is no enemy.
    if (backlogBytes - frame.length > MAX_UNTAKEN_BYTES) {
      this.#giveUp(new RangeError(`The task takes no replies: ${backlogBytes} bytes wait for it`));
    }
  }
}

/** Memory that a result hands over as a whole. */
function memoryIn(result: unknown): SharedArrayBuffer | ArrayBuffer | undefined {
  if (typeof result !== "object" || result === null) return undefined;
  const { memory } = result as { readonly memory?: unknown };
  const isMemory = memory instanceof SharedArrayBuffer || memory instanceof ArrayBuffer;
  return isMemory ? memory : undefined;
}
