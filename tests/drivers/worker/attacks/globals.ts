/** Authority by name, and by whatever leads to a global object. */
import { attempt } from "./_attempt.ts";

const realm = globalThis as unknown as Record<string, unknown>;
const AsyncFunction = (async () => {}).constructor as FunctionConstructor;

const NAMES = [
  "Deno",
  "process",
  "global",
  "Buffer",
  "require",
  "module",
  "nodeBootstrap",
  "__bootstrap",
  "bootstrap",
  "Worker",
  "BroadcastChannel",
  "MessageChannel",
  "MessagePort",
  "postMessage",
  "onmessage",
  "onerror",
  "close",
  "importScripts",
  "fetch",
  "WebSocket",
  "EventSource",
  "WebTransport",
  "caches",
  "localStorage",
  "navigator",
  "location",
  "name",
  "prompt",
  "alert",
  "reportError",
  "setImmediate",
  "Blob",
  "File",
  "Response",
  "GPU",
  "createImageBitmap",
  "ShadowRealm",
  "addEventListener",
  "gc",
];

for (const name of NAMES) {
  await attempt(name, () => realm[name]);
  await attempt(`typeof ${name}`, () => {
    const type = (0, eval)(`typeof ${name}`);
    return type === "undefined" ? undefined : type;
  });
  await attempt(`Function ${name}`, () => new Function(`return ${name}`)());
  await attempt(`AsyncFunction ${name}`, () => AsyncFunction(`return ${name}`)());
  await attempt(`this.${name} of a sloppy function`, () => new Function(`return this.${name}`)());
}
await attempt("the global's prototypes", () => {
  const found: unknown[] = [];
  for (let at = Reflect.getPrototypeOf(globalThis); at; at = Reflect.getPrototypeOf(at)) {
    if (at !== Object.prototype) found.push(at);
  }
  return found.length > 0 ? found : undefined;
});
await attempt("symbols of the global", () => Object.getOwnPropertySymbols(globalThis)[0]);
await attempt("URL.createObjectURL", () => realm["URL"] && Reflect.get(URL, "createObjectURL"));
await attempt("WebAssembly.compileStreaming", () => Reflect.get(WebAssembly, "compileStreaming"));
await attempt("a frame's caller", () => {
  function sloppy(): unknown {
    return Reflect.get(sloppy, "caller");
  }
  return sloppy() ?? undefined;
});
await attempt("listening where the parent posts", () => {
  EventTarget.prototype.addEventListener.call(globalThis, "message", () => {});
  return true;
});
await attempt("listening with no target", () => {
  const { addEventListener } = EventTarget.prototype;
  (0, addEventListener)("message", () => {});
  return true;
});
await attempt(
  "another dispatchEvent",
  () =>
    Reflect.defineProperty(globalThis, "dispatchEvent", { value: () => true }) &&
    Reflect.get(globalThis, "dispatchEvent")(new ErrorEvent("x")) === true,
);
await attempt("the timer behind a timeout", () => {
  const timer: unknown = setTimeout(() => {}, 0);
  return typeof timer === "object" ? timer : undefined;
});
await attempt("the timer as this", () =>
  new Promise((resolve) => {
    setTimeout(function (this: unknown) {
      resolve(this === globalThis ? undefined : this);
    }, 0);
  }));
