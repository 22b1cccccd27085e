/**
 * Checks the project's configuration files against each other: `deno.jsr.json` may differ from
 * `deno.json` in nothing but where `@std/…` comes from, npm packages are pinned to one version,
 * `package.json` (for Node) has the same name and exports, and the lock file names no host.
 *
 * ```sh
 * deno task check:config
 * ```
 *
 * @module
 */

interface Config {
  name: string;
  exports: Record<string, string>;
  imports: Record<string, string>;
}

const PINNED = /^npm:\/?(@[^/]+\/)?[^@/]+@\d+\.\d+\.\d+(\/|$)/;

/** The import map without what may differ. */
function common({ imports, ...rest }: Config): string {
  const same = Object.entries(imports).filter(([name]) => !name.startsWith("@std/"));
  return JSON.stringify({ ...rest, imports: same });
}

/**
 * Compares the files' contents.
 *
 * @returns One line a problem; empty when all is well.
 */
export function checkConfig(
  deno: Config,
  jsr: Config,
  node: Pick<Config, "name" | "exports">,
  lock: string,
): string[] {
  const problems: string[] = [];
  if (common(deno) !== common(jsr)) {
    problems.push("deno.jsr.json: differs from deno.json in more than the imports of @std/");
  }
  const names = (config: Config) => Object.keys(config.imports).join();
  if (names(deno) !== names(jsr)) {
    problems.push("deno.jsr.json: does not import the same names as deno.json");
  }
  for (const [name, target] of Object.entries(jsr.imports)) {
    if (name.startsWith("@std/") && !target.startsWith("jsr:@std/")) {
      problems.push(`deno.jsr.json: ${name} is not taken from JSR`);
    }
  }
  for (const [name, target] of Object.entries(deno.imports)) {
    if (target.startsWith("npm:") && !PINNED.test(target)) {
      problems.push(`deno.json: ${name} is not pinned to one version`);
    }
  }
  if (node.name !== deno.name || JSON.stringify(node.exports) !== JSON.stringify(deno.exports)) {
    problems.push("package.json: name or exports differ from deno.json");
  }
  if (lock.includes("://")) problems.push("deno.lock: names a host");
  return problems;
}

if (import.meta.main) {
  const read = (path: string) => Deno.readTextFileSync(path);
  const [deno, jsr, node] = ["deno.json", "deno.jsr.json", "package.json"]
    .map((path): Config => JSON.parse(read(path)));
  if (!deno || !jsr || !node) {
    throw new TypeError("Cannot check the configuration: a file is empty");
  }
  const problems = checkConfig(deno, jsr, node, read("deno.lock"));
  for (const problem of problems) console.error(problem);
  console.log(`4 configuration files checked, ${problems.length} problems`);
  if (problems.length > 0) Deno.exit(1);
}
