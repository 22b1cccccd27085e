/** A WebAssembly module that imports `kill` of `node:process`, and exports it. */
import { attempt } from "./_attempt.ts";

const computed = (text: string): string => [...text].reverse().reverse().join("");

await attempt("literal", async () => {
  // @ts-ignore: its types don't matter, it is not to load
  const module = await import("./process.wasm");
  return module.kill;
});
await attempt("computed", () => import(computed("./process.wasm")));
