import { assertEquals } from "@std/assert";
import { GLOBAL_DECISIONS, GLOBAL_RULES } from "../../../drivers/worker/globals.ts";
import { runSource } from "./_harness.ts";

/** Lists what a worker's global object has and inherits, before anything is locked. */
const LIST_GLOBALS = `
  const names = [];
  for (let at = globalThis; at && at !== Object.prototype; at = Object.getPrototypeOf(at)) {
    const isOwn = at === globalThis;
    for (const key of Reflect.ownKeys(at)) names.push([isOwn, String(key)]);
  }
  postMessage(names);
`;

/** What every worker's global inherits from its prototypes; they are cut off as a whole. */
const INHERITED = [
  "Symbol(Deno.privateCustomInspect)",
  "Symbol(Symbol.toStringTag)",
  "addEventListener",
  "constructor",
  "dispatchEvent",
  "getParent",
  "removeEventListener",
];

async function globalsOfAWorker(): Promise<[isOwn: boolean, name: string][]> {
  const worker = new Worker(`data:text/javascript,${encodeURIComponent(LIST_GLOBALS)}`, {
    type: "module",
    deno: { permissions: "none" },
  });
  const { data } = await new Promise<MessageEvent>((resolve) => {
    worker.onmessage = resolve;
  });
  worker.terminate();
  return data;
}

Deno.test("GLOBAL_RULES decide about every global of this Deno", async () => {
  const globals = await globalsOfAWorker();
  const own = globals.filter(([isOwn]) => isOwn).map(([, name]) => name);
  assertEquals(own.filter((name) => !GLOBAL_DECISIONS.has(name)), []);
});

Deno.test("GLOBAL_RULES know what a worker's global inherits", async () => {
  const globals = await globalsOfAWorker();
  const inherited = globals.filter(([isOwn]) => !isOwn).map(([, name]) => name);
  assertEquals([...new Set(inherited)].sort(), INHERITED);
});

Deno.test("GLOBAL_RULES name no global twice", () => {
  const names = GLOBAL_RULES.flatMap(({ names }) => names.split(/\s+/));
  assertEquals(names.filter((name, index) => names.indexOf(name) !== index), []);
});

Deno.test("A locked realm has the globals that the rules keep or replace, and no other", async () => {
  const { reports } = await runSource(`
    report(JSON.stringify(Reflect.ownKeys(globalThis).map(String)));
    report(Object.getPrototypeOf(globalThis) === Object.prototype);
  `);
  const names: string[] = JSON.parse(reports[0] ?? "");
  const allowed = (name: string): boolean =>
    ["keep", "replace"].includes(GLOBAL_DECISIONS.get(name) ?? "");
  assertEquals(names.filter((name) => !allowed(name)).sort(), ["dispatchEvent", "report"]);
  assertEquals(reports[1], "true");
});

Deno.test("A locked realm keeps no accessor that loads more of Deno", async () => {
  const { reports } = await runSource(`
    const globals = Object.entries(Object.getOwnPropertyDescriptors(globalThis));
    report(JSON.stringify(globals.filter(([, { get }]) => get).map(([name]) => name)));
  `);
  assertEquals(reports, ["[]"]);
});

Deno.test("What a locked realm keeps works", async () => {
  const { end, reports } = await runSource(`
    const text = "hello ".repeat(50);
    const bytes = (stream) => Array.fromAsync(stream).then((parts) => parts.flatMap((p) => [...p]));
    const packed = await bytes(
      ReadableStream.from([text]).pipeThrough(new TextEncoderStream())
        .pipeThrough(new CompressionStream("gzip")),
    );
    const unpacked = ReadableStream.from([new Uint8Array(packed)])
      .pipeThrough(new DecompressionStream("gzip")).pipeThrough(new TextDecoderStream());
    report((await Array.fromAsync(unpacked)).join("") === text, packed.length < text.length);

    const id = await new Promise((resolve) => {
      let calls = 0;
      const id = setInterval((word) => {
        if (++calls === 2) resolve([id, word]);
      }, 0, "interval");
    });
    clearInterval(id[0]);
    const cancelled = setTimeout(() => report("a cancelled timeout"), 0);
    clearTimeout(cancelled);
    report(typeof id[0], id[1], await new Promise((resolve) => setTimeout(resolve, 0, "timeout")));

    const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode("abc"));
    report(new Uint8Array(digest).toHex().slice(0, 8));
    const controller = new AbortController();
    const aborted = new Promise((resolve) => controller.signal.addEventListener("abort", resolve));
    controller.abort();
    report((await aborted).type, performance.now() > 0, performance.timeOrigin > 0);
    report(new URL("./b?c=1", "http://a/").searchParams.get("c"), self === globalThis);
    report(structuredClone({ n: 1n }).n, atob(btoa("x")), new URLPattern("http://a/:b").test("http://a/x"));
    const wasm = await WebAssembly.instantiate(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]));
    report(wasm.instance instanceof WebAssembly.Instance);
  `);
  assertEquals(end, { state: "returned" });
  assertEquals(reports, [
    "true true",
    "number interval timeout",
    "ba7816bf",
    "abort true true",
    "1 true",
    "1 x true",
    "true",
  ]);
});
