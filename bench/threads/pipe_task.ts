/** Moves messages through a mapped pipe: one task writes, another reads. */
import { PipeReader, PipeWriter } from "@carmine/kernel";
import { task } from "@carmine/kernel/task";
import { serveOrders } from "./task_orders.ts";

const [bytes] = task.args;
const message = new Uint8Array(Number(bytes));

if (task.handles.includes("out")) {
  const out = task.handle("out", PipeWriter);
  await serveOrders((operations) => {
    for (let i = 0; i < operations; i++) out.writeSync(message);
  });
} else {
  const input = task.handle("in", PipeReader);
  await serveOrders((operations) => {
    for (let left = operations * message.length; left > 0;) left -= input.readSync(message);
  });
}
