/**
 * Uses tasks in workers in the way that the environment's WAY names, and does nothing to end or to
 * keep alive this process: whether and when it ends is what the test looks at.
 *
 * @module
 */
import { type Handle, Kernel, Rights, type TaskHandle } from "@carmine/kernel";

const kernel = new Kernel();
const { init } = kernel;

function start(how: string, handles: readonly string[] = []): TaskHandle {
  const counters = { ready, never: init.createCounter() };
  return init.spawn(new URL("../worker_programs/ends.ts", import.meta.url), {
    args: [how],
    handles: Object.fromEntries(
      handles.map((name) => [name, counters[name as keyof typeof counters].duplicate(Rights.SAME)]),
    ),
  });
}

const ready = init.createCounter();

/** Works on pipes that it has mapped, with no word to this isolate. */
function startMapped(args: string[], handles: Record<string, Handle>): TaskHandle {
  return init.spawn(new URL("../worker_programs/mapped.ts", import.meta.url), { args, handles });
}

const WAYS: Record<string, () => unknown> = {
  /** Nothing is pending in this isolate but the end of the task. */
  async waits() {
    const { state } = await start("exits late").wait();
    console.log(state);
  },
  /** Nobody even waits: the task lives, so the process does. */
  leaves() {
    void start("exits late").wait().then(({ state }) => console.log(state));
  },
  async "waits for two that share a pipe"() {
    const { reader, writer } = init.createPipe({ capacity: 100 });
    const tasks = [
      startMapped(["read"], { in: reader }),
      startMapped(["write", "20000"], { out: writer }),
    ];
    for (const { state } of await Promise.all(tasks.map((task) => task.wait()))) console.log(state);
  },
  async "reads what another writes"() {
    const { reader, writer } = init.createPipe({ capacity: 100 });
    startMapped(["write", "1000"], { out: writer });
    const into = new Uint8Array(64);
    let total = 0;
    for (let read = 1; read > 0; total += read) read = await reader.read(into);
    console.log(total);
  },
  async "shuts down"() {
    start("waits", ["ready", "never"]);
    start("blocks", ["ready", "never"]);
    for (let begun = 0n; begun < 2n;) begun += await ready.take();
    console.log((await kernel.shutdown()).lingering.length);
  },
  async "shuts down at once"() {
    start("waits", ["ready", "never"]);
    console.log((await kernel.shutdown()).lingering.length);
  },
  async "kills at once"() {
    const child = start("waits", ["ready", "never"]);
    child.kill();
    console.log((await child.wait()).state);
  },
  async lingers() {
    start("loops", ["ready"]);
    await ready.take();
    const { lingering } = await kernel.shutdown();
    console.log(lingering.map(({ name, state }) => `${name} ${state}`).join());
    console.log(kernel.tasks().length);
    Deno.exit(3); // else the thread keeps the process from ending
  },
};

await WAYS[Deno.env.get("WAY") ?? ""]?.();
