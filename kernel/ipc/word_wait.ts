/**
 * A call that waits on a word of mapped memory.
 *
 * Invariants: it is in its memory's waits and in its mapping's exactly while it has no outcome; a
 * notification that ended it and that nobody got to see goes to the next one.
 *
 * @module
 */
import { IpcError } from "../../capabilities/errors.ts";
import { type Selectable, WaitQueue } from "../../capabilities/selectable.ts";
import { Signals } from "../../capabilities/signals.ts";
import { WOULD_BLOCK, type WouldBlock } from "../../capabilities/stream_ops.ts";
import type { WordWaits } from "../../memory/word_waits.ts";
import type { MemoryMapping } from "../memory_mappings.ts";

/** What a word's wait answers: somebody notified, or the word held something else to begin with. */
export type WordWaitResult = "ok" | "not-equal";

/** One wait on one word. */
export class WordWait implements Selectable {
  readonly waiters: WaitQueue = new WaitQueue(this);
  readonly #mapping: MemoryMapping;
  readonly #waits: WordWaits;
  readonly #index: number;
  readonly #leave: (() => void) | undefined;
  #outcome: WordWaitResult | "unmapped" | undefined = undefined;
  readonly #unmapped = (): void => this.#end("unmapped");

  /**
   * Begins the wait.
   *
   * @param index The word's, in the whole memory.
   */
  constructor(mapping: MemoryMapping, waits: WordWaits, index: number, value: number) {
    this.#mapping = mapping;
    this.#waits = waits;
    this.#index = index;
    this.#leave = waits.wait(index, value, () => this.#end("ok"));
    mapping.waits.add(this.#unmapped);
    // Another thread changed the word since it was looked at: told once the call is parked.
    if (this.#leave === undefined) queueMicrotask(() => this.#end("not-equal"));
  }

  get signals(): Signals {
    return this.#outcome === undefined ? 0 : Signals.SIGNALED;
  }

  /** @throws {KernelError} INVALID_STATE when it was unmapped meanwhile. */
  tryFinish(): WordWaitResult | WouldBlock {
    const outcome = this.#outcome;
    if (outcome !== "unmapped") return outcome ?? WOULD_BLOCK;
    throw new IpcError("INVALID_STATE", "it was unmapped while the call waited");
  }

  /** The call has ended otherwise. */
  abandon(): void {
    if (this.#outcome === "ok") this.#waits.notify(this.#index, 1);
    this.#end("not-equal");
  }

  #end(outcome: WordWaitResult | "unmapped"): void {
    if (this.#outcome !== undefined) return;
    this.#outcome = outcome;
    this.#leave?.();
    this.#mapping.waits.delete(this.#unmapped);
    this.waiters.wake();
  }
}
