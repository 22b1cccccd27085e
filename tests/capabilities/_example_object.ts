import type { Signals } from "../../capabilities/signals.ts";
import { KernelObject } from "../../kernel/kernel_object.ts";

/** An object whose signals a test sets, and whose end it sees. */
export class ExampleObject extends KernelObject {
  readonly type = "example";
  readonly capabilities: number;
  /** How often the last handle was closed. */
  ends = 0;
  #raised: Signals = 0;

  constructor(capabilities = 0) {
    super();
    this.capabilities = capabilities;
  }

  /** Sets the signals and wakes who waits. */
  raise(signals: Signals): void {
    this.#raised = signals;
    this.waiters.wake();
  }

  /** Sets the signals without a word. */
  lower(signals: Signals): void {
    this.#raised &= ~signals;
  }

  protected override ownSignals(): Signals {
    return this.#raised;
  }

  protected override onLastHandleClosed(): void {
    this.ends++;
  }
}
