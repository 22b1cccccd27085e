/**
 * Closes the module loader of a task's worker: every import is decided by the import policy.
 *
 * Three layers, because each alone was broken while this was written:
 *
 * 1. A resolve hook answers what is denied with a URL that can't be *loaded*. (Loading and then
 *    throwing isn't enough: Deno links a static `node:worker_threads` by its name, whatever the
 *    hook said, once the module that the hook named has loaded. And a hook that throws is passed
 *    over for static `node:` imports.)
 * 2. `Module` is disarmed, so that nothing runs as CommonJS: whether a file does is decided by a
 *    package.json that the task may have brought, and Deno doesn't ask the hook when such a file
 *    needs `node:module`.
 * 3. The list of hooks is frozen, so that even `registerHooks` in hostile hands adds nothing.
 *
 * Always holds once `lockModules` returned: no module loads that the current phase doesn't allow,
 * and phases only go forward.
 *
 * @module
 */
import { type ImportPolicy, isListed, mayImport } from "./import_policy.ts";
import {
  defineProperty,
  deleteProperty,
  freeze,
  getOwnPropertyDescriptor,
  isArray,
  ownKeys,
  startsWith,
} from "./primordials.ts";
import type { Substitute } from "./protocol.ts";

/**
 * Begins the URL of whatever is denied. Deno loads no such scheme, so the import fails before any
 * module of its graph is linked. The rest is opaque to URL parsers: a URL that can't be parsed
 * would count as a hook that threw.
 */
const DENIED_URL = "carmine-denied:import-of/";

/** The module hooks, for the rest of the lock. */
export interface ModuleLock {
  /** From now on the task's graph may load, and the two modules that start it. */
  admitTask(entry: string, starters: readonly string[]): void;
  /** From now on only what the task itself may import; called before its first line runs. */
  seal(): void;
}

/** `node:module`'s `Module`; reached in this way it needs no static import, and loads faster. */
interface NodeModule {
  registerHooks(hooks: { resolve: unknown }): unknown;
  readonly prototype: object;
  readonly _extensions?: object;
}

/** What `nextResolve` of Deno's hooks gives; `url` is null when nothing could resolve it. */
interface Resolved {
  readonly url: string | null;
}

/**
 * Locks the module loader; until `admitTask` Carmine's own modules load.
 *
 * @param confinement The policy, but for the entry, which comes with the task.
 * @param substitutes What stands in for modules that the policy allows.
 */
export function lockModules(
  confinement: Omit<ImportPolicy, "entry">,
  substitutes: readonly Substitute[],
): ModuleLock {
  let isSealed = false;
  let starters: readonly string[] = [];
  let policy: ImportPolicy | undefined;

  const isAllowed = (url: string): boolean => {
    // Carmine's modules, chosen by the kernel. They do without Node, on any platform.
    if (policy === undefined) return !isSealed && !startsWith(url, "node:");
    return mayImport(url, policy) || (!isSealed && isListed(starters, url));
  };

  const substitute = (url: string): string => {
    for (let i = 0; i < substitutes.length; i++) {
      if (substitutes[i]?.[0] === url) return substitutes[i]?.[1] ?? url;
    }
    return url;
  };

  // Runs for the rest of the worker's life, between pieces of the task: only captured references.
  const resolve = (
    specifier: string,
    _context: unknown,
    next: (specifier: string) => Resolved,
  ): { url: string; shortCircuit: true } => {
    let url: string | null = null;
    try {
      url = next(specifier).url;
      if (typeof url === "string" && isAllowed(url)) return answer(substitute(url));
    } catch {
      // A task can run out of stack on purpose, at a depth where resolving throws.
    }
    return answer(DENIED_URL + (typeof url === "string" ? url : specifier));
  };
  const { process } = globalThis as unknown as {
    process: { getBuiltinModule(name: string): NodeModule };
  };
  const nodeModule = process.getBuiltinModule("node:module");
  registerForGood(nodeModule, resolve);
  disarmCommonJs(nodeModule);

  return freeze({
    admitTask(entry: string, urls: readonly string[]): void {
      if (policy !== undefined) return;
      policy = freeze({ ...confinement, entry });
      starters = freeze([...urls]);
    },
    seal(): void {
      isSealed = true;
    },
  });
}

/** What the hook returns; without a prototype, so that nothing is inherited into it. */
function answer(url: string): { url: string; shortCircuit: true } {
  return { __proto__: null, url, shortCircuit: true } as { url: string; shortCircuit: true };
}

/**
 * Registers the hook and freezes Deno's list of hooks. The list is no export; but it is an array
 * without elements that `registerHooks` pushes to, and the first element of such an array goes to
 * an inherited setter when there is one. No task has run yet, so nobody else sees the setter.
 */
function registerForGood(nodeModule: NodeModule, resolve: unknown): void {
  const pushedTo: unknown[][] = [];
  defineProperty(Array.prototype, "0", {
    configurable: true,
    set(this: unknown[], value: unknown): void {
      defineProperty(this, "0", { value, writable: true, enumerable: true, configurable: true });
      if (this !== pushedTo) pushedTo[pushedTo.length] = this;
    },
  });
  try {
    nodeModule.registerHooks({ resolve });
  } finally {
    deleteProperty(Array.prototype, "0");
  }
  for (const list of pushedTo) {
    if (isArray(list) && (list[0] as { resolve?: unknown } | null)?.resolve === resolve) {
      freeze(list);
    }
  }
}

/** Makes every function of `Module` throw; the wrapper of a CommonJS file calls them. */
function disarmCommonJs(nodeModule: NodeModule): void {
  const deny = (): never => {
    throw new TypeError("CommonJS modules are not available to a task");
  };
  for (const holder of [nodeModule._extensions, nodeModule.prototype, nodeModule]) {
    if (holder === undefined) continue;
    for (const key of ownKeys(holder)) {
      const value: unknown = getOwnPropertyDescriptor(holder, key)?.value;
      if (typeof value !== "function" || key === "constructor") continue;
      defineProperty(holder, key, { value: deny, writable: false, configurable: false });
    }
    freeze(holder);
  }
}
