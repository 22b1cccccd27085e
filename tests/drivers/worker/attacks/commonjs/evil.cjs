globalThis.commonjs = [typeof require, typeof module, typeof process];
module.constructor.registerHooks({ resolve: (url) => ({ url, shortCircuit: true }) });
