/**
 * CommonJS, in every way to be it: `require` and `module` come with it, and `module.constructor`
 * has `registerHooks`. The folder beside this file has a package.json that says "commonjs".
 */
import { attempt } from "./_attempt.ts";

const computed = (text: string): string => [...text].reverse().reverse().join("");
const got = (): unknown => Reflect.get(globalThis, "commonjs");

await attempt("evil.cjs", async () => {
  // @ts-ignore: it has no types, and is not to load
  await import("./commonjs/evil.cjs");
  return got();
});
await attempt("evil.cts", async () => {
  await import("./commonjs/evil.cts");
  return got();
});
await attempt("evil.cjs?x#y", async () => {
  await import(computed("./commonjs/evil.cjs?x#y"));
  return got();
});
await attempt("script.js", async () => {
  // @ts-ignore: it has no types, and is not to load
  await import("./commonjs/script.js");
  return got();
});
await attempt("a declaration", async () => {
  // @ts-ignore: it is not to load
  await import("./commonjs/declared.d.cts");
  return got();
});
await attempt("node:module from a folder of CommonJS", async () => {
  // @ts-ignore: it has no types, and is not to load
  await import("./commonjs/module.js");
  return got();
});
for (const type of ["javascript", "commonjs", "module", "wasm"]) {
  await attempt(`evil.cjs as ${type}`, async () => {
    await import(computed("./commonjs/evil.cjs"), { with: { type } });
    return got();
  });
}
await attempt("hooks that CommonJS left behind", () => import(computed("node:process")));
