/**
 * Turns the shipped code of memory/ into code that can be stopped before each access to shared
 * memory.
 *
 * What is explored is what ships: the text of the files, types stripped, and beside every function that accesses
 * shared memory, itself or through others, a generator of the same body: `write` gets
 * `*$write`, in which each call of such a function `f(…)` reads `(yield* $f(…))`. At the bottom are
 * the names of memory/atomics.ts, which the explorer supplies: each yields, then does the
 * access. Getters and constructors stay as they are, so they are one step. What is async waits where it
 * would give its promise, so `await` goes.
 *
 * @module
 */
import { stripTypeScriptTypes } from "node:module";

/** A mistake to plant: the text of a file, and what to put in its place. */
export interface PlantedBug {
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

interface Token {
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

/** A function or method: where its name, its text and its body lie. */
interface Declaration {
  readonly name: string;
  readonly nameToken: Token;
  readonly start: number;
  readonly bodyStart: number;
  readonly end: number;
  readonly isMethod: boolean;
  /** Constructors and getters have no generator. */
  readonly isPlain: boolean;
  readonly isAsync: boolean;
}

/** A call in the text: from where the whole of `a.b.f(…)` begins to where it ends. */
interface Call {
  readonly name: string;
  readonly nameToken: Token;
  readonly isMethod: boolean;
  readonly start: number;
  readonly end: number;
}

const PIECE =
  /\s+|\/\/.*|\/\*[^]*?\*\/|(#?[\p{ID_Start}$_][\p{ID_Continue}$]*|[\d.]*\d\w*|"[^"]*"|`[^`]*`|\?\.|=>|[^])/guy;
const OPEN = "([{";
const CLOSE = ")]}";
const WORDS_BEFORE_PARENTHESIS = new Set([
  "if",
  "for",
  "while",
  "switch",
  "return",
  "catch",
  "await",
]);

function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  for (const match of text.matchAll(PIECE)) {
    const piece = match[1];
    if (piece === undefined) continue;
    tokens.push({ text: piece, start: match.index, end: match.index + piece.length });
  }
  return tokens;
}

/** One file's code, as tokens that match up. */
class Source {
  readonly text: string;
  readonly tokens: Token[];
  /** For each bracket the index of the one that matches it. */
  readonly #partners = new Map<number, number>();

  constructor(text: string) {
    this.text = text;
    this.tokens = tokenize(text);
    const open: number[] = [];
    this.tokens.forEach(({ text }, i) => {
      if (OPEN.includes(text)) open.push(i);
      if (!CLOSE.includes(text)) return;
      const partner = open.pop() ?? 0;
      this.#partners.set(i, partner).set(partner, i);
    });
  }

  at(i: number): Token {
    return this.tokens[i] ?? { text: "", start: this.text.length, end: this.text.length };
  }

  partner(i: number): number {
    const partner = this.#partners.get(i);
    if (partner === undefined) {
      throw new Error(`No bracket at ${this.text.slice(this.at(i).start, 80)}`);
    }
    return partner;
  }

