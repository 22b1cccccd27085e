/** Rings a bare doorbell and blocks until it is answered. */
import { serveOrders, started } from "./orders.ts";

const { words, looks } = await started<{ words: Int32Array; looks: number }>();

function call(): void {
  const seen = Atomics.load(words, 16);
  Atomics.add(words, 0, 1);
  Atomics.notify(words, 0);
  for (let i = 0; i < looks; i++) if (Atomics.load(words, 16) !== seen) return;
  Atomics.wait(words, 16, seen);
}

serveOrders((operations) => {
  for (let i = 0; i < operations; i++) call();
});
