/**
 * Replaces the methods of every shared prototype before it does anything, listens to what Deno's
 * and the lock's code passes through them, and searches all of that for authority.
 */
import { attempt } from "./_attempt.ts";
import { reachable } from "./_reachable.ts";

const { apply, construct, defineProperty, getOwnPropertyDescriptor, ownKeys } = Reflect;
const computed = (text: string): string => [...text].reverse().reverse().join("");
const heard = new Set<object>();
const addTo = Set.prototype.add.bind(heard);
let isListening = false;

function hear(value: unknown): void {
  if ((typeof value === "object" && value !== null) || typeof value === "function") addTo(value);
}

function listen(holder: object): void {
  for (const key of ownKeys(holder)) {
    const descriptor = getOwnPropertyDescriptor(holder, key);
    if (descriptor?.configurable !== true || key === "constructor") continue;
    const original: unknown = descriptor.value ?? descriptor.get;
    if (typeof original !== "function") continue;
    const spy = function (this: unknown, ...args: unknown[]): unknown {
      if (isListening) {
        isListening = false;
        hear(this);
        for (let i = 0; i < args.length; i++) hear(args[i]);
        isListening = true;
      }
      return new.target ? construct(original, args) : apply(original, this, args);
    };
    const key2 = descriptor.get ? "get" : "value";
    defineProperty(holder, key, { ...descriptor, [key2]: spy });
  }
}

const calls: Record<string, () => unknown> = {
  "a denied import": () => import(computed("node:process")),
  "an import": () => import("./_attempt.ts"),
  "an import by eval": () => (0, eval)("import('node:fs')"),
  "timers": () => new Promise((resolve) => setTimeout(resolve, 0)),
  "a stream": () => new ReadableStream({ pull: (c) => c.close() }).pipeTo(new WritableStream()),
  "a byte stream": () =>
    new ReadableStream({ type: "bytes", pull: (c) => c.enqueue(new Uint8Array(2)) })
      .getReader({ mode: "byob" }).read(new Uint8Array(2)),
  "compression": () => new CompressionStream("gzip").writable.close(),
  "a clone": () => structuredClone(new Map([[1, new Error("x")]])),
  "a URL": () => new URL("http://a/?b=c").searchParams.get("b"),
  "a pattern": () => new URLPattern({ pathname: "/:a" }).exec("http://a/b"),
  "an event": () => new EventTarget().dispatchEvent(new CustomEvent("x")),
  "an abort": () => AbortSignal.any([AbortSignal.timeout(0)]).aborted,
  "a digest": () => crypto.subtle.digest("SHA-256", new Uint8Array(1)),
  "a key": () => crypto.subtle.generateKey({ name: "HMAC", hash: "SHA-1" }, true, ["sign"]),
  "the console": () => console.log("%o", { a: 1 }),
  "text": () => new TextDecoder("shift_jis").decode(new TextEncoder().encode(atob(btoa("x")))),
  "a stack": () => new Error("x").stack,
  "wasm": () => WebAssembly.compile(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0])),
};

const realm = globalThis as unknown as Record<string, unknown>;
const holders = Object.getOwnPropertyNames(globalThis)
  .filter((name) => !["globalThis", "self", "report", "Reflect"].includes(name))
  .flatMap((name) => {
    const value = realm[name];
    if (typeof value === "function") return [value, Reflect.get(value, "prototype")];
    return [value];
  })
  .concat([
    Object.getPrototypeOf([][Symbol.iterator]()),
    Object.getPrototypeOf(new Map().entries()),
    Object.getPrototypeOf(""[Symbol.iterator]()),
    Object.getPrototypeOf(Uint8Array.prototype),
    Object.getPrototypeOf(async () => {}),
  ]);
for (const holder of holders) {
  if ((typeof holder === "object" && holder !== null) || typeof holder === "function") {
    listen(holder);
  }
}
for (const [name, call] of Object.entries(calls)) {
  isListening = true;
  try {
    hear(await call());
  } catch (error) {
    hear(error);
  }
  isListening = false;
  await attempt(`what ${name} lets one hear`, () => reachable([...heard])[0]);
}
