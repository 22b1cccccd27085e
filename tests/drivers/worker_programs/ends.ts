/** Ends in the way that its argument says. */
import { Counter } from "@carmine/kernel";
import { task } from "@carmine/kernel/task";

switch (task.args[0]) {
  case "returns":
    break;
  case "exits":
    task.exit(7, { list: [1, 2n, "three"], bytes: Uint8Array.of(4), map: new Map([["a", null]]) });
    break;
  case "exits late":
    setTimeout(() => task.exit(8), 1);
    await new Promise(() => {});
    break;
  case "throws":
    throw new RangeError("out of luck");
  case "rejects":
    void Promise.reject(new TypeError("nobody caught it"));
    await new Promise(() => {});
    break;
  case "throws late":
    setTimeout(() => {
      throw new Error("late");
    }, 1);
    await new Promise(() => {});
    break;
  case "throws a kernel's error":
    task.handle("missing");
    break;
  case "blocks":
    await task.handle("ready", Counter).add(1);
    task.handle("never", Counter).takeSync();
    break;
  case "waits":
    await task.handle("ready", Counter).add(1);
    await task.handle("never", Counter).take();
    break;
  case "runs":
    task.handle("ready", Counter).tryAdd(1);
    for (;;) await new Promise((resolve) => setTimeout(resolve));
  case "loops":
    task.handle("ready", Counter).tryAdd(1);
    for (;;);
  case "listens": {
    const aborted = new Promise((resolve) => task.signal.addEventListener("abort", resolve));
    task.handle("ready", Counter).tryAdd(1);
    await aborted;
    task.exit(9, task.signal.aborted);
    break;
  }
  case "counts": {
    const counted = task.handle("counted", Counter);
    for (;;) await counted.add(1);
  }
}
