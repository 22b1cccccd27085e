/**
 * Checks what `deno check` can't see: that imports have no cycles, that every room imports only
 * what it may, that `Deno` and `Atomics` are named only where they belong, and that no decorator
 * makes a file more than erasable TypeScript. The compiler option `erasableSyntaxOnly` sees to the
 * rest of that.
 *
 * ```sh
 * deno task cycles
 * ```
 *
 * @module
 */

import { type Token, tokenize } from "./_lexer.ts";

/** What the files of one room may import and name. */
interface Room {
  /** Files and folders (ending in "/") of this room. A file belongs to the longest one that fits. */
  of: string[];
  /** Files and folders that its files may import; the longest that fits decides, "!" forbids. */
  imports: string[];
  /** The same for `import type`, in addition. */
  importsTypes?: string[];
  /** Prefixes of what it may import from outside the project. */
  packages?: string[];
}

const TRUSTED_CORE = ["kernel/", "capabilities/", "memory/"];
const DECLARATIONS = [
  "syscalls/table.ts",
  "syscalls/table/",
  "syscalls/arguments.ts",
  "syscalls/argument_kinds.ts",
  "syscalls/door.ts",
];
const LIBRARY = [...TRUSTED_CORE, "syscalls/", "drivers/"];

/** The rooms. Dependencies point one way: a room may import those above it in this list. */
const ROOMS: Room[] = [
  // Structures in shared memory. Both sides of a ring run this code, so it knows neither.
  { of: ["memory/"], imports: ["memory/"] },
  // What may be asked of an object. Interfaces, rights and handles: no object, no syscall.
  { of: ["capabilities/"], imports: ["capabilities/"] },
  // The objects. They don't know that syscalls exist, so they can be tested without them.
  { of: ["kernel/"], imports: TRUSTED_CORE },
  // The table says what a syscall is. Both sides read it, so it brings nothing of either with it.
  { of: DECLARATIONS, imports: ["capabilities/", ...DECLARATIONS], importsTypes: ["memory/"] },
  // The kernel's side of the door.
  { of: ["syscalls/"], imports: [...TRUSTED_CORE, "syscalls/", "!syscalls/stubs/"] },
  // The task's side. It reaches the kernel through the door alone; with MAP it uses memory/ itself.
  {
    of: ["syscalls/stubs/"],
    imports: [
      "capabilities/",
      "memory/",
      "syscalls/stubs/",
      "syscalls/page/",
      ...DECLARATIONS,
    ],
  },
  // How a task runs: both sides meet here, and the platform is named here.
  { of: ["drivers/"], imports: LIBRARY, packages: ["node:"] },
  // The roots put the parts together.
  { of: ["boot.ts", "mod.ts", "task.ts"], imports: [...LIBRARY, "boot.ts", "mod.ts", "task.ts"] },
  // Examples see what a user sees.
  {
    of: ["examples/"],
    imports: ["mod.ts", "task.ts", "examples/"],
    packages: ["node:", "cli-progress"],
  },
  // What is not shipped may look everywhere.
  { of: ["tests/", "bench/", "tools/"], imports: [""], packages: [""] },
];

