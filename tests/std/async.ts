/**
 * `@std/async` as far as the tests use it, taken from npm. The names come from single files, because
 * the npm package's own `mod.js` imports a file that is not there.
 *
 * @module
 */

export type { DeadlineOptions, DelayOptions, RetryOptions } from "./async.d.ts";

// @ts-types="./async.d.ts"
export { abortable } from "deno-std/async/abortable.js";
// @ts-types="./async.d.ts"
export { deadline } from "deno-std/async/deadline.js";
// @ts-types="./async.d.ts"
export { delay } from "deno-std/async/delay.js";
// @ts-types="./async.d.ts"
export { pooledMap } from "deno-std/async/pool.js";
// @ts-types="./async.d.ts"
export { retry, RetryError } from "deno-std/async/retry.js";
