/** Carmine's own modules, which hold what the lock has captured, by every spelling of their URLs. */
import { attempt } from "./_attempt.ts";

const ROOT = "../../../../";
const PRIVATE = [
  "drivers/worker/inside.ts",
  "drivers/worker/module_lock.ts",
  "drivers/worker/primordials.ts",
  "drivers/worker/realm_lock.ts",
  "drivers/worker/bootstrap.ts",
  "kernel/kernel.ts",
  "syscalls/dispatcher.ts",
];
const SPELLINGS: ((path: string) => string)[] = [
  (path) => path,
  (path) => `${path}?again`,
  (path) => `${path}#again`,
  (path) => path.replace("/", "//"),
  (path) => path.replace("/", "/./"),
  (path) => path.replace(/^./, (first) => `%${first.charCodeAt(0).toString(16)}`),
  (path) => path.toUpperCase(),
];

for (const path of PRIVATE) {
  for (const spell of SPELLINGS) {
    const specifier = ROOT + spell(path);
    await attempt(specifier, () => import(specifier));
  }
}
await attempt(
  "the starter's global",
  () => Object.getOwnPropertyNames(globalThis).find((name) => name.startsWith("carmine")),
);
