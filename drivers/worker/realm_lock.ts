/**
 * Takes the host's authority out of a worker's realm: the globals by an allow-list, the objects
 * behind the removed ones by emptying them, and the ways to make Deno's own code, which runs in
 * the same realm, work for the task.
 *
 * Always holds once `lockRealm` returned: the global object has exactly the properties that the
 * table in `globals.ts` keeps or replaces, plus the lock's `dispatchEvent`; every kept one is a
 * plain property, so that using it loads no more of Deno's code.
 *
 * @module
 */
import { GLOBAL_DECISIONS } from "./globals.ts";
import {
  apply,
  captureGetter,
  defineProperty,
  deleteProperty,
  freeze,
  getOwnPropertyDescriptor,
  ownKeys,
  preventExtensions,
  setPrototypeOf,
  toNumber,
  uncurryThis,
} from "./primordials.ts";

/** What the lock puts in the place of globals. */
export interface RealmServices {
  /** The task's console. */
  readonly console: object;
  /** Told what an uncaught error or an unhandled rejection threw. May not throw. */
  readonly onUncaught: (thrown: unknown) => void;
}

/** Locks the realm. No code of the task has run yet. */
export function lockRealm({ console, onUncaught }: RealmServices): void {
  const emptied = [globalThis.Deno, valueOfGlobal("process")];
  const replacements: Record<string, unknown> = {
    ...timers(),
    console,
    performance: clockOnly(),
    self: globalThis,
    URL: withoutStatics(URL, ["createObjectURL", "revokeObjectURL"]),
    WebAssembly: withoutStatics(WebAssembly, ["compileStreaming", "instantiateStreaming"]),
  };
  replaceGlobals(replacements);
  for (const holder of emptied) empty(holder);
  ownUncaughtErrors(onUncaught);
  hardenPrototypes();
}

function replaceGlobals(replacements: Record<string, unknown>): void {
  for (const key of ownKeys(globalThis)) {
    // A symbol has a description that may repeat; none is kept.
    const decision = typeof key === "string" ? GLOBAL_DECISIONS.get(key) : "remove";
    if (decision !== "keep" && decision !== "replace") {
      if (!deleteProperty(globalThis, key)) {
        throw new TypeError(`Cannot lock the realm: the global ${String(key)} can't be removed`);
      }
      continue;
    }
    const { configurable, enumerable } = getOwnPropertyDescriptor(globalThis, key) ?? {};
    if (configurable !== true) continue; // NaN, Infinity, undefined
    const value = decision === "replace" ? replacements[key as string] : valueOfGlobal(key);
    defineProperty(globalThis, key, {
      value,
      writable: true,
      configurable: true,
      enumerable: enumerable === true,
    });
  }
  // Else the global's prototypes give `addEventListener` for what the parent posts.
  setPrototypeOf(globalThis, Object.prototype);
}

/** The value of a global; makes Deno load what it loads lazily, as long as that is safe. */
function valueOfGlobal(key: PropertyKey): unknown {
  return (globalThis as unknown as Record<PropertyKey, unknown>)[key];
}

/** Takes static methods off a built-in object. */
function withoutStatics<Value extends object>(value: Value, names: readonly string[]): Value {
  for (const name of names) {
    if (!deleteProperty(value, name)) throw new TypeError(`Cannot lock the realm: ${name} stays`);
  }
  return value;
}

/** Removes all that an object has of its own. Whoever gets hold of it later holds a husk. */
function empty(holder: unknown): void {
  if (holder === null || (typeof holder !== "object" && typeof holder !== "function")) return;
  for (const key of ownKeys(holder)) {
    if (!deleteProperty(holder, key)) {
      const descriptor = getOwnPropertyDescriptor(holder, key);
      if (descriptor?.writable === true) defineProperty(holder, key, { value: undefined });
    }
  }
  preventExtensions(holder);
}

/** The time, as `performance` tells it. */
function clockOnly(): object {
  const { performance } = globalThis;
  const now = uncurryThis(performance.now);
  const timeOrigin = performance.timeOrigin;
  return freeze({ now: (): number => now(performance), timeOrigin });
}

/** Timers as the web has them: numbers, not Node's objects, which lead to one another. */
function timers(): Record<string, unknown> {
  const { clearInterval, clearTimeout, setInterval, setTimeout } = globalThis;
  const sample: object = setTimeout(() => {}, 0) as unknown as object;
  clearTimeout(sample as unknown as number);
  const prototype = Object.getPrototypeOf(sample) as Record<symbol, unknown>;
  const idOf = prototype[Symbol.toPrimitive];
  const toId = typeof idOf === "function" ? uncurryThis(idOf as () => unknown) : toNumber;

  const make =
    (set: (callback: () => void, delay: number) => unknown) =>
    (callback: unknown, delay?: unknown, ...args: unknown[]): unknown => {
      if (typeof callback !== "function") {
        throw new TypeError("Cannot set a timer: the callback is not a function");
      }
      // `this` would be Node's timer.
      const call = (): void => void apply(callback, undefined, args);
      return toId(set(call, clampDelay(toNumber(delay))) as object);
    };
  const clear = (clearIt: (id: number) => void) => (id?: unknown): void => {
    if (typeof id === "number") clearIt(id);
  };
  return {
    setTimeout: make(setTimeout),
    setInterval: make(setInterval),
    clearTimeout: clear(clearTimeout),
    clearInterval: clear(clearInterval),
  };
}

const LONGEST_DELAY_MS = 2 ** 31 - 1;

/** Node warns about longer delays, on the process's stderr. */
function clampDelay(delay: number): number {
  if (!(delay >= 1)) return 1; // NaN too
  return delay > LONGEST_DELAY_MS ? LONGEST_DELAY_MS : delay;
}

/**
 * Takes over where Deno reports what nobody caught. Deno's code looks `dispatchEvent` up on the
 * global object for this; a task that could define its own would make Deno print the error, in
 * the task's words, on the host's stderr.
 */
function ownUncaughtErrors(onUncaught: (thrown: unknown) => void): void {
  const getError = captureGetter(ErrorEvent.prototype, "error");
  const getReason = captureGetter(capturedRejectionEvent.prototype, "reason");
  const preventDefault = uncurryThis(Event.prototype.preventDefault);
  const typeOf = captureGetter(Event.prototype, "type");

  const dispatchEvent = (event: Event): boolean => {
    const type = typeOf(event);
    if (type === "error") onUncaught(getError(event as ErrorEvent));
    else if (type === "unhandledrejection") onUncaught(getReason(event as PromiseRejectionEvent));
    preventDefault(event);
    return false;
  };
  defineProperty(globalThis, "dispatchEvent", { value: freeze(dispatchEvent) });
}

/** The class is no global of a task's, but Deno's rejections are instances of it. */
const capturedRejectionEvent: typeof PromiseRejectionEvent = PromiseRejectionEvent;

function hardenPrototypes(): void {
  // Deno asks the event whether its default was prevented, by a getter of the prototype.
  for (const { prototype } of [Event, ErrorEvent, capturedRejectionEvent]) freeze(prototype);
  // Deno's code, the module hooks among it, keeps lists in plain arrays. An accessor at an index
  // of a prototype would see and replace what it stores in them, the lock's hook first of all.
  // (Existing methods may still be changed: there Deno uses references of its own.)
  preventExtensions(Array.prototype);
  preventExtensions(Object.prototype);
}
