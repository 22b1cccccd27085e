import { assertEquals } from "@std/assert";

function nextMessage(worker: Worker): Promise<unknown> {
  return new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = ({ message }) => reject(new Error(message));
  });
}

Deno.test("a kernel in a worker of its own serves its tasks while the main isolate is blocked", async () => {
  const host = new Worker(new URL("./_kernel_in_worker.ts", import.meta.url), { type: "module" });
  assertEquals(await nextMessage(host), "ready");
  const words = new Int32Array(new SharedArrayBuffer(4));
  host.postMessage(words);
  Atomics.wait(words, 0, 0); // until all is over
  assertEquals(await nextMessage(host), { bytes: 800, state: "exited", lingering: [] });
  host.terminate();
});
