/** A host that boots its kernel in a worker: it runs a task there, and says how that ended. */
import { Kernel } from "@carmine/kernel";

declare const self: {
  onmessage: (event: MessageEvent<Int32Array>) => void;
  postMessage(message: unknown): void;
};

const PROGRAM = new URL("../worker_programs/mapped.ts", import.meta.url);

self.onmessage = async ({ data: words }) => {
  const kernel = new Kernel();
  const { reader, writer } = kernel.init.createPipe();
  const task = kernel.init.spawn(PROGRAM, { args: ["write", "100"], handles: { out: writer } });
  let bytes = 0;
  for await (const chunk of reader) bytes += chunk.length;
  const { state } = await task.wait();
  const { lingering } = await kernel.shutdown();
  self.postMessage({ bytes, state, lingering });
  Atomics.store(words, 0, 1);
  Atomics.notify(words, 0);
};
self.postMessage("ready");
