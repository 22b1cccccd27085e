/** Sends back what comes in on a port, or takes it and answers each batch. */
import { started } from "./orders.ts";

const { port, batch } = await started<{ port: MessagePort; batch: number }>();
let count = 0;
port.onmessage = ({ data }) => {
  if (++count % batch === 0) port.postMessage(data);
};
