/** The floor of a round trip between threads: one word there, one word back. */
import { serveOrders, started } from "./orders.ts";

const { words, isEcho, sleeps } = await started<
  { words: Int32Array; isEcho: boolean; sleeps: boolean }
>();
const THERE = 0;
const BACK = 16;

function awaitChange(index: number, seen: number): number {
  for (;;) {
    const now = Atomics.load(words, index);
    if (now !== seen) return now;
    if (sleeps) Atomics.wait(words, index, seen);
  }
}

function change(index: number): void {
  Atomics.add(words, index, 1);
  if (sleeps) Atomics.notify(words, index);
}

/** Kept from round to round: the other side may begin first. */
let seen = 0;

serveOrders((operations) => {
  for (let i = 0; i < operations; i++) {
    if (!isEcho) change(THERE);
    seen = awaitChange(isEcho ? THERE : BACK, seen);
    if (isEcho) change(BACK);
  }
});
