import { assertEquals } from "@std/assert";
import * as host from "@carmine/kernel";
import { Kernel } from "@carmine/kernel";
import * as taskSide from "../../../drivers/worker/task_side.ts";

Deno.test("A task in a worker gets every name of @carmine/kernel, and the same declarations", () => {
  const { Kernel: _kernel, ...shared } = host;
  const { Kernel: _substitute, ...sharedWithTasks } = taskSide;
  assertEquals(Object.keys(taskSide).sort(), Object.keys(host).sort());
  const differing = Object.entries(shared).filter(([name, value]) => {
    return value !== sharedWithTasks[name as keyof typeof sharedWithTasks];
  });
  assertEquals(differing.map(([name]) => name), []);
});

Deno.test("A task in a worker gets the same classes wherever it imports them, and no kernel to boot", async () => {
  await using kernel = new Kernel();
  const { reader } = kernel.init.createPipe();
  const program = new URL("../worker_programs/imports.ts", import.meta.url);
  const status = await kernel.init.spawn(program, { handles: { input: reader } }).wait();
  assertEquals(status, {
    state: "exited",
    code: 0,
    value: {
      handle: true,
      loadedLater: true,
      kernel:
        "NOT_SUPPORTED: Cannot boot a kernel: a task in a worker has the task's side alone; " +
        "boot kernels in the host's isolate",
    },
  });
});
