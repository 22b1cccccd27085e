/** Calls a function of another worker through comlink, one call or a batch at a time. */
import * as Comlink from "comlink";
import { serveOrders, started } from "./orders.ts";

const { port, batch } = await started<{ port: MessagePort; batch: number }>();
const remote = Comlink.wrap<{ echo(bytes: Uint8Array): Uint8Array }>(port);
const bytes = new Uint8Array(64).fill(7);

serveOrders(async (operations) => {
  for (let i = 0; i < operations; i += batch) {
    await Promise.all(Array.from({ length: batch }, () => remote.echo(bytes)));
  }
});
