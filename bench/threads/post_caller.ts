/** Posts a message and awaits the answer. */
import { serveOrders, started } from "./orders.ts";

const { port } = await started<{ port: MessagePort }>();
let answered: (event: MessageEvent) => void = () => {};
port.onmessage = (event) => answered(event);

serveOrders(async (operations) => {
  for (let i = 0; i < operations; i++) {
    const answer = new Promise<MessageEvent>((resolve) => answered = resolve);
    port.postMessage(0);
    await answer;
  }
});
