/**
 * Writes `docs/syscalls.md`, the reference of the syscalls, from the table that drives them, and
 * `docs/limits.md` from the comments of the limits.
 *
 * ```sh
 * deno task docs                       # writes the pages
 * deno task check:pages                # fails when a page is stale
 * ```
 *
 * @module
 */
import { Capability, describeCapabilities } from "../capabilities/capability.ts";
import { codeOfErrno, errnoOf, type ErrorCode } from "../capabilities/errors.ts";
import { DEFAULT_LIMITS, type Limits } from "../capabilities/limits.ts";
import { describeRights } from "../capabilities/rights.ts";
import { Signals } from "../capabilities/signals.ts";
import { ArgumentForm, type ArgumentSpec } from "../syscalls/argument_kinds.ts";
import type { SyscallSpec } from "../syscalls/door.ts";
import { SYSCALLS } from "../syscalls/table.ts";

/** When each code comes, where the syscall's own entry doesn't say it more precisely. */
const MEANINGS: Record<ErrorCode, string> = {
  BAD_HANDLE: "no open handle of the calling task has the number",
  WRONG_TYPE: "the object lacks the capability that is asked for",
  ACCESS_DENIED: "a right is missing, or more rights are asked for than the handle has",
  INVALID_ARGUMENT: "an argument is of the wrong kind or makes no sense",
  OUT_OF_RANGE: "a number or a length is below or above its bounds",
  NOT_SUPPORTED: "the object, the task or the host can't do that",
  NO_SUCH_SYSCALL: "no syscall has the number",
  WOULD_BLOCK: "the handle is nonblocking and the call would have to wait",
  TIMED_OUT: "the time-out passed first",
  INTERRUPTED: "something else ended the wait",
  CANCELED: "the `AbortSignal` was aborted; `cause` is its reason",
  PEER_CLOSED: "no handle to the other end is left",
  BROKEN_PIPE: "nobody is left to read it, or the stream was given up",
  END_OF_STREAM: "the stream has ended",
  CHANNEL_FULL: "the handle is nonblocking and there is no room",
  CHANNEL_EMPTY: "the handle is nonblocking and nothing is there",
  BUFFER_TOO_SMALL: "the next record is longer than the buffer; `needed` is its length",
  MESSAGE_TOO_LONG: "it is longer than the object ever takes",
  NO_SPACE: "the platform has no memory for it",
  TOO_MANY_HANDLES: "the task's limit on handles leaves no room",
  LIMIT_EXCEEDED: "a limit of the task, or of one above it, leaves no room",
  TARGET_NOT_FOUND: "the name or number is nobody's",
  CHANNEL_NOT_FOUND: "there is no such channel",
  GROUP_NOT_FOUND: "there is no such group",
  ADDRESS_IN_USE: "the name is taken",
  CONNECTION_REFUSED: "nobody listens there, or listens any more",
  ALREADY_EXISTS: "there is one already",
  INVALID_STATE: "the object is not in a state that allows it",
  REVOKED: "the handle was revoked",
  TASK_DEAD: "the task has ended",
  DELIVERY_FAILED: "the event could not be delivered",
  BUFFER_FULL: "the queue has no room",
  INVALID_CONFIGURATION: "the settings make no sense together",
  PERMISSION_DENIED: "a list that the host made doesn't allow it",
};

/** The ranges of numbers, each a chapter. */
const RANGES: [from: number, to: number, title: string][] = [
  [1, 99, "Tasks"],
  [100, 199, "Handles and waiting"],
  [200, 299, "Streams"],
  [600, 699, "Communication"],
  [700, 799, "Memory"],
  [800, 899, "Events of tasks and groups"],
  [900, 999, "Tracing"],
];

const INTRODUCTION = `# Syscalls

<!-- Generated from syscalls/table.ts by \`deno task docs\`. Edits here are lost. -->

Every operation of a task is one of these calls. The typed objects (\`PipeReader\`, \`TaskHandle\`, …)
make them; \`task.syscall(number, ...arguments)\` makes them raw, with handle numbers and plain values,
and takes wait options last where the call may wait.

A call is checked in this order, and nothing has changed until all of it is done: the number, the
state of the task, each handle (open, of the right type, with the rights), each other argument. A
failed call changes nothing; the one exception is a long write that ends early, whose error says
in \`transferred\` how much had been written.

Every call can also fail in these ways, which are not repeated below:

- TASK_DEAD: the calling task has ended.
- INVALID_STATE: the calling task is stopped. Calls that may wait do so instead, and calls that say
  "while stopped" go through.
- BAD_HANDLE, REVOKED: a handle argument is not, or no longer, an open handle of the calling task.
- INVALID_ARGUMENT, OUT_OF_RANGE: an argument is not what its kind says. Buffers must be plain: a
  \`Uint8Array\` on an attached, unshared \`ArrayBuffer\` of fixed length.

A call that waits can also end with:

- TIMED_OUT: \`timeoutMs\` milliseconds have passed; 0 tries once.
- CANCELED: \`signal\` was aborted; an aborted one wins over data that is there.
- BAD_HANDLE: its task closed or moved the handle meanwhile. REVOKED: it was revoked.
- WOULD_BLOCK: the handle is nonblocking (operations only; waiting for signals is what the holder of
  such a handle does).
- LIMIT_EXCEEDED: the task has as many calls waiting as it may.
`;

