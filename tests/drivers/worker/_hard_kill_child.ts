/**
 * Kills threads that never yield, and prints what became of each. Runs in a process of its own: it
 * needs flags, and what can't be killed must not stay in the tests' process.
 *
 * @module
 */
import { HardKill } from "../../../drivers/worker/hard_kill.ts";
import { type RunningTask, startSource } from "./_harness.ts";
import { reportOf } from "./_report_page.ts";

const RUNNING = `report("running");`;
/** `(module (func (export "run") (loop br 0)))` */
const ENDLESS_WASM = "0,97,115,109,1,0,0,0,1,4,1,96,0,0,3,2,1,0,7,7,1,3,114,117,110,0,0,10,9,1,7," +
  "0,3,64,12,0,11,11";

const ENDLESS: Record<string, string> = {
  loop: `${RUNNING} for (;;);`,
  finallyLoops: `${RUNNING}
    for (;;) try { for (;;); } catch { for (;;); } finally { for (;;); }`,
  generator: `${RUNNING}
    function* endless() { try { for (;;) yield; } finally { for (;;); } }
    for (const _ of endless());`,
  atomicsWait: `${RUNNING} Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);`,
  wasm: `const module = new WebAssembly.Module(new Uint8Array([${ENDLESS_WASM}]));
    const { run } = new WebAssembly.Instance(module).exports; ${RUNNING} run();`,
  regularExpression: `${RUNNING} /(a+)+$/.test("a".repeat(64) + "b");`,
  microtasks: `${RUNNING}
    const storm = () => Promise.resolve().then(storm); storm(); await new Promise(() => {});`,
  getterOfAnError: `${RUNNING} throw { get message() { for (;;); } };`,
  timers: `${RUNNING}
    const again = () => setTimeout(again, 0); again(); await new Promise(() => {});`,
};

/** One call of a builtin that has no end, and that V8 doesn't interrupt. */
const ENDLESS_BUILTIN = `${RUNNING} Array.prototype.lastIndexOf.call({ length: 2 ** 53 - 1 }, 1);`;

async function start(source: string): Promise<RunningTask> {
  const task = startSource(source);
  await reportOf(task.page, "running");
  return task;
}

function isDebuggerOpen(): boolean {
  const { process } = globalThis as unknown as {
    process: { getBuiltinModule(name: string): { url(): string | undefined } };
  };
  return process.getBuiltinModule("node:inspector").url() !== undefined;
}

const hardKill = new HardKill();
const results: Record<string, unknown> = {};
results["openAtBoot"] = isDebuggerOpen();
for (const [name, source] of Object.entries(ENDLESS)) {
  const { thread } = await start(source);
  results[name] = (await hardKill.kill(thread)).state;
}

const eight = await Promise.all(Array.from({ length: 8 }, () => start(`${RUNNING} for (;;);`)));
const outcomes = await Promise.all(eight.map(({ thread }) => hardKill.kill(thread)));
results["eightAtOnce"] = outcomes.map(({ state }) => state);

// Terminated by somebody else before, and long lost.
const lingering = await start(`${RUNNING} for (;;);`);
lingering.thread.terminate();
await start(`${RUNNING}`);
results["isLingeringAfterTerminate"] = !lingering.thread.isGone;
results["lingering"] = (await hardKill.kill(lingering.thread)).state;

const idle = await start(`${RUNNING} await new Promise(() => {});`);
results["idle"] = (await hardKill.kill(idle.thread)).state;
await hardKill.closed();
results["openAfterwards"] = isDebuggerOpen();

const impatient = new HardKill({ timeoutMs: 300 });
const immortal = await start(ENDLESS_BUILTIN);
const mortal = await start(`${RUNNING} for (;;);`);
results["endlessBuiltin"] = await impatient.kill(immortal.thread);
results["besideIt"] = (await impatient.kill(mortal.thread)).state;
await impatient.closed();
results["openAtTheEnd"] = isDebuggerOpen();
results["next"] = (await start(`${RUNNING}`)) !== undefined;

console.log(JSON.stringify(results));
// The endless builtin would keep the process from ending.
Deno.exit(0);
