/**
 * What depends on the flags that the host runs with: each test has a process of its own.
 *
 * @module
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { resultOfChild, runChild } from "./_child.ts";

const HERE = new URL("./", import.meta.url).pathname;
const WORKERS = "--unstable-worker-options";

Deno.test("startWorker() names the line to add when worker-options is off", async () => {
  const result = await resultOfChild("./_start_child.ts", ["--no-config", "--allow-read"]);
  assertEquals(result["state"], "not started");
  assertStringIncludes(String(result["message"]), `"unstable": ["worker-options"]`);
});

Deno.test("startWorker() sees worker-options in flags and in deno.json", async () => {
  for (const flags of [["--no-config", WORKERS], []]) {
    const result = await resultOfChild("./_start_child.ts", ["--allow-read", ...flags]);
    assertEquals(result["state"], "returned", String(result["message"]));
  }
});

Deno.test("Deno ends the process when worker-options is off, so it has to be known before", async () => {
  const { code } = await runChild("./_permissions_worker_child.ts", ["--no-config"]);
  assertEquals(code, 70);
});

Deno.test("startWorker() needs no more permission than to read Carmine and the task", async () => {
  const root = new URL("../../../", import.meta.url).pathname;
  const paths = [`${root}drivers`, HERE].join();
  const result = await resultOfChild("./_start_child.ts", [`--allow-read=${paths}`]);
  assertEquals(result, { state: "returned", message: "", reports: ["public 42 sibling"] });
});

Deno.test("startWorker() names the flag that loading a task lacks", async () => {
  const result = await resultOfChild("./_start_child.ts", ["--allow-read=/nowhere"]);
  assertEquals(result["state"], "not started");
  assertStringIncludes(String(result["message"]), `--allow-read=${HERE}tasks/`);
});

Deno.test("startWorker() works where Carmine is served from a registry", async () => {
  const root = new URL("../../../", import.meta.url);
  await using server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    async (request) => {
      const { pathname } = new URL(request.url);
      const file = await Deno.open(new URL(`.${pathname}`, root)).catch(() => undefined);
      const type = pathname.endsWith(".json") ? "application/json" : "application/typescript";
      return file === undefined
        ? new Response("", { status: 404 })
        : new Response(file.readable, { headers: { "content-type": type } });
    },
  );
  const host = `127.0.0.1:${server.addr.port}`;
  const result = await resultOfChild(
    `http://${host}/tests/drivers/worker/_start_child.ts`,
    ["--no-config", WORKERS, `--allow-import=${host}`],
  );
  assertEquals(result, { state: "returned", message: "", reports: ["public 42 sibling"] });
});

for (const attack of ["commonjs.ts", "static_imports.ts", "dynamic_imports.ts"]) {
  Deno.test(`attacks/${attack} reaches nothing where all scripts count as CommonJS`, async () => {
    const flags = ["--allow-all", "--no-config", WORKERS, "--unstable-detect-cjs"];
    const result = await resultOfChild("./_attack_child.ts", flags, { ATTACK: attack });
    assertEquals([result["state"], result["reached"]], ["returned", []]);
  });
}

/** Would make Deno report what nobody caught in the task's words. */
const LOUD = [
  `throw new Error("PRINTED");`,
  `Promise.reject(new Error("PRINTED")); await new Promise(() => {});`,
  `setTimeout(() => { throw new Error("PRINTED"); }, 0); await new Promise(() => {});`,
  `Object.defineProperty(Error.prototype, "message", { get() { throw new Error("PRINTED"); } });
   queueMicrotask(() => { throw new Error(); }); await new Promise(() => {});`,
  `try { globalThis.dispatchEvent = () => true; } catch {}
   try { Event.prototype.preventDefault = () => {}; } catch {}
   try { Object.defineProperty(Event.prototype, "defaultPrevented", { get: () => false }); } catch {}
   Promise.reject(new Error("PRINTED")); await new Promise(() => {});`,
  `setTimeout(() => {}, 2 ** 40); console.error("PRINTED"); console.log("PRINTED");`,
  `const { signal } = new AbortController();
   for (let i = 0; i < 100; i++) signal.addEventListener("abort", () => "PRINTED");`,
];

for (const [index, source] of LOUD.entries()) {
  Deno.test(`A task writes nothing on the host's terminal (${index})`, async () => {
    const { stdout, stderr } = await runChild("./_source_child.ts", ["--allow-all"], {
      TASK: source,
    });
    assert(stdout.startsWith('{"state":'), stdout);
    assertEquals(stderr, "");
  });
}

Deno.test("A task that breaks Deno's own error reporting has crashed, whatever Deno says of it", async () => {
  // Its last words may be on stderr now: Deno prints an error that comes while it reports one.
  const source = `
    const target = new EventTarget();
    let depth = 0;
    const fire = () => { if (depth++ < 5) target.dispatchEvent(new Event("x")); };
    target.addEventListener("x", () => {
      throw new Proxy(new Error("last words"), {
        get(error, key) { fire(); return Reflect.get(error, key); },
        getPrototypeOf() { fire(); return Error.prototype; },
      });
    });
    fire(); await new Promise(() => {});`;
  const { state } = await resultOfChild("./_source_child.ts", ["--allow-all"], { TASK: source });
  assertEquals(state, "crashed");
});

Deno.test("Deno asks the npm registry for what a task's source names, unless it runs with --no-npm", async () => {
  let requests = 0;
  await using registry = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, () => {
    requests++;
    return new Response("{}", { status: 404 });
  });
  const env = {
    TASK: `import "npm:carmine-no-such-package@1"; report("ran");`,
    NPM_CONFIG_REGISTRY: `http://127.0.0.1:${registry.addr.port}/`,
  };
  const flags = ["--allow-all", "--no-config", WORKERS];
  const refused = await resultOfChild("./_source_child.ts", [...flags, "--no-npm"], env);
  assertEquals([refused["state"], refused["reports"], requests], ["failedToLoad", [], 0]);
  const asked = await resultOfChild("./_source_child.ts", flags, env);
  assertEquals([asked["state"], asked["reports"]], ["failedToLoad", []]);
  assert(requests > 0, "Deno has closed this gap: say so in docs/security.md");
});

Deno.test("Deno follows the symbolic links that lie in a task's folder", async () => {
  const result = await resultOfChild("./_symlink_child.ts", ["--allow-all"]);
  assertEquals(result, { state: "returned", reports: ["read"] }, "say so in docs/security.md");
});

Deno.test("Deno writes what a task imports from a server into the host's lock file, unless it runs with --no-lock", async () => {
  const lock = `/tmp/carmine-${crypto.randomUUID()}.json`;
  const flags = ["--allow-all", "--no-config", WORKERS];
  for (const [flag, isLocked] of [[`--lock=${lock}`, true], ["--no-lock", false]] as const) {
    const result = await resultOfChild("./_lock_child.ts", [...flags, flag], { LOCK: lock });
    assertEquals(result, { reports: ["imported"], isLocked }, "say so in docs/security.md");
  }
});
