/**
 * A call that waits: the one place in which Carmine parks anything.
 *
 * Invariants:
 * - a pending call is in the queues of the objects it waits on, in its task's set and charged to
 *   its account, or it has ended and is in none of them;
 * - it ends exactly once: done, failed, timed out, canceled, its handle closed or revoked, or its
 *   task ended;
 * - its handler runs only on objects that changed, or when its task was let go on after a stop.
 *
 * @module
 */
import { KernelError } from "../capabilities/errors.ts";
import type { HandleTarget } from "../capabilities/capability.ts";
import type { HandleEntry } from "../capabilities/handle.ts";
import { reportUncaught } from "../capabilities/report_uncaught.ts";
import type { PollResult, Waiter, WaitNode } from "../capabilities/selectable.ts";
import { WOULD_BLOCK } from "../capabilities/stream_ops.ts";
import type { PendingWait } from "../kernel/task.ts";
import { ArgumentForm } from "./argument_kinds.ts";
import { abortReason, byteLengthOf, type CheckedWaitOptions, onAbort } from "./arguments.ts";
import type { Caller, ParkingPlace } from "./caller.ts";
import type { CompiledSyscall } from "./compiled_syscall.ts";
import { moveRest, withTransferred } from "./long_write.ts";
import { letNextGoOn, Parking, parkingPlaces } from "./parking.ts";

/** What a pending call is made from. */
export interface PendingCallSettings {
  readonly caller: Caller;
  readonly call: CompiledSyscall;
  /** Checked arguments. */
  readonly args: readonly unknown[];
  readonly wait: CheckedWaitOptions;
  /** For calls that move all their bytes: how many are moved already. */
  readonly moved: number;
  /** Puts an error into the caller's words. */
  readonly describe: (error: unknown) => unknown;
}

const WHY_INTERRUPTED = {
  closed: ["BAD_HANDLE", "was closed while the call waited"],
  moved: ["BAD_HANDLE", "was moved away while the call waited"],
  revoked: ["REVOKED", "was revoked while the call waited"],
  dead: ["TASK_DEAD", "the task ended while the call waited"],
} as const;

/** A call that waits. */
export class PendingCall implements Waiter, PendingWait {
  /** Settles when the call ends. */
  readonly promise: Promise<unknown>;
  readonly #settings: PendingCallSettings;
  readonly #parking: Parking = new Parking(this);
  readonly #bufferLength: number;
  #moved: number;
  #resolve: (result: unknown) => void = () => {};
  #reject: (error: unknown) => void = () => {};
  #cancelTimeout: (() => void) | undefined = undefined;
  #stopListening: (() => void) | undefined = undefined;
  #hasEnded = false;
  /** Pending waits that the task is charged: its first places in queues. */
  readonly #charged: number;

  /**
   * Parks the call.
   *
   * @throws {KernelError} LIMIT_EXCEEDED when the task may not wait for more. What the call has begun
   * is then the dispatcher's to abandon.
   */
  constructor(settings: PendingCallSettings) {
    this.#settings = settings;
    this.#moved = settings.moved;
    const { caller, wait, args } = settings;
    this.#bufferLength = this.#hasBuffer ? byteLengthOf(args[1] as Uint8Array) : 0;
    let places: readonly ParkingPlace[];
    try {
      caller.task.account.charge("pendingWaits");
      places = this.#firstPlaces();
    } catch (error) {
      throw withTransferred(error, this.#moved);
    }
    this.#charged = Math.max(1, places.length);
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.#parking.park(places);
    caller.task.pendingWaits.add(this);
    try {
      this.#armTimeout(wait.timeoutMs);
      this.#listen(wait.signal);
    } catch (cause) {
      this.#end();
      throw new KernelError("INVALID_STATE", "the kernel's clock or the signal failed", { cause });
    }
  }

  get #hasBuffer(): boolean {
    return this.#settings.call.args[1]?.form === ArgumentForm.BUFFER;
  }

  /** True while the task's calls may run. */
  get canRun(): boolean {
    return this.#settings.caller.task.isRunning;
  }

  holdsBack(node: WaitNode): boolean {
    return this.canRun && this.#parking.holdsBack(node);
  }