  /** All functions and methods of the file. */
  declarations(): Declaration[] {
    const found: Declaration[] = [];
    for (let i = 0; i < this.tokens.length; i++) {
      const { text } = this.at(i);
      if (text === "function") {
        const isAsync = this.at(i - 1).text === "async";
        found.push(this.#declaration(i + 1, isAsync ? i - 1 : i, false, false, isAsync));
      } else if (text === "class") {
        while (this.at(i).text !== "{") i++;
        const end = this.partner(i);
        found.push(...this.#members(i + 1, end));
        i = end;
      } else if (OPEN.includes(text)) i = this.partner(i);
    }
    return found;
  }

  #members(from: number, to: number): Declaration[] {
    const found: Declaration[] = [];
    for (let i = from; i < to; i++) {
      const start = i;
      while (!["(", ";", "="].includes(this.at(i).text)) i++;
      if (this.at(i).text === "(") {
        const isAsync = i - start === 2 && this.at(start).text === "async";
        const isPlain = !isAsync && (i - start > 1 || this.at(start).text === "constructor");
        const member = this.#declaration(i - 1, start, true, isPlain, isAsync);
        found.push(member);
        while (this.at(i).end < member.end) i++;
      } else {
        while (this.at(i).text !== ";") {
          i = OPEN.includes(this.at(i).text) ? this.partner(i) + 1 : i + 1;
        }
      }
    }
    return found;
  }

  #declaration(
    name: number,
    start: number,
    isMethod: boolean,
    isPlain: boolean,
    isAsync: boolean,
  ): Declaration {
    const body = this.partner(name + 1) + 1;
    return {
      name: this.at(name).text,
      nameToken: this.at(name),
      start: this.at(start).start,
      bodyStart: this.at(body).start,
      end: this.at(this.partner(body)).end,
      isMethod,
      isPlain,
      isAsync,
    };
  }

  /** The words in a part of the text that make it async. */
  asyncWords(start: number, end: number): Token[] {
    return this.tokens.filter((token, i) =>
      token.start >= start && token.end <= end && ["async", "await"].includes(token.text) &&
      ![".", "?."].includes(this.at(i - 1).text)
    );
  }

  /** The calls in a part of the text. */
  calls(start: number, end: number): Call[] {
    const found: Call[] = [];
    this.tokens.forEach((token, i) => {
      if (token.start < start || token.end > end || this.at(i + 1).text !== "(") return;
      if (!/^[#\p{ID_Start}$_]/u.test(token.text) || WORDS_BEFORE_PARENTHESIS.has(token.text)) {
        return;
      }
      const isMethod = [".", "?."].includes(this.at(i - 1).text);
      found.push({
        name: token.text,
        nameToken: token,
        isMethod,
        start: this.at(isMethod ? this.#chainStart(i) : i).start,
        end: this.at(this.partner(i + 1)).end,
      });
    });
    return found;
  }

  /** Where `a.b(c)[d].name` begins. */
  #chainStart(i: number): number {
    while ([".", "?."].includes(this.at(i - 1).text)) {
      i -= 2;
      while (CLOSE.includes(this.at(i).text)) i = this.partner(i) - 1;
    }
    return i;
  }
}

/** `write` → `$write`, `#write` → `#$write`. */
function resumable(name: string): string {
  return name.startsWith("#") ? `#$${name.slice(1)}` : `$${name}`;
}

/** Which names have generators: those of the seam and all that reach them. */
class Resumables {
  readonly functions: Set<string>;
  /** `#ask` is a callback, which the explorer supplies as a generator under its own name. */
  readonly methods = new Set(["#ask"]);

  constructor(seam: Iterable<string>, sources: Iterable<Source>) {
    this.functions = new Set(seam);
    const all = [...sources].flatMap((source) =>
      source.declarations().filter((it) => !it.isPlain).map((it) => ({
        ...it,
        calls: source.calls(it.bodyStart, it.end),
      }))
    );
    for (let size = -1; size !== this.functions.size + this.methods.size;) {
      size = this.functions.size + this.methods.size;
      for (const { calls, isMethod, name } of all) {
        if (calls.some((call) => this.has(call))) {
          (isMethod ? this.methods : this.functions).add(name);
        }
      }
    }
  }

