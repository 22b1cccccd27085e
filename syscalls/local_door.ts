/**
 * The door of tasks that run in the kernel's own isolate.
 *
 * @module
 */
import { KernelError } from "../capabilities/errors.ts";
import type { WouldBlock } from "../capabilities/stream_ops.ts";
import type { WaitOptions } from "./arguments.ts";
import type { Caller } from "./caller.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { CallerArgs, Door, Syscall } from "./door.ts";

/** Calls the dispatcher directly. */
export class LocalDoor implements Door {
  readonly sharesMemory = true;
  readonly seats = undefined;
  readonly #dispatcher: Dispatcher;
  readonly #caller: Caller;

  constructor(dispatcher: Dispatcher, caller: Caller) {
    this.#dispatcher = dispatcher;
    this.#caller = caller;
  }

  // Positional and not a rest parameter: no array is made on the way.
  call<Args extends readonly unknown[], Result>(
    syscall: Syscall<Args, Result>,
    ...args: CallerArgs<Args>
  ): Result | WouldBlock;
  call(
    syscall: Syscall<never, never>,
    a?: unknown,
    b?: unknown,
    c?: unknown,
    d?: unknown,
  ): unknown {
    return this.#dispatcher.call(this.#caller, syscall.number, a, b, c, d);
  }

  wait<Args extends readonly unknown[], Result>(
    syscall: Syscall<Args, Result>,
    options: WaitOptions | undefined,
    ...args: CallerArgs<Args>
  ): Promise<Result>;
  wait(
    syscall: Syscall<never, never>,
    options: WaitOptions | undefined,
    a?: unknown,
    b?: unknown,
    c?: unknown,
    d?: unknown,
  ): Promise<unknown> {
    return this.#dispatcher.wait(this.#caller, syscall.number, options, a, b, c, d);
  }

  block<Args extends readonly unknown[], Result>(
    syscall: Syscall<Args, Result>,
    options: WaitOptions | undefined,
    ...args: CallerArgs<Args>
  ): Result;
  block(syscall: Syscall<never, never>): never {
    throw new KernelError(
      "NOT_SUPPORTED",
      `Cannot block in ${syscall.name}: this task runs in the kernel's isolate, use the form ` +
        "without Sync",
      { syscall: syscall.name },
    );
  }

  isOpen(handle: number): boolean {
    return this.#caller.task.table.find(handle) !== undefined;
  }

  raw(number: number, args: readonly unknown[]): unknown {
    const { arity, spec } = this.#dispatcher.find(number);
    const [a, b, c, d] = args.slice(0, arity);
    if (!spec.mayWait) return this.#dispatcher.call(this.#caller, number, a, b, c, d);
    return this.#dispatcher.wait(this.#caller, number, args[arity], a, b, c, d);
  }
}