/** The page for these syscalls. */
export function renderPage(specs: readonly SyscallSpec[]): string {
  const sorted = [...specs].sort((a, b) => a.number - b.number);
  const chapters = RANGES.map(([from, to, title]) => ({
    title: `${title} (${from}–${to})`,
    calls: sorted.filter(({ number }) => number >= from && number <= to),
  })).filter(({ calls }) => calls.length > 0);
  const contents = chapters.map(({ title, calls }) => {
    const links = calls.map(({ name, number }) => `[${name}](#${name}) ${number}`);
    return `- **${title}**: ${links.join(", ")}`;
  });
  const body = chapters.map(({ title, calls }) =>
    `## ${title}\n\n${calls.map(renderSyscall).join("\n")}`
  );
  return [INTRODUCTION, "## Contents\n", `${contents.join("\n")}\n`, ...body, renderErrors()]
    .join("\n");
}

function renderSyscall(spec: SyscallSpec): string {
  const parts = [
    `### ${spec.name}`,
    `\`${spec.name}(${spec.args.map(({ name }) => name).join(", ")})\` · number ${spec.number}`,
    spec.summary,
    ...section("Arguments", spec.args.map(renderArgument)),
    ...section("Rights", rightsOf(spec)),
    ...section("Waits", waitsOf(spec)),
    ...section("Errors", errorsOf(spec)),
    ...(spec.whileStopped === true ? ["Goes through while the calling task is stopped."] : []),
  ];
  return `${parts.join("\n\n")}\n`;
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [
    `**${title}**`,
    lines.map((line) => `- ${line}`).join("\n"),
  ];
}

function renderArgument({ name, form, kind, capability }: ArgumentSpec): string {
  if (form !== ArgumentForm.HANDLE) return `\`${name}\`: ${escaped(kind)}`;
  const what = capability === Capability.ANY
    ? "to any object"
    : `to an object with the capability ${describeCapabilities(capability)}`;
  return `\`${name}\`: handle ${what}`;
}

function rightsOf(spec: SyscallSpec): string[] {
  const lines = spec.args.flatMap(({ name, rights, anyRight }) => [
    ...(rights === 0 ? [] : [`${describeRights(rights)} on \`${name}\``]),
    ...(anyRight === 0
      ? []
      : [`one of ${describeRights(anyRight).replaceAll(" | ", ", ")} on \`${name}\``]),
  ]);
  return spec.rightsNote === undefined ? lines : [...lines, spec.rightsNote];
}

function waitsOf(spec: SyscallSpec): string[] {
  if (!spec.mayWait) return [];
  const lines = spec.args.filter(({ waits }) => waits !== 0)
    .map(({ name, waits }) =>
      `until ${namesOf(waits)} is up on \`${name}\`, first come, first served`
    );
  if (spec.movesAll === true) lines.push("goes on until all of the bytes have been moved");
  if (spec.waitsNote !== undefined) lines.push(spec.waitsNote);
  return lines.length === 0 ? ["until what it does can be done"] : lines;
}

function namesOf(signals: number): string {
  return Object.entries(Signals)
    .filter(([, bit]) => (signals & bit) !== 0)
    .map(([name]) => name)
    .join(" or ");
}

/** Codes beside those of every call; an entry may say when one comes: "CODE: when". */
function errorsOf(spec: SyscallSpec): string[] {
  const lines = new Map<string, string>();
  for (const { name, capability, rights, anyRight } of spec.args) {
    if (capability !== 0) {
      lines.set("WRONG_TYPE", `the object of \`${name}\` lacks the capability`);
    }
    if (rights !== 0 || anyRight !== 0) {
      lines.set("ACCESS_DENIED", "a handle lacks a right named above");
    }
  }
  if (spec.rightsNote !== undefined) {
    lines.set("ACCESS_DENIED", "a handle lacks a right named above");
  }
  if (spec.wouldBlock !== undefined) lines.set(spec.wouldBlock, meaningOf(spec.wouldBlock));
  for (const entry of spec.errors ?? []) {
    const [code = "", when] = entry.split(": ", 2);
    lines.set(code, when ?? meaningOf(code));
  }
  return [...lines].map(([code, when]) => `${code}: ${when}.`);
}

function meaningOf(code: string): string {
  if (!Object.hasOwn(MEANINGS, code)) throw new TypeError(`The table names the error ${code}`);
  return MEANINGS[code as ErrorCode];
}

