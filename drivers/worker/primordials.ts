/**
 * The parts of the language and the platform that the lock uses, taken before any task runs.
 *
 * A task shares one realm with the lock and may replace every method of every shared prototype. So
 * the lock never looks a method up on a value once the task is loaded: it calls the references in
 * this module, each captured while nobody but Carmine had run.
 *
 * Always holds: every export is a function that reads nothing which a task can change.
 *
 * @module
 */

/** `uncurryThis(f)(self, ...args)` is `f.call(self, ...args)`, whatever became of `call`. */
export const uncurryThis: <Self, Args extends unknown[], Result>(
  method: (this: Self, ...args: Args) => Result,
) => (self: Self, ...args: Args) => Result = Function.prototype.bind.bind(Function.prototype.call);

/** The getter of an accessor property, as a function of the object. */
export function captureGetter<Self extends object, Key extends keyof Self>(
  prototype: Self,
  key: Key,
): (self: Self) => Self[Key] {
  const getter = Object.getOwnPropertyDescriptor(prototype, key)?.get;
  if (getter === undefined) throw new TypeError(`Cannot capture ${String(key)}: it has no getter`);
  return uncurryThis(getter as (this: Self) => Self[Key]);
}

export const {
  create,
  freeze,
  getOwnPropertyNames,
  preventExtensions,
  setPrototypeOf,
}: ObjectConstructor = Object;

export const {
  apply,
  defineProperty,
  deleteProperty,
  getOwnPropertyDescriptor,
  getPrototypeOf,
  ownKeys,
}: typeof Reflect = Reflect;

export const isArray: (value: unknown) => boolean = Array.isArray;
export const toNumber: (value: unknown) => number = Number;
export const queueTask: (callback: () => void) => void = queueMicrotask;

export const includes: (text: string, part: string) => boolean = uncurryThis(
  String.prototype.includes,
);
export const slice: (text: string, start: number, end?: number) => string = uncurryThis(
  String.prototype.slice,
);
export const startsWith: (text: string, prefix: string) => boolean = uncurryThis(
  String.prototype.startsWith,
);
export const toLowerCase: (text: string) => string = uncurryThis(String.prototype.toLowerCase);
export const indexOf: (text: string, part: string) => number = uncurryThis(
  String.prototype.indexOf,
);
export const lastIndexOf: (text: string, part: string) => number = uncurryThis(
  String.prototype.lastIndexOf,
);
export const endsWith: (text: string, suffix: string) => boolean = uncurryThis(
  String.prototype.endsWith,
);
