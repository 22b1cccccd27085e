/**
 * A task's side of `taskContestant`.
 *
 * @module
 */
import { MessageReceiver } from "@carmine/kernel";
import { task } from "@carmine/kernel/task";

/** Does what the task is told, for ever. */
export async function serveOrders(run: (operations: number) => unknown): Promise<never> {
  const orders = task.handle("orders", MessageReceiver);
  for (;;) {
    const order = orders.receiveSync();
    const [operations = 0] = new Uint32Array(order.bytes.buffer);
    await run(operations);
    orders.reply(order, new Uint8Array());
  }
}
