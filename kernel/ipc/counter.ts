/**
 * Counters: eventfd's unsigned 64-bit number, to wait on and to count permits with.
 *
 * Invariants:
 * - `0 ≤ value ≤ 2⁶⁴ − 2`;
 * - what was added and not yet taken is the value: an addition that failed added nothing;
 * - READABLE is up exactly when a take would get something, WRITABLE exactly when 1 more fits;
 * - write listeners hear of each addition, after everybody it lets go on has gone on.
 *
 * @module
 */
import { Capability } from "../../capabilities/capability.ts";
import type { ControlOps } from "../../capabilities/control_ops.ts";
import { CounterCommand, type CounterOps, LARGEST_COUNT } from "../../capabilities/counter_ops.ts";
import { IpcError, StreamError } from "../../capabilities/errors.ts";
import { reportUncaught } from "../../capabilities/report_uncaught.ts";
import { Rights } from "../../capabilities/rights.ts";
import type { SeatHost, SeatOps } from "../../capabilities/seat_ops.ts";
import { Signals } from "../../capabilities/signals.ts";
import { type StreamOps, WOULD_BLOCK, type WouldBlock } from "../../capabilities/stream_ops.ts";
import { copyBytes, lengthOf } from "../../memory/atomics.ts";
import { allocateCounter, CounterCell, CUT } from "../../memory/counter_cell.ts";
import { KernelObject } from "../kernel_object.ts";
import { CounterSharing } from "./counter_sharing.ts";

/** Bytes of a counter's record in a stream: one little-endian unsigned number. */
const RECORD_BYTES = 8;

/** A record on its way in or out: a program's own views are never asked anything. */
const record = new Uint8Array(RECORD_BYTES);
const recordView = new DataView(record.buffer);

/** What a counter is made from. */
export interface CounterSettings {
  /** The first value, 0 … 2⁶⁴ − 2. */
  readonly initial?: bigint;
  /** True when taking takes 1. */
  readonly semaphore?: boolean;
}

