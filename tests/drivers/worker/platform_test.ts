/**
 * What the lock relies on in Deno, each fact by itself, so that a Deno that changes it is noticed.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { runSource, startSource, startTask } from "./_harness.ts";
import { reportOf } from "./_report_page.ts";

const DRIVER = new URL("../../../drivers/worker/", import.meta.url).href;

/** Runs a module in a permissionless worker that isn't a task's, and gives what it posts. */
async function inWorker(source: string): Promise<unknown> {
  const worker = new Worker(`data:text/javascript,${encodeURIComponent(source)}`, {
    type: "module",
    deno: { permissions: "none" },
  });
  try {
    return await new Promise((resolve, reject) => {
      worker.onmessage = ({ data }): void => resolve(data);
      worker.onerror = (event): void => {
        event.preventDefault();
        reject(new Error(event.message));
      };
    });
  } finally {
    worker.terminate();
  }
}

/** Locks modules and keeps `node:module`, as no task can; everything but `node:` may load. */
const WITH_MODULE_IN_HAND = `
  const nodeModule = globalThis.process.getBuiltinModule("node:module");
  const { createRequire, registerHooks } = nodeModule; // as its named exports are
  const { lockModules } = await import("${DRIVER}module_lock.ts");
  const lock = lockModules({ entry: "", folder: "", imports: [], publicModules: [], privateModules: [] }, []);
  const load = (url) => import(url).then(() => "loaded", () => "held");
  const outcome = (call) => { try { return String(call()); } catch (error) { return error.name; } };
`;

Deno.test("Deno's list of module hooks can be frozen: no hook is added or taken away", async () => {
  const result = await inWorker(`${WITH_MODULE_IN_HAND}
    const open = { resolve: (url) => ({ url, shortCircuit: true }) };
    lock.seal();
    const added = outcome(() => registerHooks(open));
    postMessage([added, await load(["node", "process"].join(":"))]);
  `);
  assertEquals(result, ["TypeError", "held"]);
});

Deno.test("What starts a task can't be loaded any more when the task runs", async () => {
  const result = await inWorker(`${WITH_MODULE_IN_HAND}
    const urls = [1, 2, 3].map((n) => "data:text/javascript," + n);
    lock.admitTask("", urls.slice(0, 2));
    const before = await Promise.all([load(urls[0]), load(urls[2])]);
    lock.seal();
    postMessage([...before, await load(urls[1])]);
  `);
  assertEquals(result, ["loaded", "held", "held"]);
});

Deno.test("A deferred import is loaded at once, and evaluated when something of it is first read", async () => {
  const result = await inWorker(`
    import defer * as module from "data:text/javascript,globalThis.isEvaluated = true;export {};";
    const before = globalThis.isEvaluated;
    Reflect.ownKeys(module);
    postMessage([before, globalThis.isEvaluated]);
  `);
  assertEquals(result, [undefined, true]);
});

Deno.test("Deno's CommonJS goes through Module, which can be disarmed", async () => {
  const result = await inWorker(`${WITH_MODULE_IN_HAND}
    postMessage([
      outcome(() => createRequire("file:///x.js")("node:process")),
      outcome(() => nodeModule._load("node:process")),
      outcome(() => nodeModule.prototype.require("node:process")),
      outcome(() => nodeModule.prototype._compile("", "x.js")),
      outcome(() => nodeModule._extensions[".js"]({}, "x.js")),
      outcome(() => new nodeModule("x").require("node:process")),
    ]);
  `);
  assertEquals(result, Array(6).fill("TypeError"));
});

Deno.test("Deno's namespace and Node's process can be emptied, for whoever gets hold of them", async () => {
  const result = await inWorker(`
    const { postMessage } = globalThis;
    const husks = [Deno, process];
    const { lockRealm } = await import("${DRIVER}realm_lock.ts");
    lockRealm({ console: {}, onUncaught() {} });
    postMessage(husks.map((husk) => Object.entries(Object.getOwnPropertyDescriptors(husk))
      .filter(([, { configurable, value }]) => configurable || typeof value === "function")
      .map(([name]) => name)));
  `);
  assertEquals(result, [[], []]);
});

Deno.test("lockRealm() removes a global that nobody decided about", async () => {
  const result = await inWorker(`
    const { postMessage } = globalThis;
    globalThis.addedByALaterDeno = 1;
    globalThis[Symbol("addedByALaterDeno")] = 1;
    const { lockRealm } = await import("${DRIVER}realm_lock.ts");
    lockRealm({ console: {}, onUncaught() {} });
    postMessage(Reflect.ownKeys(globalThis).map(String).filter((name) => name.includes("Later")));
  `);
  assertEquals(result, []);
});

