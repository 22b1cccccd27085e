import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { outcomeOf, runSource, runTask, startSource, startTask } from "./_harness.ts";
import { reportOf } from "./_report_page.ts";

Deno.test("startWorker() runs a module to its end, top-level await included", async () => {
  const { end, reports } = await runSource(`
    await new Promise((resolve) => setTimeout(resolve, 1));
    report("last line");
  `);
  assertEquals(end, { state: "returned" });
  assertEquals(reports, ["last line"]);
});

Deno.test("startWorker() drops what is pending when the module has ended", async () => {
  const { end } = await runSource(`setInterval(() => {}, 1); new Promise(() => {});`);
  assertEquals(end, { state: "returned" });
});

Deno.test("startWorker() lets a task import its folder and Carmine's public modules", async () => {
  const { end, reports } = await runTask("./tasks/imports_allowed.ts");
  assertEquals(end, { state: "returned" });
  assertEquals(reports, ["public 42 sibling"]);
});

Deno.test("startWorker() lets a task import what `imports` lists", async () => {
  const shared = new URL("./_public_kernel.ts", import.meta.url).href;
  const source = `import { kernel } from "${shared}"; report(kernel);`;
  const denied = await runSource(source, { publicModules: [] });
  assertEquals(denied.end.state, "failedToLoad");
  const exact = await runSource(source, { publicModules: [], imports: [shared] });
  assertEquals(exact.reports, ["public"]);
  const prefix = await runSource(source, {
    publicModules: [],
    imports: [new URL("./", shared).href],
  });
  assertEquals(prefix.reports, ["public"]);
});

Deno.test("startWorker() tells ready before the task's first line", async () => {
  let isReady = false;
  const task = startSource(`report("first line");`, { onReady: () => isReady = true });
  assertEquals((await outcomeOf(task)).reports, ["first line"]);
  assert(isReady);
});

const CRASHES: Record<string, [source: string, name: string, message: string]> = {
  "an error": [`throw new RangeError("m");`, "RangeError", "m"],
  "a rejected top-level await": [`await Promise.reject(new Error("m"));`, "Error", "m"],
  "an unhandled rejection": [
    `Promise.reject(new TypeError("m")); await new Promise(() => {});`,
    "TypeError",
    "m",
  ],
  "an error in a timer": [
    `setTimeout(() => { throw new Error("m"); }, 0); await new Promise(() => {});`,
    "Error",
    "m",
  ],
  "an error in a microtask": [
    `queueMicrotask(() => { throw new Error("m"); }); await new Promise(() => {});`,
    "Error",
    "m",
  ],
  "an error in a listener": [
    `const target = new EventTarget();
     target.addEventListener("x", () => { throw new Error("m"); });
     target.dispatchEvent(new Event("x"));
     await new Promise(() => {});`,
    "Error",
    "m",
  ],
  "undefined": [`throw undefined;`, "Error", "undefined"],
  "a symbol": [`throw Symbol("m");`, "Error", "a symbol was thrown"],
  "an object without a prototype": [`throw Object.create(null);`, "Error", ""],
  "getters that throw": [
    `throw { get name() { throw 1; }, get message() { throw 2; }, get stack() { throw 3; } };`,
    "Error",
    "",
  ],
  "getters that report errors themselves": [
    `const target = new EventTarget();
     target.addEventListener("x", () => { throw new Error("nested"); });
     throw { get message() { target.dispatchEvent(new Event("x")); return "m"; } };`,
    "Error",
    "m",
  ],
  "a revoked proxy": [
    `const { proxy, revoke } = Proxy.revocable({}, {}); revoke(); throw proxy;`,
    "Error",
    "",
  ],
  "an error under a hostile prepareStackTrace": [
    `Error.prepareStackTrace = () => { throw new Error("nested"); }; throw new Error("m");`,
    "Error",
    "m",
  ],
};

for (const [what, [source, name, message]] of Object.entries(CRASHES)) {
  Deno.test(`startWorker() reports ${what} as a crash`, async () => {
    const { end } = await runSource(source);
    assert(end.state === "crashed", end.state);
    assert(end.error instanceof Error);
    assertEquals([end.error.name, end.error.message], [name, message]);
  });
}

Deno.test("startWorker() gives a crash the task's stack", async () => {
  const { end } = await runTask("./tasks/crashes.ts");
  assert(end.state === "crashed");
  assertMatch(end.error.stack ?? "", /deepInside .*tasks\/crashes\.ts:4:9/);
});

Deno.test("startWorker() bounds what an error may carry", async () => {
  const { end } = await runSource(`throw new Error("x".repeat(1e6));`);
  assert(end.state === "crashed");
  assert(end.error.message.length < 20_000 && (end.error.stack ?? "").length < 20_000);
});

