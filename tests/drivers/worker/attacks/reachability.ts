/** Searches all that can be reached from the globals, and from what their functions make. */
import { attempt } from "./_attempt.ts";
import { reachable } from "./_reachable.ts";

const computed = (text: string): string => [...text].reverse().reverse().join("");
const errorOf = (call: () => unknown): Promise<unknown> =>
  new Promise((resolve) => resolve(call())).then((value) => value, (error) => error);

await attempt("anything from the globals", () => reachable([globalThis])[0]);
await attempt("anything from import.meta", () => reachable([import.meta])[0]);

const makers: Record<string, () => unknown> = {
  "a denied import": () => errorOf(() => import(computed("node:process"))),
  "a missing module": () => errorOf(() => import(computed("./nowhere.ts"))),
  "a namespace": () => import("./_attempt.ts"),
  "async functions": () => [async () => {}, function* () {}, async function* () {}],
  "iterators": () => [[].values(), new Map().keys(), "".matchAll(/x/g), Iterator.from([])],
  "byte streams": () => new ReadableStream({ type: "bytes" }),
  "readers and writers": () => [
    new ReadableStream().getReader(),
    new ReadableStream({ type: "bytes" }).getReader({ mode: "byob" }),
    new WritableStream().getWriter(),
  ],
  "transforms":
    () => [new TransformStream(), new CompressionStream("gzip"), new TextDecoderStream()],
  "signals": () => [AbortSignal.timeout(1e6), AbortSignal.any([AbortSignal.abort()])],
  "events": () => [new ErrorEvent("error"), new CustomEvent("x"), new EventTarget()],
  "a clone's error": () => errorOf(() => structuredClone(() => {})),
  "a transferred stream": () =>
    errorOf(() => {
      const stream = new ReadableStream();
      return structuredClone(stream, { transfer: [stream as unknown as Transferable] });
    }),
  "hidden methods of streams": () => {
    const stream = new ReadableStream();
    return Object.getOwnPropertySymbols(ReadableStream.prototype).map((key) =>
      errorOf(() => Reflect.get(stream, key).call(stream))
    );
  },
  "keys": () => crypto.subtle.generateKey({ name: "AES-GCM", length: 128 }, true, ["encrypt"]),
  "a wrong algorithm": () => errorOf(() => crypto.subtle.digest("x", new Uint8Array(1))),
  "wasm": () =>
    new WebAssembly.Instance(
      new WebAssembly.Module(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0])),
    ),
  "a RangeError of the engine": () => errorOf(() => new Array(-1)),
  "a timer's receiver": () =>
    new Promise((resolve) => {
      setTimeout(
        function (this: unknown, ...args: unknown[]) {
          resolve([this, args]);
        },
        0,
        {},
      );
    }),
};
for (const [name, make] of Object.entries(makers)) {
  await attempt(`anything from ${name}`, async () => {
    const made = await make();
    return reachable([made, ...(Array.isArray(made) ? await Promise.all(made) : [])])[0];
  });
}
