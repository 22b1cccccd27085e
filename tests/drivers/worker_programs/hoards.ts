/** Takes more than its limits allow. */
import type { KernelError } from "@carmine/kernel";
import { task } from "@carmine/kernel/task";

const codes = new Set<unknown>();
try {
  task.createPipe({ capacity: 1 << 20 });
} catch (error) {
  codes.add((error as KernelError).code);
}
try {
  for (;;) task.createTimer();
} catch (error) {
  codes.add((error as KernelError).code);
}
task.exit(0, [...codes]);
