/** Sends back what comes in on a queue, or takes it and answers each batch; blocking. */
import { MessageReceiver, MessageSender } from "@carmine/kernel";
import { task } from "@carmine/kernel/task";

const input = task.handle("in", MessageReceiver);
const output = task.handle("out", MessageSender);
const [mode, batch = "1"] = task.args;

if (mode === "reply") {
  for (;;) {
    const call = input.receiveSync();
    input.reply(call, call.bytes);
  }
}
for (let i = 1;; i++) {
  const { bytes } = input.receiveSync();
  if (i % Number(batch) === 0) output.sendSync(bytes);
}
