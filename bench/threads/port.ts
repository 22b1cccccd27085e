/** Moves messages through a message port: cloned, or transferred in buffers made for each. */
import { serveOrders, started } from "./orders.ts";

const { port, bytes, role } = await started<
  { port: MessagePort; bytes: number; role: "clones" | "transfers" | "receives" }
>();
/** Messages under way at most: a port holds back nobody. */
const WINDOW = 256;
const message = new Uint8Array(bytes);
let left = 0;
let underWay = 0;
let finish = (): void => {};

function send(): void {
  for (; left > 0 && underWay < WINDOW; left--, underWay++) {
    if (role === "clones") port.postMessage(message);
    else {
      const copy = message.slice();
      port.postMessage(copy, [copy.buffer]);
    }
  }
}

port.onmessage = ({ data }) => {
  if (role !== "receives") {
    underWay -= data as number;
    send();
    if (left === 0 && underWay === 0) finish();
    return;
  }
  message.set(data as Uint8Array); // as whoever reads from a ring has it
  underWay++;
  left--;
  if (underWay < WINDOW / 2 && left > 0) return;
  port.postMessage(underWay);
  underWay = 0;
  if (left === 0) finish();
};

serveOrders((operations) => {
  left += operations;
  const done = new Promise<void>((resolve) => finish = resolve);
  if (role !== "receives") send();
  return done;
});
