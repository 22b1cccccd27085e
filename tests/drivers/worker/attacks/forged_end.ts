/** Makes the thread's messages, its end, and the promises they hang on, do the task's bidding. */
import { attempt, tried } from "./_attempt.ts";

/** Would end the task at once, if anybody took it for a result. */
export function then(resolve: (value: unknown) => void): void {
  resolve("forged");
}

await attempt("the parent's port", () => Reflect.get(globalThis, "postMessage"));
await attempt("closing the thread", () => Reflect.get(globalThis, "close"));
await attempt("an inherited message listener", () => {
  const target = Object.setPrototypeOf(globalThis, EventTarget.prototype);
  target.addEventListener("message", () => {});
  return true;
});
await attempt("dispatching a message to the lock", () => {
  const dispatch = Reflect.get(globalThis, "dispatchEvent");
  return dispatch(new CustomEvent("message", { detail: { payload: 1 } })) === "taken" || undefined;
});
await attempt("promises that go elsewhere", () => {
  const stolen: unknown[] = [];
  const { then } = Promise.prototype;
  Promise.prototype.then = function (this: Promise<unknown>, ...args: unknown[]) {
    stolen.push(this, ...args);
    return Reflect.apply(then, this, args);
  } as typeof then;
  return Promise.resolve().finally(() => {
    Promise.prototype.then = then;
  }) && undefined;
});
for (const key of ["toJSON", "0", "length", "payload", "name", "message", "stack"]) {
  await attempt(
    `inherited ${key} of what is posted`,
    () =>
      Reflect.defineProperty(Object.prototype, key, { value: "forged", configurable: true }) ||
      Reflect.defineProperty(Array.prototype, key === "length" ? "x" : key, { value: "forged" }),
  );
}

Array.prototype[Symbol.iterator] = () => {
  throw new Error("no iteration");
};
Function.prototype.call = Function.prototype.apply = Function.prototype.bind = () => {
  throw new Error("no calls");
};
tried("ending with broken builtins");
