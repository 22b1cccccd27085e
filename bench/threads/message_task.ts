/** Sends messages to another task and waits for what comes back. */
import { MessageReceiver, MessageSender } from "@carmine/kernel";
import { task } from "@carmine/kernel/task";
import { serveOrders } from "./task_orders.ts";

const output = task.handle("out", MessageSender);
const input = task.handle("in", MessageReceiver);
const bytes = new Uint8Array(64).fill(7);
const [mode, batch = "1"] = task.args;

const MODES: Record<string, (operations: number) => unknown> = {
  "round trips"(operations) {
    for (let i = 0; i < operations; i++) {
      output.sendSync(bytes);
      input.receiveSync();
    }
  },
  calls(operations) {
    for (let i = 0; i < operations; i++) output.callSync(bytes);
  },
  async "one way"(operations) {
    const size = Number(batch);
    for (let i = 0; i < operations; i += size) {
      const sent: Promise<void>[] = [];
      for (let j = 0; j < size; j++) sent.push(output.send(bytes));
      await Promise.all(sent);
      input.receiveSync();
    }
  },
};

await serveOrders(MODES[mode ?? ""] ?? (() => {}));
