/** Sends messages to another worker and waits for what comes back. */
import { serveOrders, started } from "./orders.ts";

const { port, batch } = await started<{ port: MessagePort; batch: number }>();
const bytes = new Uint8Array(64).fill(7);
let answered: (event: MessageEvent) => void = () => {};
port.onmessage = (event) => answered(event);

serveOrders(async (operations) => {
  for (let i = 0; i < operations; i += batch) {
    const answer = new Promise<MessageEvent>((resolve) => answered = resolve);
    for (let j = 0; j < batch; j++) port.postMessage(bytes);
    await answer;
  }
});