  /** Tries again. */
  poll(node: WaitNode): PollResult {
    if (this.#hasEnded || !this.canRun) return "skipped";
    if ((node.via as HandleEntry).closed !== undefined) return "skipped"; // about to be interrupted
    if (this.#parking.isHeldBackElsewhere(node)) return "skipped";
    const { call, caller, args } = this.#settings;
    try {
      this.#requireSameBuffer();
      const result = call.spec.movesAll === true
        ? this.#moveMore()
        : call.run(caller, args[0], args[1], args[2], args[3]);
      if (this.#hasEnded) {
        // The try itself ended the call: a filter's predicate closed the handle, or ended the task.
        call.abandon?.(caller, args[0], args[1], args[2], args[3]);
        return "skipped";
      }
      if (result === WOULD_BLOCK) {
        if (call.spec.parksFirst === true && this.#parking.moveOn(this.#places())) return "skipped";
        return node.operation && this.#parking.hasOnePlace ? "blocked" : "skipped";
      }
      this.#end();
      this.#resolve(result);
    } catch (error) {
      this.#fail(withTransferred(error, this.#moved));
    }
    return "done";
  }

  interrupt(node: WaitNode, reason: keyof typeof WHY_INTERRUPTED): void {
    const [code, why] = WHY_INTERRUPTED[reason];
    const what = node.via === this.#settings.args[0] ? "it" : `its ${objectOf(node).type}`;
    if (code === "TASK_DEAD") this.abandon();
    else this.#fail(this.#error(code, `${what} ${why}`));
  }

  /** Ends the call with CANCELED, as an aborted signal does. */
  cancel(reason?: unknown): void {
    this.#fail(this.#error("CANCELED", "its signal was aborted", reason));
  }

  /** The task goes on: whatever happened meanwhile is looked at now. */
  resume(): void {
    this.#parking.wake();
  }

  /** The task has ended. Nobody may be left to catch this: it must not count as unhandled. */
  abandon(): void {
    this.promise.catch(() => {});
    this.#fail(this.#error(...WHY_INTERRUPTED.dead));
  }

  /** Where to wait; asked once the wait is charged, because answering may have begun something. */
  #firstPlaces(): ParkingPlace[] {
    const { account } = this.#settings.caller.task;
    try {
      const places = this.#places();
      // Others have to pass each of them.
      if (places.length > 1) account.charge("pendingWaits", places.length - 1);
      return places;
    } catch (error) {
      account.refund("pendingWaits");
      throw error;
    }
  }

  #places(): ParkingPlace[] {
    const { call, caller, args } = this.#settings;
    return parkingPlaces(call, caller, args);
  }

  /** The rest of a write: as much as fits now; done when nothing is left. */
  #moveMore(): unknown {
    const { call, caller, args } = this.#settings;
    this.#moved = moveRest(caller, call, args, this.#moved);
    return this.#moved === this.#bufferLength ? this.#moved : WOULD_BLOCK;
  }

  /** The caller may have transferred the buffer away, or let it shrink, since the call began. */
  #requireSameBuffer(): void {
    if (!this.#hasBuffer) return;
    if (byteLengthOf(this.#settings.args[1] as Uint8Array) === this.#bufferLength) return;
    throw this.#error("INVALID_ARGUMENT", "its buffer was detached while the call waited");
  }

  #error(
    code: "BAD_HANDLE" | "REVOKED" | "TASK_DEAD" | "TIMED_OUT" | "CANCELED" | "INVALID_ARGUMENT",
    why: string,
    cause?: unknown,
  ): KernelError {
    return new KernelError(code, why, {
      transferred: this.#moved > 0 ? this.#moved : undefined,
      cause,
    });
  }

  #fail(error: unknown): void {
    if (this.#hasEnded) return;
    this.#end();
    const { call, caller, args, describe } = this.#settings;
    try {
      call.abandon?.(caller, args[0], args[1], args[2], args[3]);
    } finally {
      this.#reject(describe(error));
    }
  }

  /** Leaves every queue, set and timer. */
  #end(): void {
    this.#hasEnded = true;
    const left = this.#parking.leave();
    this.#disarm();
    const { caller } = this.#settings;
    caller.task.pendingWaits.delete(this);
    caller.task.account.refund("pendingWaits", this.#charged);
    letNextGoOn(left);
  }

  #armTimeout(timeoutMs: number): void {
    if (timeoutMs === Infinity) return;
    const { clock } = this.#settings.caller.kernel;
    this.#cancelTimeout = clock.schedule(clock.now() + timeoutMs, () => {
      this.#fail(this.#error("TIMED_OUT", `nothing happened for ${timeoutMs} ms`));
    });
    if (this.#hasEnded) this.#disarm(); // the clock called at once
  }

  #listen(signal: AbortSignal | undefined): void {
    if (signal === undefined || this.#hasEnded) return;
    this.#stopListening = onAbort(signal, () => this.cancel(abortReason(signal)));
  }

  #disarm(): void {
    this.#stopListening?.();
    try {
      this.#cancelTimeout?.();
    } catch (error) {
      reportUncaught(error); // the clock is the host's
    }
  }
}

/** What a pending call's node waits on. */
function objectOf(node: WaitNode): HandleTarget {
  return (node.via as HandleEntry).object;
}
