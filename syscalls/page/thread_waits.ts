/**
 * Calls that promises wait for and that their thread itself lets go on, on memory that is mapped
 * into it. While the thread blocks for another call nobody else does that, and what it blocks for
 * may depend on them: a peer that answers what a pending write brings, the other end of a pipe.
 *
 * @module
 */

/** How long a thread with such calls sleeps before it looks after them, in ms. */
const NAP_MS = 5;

/** Calls in a line, in order. */
export interface ThreadWaits {
  /** Lets those go on who can. */
  serve(): void;
}

const waiting: Set<ThreadWaits> = new Set();

/** Promises wait for the calls in this line from now on. */
export function enterThreadWaits(line: ThreadWaits): void {
  waiting.add(line);
}

/** No promise waits for them any more. */
export function leaveThreadWaits(line: ThreadWaits): void {
  waiting.delete(line);
}

/**
 * Serves all lines but one, for a thread that is about to block. Never from within an operation on
 * mapped memory: they would work on the same.
 *
 * @returns How long the thread may sleep, in ms.
 */
export function serveThreadWaits(but?: ThreadWaits): number {
  let napMs = Infinity;
  for (const line of waiting) {
    if (line === but) continue;
    line.serve();
    napMs = NAP_MS;
  }
  return napMs;
}
