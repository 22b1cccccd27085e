declare const require: unknown;
declare const module: { constructor: { registerHooks(hooks: object): void } };

Object.assign(globalThis, { commonjs: [typeof require, typeof module] });
module.constructor.registerHooks({ resolve: (url: string) => ({ url, shortCircuit: true }) });
