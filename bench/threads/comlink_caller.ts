/** Calls a function of the main isolate through comlink. */
import * as Comlink from "comlink";
import { serveOrders, started } from "./orders.ts";

const { port } = await started<{ port: MessagePort }>();
const remote = Comlink.wrap<{ add(n: number): boolean }>(port);

serveOrders(async (operations) => {
  for (let i = 0; i < operations; i++) await remote.add(0);
});