  has({ isMethod, name }: { isMethod: boolean; name: string }): boolean {
    return (isMethod ? this.methods : this.functions).has(name);
  }
}

/** A declaration's text as a generator. */
function generatorOf(source: Source, it: Declaration, resumables: Resumables): string {
  const edits: [at: number, remove: number, insert: string][] = [];
  for (const call of source.calls(it.bodyStart, it.end)) {
    if (!resumables.has(call)) continue;
    edits.push([call.start, 0, "(yield* "], [call.end, 0, ")"]);
    if (call.name !== "#ask") {
      edits.push([call.nameToken.start, call.name.length, resumable(call.name)]);
    }
  }
  for (const { start, text } of it.isAsync ? source.asyncWords(it.start, it.end) : []) {
    edits.push([start, text.length, ""]);
  }
  const star = it.isMethod ? "*" : "";
  edits.push([it.nameToken.start, it.name.length, star + resumable(it.name)]);
  // Where several begin at the same place, the longest comes first, and a name after its "(yield* ".
  edits.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  let text = "";
  let position = it.start;
  for (const [at, remove, insert] of edits) {
    text += source.text.slice(position, at) + insert;
    position = at + remove;
  }
  text += source.text.slice(position, it.end);
  return it.isMethod ? text : text.replace("function", "function*");
}

/** A file as the body of a function that takes its imports from `modules` and adds its exports. */
function moduleBody(source: Source, file: string, resumables: Resumables): string {
  let text = source.text;
  for (const it of source.declarations().reverse()) {
    if (it.isPlain || !resumables.has(it)) continue;
    text = `${text.slice(0, it.end)}\n${generatorOf(source, it, resumables)}${text.slice(it.end)}`;
  }
  text = text.replaceAll(/^export \{[^}]*\} from .*$/gm, "");
  text = text.replaceAll(
    /^import \{([^}]*)\} from "\.\/(.*)";$/gm,
    (_, names: string, from: string) => {
      const both = names.split(",").map((name) => name.trim()).filter((name) => name !== "")
        .flatMap((name) => resumables.functions.has(name) ? [name, resumable(name)] : [name]);
      return `const { ${both.join(", ")} } = modules["${from}"];`;
    },
  );
  const exported: string[] = [];
  text = text.replaceAll(
    /^export\s+(const|function\*?|class|async function)\s+([\w$]+)/gm,
    (_, kind, name) => {
      exported.push(name);
      if (kind.includes("function") && resumables.functions.has(name)) {
        exported.push(
          resumable(name),
        );
      }
      return `${kind} ${name}`;
    },
  );
  return `{ ${text}\nmodules["${file}"] = { ${exported.join(", ")} }; }`;
}

const FILES = [
  "ring_layout.ts",
  "wait_word.ts",
  "ring_data.ts",
  "ring_side.ts",
  "ring_writer.ts",
  "ring_reader.ts",
  "ring.ts",
  "ring_move.ts",
  "mapped_ring.ts",
  "sleep_watch.ts",
  "ring_watch.ts",
  "counter_cell.ts",
  "counter_watch.ts",
  "mapped_counter.ts",
];

/** The modules' exports, by file. */
export type Modules = Record<string, Record<string, unknown>>;

/**
 * Loads memory/ in its explorable form.
 *
 * @param seam The names of memory/atomics.ts, and for those that access shared memory a generator.
 * @param bugs Mistakes to plant; each must be found once in its file.
 */
export async function loadExplorable(
  seam: Record<string, unknown>,
  bugs: readonly PlantedBug[] = [],
): Promise<Modules> {
  const sources = new Map<string, Source>();
  for (const file of FILES) {
    let text = await Deno.readTextFile(new URL(`../../../memory/${file}`, import.meta.url));
    for (const { from, to } of bugs.filter((bug) => bug.file === file)) {
      if (text.split(from).length !== 2) throw new Error(`Not once in ${file}: ${from}`);
      text = text.replace(from, () => to);
    }
    sources.set(file, new Source(stripTypeScriptTypes(text)));
  }
  const names = Object.keys(seam).filter((name) => `$${name}` in seam);
  const resumables = new Resumables(names, sources.values());
  const bodies = [...sources].map(([file, source]) => moduleBody(source, file, resumables));
  const code = `export default (seam) => {
    const modules = { "atomics.ts": seam };
    ${bodies.join("\n")}
    return modules;
  };`;
  const url = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
  try {
    return (await import(url)).default(seam);
  } finally {
    URL.revokeObjectURL(url);
  }
}