function renderErrors(): string {
  const codes = Object.keys(MEANINGS) as ErrorCode[];
  const rows = codes.map((code) => `| ${errnoOf(code)} | ${code} | ${MEANINGS[code]} |`);
  return ["## Error codes\n", "| errno | code | comes when |", "| --- | --- | --- |", ...rows, ""]
    .join("\n");
}

/** Angle brackets and bars mean something in Markdown. */
function escaped(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("<", "&lt;");
}

const ABOUT_LIMITS = [
  "Every task has limits. Its parent sets them with the option `limits` of `spawn`, and can give no " +
  "more than it has itself; where it says nothing they are its own. The option `limits` of `Kernel` " +
  "sets those of init, and so of all tasks together.",
  "What a task may hold in its own table is counted for it alone. Everything else is counted for " +
  "the task together with all its descendants, also those that live on after it: a charge goes to " +
  "the task that made the object and to each account above, and it succeeds on all of them or on " +
  "none. So spawning gives nobody more, and neither does giving away what one has made: an object " +
  "stays charged to who made it until it is gone.",
  "Exceeding a limit throws LIMIT_EXCEEDED (TOO_MANY_HANDLES for handles) and changes nothing. " +
  "`kernel.tasks()` shows what each task uses.",
  "Each limit has its attack in `tests/kernel/limits_test.ts`.",
  "One more bound is no limit that a program meets: a worker's thread works itself on the memory of at " +
  "most 1,024 pipes and counters at once, that is, on those whose handles have MAP and were used. " +
  "Calls on further ones go through the kernel; they are slower, and nothing else is different " +
  "(`tests/drivers/worker_seats_test.ts`).",
];

/** The page for the limits: what each comment in their source says. */
export function renderLimits(source: string): string {
  const body = source.slice(source.indexOf("export interface Limits {"));
  const names = Object.keys(DEFAULT_LIMITS) as (keyof Limits)[];
  const sections = names.map((name) => {
    const found = new RegExp(`/\\*\\*((?:(?!\\*/)[^])*)\\*/\\s*${name}: number;`).exec(body);
    const comment = found?.[1]?.replaceAll(/^\s*\* ?/gm, "").split("@default")[0]?.trim();
    if (comment === undefined) throw new TypeError(`The limit ${name} has no comment`);
    const scope = name === "handles"
      ? "for the task alone"
      : name === "deadlineMs"
      ? "for the task, and its descendants at the latest"
      : "for the task and its descendants together";
    const most = DEFAULT_LIMITS[name].toLocaleString("en-US").replace("∞", "none");
    return `## ${name}\n\nDefault ${most}; counted ${scope}.\n\n${wrapped(comment)}`;
  });
  const note =
    "<!-- Generated from capabilities/limits.ts by `deno task docs`. Edits here are lost. -->";
  return `${["# Limits", note, ...ABOUT_LIMITS.map(wrapped), ...sections].join("\n\n")}\n`;
}

/** A paragraph in lines of at most 100 characters, as `deno fmt` wants them. */
function wrapped(text: string): string {
  const lines: string[] = [];
  for (const word of text.split(/\s+/)) {
    const line = lines.at(-1);
    if (line !== undefined && line.length + 1 + word.length <= 100) {
      lines[lines.length - 1] = `${line} ${word}`;
    } else lines.push(word);
  }
  return lines.join("\n");
}

/** Syscalls with a number that is another's, or outside of every range. */
export function findMisnumbered(specs: readonly SyscallSpec[]): string[] {
  const names = new Map<number, string>();
  return specs.flatMap(({ number, name }) => {
    const other = names.get(number);
    names.set(number, name);
    if (other !== undefined) return [`${name} and ${other} both have the number ${number}`];
    const isInRange = RANGES.some(([from, to]) => number >= from && number <= to);
    return isInRange ? [] : [`${name} has the number ${number}, which is in no range`];
  });
}

function readIfThere(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return undefined;
  }
}

if (import.meta.main) {
  const specs: SyscallSpec[] = Object.values(SYSCALLS);
  const problems = findMisnumbered(specs);
  if (codeOfErrno(Object.keys(MEANINGS).length + 1) !== undefined) {
    problems.push("an error code has no meaning here");
  }
  const pages: [path: string, text: string][] = [
    ["docs/syscalls.md", renderPage(specs)],
    ["docs/limits.md", renderLimits(Deno.readTextFileSync("capabilities/limits.ts"))],
  ];
  for (const [path, text] of pages) {
    if (!Deno.args.includes("--check")) Deno.writeTextFileSync(path, text);
    else if (readIfThere(path) !== text) {
      problems.push(`${path} is out of date: run \`deno task docs\``);
    }
  }
  for (const problem of problems) console.error(problem);
  console.log(`${specs.length} syscalls, ${problems.length} problems`);
  if (problems.length > 0) Deno.exit(1);
}
