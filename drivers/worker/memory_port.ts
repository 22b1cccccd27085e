/**
 * How shared memory reaches a task's thread.
 *
 * No ring carries a `SharedArrayBuffer`; a message port does. But a thread that only makes
 * synchronous calls never gets to its event loop, so what is posted is taken by a call that doesn't
 * need one. Node has that call, and it is captured before the realm is locked.
 *
 * @module
 */

interface WorkerThreads {
  receiveMessageOnPort(port: MessagePort): { readonly message: unknown } | undefined;
}

/** Takes what was posted to the port, one thing a call; undefined when nothing is there. */
export function memoryReceiver(port: MessagePort): () => unknown {
  const { process } = globalThis as unknown as {
    process: { getBuiltinModule(name: string): WorkerThreads };
  };
  const { receiveMessageOnPort } = process.getBuiltinModule("node:worker_threads");
  return () => receiveMessageOnPort(port)?.message;
}
