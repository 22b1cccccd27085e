/**
 * Runs an async function over a list, a few at a time.
 *
 * @module
 */

/** Yields the results in the order of the list. */
export async function* pooledMap<Item, Result>(
  limit: number,
  items: readonly Item[],
  run: (item: Item) => Promise<Result>,
): AsyncGenerator<Result> {
  const running: Promise<Result>[] = [];
  for (const item of items) {
    running.push(run(item));
    const oldest = running.length === limit ? running.shift() : undefined;
    if (oldest !== undefined) yield await oldest;
  }
  for (const rest of running) yield await rest;
}
