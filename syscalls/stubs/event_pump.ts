/**
 * Calls handlers with events as they arrive, and takes none that no handler gets.
 *
 * @module
 */
import { type ErrorCode, KernelError } from "../../capabilities/errors.ts";
import type { Event } from "../../capabilities/event_ops.ts";
import { WOULD_BLOCK } from "../../capabilities/stream_ops.ts";
import type { Door } from "../door.ts";
import { SYSCALLS } from "../table.ts";

type Handler = (event: Event) => void;

/** Events handled in one go before other work of the isolate gets a turn. */
const MOST_IN_ONE_GO = 256;

/** How receiving ends without anybody's fault. */
const ENDS: readonly ErrorCode[] = [
  "CANCELED",
  "PEER_CLOSED",
  "BAD_HANDLE",
  "REVOKED",
  "TASK_DEAD",
];

/** The handlers of one receiver. */
export class EventPump {
  readonly #door: Door;
  readonly #number: number;
  /** One object a registration: the same function may be registered twice. */
  readonly #handlers: Set<{ readonly handle: Handler }> = new Set();
  /** Set while the pump runs. */
  #abort: AbortController | undefined = undefined;

  constructor(door: Door, number: number) {
    this.#door = door;
    this.#number = number;
  }

  /** Adds a handler; returns how to take it away. */
  add(handle: Handler): () => void {
    if (typeof handle !== "function") {
      throw new KernelError("INVALID_ARGUMENT", "Cannot handle events: a function is needed");
    }
    this.#door.call(SYSCALLS.eventFilters, this.#number); // throws what receiving would throw
    const registration = { handle };
    this.#handlers.add(registration);
    if (this.#abort === undefined) void this.#run();
    return () => {
      this.#handlers.delete(registration);
      if (this.#handlers.size === 0) this.#stop();
    };
  }

  #stop(): void {
    this.#abort?.abort();
    this.#abort = undefined;
  }

  async #run(): Promise<void> {
    const abort = this.#abort = new AbortController();
    try {
      while (this.#abort === abort) {
        // Taken only once somebody is sure to handle it: the last handler may go in between.
        await this.#door.wait(SYSCALLS.eventAwait, { signal: abort.signal }, this.#number);
        if (this.#drain(abort)) await laterTurn();
      }
    } catch (error) {
      const isEnd = error instanceof KernelError && ENDS.includes(error.code);
      if (!isEnd) fail(this.#door, error);
    } finally {
      if (this.#abort === abort) this.#abort = undefined;
    }
  }

  /** Handles what is there without waiting; true when there may be more. */
  #drain(abort: AbortController): boolean {
    for (let handled = 0; handled < MOST_IN_ONE_GO; handled++) {
      if (this.#abort !== abort) return false;
      const event = this.#door.call(SYSCALLS.eventReceive, this.#number);
      if (event === WOULD_BLOCK) return false;
      this.#dispatch(frozen(this.#door, event));
    }
    return true;
  }

  #dispatch(event: Event): void {
    for (const registration of [...this.#handlers]) {
      if (!this.#handlers.has(registration)) continue; // another handler took it away
      const { handle } = registration;
      try {
        const result: unknown = handle(event);
        if (isThenable(result)) result.then(undefined, (error) => fail(this.#door, error));
      } catch (error) {
        // The other handlers come first: the failure below ends the task.
        queueMicrotask(() => fail(this.#door, error));
      }
    }
  }
}

/** The event as the kernel gives it; what crossed a page has to be frozen again. */
export function frozen(door: Door, event: Event): Event {
  if (door.sharesMemory) return event;
  const { delivery, content, payload, metadata } = event;
  if (delivery.type === "group") Object.freeze(delivery.target);
  if (content.type === "processControl") Object.freeze(content.control);
  for (const part of [delivery, content, payload, metadata]) Object.freeze(part);
  return Object.freeze(event);
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && "then" in value &&
    typeof value.then === "function";
}

/**
 * An error that nobody catches: the task crashes; for init, who can't, the host is told. Of a task
 * that has ended it is what is left of its program, such as what `task.exit()` throws.
 */
function fail(door: Door, error: unknown): void {
  try {
    door.call(SYSCALLS.taskCrash, error);
  } catch (refusal) {
    if (refusal instanceof KernelError && refusal.code === "TASK_DEAD") return;
    queueMicrotask(() => {
      throw error;
    });
  }
}

/** Lets timers and other messages of the isolate go first. */
function laterTurn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
