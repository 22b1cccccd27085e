/** Hands messages over in a mapped pipe's own memory: nobody copies them, or looks at them. */
import { PipeReader, PipeWriter, Signals } from "@carmine/kernel";
import { task } from "@carmine/kernel/task";
import { serveOrders } from "./task_orders.ts";

const bytes = Number(task.args[0]);
/** How often to look again before sleeping. */
const LOOKS = 1_000;

if (task.handles.includes("out")) {
  const out = task.handle("out", PipeWriter);
  await serveOrders((operations) => {
    for (let i = 0; i < operations; i++) {
      for (let looks = 0; out.reserve(bytes) === undefined; looks++) {
        if (looks > LOOKS) out.waitForSync(Signals.WRITABLE);
      }
      out.commit(bytes);
    }
  });
} else {
  const input = task.handle("in", PipeReader);
  await serveOrders((operations) => {
    let looks = 0;
    for (let left = operations * bytes; left > 0; looks++) {
      const { length } = input.peek();
      if (length > 0) {
        input.consume(length);
        left -= length;
        looks = 0;
      } else if (looks > LOOKS) input.waitForSync(Signals.READABLE);
    }
  });
}
