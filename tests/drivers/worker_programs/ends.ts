/** Ends in the way that its argument says. */
import { Counter } from "@carmine/kernel";
import { task } from "@carmine/kernel/task";

const forever = (): Promise<never> => new Promise(() => {});
const ready = (): boolean => task.handle("ready", Counter).tryAdd(1);

const WAYS: Record<string, () => unknown> = {
  returns() {},
  exits() {
    const map = new Map([["a", null]]);
    task.exit(7, { list: [1, 2n, "three"], bytes: Uint8Array.of(4), map });
  },
  "exits late"() {
    setTimeout(() => task.exit(8), 1);
    return forever();
  },
  throws() {
    throw new RangeError("out of luck");
  },
  rejects() {
    void Promise.reject(new TypeError("nobody caught it"));
    return forever();
  },
  "throws late"() {
    setTimeout(() => {
      throw new Error("late");
    }, 1);
    return forever();
  },
  "throws a kernel's error": () => task.handle("missing"),
  blocks() {
    ready();
    task.handle("never", Counter).takeSync();
  },
  async waits() {
    ready();
    await task.handle("never", Counter).take();
  },
  async runs() {
    if (task.handles.includes("ready")) ready();
    for (;;) await new Promise((resolve) => setTimeout(resolve));
  },
  loops() {
    ready();
    for (;;);
  },
  async listens() {
    const aborted = new Promise((resolve) => task.signal.addEventListener("abort", resolve));
    ready();
    await aborted;
    task.exit(9, task.signal.aborted);
  },
  async counts() {
    const counted = task.handle("counted", Counter);
    for (;;) await counted.add(1);
  },
  async "counts at once"() {
    const counted = task.handle("counted", Counter);
    for (;; await new Promise((resolve) => setTimeout(resolve))) {
      if (counted.value === 0n) counted.tryAdd(1);
    }
  },
};

await WAYS[task.args[0] ?? ""]?.();
