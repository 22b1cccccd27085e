import { assertEquals, assertMatch } from "@std/assert";
import { pipeline } from "../../examples/pipeline.ts";

const FILE = new URL("../../CONTRIBUTING.md", import.meta.url);
const EXAMPLE = new URL("../../examples/pipeline.ts", import.meta.url);
const encoder = new TextEncoder();

/** Runs a command on the given standard input. */
async function run(
  command: string,
  args: string[],
  input: Uint8Array<ArrayBuffer>,
): Promise<{ code: number; stdout: string; stderr: string }> {
  const child = new Deno.Command(command, {
    args,
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
    env: { LC_ALL: "C.UTF-8", NO_COLOR: "1" },
  }).spawn();
  // A command that doesn't read its input may be gone before it is written.
  const feeding = new Blob([input]).stream().pipeTo(child.stdin).catch(() => {});
  const { code, stdout, stderr } = await child.output();
  await feeding;
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

async function example(
  args: string[],
  input: Uint8Array<ArrayBuffer>,
): Promise<{ code: number; stdout: string; stderr: string }> {
  return await run(Deno.execPath(), ["run", "--allow-read", EXAMPLE.pathname, ...args], input);
}

/** What the real tools say, or undefined where there are none. */
async function realTools(
  pattern: string,
  input: Uint8Array<ArrayBuffer>,
): Promise<string | undefined> {
  try {
    const { stdout } = await run("sh", ["-c", 'grep -aF -- "$0" | wc', pattern], input);
    return stdout;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** Inputs and patterns that could go wrong, each with what wc has to say. */
const CASES: { name: string; input: string; pattern: string; counts: string }[] = [
  { name: "nothing", input: "", pattern: "x", counts: "0 0 0" },
  { name: "no match", input: "a b\nc\n", pattern: "x", counts: "0 0 0" },
  { name: "a last line without a newline", input: "a\nb x", pattern: "x", counts: "1 2 4" },
  { name: "a pattern that is a whole line", input: "ab\nab\nb\n", pattern: "ab", counts: "2 2 6" },
  { name: "an empty pattern", input: "a\n\nb c", pattern: "", counts: "3 3 7" },
  { name: "a pattern across two lines", input: "ab\ncd\n", pattern: "bc", counts: "0 0 0" },
  { name: "special characters", input: "a.c\nabc\n-x*\n", pattern: "-x*", counts: "1 1 4" },
  {
    name: "white space of all kinds",
    input: "x\t\va\f\rb  c \nd\n",
    pattern: "x",
    counts: "1 4 12",
  },
  {
    name: "control characters",
    input: "x \u0001 y\u0001z \u007f\n",
    pattern: "x",
    counts: "1 2 10",
  },
  { name: "UTF-8", input: "één — twee\nzwei\n", pattern: "—", counts: "1 3 15" },
  { name: "zero bytes", input: "a\0x\nb\0\n", pattern: "x", counts: "1 1 4" },
  {
    name: "lines longer than a block",
    input: `${"y".repeat(700_000)}x\n${"z".repeat(700_000)}\nx${"y".repeat(300_000)}`,
    pattern: "x",
    counts: "2 2 1000004",
  },
];

for (const inWorkers of [false, true]) {
  const flags = inWorkers ? ["--workers"] : [];
  const program = ["pipeline.ts", ...flags].join(" ");

  Deno.test(`${program} counts the lines of a file that match, as the real tools do`, async () => {
    const text = await Deno.readFile(FILE);
    for (const pattern of ["the", "Deno", "`", "not in this file: \u2603"]) {
      const { counts, errors } = await pipeline(FILE.pathname, pattern, inWorkers);
      assertEquals(errors, []);
      assertMatch(counts ?? "", /^ *\d+ +\d+ +\d+$/);
      const expected = await realTools(pattern, text);
      if (expected !== undefined) assertEquals(`${counts}\n`, expected);
    }
  });

  for (const { name, input, pattern, counts } of CASES) {
    Deno.test(`${program} handles ${name} as the real tools do`, async () => {
      const bytes = encoder.encode(input);
      const { code, stdout, stderr } = await example([...flags, "-", pattern], bytes);
      assertEquals([code, stderr], [0, ""]);
      assertEquals(stdout.trim().split(/ +/).join(" "), counts);
      const expected = await realTools(pattern, bytes);
      if (expected !== undefined) assertEquals(stdout, expected);
    });
  }

  Deno.test(`${program} says what is wrong with a file that it can't read`, async () => {
    const { counts, errors } = await pipeline("/no/such/file", "x", inWorkers);
    assertEquals(counts?.trim().split(/ +/), ["0", "0", "0"]);
    assertMatch(errors[0]?.message ?? "", /no such file/);
  });
}

Deno.test("pipeline.ts explains itself when the pattern is missing", async () => {
  for (const args of [["-"], ["--workers", "-"]]) {
    const { code, stderr } = await example(args, encoder.encode(""));
    assertEquals(code, 2);
    assertMatch(stderr, /^Usage/);
  }
});
