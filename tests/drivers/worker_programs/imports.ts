/** What it gets for Carmine's modules, now and in a module that is loaded later. */
import { Kernel, KernelError, PipeReader } from "@carmine/kernel";
import { task } from "@carmine/kernel/task";

function bootError(): string {
  try {
    new Kernel();
    return "booted";
  } catch (error) {
    return error instanceof KernelError ? `${error.code}: ${error.message}` : String(error);
  }
}

const later = await import("./imports_later.ts");
task.exit(0, {
  handle: task.handle("input", PipeReader) instanceof PipeReader,
  loadedLater: later.Reader === PipeReader && later.task === task,
  kernel: bootError(),
});
