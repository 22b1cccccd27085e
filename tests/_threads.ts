/**
 * Tasks whose stubs work as those in workers do, with seats at the objects that they have mapped,
 * but in this isolate: what such threads do is in the order in which the test does it.
 *
 * They can't block. `readSync` and the like are for tests with workers.
 *
 * @module
 */
import { KernelError } from "../capabilities/errors.ts";
import type { HandleEntry } from "../capabilities/handle.ts";
import { KernelCore, type KernelSettings } from "../kernel/kernel.ts";
import { Seats } from "../kernel/seats.ts";
import type { TaskObject } from "../kernel/task.ts";
import { Dispatcher } from "../syscalls/dispatcher.ts";
import type { CallerArgs, Door, Syscall, ThreadSeats } from "../syscalls/door.ts";
import { HANDLERS } from "../syscalls/handlers/mod.ts";
import { LocalDoor } from "../syscalls/local_door.ts";
import type { Page } from "../syscalls/page/page.ts";
import { PageSeats } from "../syscalls/page/page_seats.ts";
import type { Handle } from "../syscalls/stubs/handle.ts";
import { TaskStub } from "../syscalls/stubs/task.ts";
import type { WaitOptions } from "../syscalls/arguments.ts";
import { SYSCALLS } from "../syscalls/table.ts";

/** The door of a task that has a thread of its own, as far as anybody can tell. */
class ThreadDoor implements Door {
  readonly sharesMemory = false;
  readonly seats: ThreadSeats;
  readonly #local: LocalDoor;

  constructor(local: LocalDoor, seatWords: Int32Array, killed: Int32Array) {
    this.#local = local;
    const page = { seats: seatWords, killedWord: { word: killed, index: 0, value: 0 } };
    this.seats = new PageSeats(this, page as unknown as Page, true);
  }

  call<Args extends readonly unknown[], Result>(
    syscall: Syscall<Args, Result>,
    ...args: CallerArgs<Args>
  ): ReturnType<LocalDoor["call"]> & Result {
    const result = this.#local.call(syscall, ...args);
    // What crosses to a thread is a copy.
    return (result instanceof Uint8Array ? Uint8Array.from(result) : result) as never;
  }

  wait<Args extends readonly unknown[], Result>(
    syscall: Syscall<Args, Result>,
    options: WaitOptions | undefined,
    ...args: CallerArgs<Args>
  ): Promise<Result> {
    return this.#local.wait(syscall, options, ...args);
  }

  block<Args extends readonly unknown[], Result>(
    syscall: Syscall<Args, Result>,
    _options: WaitOptions | undefined,
    ...args: CallerArgs<Args>
  ): Result {
    const result: unknown = this.#local.call(syscall, ...args);
    if (result === -1) throw new Error(`${syscall.name} would block the thread for ever`);
    return result as Result;
  }

  isOpen(handle: number): boolean {
    return this.#local.isOpen(handle);
  }

  raw(number: number, args: readonly unknown[]): unknown {
    return this.#local.raw(number, args);
  }
}

/** A task with a thread that is simulated. */
export interface Thread {
  readonly task: TaskObject;
  readonly stub: TaskStub;
  readonly door: Door;
  readonly seats: Seats;
}

/** A kernel whose init runs beside it, and threads. */
export class Threads implements Disposable {
  readonly core: KernelCore;
  readonly dispatcher: Dispatcher = new Dispatcher(SYSCALLS, HANDLERS);
  readonly init: TaskStub;
  readonly initDoor: Door;
  readonly #mostSeats: number;
  readonly #threads: Thread[] = [];
  /** Threads keep a process alive that waits for them, and there are none. */
  readonly #alive = setInterval(() => {}, 1_000);

  /** @param mostSeats How many objects one thread can have seats at. */
  constructor(settings: KernelSettings = {}, mostSeats = 64) {
    this.#mostSeats = mostSeats;
    this.core = new KernelCore(settings);
    this.core.addDriver({
      accepts: () => true,
      check: () => {},
      start: () => ({ stop: () => {}, isLingering: false }),
    });
    this.initDoor = this.#doorOf(this.core.init);
    this.init = this.#stubOf(this.core.init, this.initDoor);
  }

  /** A thread; the handles move to it from init. */
  spawn(handles: Record<string, Handle> = {}): Thread {
    const entries = Object.entries(handles).map(([name, handle]) =>
      [name, this.core.init.table.get(handle.number)] as [string, HandleEntry]
    );
    const spawn = { program: "thread", name: "thread", args: [], imports: [], limits: {} };
    const { taskId } = this.core.spawn(this.core.init, { ...spawn, handles: new Map(entries) });
    const task = this.core.tasks.get(taskId);
    if (task === undefined) throw new Error("the thread has ended already");
    const words = () => new Int32Array(new SharedArrayBuffer(4 * this.#mostSeats));
    const [seatWords, killed] = [words(), words()];
    const seats = new Seats(seatWords);
    task.seats = seats;
    task.started();
    const door = new ThreadDoor(this.#doorOf(task), seatWords, killed);
    task.abort.signal.addEventListener("abort", () => Atomics.store(killed, 0, 1));
    const thread = { task, stub: this.#stubOf(task, door), door, seats };
    this.#threads.push(thread);
    return thread;
  }

  /** Ends all tasks, and looks whether everything that they had is gone. */
  [Symbol.dispose](): void {
    clearInterval(this.#alive);
    this.core.assertInvariants();
    this.core.shutdown();
    for (const { seats } of this.#threads) {
      seats.assertInvariants();
      if (seats.size > 0) throw new Error("a task that has ended has seats");
    }
  }

  /** What the handle's task has in its table. */
  entryOf(task: TaskObject, handle: Handle): HandleEntry {
    return task.table.get(handle.number);
  }

  #doorOf(task: TaskObject): LocalDoor {
    return new LocalDoor(this.dispatcher, { kernel: this.core, task });
  }

  #stubOf(task: TaskObject, door: Door): TaskStub {
    const { taskId: id, name, args, given, account: { limits }, abort: { signal } } = task;
    return new TaskStub(door, { id, name, args, handles: given, limits, signal });
  }
}

/** Lets what is under way in this isolate come to rest. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 3; i++) await new Promise((resolve) => setTimeout(resolve));
}

/** The code of the error that a call fails with; "none" when it doesn't. */
export async function codeOf(call: () => unknown): Promise<string> {
  try {
    await call();
    return "none";
  } catch (error) {
    if (error instanceof KernelError) return error.code;
    throw error;
  }
}