/** A counter. */
export class CounterObject extends KernelObject
  implements CounterOps, StreamOps, ControlOps, SeatOps {
  readonly type = "counter";
  readonly capabilities: number = Capability.COUNTER | Capability.STREAM | Capability.CONTROL |
    Capability.SEATS;
  readonly seatRights: Rights = Rights.READ | Rights.WRITE;
  readonly supportedControlCommands: readonly number[] = [CounterCommand.SET_SEMAPHORE];
  #memory: SharedArrayBuffer;
  /** The seat at `#memory` for the mode that the counter is in. */
  #cell: CounterCell;
  /** Set while threads of tasks work on the cell too. */
  #sharing: CounterSharing | undefined = undefined;
  /** True once a thread has left nonsense in the cell. */
  #isGarbled = false;
  readonly #writeListeners: Set<{ readonly listener: () => void }> = new Set();

  constructor(settings: CounterSettings = {}) {
    super();
    this.#memory = allocateCounter(settings.initial ?? 0n);
    this.#cell = new CounterCell(this.#memory, { semaphore: settings.semaphore ?? false });
  }

  get value(): bigint {
    const { value } = this.#cell;
    if (value === CUT) this.#requireSane();
    return value;
  }

  get isSemaphore(): boolean {
    return this.#cell.isSemaphore;
  }

  tryAdd(amount: bigint): boolean {
    if (!this.#cell.tryAdd(amount)) {
      this.#requireSane();
      return false;
    }
    this.waiters.wake();
    if (this.#writeListeners.size > 0) this.#tellListeners();
    return true;
  }

  tryTake(): bigint | WouldBlock {
    const taken = this.#cell.tryTake();
    if (taken === undefined) {
      this.#requireSane();
      return WOULD_BLOCK;
    }
    this.waiters.wake();
    return taken;
  }

  /** Takes, and puts what it took into the buffer as a record. */
  tryRead(into: Uint8Array): number {
    const length = lengthOf(into);
    if (length < RECORD_BYTES) {
      throw new StreamError(
        "INVALID_ARGUMENT",
        `a record has ${RECORD_BYTES} bytes, the buffer ${length}`,
      );
    }
    const taken = this.tryTake();
    if (typeof taken === "number") return taken;
    recordView.setBigUint64(0, taken, true);
    copyBytes(into, 0, record, 0, RECORD_BYTES);
    return RECORD_BYTES;
  }

  /** Adds records one by one, as many as fit now. */
  tryWrite(bytes: Uint8Array, start = 0): number {
    if (start === 0) requireRecords(bytes);
    const length = lengthOf(bytes);
    let end = start;
    while (end < length && this.tryAdd(countAt(bytes, end))) end += RECORD_BYTES;
    return end === start ? WOULD_BLOCK : end - start;
  }

  control(command: number, argument: number): number {
    if (command !== CounterCommand.SET_SEMAPHORE) {
      throw new IpcError("NOT_SUPPORTED", `a counter has no control command ${command}`);
    }
    if (argument !== 0 && argument !== 1) {
      throw new IpcError("INVALID_ARGUMENT", `semaphore mode is 0 or 1, not ${argument}`);
    }
    const before = this.isSemaphore ? 1 : 0;
    this.#cell = new CounterCell(this.#memory, { semaphore: argument === 1 });
    this.#sharing?.modeChanged();
    return before;
  }

  /** @throws {KernelError} NOT_SUPPORTED while somebody listens: threads add without a word. */
  seatHost(): SeatHost {
    if (this.#writeListeners.size > 0 || this.#isGarbled) {
      const why = this.#isGarbled ? "was garbled" : "has listeners";
      throw new IpcError("NOT_SUPPORTED", `threads can't work on a counter that ${why}`);
    }
    return this.#sharing ??= new CounterSharing(this, this.#memory);
  }

  continueIn(memory: SharedArrayBuffer | undefined): void {
    this.#isGarbled = memory === undefined;
    this.#memory = memory ?? allocateCounter(CUT); // where nothing can be added or taken
    this.#cell = new CounterCell(this.#memory, { semaphore: this.isSemaphore });
  }

  sharingEnded(): void {
    this.#sharing = undefined;
    // Later: whoever caused this may be in the middle of closing something.
    queueMicrotask(() => this.waiters.wake());
  }

  /** Somebody waits: threads change the cell without a word to the kernel. */
  onAwaited(): void {
    this.#sharing?.awaited();
  }

  /**
   * Calls a listener after each addition, of 0 too.
   *
   * @returns Ends that.
   */
  addWriteListener(listener: () => void): () => void {
    this.#sharing?.dissolve();
    const entry = { listener };
    this.#writeListeners.add(entry);
    return () => void this.#writeListeners.delete(entry);
  }

  override assertInvariants(): void {
    super.assertInvariants();
    this.#cell.assertInvariants();
    if (this.#isGarbled) return;
    const { value } = this;
    if (value < 0n || value > LARGEST_COUNT) throw new Error(`the counter holds ${value}`);
  }

  /** A value that only a hostile thread can have stored; the counter is over, for everybody. */
  #requireSane(): void {
    this.#sharing?.inspect();
    if (!this.#isGarbled) return;
    throw new IpcError("INVALID_STATE", "somebody who had its memory mapped has garbled it");
  }

  protected ownSignals(): Signals {
    const { value } = this.#cell;
    // Garbled: whoever waits tries, and is told.
    if (value === CUT) return Signals.READABLE | Signals.WRITABLE;
    return (value > 0n ? Signals.READABLE : 0) | (value < LARGEST_COUNT ? Signals.WRITABLE : 0);
  }

  protected override onLastHandleClosed(): void {
    this.#writeListeners.clear();
  }

  #tellListeners(): void {
    for (const { listener } of [...this.#writeListeners]) {
      try {
        listener();
      } catch (error) {
        reportUncaught(error); // the addition has happened, and its caller is not to blame
      }
    }
  }
}

/** Refuses bytes of which a part could never be added, before any is. */
function requireRecords(bytes: Uint8Array): void {
  const length = lengthOf(bytes);
  if (length === 0 || length % RECORD_BYTES !== 0) {
    throw new StreamError(
      "INVALID_ARGUMENT",
      `records have ${RECORD_BYTES} bytes each, and ${length} are no whole number of them`,
    );
  }
  for (let start = 0; start < length; start += RECORD_BYTES) countAt(bytes, start);
}

/** What the record that begins at `start` says to add. */
function countAt(bytes: Uint8Array, start: number): bigint {
  copyBytes(record, 0, bytes, start, RECORD_BYTES);
  const count = recordView.getBigUint64(0, true);
  if (count <= LARGEST_COUNT) return count;
  throw new StreamError("INVALID_ARGUMENT", `${count} is more than a counter ever holds`);
}
