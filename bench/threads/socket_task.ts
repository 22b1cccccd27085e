/** Writes to a socket and reads what comes back; blocking. */
import { Socket } from "@carmine/kernel";
import { task } from "@carmine/kernel/task";
import { serveOrders } from "./task_orders.ts";

const socket = task.handle("socket", Socket);
const [size, chunks] = [Number(task.args[0]), Number(task.args[1])];
const out = new Uint8Array(size).fill(7);
const back = new Uint8Array(chunks > 1 ? 1 : size);

await serveOrders((operations) => {
  for (let i = 0; i < operations; i += chunks) {
    for (let j = 0; j < chunks; j++) socket.writeSync(out);
    for (let done = 0; done < back.length;) done += socket.readSync(back.subarray(done));
  }
});
