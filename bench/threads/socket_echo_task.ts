/** Sends back what comes in on a socket; blocking. */
import { Socket } from "@carmine/kernel";
import { task } from "@carmine/kernel/task";

const socket = task.handle("socket", Socket);
const buffer = new Uint8Array(65_536);
const size = Number(task.args[0]);

if (size > 0) { // one way: one byte back for so many
  for (let left = size;;) {
    left -= socket.readSync(buffer);
    for (; left <= 0; left += size) socket.writeSync(buffer.subarray(0, 1));
  }
}
for (let n; (n = socket.readSync(buffer)) > 0;) socket.writeSync(buffer.subarray(0, n));
