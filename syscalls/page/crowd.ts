/**
 * Tells tasks when more of them call at the same time than there are processors.
 *
 * A task that waits for an answer looks for it before it sleeps. In a crowd that takes the processor
 * from whoever would answer, so there nobody is to look.
 *
 * @module
 */
import type { Flag } from "../../memory/doorbell.ts";

/** Processors that tasks may keep busy while they look: all but the kernel's own. */
const PROCESSORS_FOR_TASKS = Math.max(1, navigator.hardwareConcurrency - 1);

/** How often the kernel in this isolate found requests in any page. */
let visits = 0;

/** The crowd as one page sees it. */
export class Crowd {
  readonly #crowded: Flag;
  /** `visits` when this page last had requests. */
  #lastVisit = 0;
  #isCrowded = false;

  /** @param crowded Up while the page's task is not to look. */
  constructor(crowded: Flag) {
    this.#crowded = crowded;
  }

  /** The page has requests: how many others had some since it last had? */
  visit(): void {
    const isCrowded = visits - this.#lastVisit >= PROCESSORS_FOR_TASKS;
    this.#lastVisit = ++visits;
    if (isCrowded === this.#isCrowded) return;
    this.#isCrowded = isCrowded;
    if (isCrowded) this.#crowded.raise();
    else this.#crowded.lower();
  }
}
