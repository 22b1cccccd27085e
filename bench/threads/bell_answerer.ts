/** Answers a bare doorbell from a thread that does nothing else: it blocks until it is rung. */
import { started } from "./orders.ts";

const { words, looks } = await started<{ words: Int32Array; looks: number }>();

function awaitRing(seen: number): void {
  for (let i = 0; i < looks; i++) if (Atomics.load(words, 0) !== seen) return;
  Atomics.wait(words, 0, seen);
}

for (let served = 0;;) {
  awaitRing(served);
  served = Atomics.load(words, 0); // before the answer, after which the next ring may come
  Atomics.add(words, 16, 1);
  Atomics.notify(words, 16);
}
