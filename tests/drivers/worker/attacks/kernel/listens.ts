/**
 * Replaces every method and getter of every shared prototype before it calls the kernel, and
 * searches what Carmine's own code passes through them: for the page's memory, the name of the life
 * lock, and whatever gives authority.
 */
import { type KernelError, PipeReader, PipeWriter } from "@carmine/kernel";
import { task } from "@carmine/kernel/task";
import { reachable } from "../_reachable.ts";

const { apply, construct, defineProperty, getOwnPropertyDescriptor, ownKeys } = Reflect;
const { test } = RegExp.prototype;
const Shared = SharedArrayBuffer;
const reader = task.handle("reader", PipeReader);
const writer = task.handle("writer", PipeWriter);
const heard = new Set<object>();
const addTo = Set.prototype.add.bind(heard);
const bufferOf = getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), "buffer")
  ?.get as () => unknown;
const found: string[] = [];
let isListening = false;

function hear(value: unknown, where: string): void {
  if (typeof value === "string" && apply(test, /carmine\/[0-9a-f]{8}-/, [value])) {
    found[found.length] = `the life lock's name in ${where}`;
  }
  if ((typeof value !== "object" || value === null) && typeof value !== "function") return;
  addTo(value);
  let memory: unknown = value;
  try {
    memory = apply(bufferOf, value, []);
  } catch {
    // No view.
  }
  if (memory instanceof Shared) found[found.length] = `shared memory in ${where}`;
}

function listen(holder: object, name: string): void {
  for (const key of ownKeys(holder)) {
    const descriptor = getOwnPropertyDescriptor(holder, key);
    if (descriptor?.configurable !== true || key === "constructor") continue;
    const original: unknown = descriptor.value ?? descriptor.get;
    if (typeof original !== "function") continue;
    const where = `${name}.${String(key)}`;
    const spy = function (this: unknown, ...args: unknown[]): unknown {
      if (isListening) {
        isListening = false;
        hear(this, where);
        for (let i = 0; i < args.length; i++) hear(args[i], where);
        isListening = true;
      }
      return new.target ? construct(original, args) : apply(original, this, args);
    };
    defineProperty(holder, key, { ...descriptor, [descriptor.get ? "get" : "value"]: spy });
  }
}

const calls: Record<string, () => unknown> = {
  "a blocking read": () => reader.readSync(new Uint8Array(4)),
  "a read": () => reader.read(new Uint8Array(4)),
  "a read that tries": () => reader.tryRead(new Uint8Array(4)),
  "a blocking write": () => writer.writeSync(Uint8Array.of(1, 2, 3)),
  "a write": () => writer.write(Uint8Array.of(1, 2, 3)),
  "a long write": () => writer.write(new Uint8Array(200_000)),
  "many at once": () => Promise.all([writer.write(Uint8Array.of(1)), reader.read(new Uint8Array(9))]),
  "a canceled read": () => {
    const abort = new AbortController();
    const reading = task.createPipe().reader.read(new Uint8Array(1), { signal: abort.signal });
    abort.abort();
    return reading;
  },
  "a refused call": () => task.syscall(201, -7, new Uint8Array(1)),
  "an unknown call": () => task.syscall(99_999),
  "a spawn": () => task.spawn("file:///elsewhere.ts", { args: ["x"] }),
  "counters": () => task.createCounter({ initial: 3 }).take(),
  "events": () => task.events.receive({ timeoutMs: 1 }),
  "the console": () => console.log("%o", { text: "printed" }),
  "text": () => writer.write(new TextEncoder().encode("text")),
};

const realm = globalThis as unknown as Record<string, unknown>;
for (const name of Object.getOwnPropertyNames(globalThis)) {
  const value = realm[name];
  if (["globalThis", "self", "Reflect"].includes(name)) continue;
  const prototype = typeof value === "function" ? value.prototype : undefined;
  for (const [holder, where] of [[value, name], [prototype, `${name}.prototype`]] as const) {
    if ((typeof holder === "object" && holder !== null) || typeof holder === "function") {
      listen(holder, where);
    }
  }
}
listen(Object.getPrototypeOf(Uint8Array.prototype), "TypedArray.prototype");
listen(Object.getPrototypeOf([][Symbol.iterator]()), "ArrayIterator.prototype");

const ends: string[] = [];
for (const name of Object.keys(calls)) {
  let outcome = "done";
  isListening = true;
  try {
    hear(await calls[name]?.(), name);
  } catch (error) {
    isListening = false;
    hear(error, name);
    outcome = (error as KernelError).code ?? String(error);
  }
  isListening = false;
  ends.push(`${name}: ${outcome}`);
}
for (const path of reachable([...heard])) found.push(path);
task.exit(0, { found: [...new Set(found)], heard: heard.size, ends });
