/** Every form of dynamic import, of everything that a task may not load. */
import { attempt } from "./_attempt.ts";

/** Hidden from Deno's analysis, which follows literals and simple concatenations. */
const computed = (text: string): string => [...text].reverse().reverse().join("");

await attempt("literal node:process", () => import("node:process"));
await attempt("literal node:worker_threads", () => import("node:worker_threads"));
await attempt(
  "literal with an attribute",
  () => import("../_secret.json", { with: { type: "json" } }),
);

const SPECIFIERS = [
  "node:process",
  "node:module",
  "node:inspector",
  "node:worker_threads",
  "node:vm",
  "NODE:process",
  " node:process",
  "node:process?x",
  "node:process#x",
  "process",
  "fs",
  "ext:core/mod.js",
  "ext:core/ops",
  "ext:runtime/98_global_scope_shared.js",
  "http://127.0.0.1:1/module.js",
  "https://127.0.0.1:1/module.js",
  "jsr:@std/assert",
  "blob:null/4f7b3d0e-0000-4000-8000-000000000000",
  "data:text/javascript,export default 1",
  "data:application/json,1",
  "file:///etc/passwd",
  "file:///proc/self/environ",
  "../_secret.json",
  "../_harness.ts",
  "./..%2f_secret.json",
  "./..%2F_secret.json",
  "./..%5c_secret.json",
  "./%2e%2e/_secret.json",
  "./%2e%2e%2f_secret.json",
  "./x/../../_secret.json",
  "//../_secret.json",
  "../../../../drivers/worker/inside.ts",
  "../../../../drivers/worker/module_lock.ts",
  "../../../../kernel/kernel.ts",
  "../../../../boot.ts",
  "carmine-denied:import-of/node:process",
  "chrome:x",
  "wasm:x",
];

for (const specifier of SPECIFIERS) {
  for (const type of [undefined, "json", "text", "bytes", "css", "javascript", "node"]) {
    const options = type === undefined ? undefined : { with: { type } };
    await attempt(`${specifier} as ${type}`, () => import(computed(specifier), options));
  }
  const code = `import(${JSON.stringify(specifier)})`;
  await attempt(`eval ${code}`, () => (0, eval)(code));
  await attempt(`Function ${code}`, () => new Function(`return ${code}`)());
  const named = `${code}\n//# sourceURL=file:///x/y.cjs`;
  await attempt(`eval as CommonJS ${code}`, () => (0, eval)(named));
  const internal = `return ${code}\n//# sourceURL=node:module`;
  await attempt(`Function as node:module ${code}`, () => new Function(internal)());
  // Phases, where the engine knows their syntax.
  for (const phase of ["source", "defer"]) {
    const phased = `import.${phase}(${JSON.stringify(specifier)})`;
    await attempt(`eval ${phased}`, () => (0, eval)(phased));
  }
}

const AsyncFunction = (async () => {}).constructor as FunctionConstructor;
await attempt("AsyncFunction", () => AsyncFunction("return import('node:process')")());
const Generator = (async function* () {}).constructor as FunctionConstructor;
await attempt(
  "AsyncGenerator",
  () => (Generator("yield await import('node:process')")() as unknown as AsyncGenerator).next(),
);
await attempt(
  "timer",
  () =>
    new Promise((resolve, reject) =>
      setTimeout(() => import(computed("node:process")).then(resolve, reject))
    ),
);
await attempt(
  "a specifier with toString",
  () => import({ toString: () => computed("node:process") } as unknown as string),
);
let calls = 0;
await attempt(
  "a specifier that changes",
  () =>
    import(
      { toString: () => calls++ === 0 ? "./_attempt.ts" : "node:process" } as unknown as string
    )
      .then((module) => "attempt" in module ? undefined : module),
);
await attempt("import.meta", () => {
  const meta: Record<string, unknown> = { ...import.meta };
  const known = ["url", "main", "resolve", "filename", "dirname", "log"];
  return Object.keys(meta).filter((key) => !known.includes(key)).join() || undefined;
});