/** Where a global may be named. Types count, comments and strings don't. */
const GLOBALS = new Map([
  ["Deno", /^(drivers|tests|bench|examples|tools)\/|^kernel\/ipc\/network[^/]*\.ts$/],
  ["Atomics", /^(memory|tests|bench)\//],
]);

/** Nothing that loads with one of these may load a `node:` module: workers must be able to. */
const ENTRY_POINTS = ["mod.ts", "task.ts"];

/** The package's own name, as `exports` in deno.json maps it. */
const SELF: Record<string, string> = {
  "@carmine/kernel": "mod.ts",
  "@carmine/kernel/task": "task.ts",
};

/** One import, export-from, or `import("…")` with a literal. */
interface Import {
  specifier: string;
  /** The file's path from the root, or undefined outside the project. */
  target: string | undefined;
  isTypeOnly: boolean;
  isDynamic: boolean;
  line: number;
}

/**
 * Checks a whole project.
 *
 * @param files Source text by path from the project's root, with forward slashes.
 * @returns One line a violation, `path:line: what is wrong`; empty when all is well.
 */
export function checkLayers(files: ReadonlyMap<string, string>): string[] {
  const violations: string[] = [];
  const graph = new Map<string, Import[]>();
  for (const [path, source] of files) {
    const tokens = tokenize(source);
    const imports = findImports(path, tokens);
    graph.set(path, imports);
    violations.push(...checkImports(path, imports), ...checkNames(path, tokens));
  }
  return [...violations, ...checkNodeImports(graph), ...checkCycles(graph)];
}

function checkImports(path: string, imports: Import[]): string[] {
  const room = roomOf(path);
  if (!room) return [`${path}:1: no room in tools/check_layers.ts holds this file`];
  return imports.filter((found) => !isAllowed(room, found)).map((found) =>
    `${path}:${found.line}: ${room.of.join(", ")} may not import ${found.specifier}`
  );
}

function isAllowed(room: Room, { target, specifier, isTypeOnly }: Import): boolean {
  if (target === undefined) return longest(room.packages ?? [], specifier) !== undefined;
  const decides = (rules: string[]) => longest(rules, target)?.startsWith("!") === false;
  return decides(room.imports) || (isTypeOnly && decides(room.importsTypes ?? []));
}

function checkNames(path: string, tokens: Token[]): string[] {
  const violations: string[] = [];
  for (const { kind, text, line } of tokens) {
    const allowed = kind === "word" ? GLOBALS.get(text) : undefined;
    if (allowed?.test(path) === false) violations.push(`${path}:${line}: may not name ${text}`);
    if (kind === "punctuator" && text === "@") {
      violations.push(`${path}:${line}: a decorator is not erasable syntax`);
    }
  }
  return violations;
}

function checkNodeImports(graph: ReadonlyMap<string, Import[]>): string[] {
  const violations: string[] = [];
  const reached = new Set(ENTRY_POINTS);
  for (const path of reached) {
    for (const { target, specifier, isTypeOnly, isDynamic, line } of graph.get(path) ?? []) {
      if (isTypeOnly || isDynamic) continue;
      if (target !== undefined) reached.add(target);
      else if (specifier.startsWith("node:")) {
        violations.push(
          `${path}:${line}: may not import ${specifier} statically: ${
            ENTRY_POINTS.join(" or ")
          } loads it`,
        );
      }
    }
  }
  return violations;
}

/** Finds a cycle in each knot of imports. `import type` counts: a reader follows it too. */
function checkCycles(graph: ReadonlyMap<string, Import[]>): string[] {
  const violations: string[] = [];
  const done = new Set<string>();
  const trail: string[] = [];

  function visit(path: string): void {
    if (done.has(path)) return;
    const start = trail.indexOf(path);
    if (start >= 0) {
      violations.push(`${path}:1: import cycle: ${[...trail.slice(start), path].join(" → ")}`);
      return;
    }
    trail.push(path);
    for (const { target } of graph.get(path) ?? []) if (target !== undefined) visit(target);
    trail.pop();
    done.add(path);
  }

  for (const path of graph.keys()) visit(path);
  return violations;
}

function roomOf(path: string): Room | undefined {
  const folder = longest(ROOMS.flatMap((room) => room.of), path);
  return ROOMS.find((room) => folder !== undefined && room.of.includes(folder));
}

/** The longest of `rules` that `path` equals, or lies below. "" holds everything. */
function longest(rules: string[], path: string): string | undefined {
  const bare = (rule: string) => rule.replace(/^!/, "");
  return rules
    .filter((rule) => /(^|[/:])$/.test(bare(rule)) ? path.startsWith(bare(rule)) : path === rule)
    .sort((a, b) => bare(b).length - bare(a).length)[0];
}

function findImports(path: string, tokens: Token[]): Import[] {
  const imports: Import[] = [];
  tokens.forEach((token, index) => {
    if (token.kind !== "word" || tokens[index - 1]?.text === ".") return;
    if (token.text !== "import" && token.text !== "export") return;
    const next = tokens[index + 1];
    const isDynamic = next?.text === "(" && token.text === "import";
    const specifier = isDynamic
      ? literal(tokens[index + 2])
      : literal(next) ?? literalAfterFrom(tokens, index + 1);
    if (specifier === undefined) return;
    const isTypeOnly = next?.text === "type" && tokens[index + 2]?.text !== "from";
    const target = resolve(path, specifier);
    imports.push({ specifier, target, isTypeOnly, isDynamic, line: token.line });
  });
  return imports;
}

/** The specifier of the clause that begins at `index`: names, braces and commas, then `from "…"`. */
function literalAfterFrom(tokens: Token[], index: number): string | undefined {
  for (let at = index; at < tokens.length; at++) {
    const token = tokens[at];
    if (token?.text === "from" && literal(tokens[at + 1]) !== undefined) {
      return literal(tokens[at + 1]);
    }
    const text = token?.text ?? "";
    const isPartOfClause = token?.kind === "word"
      ? text !== "import" && text !== "export"
      : /^[{},*]$/.test(text);
    if (!isPartOfClause) return undefined;
  }
  return undefined;
}

function literal(token: Token | undefined): string | undefined {
  return token?.kind === "string" ? token.text : undefined;
}

function resolve(from: string, specifier: string): string | undefined {
  if (!/^\.{0,2}\//.test(specifier)) return SELF[specifier];
  return new URL(specifier, `file:///${from}`).pathname.slice(1);
}

/** All TypeScript files below the working directory. */
function readProject(): Map<string, string> {
  const files = new Map<string, string>();
  const folders = [""];
  for (const folder of folders) {
    for (const entry of Deno.readDirSync(folder || ".")) {
      const path = folder + entry.name;
      if (entry.isDirectory && !/^\.|^(coverage|node_modules)$/.test(entry.name)) {
        folders.push(`${path}/`);
      } else if (entry.isFile && /\.[cm]?[jt]sx?$/.test(entry.name)) {
        files.set(path, Deno.readTextFileSync(path));
      }
    }
  }
  return new Map([...files].sort(([a], [b]) => a < b ? -1 : 1));
}

if (import.meta.main) {
  const files = readProject();
  const violations = checkLayers(files);
  for (const violation of violations) console.error(violation);
  console.log(`${files.size} files checked, ${violations.length} violations`);
  if (violations.length > 0) Deno.exit(1);
}
