/**
 * Contestants that run in threads of their own: each waits for an order to do so many operations,
 * and says when they are done.
 *
 * @module
 */
import type { Handle, Kernel, SpawnOptions, Task } from "@carmine/kernel";
import type { Contestant } from "./_compare.ts";

/** The folder of the threads' modules. */
const FOLDER = new URL("./threads/", import.meta.url);

/** A bare worker; its module calls `serveOrders` of threads/orders.ts. */
export async function workerContestant(
  name: string,
  file: string,
  start: unknown = null,
  transfer: Transferable[] = [],
): Promise<Contestant> {
  const worker = startWorker(file);
  worker.postMessage(start, transfer);
  await next(worker);
  return {
    name,
    async run(operations) {
      worker.postMessage(operations);
      await next(worker);
    },
  };
}

/** A bare worker of the threads' folder. */
export function startWorker(file: string): Worker {
  return new Worker(new URL(file, FOLDER), { type: "module" });
}

function next(worker: Worker): Promise<unknown> {
  return new Promise((resolve, reject) => {
    worker.onmessage = resolve;
    worker.onerror = ({ message }) => reject(new Error(message));
  });
}

/** Starts a task of the threads' folder. */
export function startTask(kernel: Kernel, file: string, options: SpawnOptions): void {
  void kernel.init.spawn(new URL(file, FOLDER), options).wait().then((status) => {
    if (status.state === "crashed") console.error(file, status.error);
  });
}

/** A task in a worker; its module calls `serveOrders` of threads/task_orders.ts. */
export function taskContestant(
  kernel: Kernel,
  name: string,
  file: string,
  args: string[],
  handles: Record<string, Handle>,
): Contestant {
  const { sender, receiver } = kernel.init.createMessageQueue();
  startTask(kernel, file, { args, handles: { ...handles, orders: receiver } });
  return {
    name,
    run: (operations) => sender.call(new Uint8Array(Uint32Array.of(operations).buffer)),
  };
}

/** Two queues, one each way, as the handles that either side needs. */
export function twoQueues(
  { createMessageQueue }: { createMessageQueue: Task["createMessageQueue"] },
): { near: Record<string, Handle>; far: Record<string, Handle> } {
  const there = createMessageQueue();
  const back = createMessageQueue();
  return {
    near: { out: there.sender, in: back.receiver },
    far: { out: back.sender, in: there.receiver },
  };
}
