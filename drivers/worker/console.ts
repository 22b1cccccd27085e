/**
 * The console of a task: text for its stderr, or for nobody.
 *
 * It runs in the task's realm on the task's objects, so a task can make it print anything; that
 * reaches no further than the task's own stderr.
 *
 * Always holds: no method throws. What a value's own code throws, and what becomes of the line, is
 * no concern of a program that prints.
 *
 * @module
 */

/** Gets each line that the task prints, with its line break. */
export type WriteText = (text: string) => void;

/** Deeper objects are printed as `[Object]`. */
const MAX_DEPTH = 3;
/** More elements or properties are counted, not printed. */
const MAX_ENTRIES = 100;

/** Makes a console that prints to `write`. */
export function makeConsole(write: WriteText): object {
  let indent = "";
  const counts = new Map<unknown, number>();
  const starts = new Map<unknown, number>();

  const printLine = (...values: unknown[]): void => {
    const text = formatSafely(values);
    write(`${indent}${indent === "" ? text : text.replaceAll("\n", `\n${indent}`)}\n`);
  };
  const elapsed = (label: unknown): string => {
    const start = starts.get(label);
    return start === undefined ? "no such timer" : `${(performance.now() - start).toFixed(3)} ms`;
  };
  return withoutErrors({
    log: printLine,
    debug: printLine,
    info: printLine,
    warn: printLine,
    error: printLine,
    dir: (value: unknown): void => printLine(value),
    table: (value: unknown): void => printLine(value),
    trace: (...values: unknown[]): void => printLine(...values, `\n${new Error().stack ?? ""}`),
    assert(condition: unknown, ...values: unknown[]): void {
      if (!condition) printLine("Assertion failed", ...values);
    },
    count(label = "default"): void {
      counts.set(label, (counts.get(label) ?? 0) + 1);
      printLine(`${String(label)}: ${counts.get(label)}`);
    },
    countReset: (label = "default"): void => void counts.delete(label),
    time: (label = "default"): void => void starts.set(label, performance.now()),
    timeLog: (label = "default", ...values: unknown[]): void => {
      printLine(`${String(label)}: ${elapsed(label)}`, ...values);
    },
    timeEnd(label = "default"): void {
      printLine(`${String(label)}: ${elapsed(label)}`);
      starts.delete(label);
    },
    group(...values: unknown[]): void {
      if (values.length > 0) printLine(...values);
      indent += "  ";
    },
    groupEnd(): void {
      indent = indent.slice(2);
    },
    clear(): void {},
  });
}

type Method = (...values: unknown[]) => void;

/** The methods, each of which drops what it would throw: the reader of stderr may be gone. */
function withoutErrors(methods: Record<string, Method>): Record<string, Method> {
  const quiet = Object.entries(methods).map(([name, method]): [string, Method] => [
    name,
    (...values) => {
      try {
        method(...values);
      } catch {
        // There is nobody to tell.
      }
    },
  ]);
  return Object.fromEntries(quiet);
}

function formatSafely(values: readonly unknown[]): string {
  try {
    return format(values);
  } catch {
    return "[a value whose own code threw]";
  }
}

/** Formats like `console.log`: a first string may hold `%s %d %i %f %j %o %O %c`. */
export function format(values: readonly unknown[]): string {
  const rest = [...values];
  let text = "";
  if (typeof rest[0] === "string") {
    const pattern = String(rest.shift());
    text = rest.length === 0 ? pattern : pattern.replace(/%[sdifjoOc%]/g, (directive) => {
      if (directive === "%%") return "%";
      if (rest.length === 0) return directive;
      return formatDirective(directive, rest.shift());
    });
    if (rest.length > 0) text += " ";
  }
  return text + rest.map((value) => typeof value === "string" ? value : inspect(value)).join(" ");
}

function formatDirective(directive: string, value: unknown): string {
  switch (directive) {
    case "%s":
      return typeof value === "string" ? value : inspect(value);
    case "%d":
    case "%f":
      return String(Number(value));
    case "%i":
      return String(Math.trunc(Number(value)));
    case "%j":
      return JSON.stringify(value) ?? "undefined";
    case "%c":
      return "";
    default:
      return inspect(value);
  }
}

/** A value as a line of source would name it. */
function inspect(value: unknown, depth = 0, above: readonly object[] = []): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "function") return `[Function: ${value.name || "(anonymous)"}]`;
  if (typeof value !== "object" || value === null) {
    return Object.is(value, -0) ? "-0" : String(value);
  }
  if (above.includes(value)) return "[Circular]";
  if (value instanceof Error) return value.stack ?? `${value.name}: ${value.message}`;
  if (value instanceof Date || value instanceof RegExp) return String(value);
  const name = value.constructor?.name ?? "Object";
  if (depth >= MAX_DEPTH) return `[${name}]`;
  const show = (part: unknown): string => inspect(part, depth + 1, [...above, value]);
  return inspectEntries(value, name, show);
}

function inspectEntries(value: object, name: string, show: (part: unknown) => string): string {
  if (Array.isArray(value)) return list("", "[]", value.map(show));
  if (ArrayBuffer.isView(value) && !(value instanceof DataView)) {
    const elements = Array.from(value as Uint8Array).slice(0, MAX_ENTRIES + 1);
    return list(`${name}(${(value as Uint8Array).length}) `, "[]", elements.map(show));
  }
  if (value instanceof Map) {
    const entries = [...value].map(([key, item]) => `${show(key)} => ${show(item)}`);
    return list(`${name}(${value.size}) `, "{}", entries);
  }
  if (value instanceof Set) return list(`${name}(${value.size}) `, "{}", [...value].map(show));
  const parts = Object.entries(value).map(([key, item]) => `${key}: ${show(item)}`);
  return list(name === "Object" ? "" : `${name} `, "{}", parts);
}

function list(prefix: string, brackets: string, parts: readonly string[]): string {
  const [open, close] = brackets;
  if (parts.length === 0) return `${prefix}${open}${close}`;
  const shown = parts.slice(0, MAX_ENTRIES);
  if (parts.length > MAX_ENTRIES) shown.push(`… ${parts.length - MAX_ENTRIES} more`);
  const line = `${prefix}${open} ${shown.join(", ")} ${close}`;
  return line.length <= 76
    ? line
    : `${prefix}${open}\n  ${shown.join(",\n  ").replaceAll("\n", "\n  ")}\n${close}`;
}