const UNLOADABLE: Record<string, [source: string, message: RegExp]> = {
  "a syntax error": [`syntax error`, /SyntaxError|Expected/],
  "a denied import": [`import "node:fs"; throw 1;`, /may not import node:fs/],
  "an import of a file elsewhere": [
    `import "file:///etc/passwd"; throw 1;`,
    /may not import \/etc\/passwd/,
  ],
  "a missing module": [
    `import "${new URL("./tasks/nowhere.ts", import.meta.url)}";`,
    /nowhere\.ts/,
  ],
};

for (const [what, [source, message]] of Object.entries(UNLOADABLE)) {
  Deno.test(`startWorker() tells ${what} from a crash`, async () => {
    const imports = [new URL("./tasks/", import.meta.url).href];
    const { end, reports } = await runSource(source, { imports });
    assert(end.state === "failedToLoad", end.state);
    assertMatch(end.error.message, message);
    assertEquals(reports, []);
  });
}

Deno.test("startWorker() tells a missing entry from a crash", async () => {
  const { end } = await runTask("./tasks/nowhere.ts");
  assert(end.state === "failedToLoad");
  assertMatch(end.error.message, /Cannot load the task .*nowhere\.ts/);
});

Deno.test("startWorker() refuses entries that it can't confine", () => {
  const here = new URL("./", import.meta.url).href;
  const bad = ["blob:null/1", "npm:chalk", "node:fs", `${here}..%2fx.ts`, `${here}x.cjs`];
  for (const url of bad) {
    assertThrows(() => startTask(new URL(url)), TypeError, "a task can't start from");
  }
});

Deno.test("startWorker() refuses imports that it can't confine", () => {
  for (const url of ["npm:chalk", "../x.ts", "data:text/javascript,1", "", "file:///a/..%2f"]) {
    assertThrows(() => startSource("1", { imports: [url] }), TypeError, "can't be let import");
  }
});

Deno.test("startWorker() writes hostile names and URLs into its bootstrap as data", async () => {
  const hostile = `"; throw new Error("injected"); //\u2028\u2029\\ \`\${1}\` %22 </script>`;
  const url = new URL("./tasks/imports_allowed.ts", import.meta.url);
  url.search = hostile;
  url.hash = hostile;
  const { end, reports } = await runTask(url, { name: hostile });
  assertEquals(end, { state: "returned" });
  assertEquals(reports, ["public 42 sibling"]);
});

Deno.test("startWorker() hands the payload over with its shared memory", async () => {
  const task = startSource(`report("written by the task");`);
  assertEquals(await reportOf(task.page, "written"), "written by the task");
  await outcomeOf(task);
});

Deno.test("startWorker() reports a runtime that fails as a failure to load", async () => {
  const { end } = await runSource(`report("ran");`, {
    runtime: new URL("data:text/javascript,export function connect() { throw new Error('no') }"),
  });
  assert(end.state === "failedToLoad");
  assertMatch(end.error.message, /no$/);
});

Deno.test("WorkerThread.terminate() ends a thread that yields, and says nothing of its end", async () => {
  const task = startSource(`report("running"); await new Promise(() => {});`);
  await reportOf(task.page, "running");
  task.thread.terminate();
  task.thread.terminate();
  await task.thread.gone;
  assert(task.thread.isGone);
  const nothing = Symbol();
  assertEquals(await Promise.race([task.end, Promise.resolve(nothing)]), nothing);
});

Deno.test("WorkerThread.terminate() ends a thread at any point of its start", async () => {
  const steps = [
    () => Promise.resolve(),
    () => new Promise<void>((resolve) => setTimeout(resolve, 0)),
    (ready: Promise<void>) => ready,
  ];
  for (const step of steps) {
    const task = startSource(`report("running"); await new Promise(() => {});`);
    await step(task.ready);
    task.thread.terminate();
    await task.thread.gone;
  }
});

Deno.test("startWorker() leaves a task's end alone when nobody terminates it", async () => {
  const running = Array.from({ length: 8 }, (_, index) => startSource(`report(${index});`));
  const outcomes = await Promise.all(running.map(outcomeOf));
  assertEquals(outcomes.map(({ reports }) => reports[0]), ["0", "1", "2", "3", "4", "5", "6", "7"]);
});

Deno.test("startWorker() gives each thread a mark of its own", async () => {
  const tasks = [startSource("1"), startSource("1")];
  await Promise.all(tasks.map(outcomeOf));
  assertEquals(new Set(tasks.map(({ thread }) => thread.mark)).size, 2);
});

Deno.test("startWorker() sends what a task prints to its own console", async () => {
  const { reports } = await runSource(`console.log("a", { b: 1 }); console.error("c");`);
  assertEquals(reports, ["console: a { b: 1 } ", "console: c "]);
});

Deno.test("startWorker() drops what a task prints when its runtime takes nothing", async () => {
  const { end } = await outcomeOf(startTask(new URL("data:text/javascript,console.log(1)"), {
    runtime: new URL("data:text/javascript,export function connect() {}"),
  }));
  assertEquals(end, { state: "returned" });
});
