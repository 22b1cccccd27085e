/**
 * A bare worker's side of `workerContestant`.
 *
 * @module
 */

const scope = globalThis as unknown as {
  postMessage(message: unknown): void;
  onmessage: ((event: MessageEvent) => unknown) | null;
};

/** What the first message said. */
export function started<T>(): Promise<T> {
  return new Promise((resolve) => scope.onmessage = ({ data }) => resolve(data));
}

/** Says that the worker is ready, and does what it is told from then on. */
export function serveOrders(run: (operations: number) => unknown): void {
  scope.onmessage = async ({ data }) => {
    await run(data);
    scope.postMessage("done");
  };
  scope.postMessage("ready");
}
