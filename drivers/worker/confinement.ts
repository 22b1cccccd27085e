/**
 * What a task's worker is confined to: checked, and as the permissions that loading it needs.
 *
 * @module
 */
import { hidesPathSegments, isCommonJs } from "./import_policy.ts";

/** What the worker may read and fetch while its graph loads; it has no other permission. */
export interface LoadPermissions {
  readonly read: readonly URL[];
  /** "host:port" */
  readonly hosts: readonly string[];
}

/** The permissions to load what a task may import. */
export function permissionsFor(folder: string, imports: readonly URL[]): LoadPermissions {
  const urls = [...(folder === "" ? [] : [new URL(folder)]), ...imports];
  const hosts = urls.filter(({ protocol }) => protocol.startsWith("http")).map(hostAndPort);
  return {
    read: urls.filter(({ protocol }) => protocol === "file:"),
    hosts: [...new Set(hosts)],
  };
}

function hostAndPort({ hostname, port, protocol }: URL): string {
  return `${hostname}:${port || (protocol === "https:" ? 443 : 80)}`;
}

/** The folder that holds the entry, "" for a module that lies nowhere. */
export function folderOf(entry: URL): string {
  return entry.protocol === "data:" ? "" : new URL("./", entry).href;
}

const ENTRY_SCHEMES = ["file:", "http:", "https:", "data:"];
const IMPORT_SCHEMES = ["file:", "http:", "https:"];

/**
 * Checks what a task would be started from.
 *
 * @throws {TypeError} When a worker couldn't be confined to it; the message is the reason alone.
 */
export function requireConfinable(entry: URL, imports: readonly string[]): void {
  const { href, protocol } = entry;
  if (!ENTRY_SCHEMES.includes(protocol)) {
    throw new TypeError(
      `a task can't start from ${href.slice(0, 200)}: give a file:, http:, https: or data: URL`,
    );
  }
  if (protocol !== "data:" && (hidesPathSegments(href) || isCommonJs(href))) {
    throw new TypeError(
      `a task can't start from ${href.slice(0, 200)}: ` +
        "it is CommonJS or a declaration, or has a slash or a zero in escaped form",
    );
  }
  for (const text of imports) {
    const url = URL.canParse(text) ? new URL(text) : undefined;
    if (
      url === undefined || !IMPORT_SCHEMES.includes(url.protocol) || hidesPathSegments(url.href)
    ) {
      throw new TypeError(
        `a task can't be let import ${
          text.slice(0, 200)
        }: give an absolute file:, http: or https: URL, ` +
          'or a prefix of URLs that ends in "/"',
      );
    }
  }
}
