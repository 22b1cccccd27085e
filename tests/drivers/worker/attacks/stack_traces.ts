/** Call sites of the lock's and Deno's own frames, which could lead to functions and receivers. */
import { attempt } from "./_attempt.ts";

interface CallSite {
  getThis(): unknown;
  getFunction(): unknown;
  getFunctionName(): string | null;
}

const errors = Error as unknown as {
  prepareStackTrace?: (error: unknown, sites: CallSite[]) => unknown;
  stackTraceLimit: number;
  captureStackTrace(holder: object): void;
};
const computed = (text: string): string => [...text].reverse().reverse().join("");

const frames: string[] = [];
const caught: unknown[] = [];
errors.stackTraceLimit = Infinity;
errors.prepareStackTrace = (_error, sites): string => {
  for (const site of sites) {
    frames.push(String(site.getFunctionName()));
    // A function of strict code, as all of Deno's and Carmine's is, gives undefined for both.
    for (const value of [site.getThis(), site.getFunction()]) {
      if (value !== undefined && value !== globalThis) caught.push(value);
    }
  }
  return "";
};

class Spy {
  get [Symbol.toStringTag](): string {
    return errors.captureStackTrace(this) ?? "";
  }
}

const provoke: Record<string, () => unknown> = {
  "an error": () => new Error("x").stack,
  "captureStackTrace": () => errors.captureStackTrace({}),
  "an import": () => import(computed("node:process")),
  "a specifier": () => import({ toString: () => new Error("x").stack } as unknown as string),
  "a stream": () => new ReadableStream({ start: () => void new Error("x").stack }).locked,
  "a listener": () => {
    const target = new EventTarget();
    target.addEventListener("x", () => void new Error("x").stack);
    return target.dispatchEvent(new Event("x"));
  },
  "a timer": () => new Promise((resolve) => setTimeout(() => resolve(new Error("x").stack), 0)),
  "a microtask": () =>
    new Promise((resolve) => queueMicrotask(() => resolve(new Error("x").stack))),
  "the console": () =>
    console.log({
      get value(): unknown {
        return new Error("x").stack;
      },
    }),
  "a clone": () =>
    structuredClone({
      get value(): unknown {
        return new Error("x").stack;
      },
    }),
  "a brand check": () => URL.prototype.toString.call(new Spy() as unknown as URL),
  "an abort": () => AbortSignal.abort().throwIfAborted(),
  "an algorithm": () =>
    crypto.subtle.digest({
      get name(): string {
        return new Error("x").stack ?? "";
      },
    }, new Uint8Array(1)),
};
for (const [name, provoked] of Object.entries(provoke)) {
  frames.length = 0;
  caught.length = 0;
  try {
    await provoked();
  } catch {
    // What counts is what the call sites gave.
  }
  const strangers = caught.filter((value) =>
    typeof value !== "function" || !/\bprovoke|sites|new Error\(/.test(String(value))
  );
  await attempt(`call sites of ${name}`, () => strangers[0]);
}
