/**
 * Which modules a task may load.
 *
 * Decides on resolved URLs, by an allow-list: the task's own entry, what lies below the entry's
 * folder, Carmine's two public modules, and what the spawner listed. Everything else is denied:
 * `node:`, `npm:`, `jsr:`, `http(s):`, `blob:`, `data:`, files elsewhere.
 *
 * Always holds: a decision depends on the URL and the policy alone, never on who asks. The parent's
 * URL says nothing, because code that a task made with `Function` speaks in the name of whoever
 * called `Function`, and the task can make kernel code in its realm call it.
 *
 * @module
 */
import {
  endsWith,
  includes,
  indexOf,
  lastIndexOf,
  slice,
  startsWith,
  toLowerCase,
} from "./primordials.ts";

/** What one task may load; all URLs as `URL.href` gives them. */
export interface ImportPolicy {
  /** The task's module. */
  readonly entry: string;
  /** The entry's folder, ending in "/"; "" when the entry has none (a `data:` URL). */
  readonly folder: string;
  /** What else may be loaded: exact URLs, and prefixes when they end in "/". */
  readonly imports: readonly string[];
  /** Carmine's modules that a task may import. */
  readonly publicModules: readonly string[];
  /** Carmine's other modules and folders (ending in "/"). No `imports` opens them. */
  readonly privateModules: readonly string[];
}

/** True when a task under this policy may load the module that `url` names. */
export function mayImport(url: string, policy: ImportPolicy): boolean {
  if (isListed(policy.publicModules, url)) return true;
  // Carmine's own modules hold the lock's captured references in their module state.
  if (isListed(policy.privateModules, withoutSuffix(url))) return false;
  if (isCommonJs(url)) return false;
  if (url === policy.entry) return true;
  if (hidesPathSegments(url)) return false;
  if (policy.folder !== "" && startsWith(url, policy.folder)) return true;
  return isListed(policy.imports, url);
}

/**
 * True for what runs as CommonJS by its name. Such a module is given `require` and `module`, and
 * `module.constructor` has everything that `node:module` has, `registerHooks` too. (By
 * package.json other names can be CommonJS as well, so the lock also disarms `Module` itself.)
 */
export function isCommonJs(url: string): boolean {
  const path = toLowerCase(withoutSuffix(url));
  return endsWith(path, ".cjs") || endsWith(path, ".cts") || isDeclaration(path);
}

/** `x.d.ts`, `x.d.mts`, `x.d.css.ts`: Deno runs some of them as CommonJS, and none is a program. */
function isDeclaration(path: string): boolean {
  const name = slice(path, lastIndexOf(path, "/") + 1);
  return includes(name, ".d.");
}

/**
 * True when the file system may see other segments than the URL has: `..%2fsecret.json` is one
 * segment of a URL and two of a path, the first of them "..".
 */
export function hidesPathSegments(url: string): boolean {
  const path = toLowerCase(withoutSuffix(url));
  return includes(path, "%2f") || includes(path, "%5c") || includes(path, "%00");
}

/** The URL up to its query or fragment; neither changes which file is read. */
function withoutSuffix(url: string): string {
  const fragment = indexOf(url, "#");
  const end = fragment < 0 ? url : slice(url, 0, fragment);
  const query = indexOf(end, "?");
  return query < 0 ? end : slice(end, 0, query);
}

/** True when the list has the URL itself, or a prefix of it that ends in "/". */
export function isListed(rules: readonly string[], url: string): boolean {
  for (let i = 0; i < rules.length; i++) {
    const rule = rules[i];
    if (rule === undefined) continue;
    if (url === rule || (endsWith(rule, "/") && startsWith(url, rule))) return true;
  }
  return false;
}
