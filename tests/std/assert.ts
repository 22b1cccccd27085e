/**
 * `@std/assert` as far as the tests use it, taken from npm. The types are beside it, because the
 * npm package has none. `deno.jsr.json` maps the same name to the real package.
 *
 * @module
 */

// @ts-types="./assert.d.ts"
export * from "deno-std/assert/mod.js";
