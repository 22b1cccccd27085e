/**
 * Collects garbage, where a test has to see what is kept.
 *
 * @module
 */

interface Collector {
  setFlagsFromString(flags: string): void;
  runInNewContext(source: string): () => void;
}

/** Collects garbage. A flag of the process would be a global of the tasks, which the lock refuses. */
export const collect = ((): () => void => {
  const { process } = globalThis as unknown as {
    process: { getBuiltinModule(name: string): Collector };
  };
  const v8 = process.getBuiltinModule("node:v8");
  v8.setFlagsFromString("--expose-gc");
  const gc = process.getBuiltinModule("node:vm").runInNewContext("gc");
  v8.setFlagsFromString("--no-expose-gc");
  return gc;
})();

/** Whether nothing keeps what `make` gives. */
export async function isFreed(make: () => object): Promise<boolean> {
  const reference = new WeakRef(make());
  await new Promise((resolve) => setTimeout(resolve)); // it is held until the end of the turn
  collect();
  return reference.deref() === undefined;
}
