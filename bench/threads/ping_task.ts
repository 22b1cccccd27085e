/** Sends a message through one mapped pipe and waits for it to come back through another. */
import { PipeReader, PipeWriter } from "@carmine/kernel";
import { task } from "@carmine/kernel/task";
import { serveOrders } from "./task_orders.ts";

const out = task.handle("out", PipeWriter);
const input = task.handle("in", PipeReader);
const message = new Uint8Array(64);

if (task.args[0] === "echo") {
  while (input.readSync(message) > 0) out.writeSync(message);
} else {
  await serveOrders((operations) => {
    for (let i = 0; i < operations; i++) {
      out.writeSync(message);
      input.readSync(message);
    }
  });
}
