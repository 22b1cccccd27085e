/** Spawns children: what it may load itself, with handles of its own. */
import { KernelError, PipeWriter, type SpawnOptions } from "@carmine/kernel";
import { task } from "@carmine/kernel/task";

/** The error's code that a spawn gives. */
function refusal(program: URL, options: SpawnOptions = {}): string {
  try {
    task.spawn(program, options);
    return "spawned";
  } catch (error) {
    return error instanceof KernelError ? error.code : String(error);
  }
}

const output = task.handle("output", PipeWriter);
const child = task.spawn(new URL("./child.ts", import.meta.url), { handles: { output } });
const status = await child.wait();
const event = await task.events.receive();
const crashing = task.spawn(new URL("./ends.ts", import.meta.url), { args: ["throws"] });
const crash = crashing.waitSync();
task.exit(0, {
  status,
  moved: output.closed,
  event: event.payload,
  crash: crash.state === "crashed" ? [crash.error.name, crash.error.message] : crash.state,
  outside: refusal(new URL("../worker_driver_test.ts", import.meta.url)),
  wider: refusal(new URL("./child.ts", import.meta.url), { imports: ["file:///"] }),
  limits: refusal(new URL("./child.ts", import.meta.url), { limits: { children: 1e6 } }),
});
