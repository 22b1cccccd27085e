/**
 * Threads, and the kernel, that work on a counter at the same time.
 *
 * @module
 */
import { CounterModel } from "./counter_model.ts";
import { inTurn, type Scenario } from "./scenario.ts";

/** Whatever the schedule, every count is taken once or still there, and nobody sleeps for ever. */
export const COUNTERS: Record<string, Scenario> = {
  "a counter": (modules) => {
    const counter = new CounterModel(modules, 0n, false);
    return counter.run({ one: counter.add(3n, 2n), two: counter.add(1n), taker: counter.take(6n) });
  },
  "a counter that moves": (modules) => {
    const counter = new CounterModel(modules, 1n, false);
    return counter.run({ one: counter.add(3n), taker: counter.take(4n), kernel: counter.move() });
  },
  "a semaphore that moves twice": (modules) => {
    const counter = new CounterModel(modules, 0n, true);
    const kernel = inTurn(counter.move(), counter.move());
    return counter.run({
      one: counter.add(2n),
      two: counter.take(1n),
      three: counter.take(1n),
      kernel,
    });
  },
  "a counter that the kernel waits for": (modules) => {
    const counter = new CounterModel(modules, 0n, false);
    return counter.run({
      kernel: counter.takeInKernel(3n),
      one: counter.add(1n),
      two: counter.add(2n),
      mover: counter.move(),
    });
  },
  "a counter that is full": (modules) => {
    const most = 2n ** 64n - 2n;
    const counter = new CounterModel(modules, most, false);
    return counter.run({
      one: counter.add(2n),
      taker: counter.take(most + 2n),
      kernel: counter.move(),
    });
  },
};
