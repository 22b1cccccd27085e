/** Receives messages that are longer than what goes through a task's page at once. */
import { KernelError, MessageReceiver, MessageSender } from "@carmine/kernel";
import { task } from "@carmine/kernel/task";

const MIB = 1_024 * 1_024;
const input = task.handle("in", MessageReceiver);

/** The code and the bytes needed of the error that a call gives. */
function refusal(run: () => unknown): unknown {
  try {
    return run();
  } catch (error) {
    return error instanceof KernelError ? [error.code, error.needed] : error;
  }
}

task.exit(0, {
  short: refusal(() => input.receiveIntoSync(new Uint8Array(65_536))),
  long: refusal(() => input.receiveIntoSync(new Uint8Array(20 * MIB))),
  first: input.receiveSync().bytes.length,
  second: (await input.receive()).bytes.every((byte) => byte === 2),
  third: input.tryReceive()?.bytes.length,
  sent: refusal(() => task.handle("out", MessageSender).sendSync(new Uint8Array(18 * MIB))),
});
