/**
 * Receiving events: what a task's own queue and every subscription have in common.
 *
 * @module
 */
import { KernelError } from "../../capabilities/errors.ts";
import type { Event, EventFilter, RegisteredFilter } from "../../capabilities/event_ops.ts";
import { WOULD_BLOCK } from "../../capabilities/stream_ops.ts";
import type { WaitOptions } from "../arguments.ts";
import type { Door } from "../door.ts";
import { SYSCALLS } from "../table.ts";
import { EventPump, frozen } from "./event_pump.ts";
import { done, mapped } from "./handle.ts";

/** What receives events. Iterating gives them one by one, until no publisher is left. */
export interface EventReceiving extends AsyncIterable<Event> {
  /**
   * Waits for an event and takes it: the oldest of the most urgent. Needs READ.
   *
   * @throws {EventError} PEER_CLOSED when nothing is left and no publisher either.
   * @throws {KernelError} TIMED_OUT, CANCELED, BAD_HANDLE, REVOKED.
   */
  receive(options?: WaitOptions): Promise<Event>;
  /** As {@linkcode EventReceiving.receive}, but blocks the thread. Only in workers. */
  receiveSync(options?: WaitOptions): Event;
  /** As {@linkcode EventReceiving.receive}, but never waits: undefined where that would. */
  tryReceive(): Event | undefined;
  /** Events in the queue. */
  readonly pending: number;
  /** Events that were dropped: the queue was full, or a filter's predicate threw. */
  readonly dropped: number;
  /**
   * Adds a filter. With several, an event that any of them matches is taken; with none, all are.
   *
   * @param handlerId Names the filter; 0 or more.
   * @throws {EventError} ALREADY_EXISTS when the id has a filter, LIMIT_EXCEEDED beyond 256.
   */
  registerFilter(filter: EventFilter, handlerId: number): void;
  /** Takes a filter away; tells whether there was one. */
  unregisterFilter(handlerId: number): boolean;
  /** The filters, in the order they were registered. */
  getFilters(): RegisteredFilter[];
  /**
   * Calls a function with every event from now on. All handlers of one receiver get each event;
   * what they get, `receive` doesn't. A handler that throws doesn't stop the others: the task then
   * crashes as with any error that nobody catches (in init, the host is told).
   *
   * @returns Stops calling it; events that arrive after that stay in the queue.
   */
  onEvent(handler: (event: Event) => void): () => void;
}

/** Receives through a handle, or the pseudo-handle of the task's own queue. */
export class EventReceiverStub implements EventReceiving {
  protected readonly door: Door;
  readonly #number: number;
  readonly #pump: EventPump;

  constructor(door: Door, number: number) {
    this.door = door;
    this.#number = number;
    this.#pump = new EventPump(door, number);
  }

  receive(options?: WaitOptions): Promise<Event> {
    const event = this.door.wait(SYSCALLS.eventReceive, options, this.#number);
    return this.door.sharesMemory ? event : mapped(event, (event) => frozen(this.door, event));
  }

  receiveSync(options?: WaitOptions): Event {
    return frozen(this.door, this.door.block(SYSCALLS.eventReceive, options, this.#number));
  }

  tryReceive(): Event | undefined {
    const event = this.door.call(SYSCALLS.eventReceive, this.#number);
    return event === WOULD_BLOCK ? undefined : frozen(this.door, event);
  }

  get pending(): number {
    return done(this.door.call(SYSCALLS.eventStatus, this.#number)).pending;
  }

  get dropped(): number {
    return done(this.door.call(SYSCALLS.eventStatus, this.#number)).dropped;
  }

  registerFilter(filter: EventFilter, handlerId: number): void {
    this.door.call(SYSCALLS.eventHandlerRegister, this.#number, filter, handlerId);
  }

  unregisterFilter(handlerId: number): boolean {
    return done(this.door.call(SYSCALLS.eventHandlerUnregister, this.#number, handlerId));
  }

  getFilters(): RegisteredFilter[] {
    return done(this.door.call(SYSCALLS.eventFilters, this.#number));
  }

  onEvent(handler: (event: Event) => void): () => void {
    return this.#pump.add(handler);
  }

  [Symbol.asyncIterator](): AsyncIterator<Event, undefined> {
    return new EventIterator(this);
  }
}

/** Takes events one by one. Leaving early takes back the receive under way: nothing is lost. */
class EventIterator implements AsyncIterator<Event, undefined> {
  readonly #from: EventReceiving;
  readonly #abort = new AbortController();

  constructor(from: EventReceiving) {
    this.#from = from;
  }

  async next(): Promise<IteratorResult<Event, undefined>> {
    const { signal } = this.#abort;
    if (signal.aborted) return { done: true, value: undefined };
    try {
      return { done: false, value: await this.#from.receive({ signal }) };
    } catch (error) {
      const isOver = error instanceof KernelError &&
        (error.code === "PEER_CLOSED" || (error.code === "CANCELED" && signal.aborted));
      if (!isOver) throw error;
      this.#abort.abort();
      return { done: true, value: undefined };
    }
  }

  return(): Promise<IteratorResult<Event, undefined>> {
    this.#abort.abort();
    return Promise.resolve({ done: true, value: undefined });
  }
}
