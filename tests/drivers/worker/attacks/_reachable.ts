/**
 * Searches everything that can be reached from some values for what gives authority.
 *
 * @module
 */

const { getOwnPropertyDescriptor, getPrototypeOf, ownKeys } = Reflect;

/** Names of functions and objects of Deno's that a task may never hold. */
const AUTHORITY = new RegExp(
  "^(op_|kill$|_kill|exit$|reallyExit|chdir|umask|dlopen|binding|getBuiltinModule|Deno$|process$|" +
    "Process$|Worker$|MessagePort$|MessageChannel$|BroadcastChannel$|spawn|fork$|listen|connect|" +
    "require$|registerHooks|createRequire|_load|postMessage|fetch$|loadExtScript|" +
    "evalContext|emitWarning|Buffer$|revokeSync|querySync|esmResolve|readFile|writeFile|" +
    "addSignalListener|LockManager)",
);

/** Paths to whatever of it can be reached from the roots, by properties, getters and prototypes. */
export function reachable(roots: readonly unknown[]): string[] {
  const found: string[] = [];
  const seen = new Set<unknown>();
  const queue: { value: object; path: string }[] = [];

  const visit = (value: unknown, path: string): void => {
    const isObject = (typeof value === "object" && value !== null) || typeof value === "function";
    if (!isObject || seen.has(value)) return;
    seen.add(value);
    if (value instanceof Promise) value.catch(() => {}); // else its rejection ends the task
    if (AUTHORITY.test(nameOf(value))) found.push(`${path} is ${nameOf(value)}`);
    queue.push({ value, path });
  };

  roots.forEach((root, index) => visit(root, `[${index}]`));
  for (const { value, path } of queue) {
    if (path.length > 400) continue;
    visit(tryTo(() => getPrototypeOf(value)), `${path}.__proto__`);
    for (const key of tryTo(() => ownKeys(value)) ?? []) {
      const descriptor = tryTo(() => getOwnPropertyDescriptor(value, key));
      visit(descriptor?.value, `${path}.${String(key)}`);
      visit(descriptor?.get, `${path}.get ${String(key)}`);
      visit(descriptor?.set, `${path}.set ${String(key)}`);
      if (descriptor?.get) visit(tryTo(() => Reflect.get(value, key)), `${path}.${String(key)}`);
    }
  }
  return found;
}

/** A function's name, or that of an object's class. */
function nameOf(value: unknown): string {
  const name = typeof value === "function"
    ? tryTo(() => value.name)
    : tryTo(() => (value as object).constructor.name);
  return typeof name === "string" ? name : "";
}

function tryTo<Value>(get: () => Value): Value | undefined {
  try {
    return get();
  } catch {
    return undefined;
  }
}
