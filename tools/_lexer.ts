/**
 * Splits TypeScript into words, strings and punctuation, and leaves out comments, the text of
 * templates, and regular expressions. It knows just enough to say what code *names*: it is not a
 * parser, and it takes any input without failing.
 *
 * @module
 */

/** One piece of source text. */
export interface Token {
  kind: "word" | "string" | "punctuator";
  /** A string's text is what stands between the quotes, escapes unresolved. */
  text: string;
  /** From 1. */
  line: number;
}

const PIECES = new RegExp(
  [
    /(?<space>\s+|\/\/.*|\/\*[^]*?\*\/|^#!.*)/u,
    /(?<word>#?[\p{ID_Start}$_][\p{ID_Continue}$\u200c\u200d]*)/u,
    /(?<number>\.?\d[\w.]*)/u,
    /(?<string>"(?:[^"\\\n]|\\[^])*"|'(?:[^'\\\n]|\\[^])*')/u,
    /(?<punctuator>[^])/u,
  ].map((pattern) => pattern.source).join("|"),
  "uy",
);
const TEMPLATE_TEXT = /(?:[^`\\$]|\\[^]|\$(?!\{))*(?:`|\$\{|$)/uy;
const REGULAR_EXPRESSION = /\/(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/\w*/uy;

/** After these words a slash begins a regular expression; after any other it divides. */
const WORDS_BEFORE_EXPRESSION = new Set(
  "await case delete do else in instanceof new of return throw typeof void yield".split(" "),
);

/** The tokens of `source`, in order. */
export function tokenize(source: string): Token[] {
  const tokens: Token[] = [];
  /** For each open brace: whether it belongs to a template's `${`. */
  const braces: boolean[] = [];
  let position = 0;
  let line = 1;

  function advance(text: string): void {
    position += text.length;
    for (const character of text) if (character === "\n") line++;
  }

  function match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = position;
    return pattern.exec(source);
  }

  /** Takes a template's text up to its end or to its next `${`. */
  function skipTemplateText(): void {
    const text = match(TEMPLATE_TEXT)?.[0] ?? "";
    advance(text);
    if (text.endsWith("${")) braces.push(true);
  }

  while (position < source.length) {
    const groups = match(PIECES)?.groups ?? {};
    if (groups.space !== undefined) {
      advance(groups.space);
    } else if (groups.word !== undefined) {
      tokens.push({ kind: "word", text: groups.word, line });
      advance(groups.word);
    } else if (groups.number !== undefined) {
      tokens.push({ kind: "punctuator", text: groups.number, line });
      advance(groups.number);
    } else if (groups.string !== undefined) {
      tokens.push({ kind: "string", text: groups.string.slice(1, -1), line });
      advance(groups.string);
    } else {
      const text = groups.punctuator ?? "";
      const expression = text === "/" && expectsExpression(tokens.at(-1))
        ? match(REGULAR_EXPRESSION)
        : null;
      tokens.push({ kind: "punctuator", text: expression?.[0] ?? text, line });
      advance(expression?.[0] ?? text);
      if (text === "`") skipTemplateText();
      else if (text === "{") braces.push(false);
      else if (text === "}" && braces.pop()) skipTemplateText();
    }
  }
  return tokens;
}

/** Whether an expression, and not an operator, may follow `token`. */
function expectsExpression(token: Token | undefined): boolean {
  if (token === undefined) return true;
  if (token.kind === "string") return false;
  if (token.kind === "word") return WORDS_BEFORE_EXPRESSION.has(token.text);
  return !/^[)\]}`\d.]/.test(token.text) || token.text === "...";
}
