/**
 * Moves messages through a message port: cloned, transferred in buffers made for each, or handed
 * over in such buffers without a copy on either side.
 */
import { serveOrders, started } from "./orders.ts";

export type PortRole = "clones" | "transfers" | "handsOver" | "receives" | "takesOver";

const { port, bytes, role } = await started<{ port: MessagePort; bytes: number; role: PortRole }>();
const isReceiver = role === "receives" || role === "takesOver";
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
      const buffer = role === "transfers" ? message.slice() : new Uint8Array(bytes);
      port.postMessage(buffer, [buffer.buffer]);
    }
  }
}

port.onmessage = ({ data }) => {
  if (!isReceiver) {
    underWay -= data as number;
    send();
    if (left === 0 && underWay === 0) finish();
    return;
  }
  if (role === "receives") message.set(data as Uint8Array); // as whoever reads from a ring has it
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
  if (!isReceiver) send();
  return done;
});