Deno.test("lockRealm() fails when a global can't be removed", async () => {
  const result = await inWorker(`
    const { postMessage } = globalThis;
    Object.defineProperty(globalThis, "addedByALaterDeno", { value: 1, configurable: false });
    const { lockRealm } = await import("${DRIVER}realm_lock.ts");
    try {
      lockRealm({ console: {}, onUncaught() {} });
    } catch (error) {
      postMessage(error.message);
    }
  `);
  assertEquals(result, "Cannot lock the realm: the global addedByALaterDeno can't be removed");
});

Deno.test("A module hook concerns the worker that registered it alone", async () => {
  const task = startSource(`report("running"); await new Promise(() => {});`);
  await reportOf(task.page, "running");
  const { join } = await import("node:path");
  assertEquals(join("a", "b"), "a/b");
  task.thread.terminate();
  await task.thread.gone;
});

Deno.test("Permissions that a worker gives up are its own", async () => {
  const task = startTask("./tasks/imports_allowed.ts");
  await Promise.all([task.end, task.thread.gone]);
  const { state } = await Deno.permissions.query({
    name: "read",
    path: new URL("./", import.meta.url),
  });
  assertEquals(state, "granted");
  const { end } = await runSource(`report("another");`);
  assertEquals(end, { state: "returned" });
});

Deno.test("A task can't load what only the start of its graph had permission for", async () => {
  // The module lies in the task's folder, so the hook allows it; Deno refuses, as nothing reads now.
  const { reports } = await runSource(
    `const url = ["${
      DRIVER.replace("drivers/worker/", "tests/")
    }drivers/worker/tasks", "sibling.ts"].join("/");
     await import(url).then(() => report("loaded"), (error) => report(error.message));`,
    { imports: [new URL("./tasks/", import.meta.url).href] },
  );
  assertEquals(reports[0]?.startsWith("Requires read access to "), true, reports[0]);
});

Deno.test("A web lock is released when its holder's thread is gone, and not before", async () => {
  const page = new Int32Array(new SharedArrayBuffer(8));
  const source = `
    const { data } = await new Promise((resolve) => onmessage = resolve);
    await new Promise((held) => navigator.locks.request(data.name, () => {
      held();
      return new Promise(() => {});
    }));
    postMessage("held");
    // Blocks until it is woken, though it is terminated meanwhile.
    Atomics.wait(data.page, 0, 0);
    Atomics.store(data.page, 1, 1);
  `;
  const worker = new Worker(`data:text/javascript,${encodeURIComponent(source)}`, {
    type: "module",
    deno: { permissions: "none" },
  });
  const name = crypto.randomUUID();
  const held = new Promise((resolve) => worker.onmessage = resolve);
  worker.postMessage({ name, page });
  await held;
  worker.terminate();
  const { locks } = navigator as unknown as {
    locks: {
      request(name: string, hold: () => number): Promise<number>;
      request(
        name: string,
        options: object,
        hold: (lock: object | null) => boolean,
      ): Promise<boolean>;
    };
  };
  const isFree = await locks.request(name, { ifAvailable: true }, (lock) => lock !== null);
  assertEquals(isFree, false);
  Atomics.store(page, 0, 1);
  Atomics.notify(page, 0);
  assertEquals(await locks.request(name, () => Atomics.load(page, 1)), 1);
});

Deno.test("A worker's prototypes and symbols can be cut off without ending its thread", async () => {
  // Nothing pending but a timer and a shared word: the thread goes on without message listeners.
  const { reports } = await runSource(`
    const word = new Int32Array(new SharedArrayBuffer(4));
    setTimeout(() => Atomics.notify(word, 0), 0);
    report(await Atomics.waitAsync(word, 0, 0).value);
  `);
  assertEquals(reports, ["ok"]);
});

Deno.test("Code of modules is strict, so no call site gives away a function or a receiver", async () => {
  const result = await inWorker(`
    let sites;
    Error.prepareStackTrace = (_, all) => sites = all;
    function inner() { new Error().stack; }
    inner.call({ receiver: true });
    postMessage(sites.map((site) => [typeof site.getThis(), typeof site.getFunction()].join()));
  `);
  assert(Array.isArray(result));
  assertEquals([...new Set(result)], ["undefined,undefined"]);
});
