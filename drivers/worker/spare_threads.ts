/**
 * Threads that are made before their task is known: locked as far as that goes, with Carmine's
 * modules loaded, so that the next task of the same folder starts in a fraction of the time.
 *
 * A worker's permissions are fixed when it is made, so a spare thread fits only tasks of one folder
 * with the same imports: those of the task that was started last.
 *
 * Always holds: a thread is given out once; nothing of any task has run in a spare one; after
 * `close()` there is none.
 *
 * @module
 */
import { type PreparedThread, prepareThread, type ThreadOptions } from "./bootstrap.ts";

/** Making a thread blocks the kernel's for a moment: not while a task that has just begun calls. */
const QUIET_MS = 20;

/** Keeps threads ready for the next tasks. */
export class SpareThreads {
  readonly #count: number;
  /** Made for {@linkcode SpareThreads.#options}. */
  #spares: PreparedThread[] = [];
  /** What the spares are made for, as text that can be compared. */
  #fits = "";
  #refill: ReturnType<typeof setTimeout> | undefined = undefined;
  /** Spares that were told to end and haven't yet. */
  readonly #ending = new Set<Promise<void>>();
  #isClosed = false;

  /** @param count How many; 0 makes each thread when it is needed. */
  constructor(count: number) {
    this.#count = count;
  }

  /** How many threads are ready, or about to be. */
  get size(): number {
    return this.#spares.length;
  }

  /** A thread for a task: a spare one, or a new one. */
  take(options: ThreadOptions): PreparedThread {
    clearTimeout(this.#refill);
    const fits = JSON.stringify([options.folder, options.imports]);
    if (fits !== this.#fits) this.#endSpares();
    this.#fits = fits;
    while (true) {
      const spare = this.#spares.shift();
      if (spare === undefined) return prepareThread(options);
      if (spare.isUsable) return spare;
    }
  }

  /** Makes the spares that are missing, soon; called when a task with these options has begun. */
  refill(options: ThreadOptions): void {
    clearTimeout(this.#refill);
    if (this.#isClosed || this.#count === 0) return;
    this.#refill = setTimeout(() => {
      if (JSON.stringify([options.folder, options.imports]) !== this.#fits) return;
      if (this.#spares.length >= this.#count) return;
      try {
        this.#spares.push(prepareThread({ ...options, name: "spare thread" }));
      } catch {
        return; // the host has given up a permission meanwhile; the next spawn is told
      }
      this.refill(options); // one at a time
    }, QUIET_MS);
  }

  /** Ends the spares; resolves when their threads are gone. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#refill);
    this.#endSpares();
    await Promise.all(this.#ending);
  }

  #endSpares(): void {
    for (const spare of this.#spares.splice(0)) {
      spare.terminate();
      this.#ending.add(spare.gone);
      void spare.gone.then(() => this.#ending.delete(spare.gone));
    }
  }
}
