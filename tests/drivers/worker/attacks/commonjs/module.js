import { createRequire, registerHooks } from "node:module";

registerHooks({ resolve: (url) => ({ url, shortCircuit: true }) });
globalThis.commonjs = createRequire(import.meta.url)("node:process");
