/** Moves messages through a ring of ringbuf.js, which never sleeps. */
import { RingBuffer } from "ringbuf.js";
import { serveOrders, started } from "./orders.ts";

const { memory, bytes, writes } = await started<
  { memory: SharedArrayBuffer; bytes: number; writes: boolean }
>();
const ring = new RingBuffer(memory, Uint8Array);
const message = new Uint8Array(bytes);

serveOrders((operations) => {
  for (let left = operations * bytes; left > 0;) {
    left -= writes
      ? ring.push(message, Math.min(left, bytes))
      : ring.pop(message, Math.min(left, bytes));
  }
});
