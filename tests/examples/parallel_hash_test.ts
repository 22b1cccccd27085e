import { assertEquals, assertMatch } from "@std/assert";
import { createHash } from "node:crypto";
import { hashFile, hashFileHere } from "../../examples/parallel_hash.ts";

const EXAMPLE = new URL("../../examples/parallel_hash.ts", import.meta.url).pathname;
const MIB = 1024 * 1024;
const decoder = new TextDecoder();

/** Runs a command; gives what it came to, or undefined where there is no such command. */
async function run(
  command: string,
  args: string[],
): Promise<{ code: number; stdout: string; stderr: string } | undefined> {
  try {
    const env = { NO_COLOR: "1" };
    const { code, stdout, stderr } = await new Deno.Command(command, { args, env }).output();
    return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

const example = (...args: string[]) =>
  run(Deno.execPath(), ["run", "--allow-read", EXAMPLE, ...args]);

/** A file's byte at a place: no two blocks are alike. */
const byteAt = (i: number): number => (i * 31 + (i >>> 8) * 17 + (i >>> 20) * 7) & 0xff;

/** A file of so many bytes, gone again when it is disposed of. Another process makes it: tests only read. */
async function makeFile(
  size: number,
): Promise<{ path: string; bytes: Uint8Array } & AsyncDisposable> {
  const script = `const byteAt = ${byteAt};
    const path = Deno.makeTempFileSync();
    Deno.writeFileSync(path, Uint8Array.from({ length: ${size} }, (_, i) => byteAt(i)));
    console.log(path);`;
  const made = await run(Deno.execPath(), ["eval", script]);
  const path = made?.stdout.trim() ?? "";
  return {
    path,
    bytes: Uint8Array.from({ length: size }, (_, i) => byteAt(i)),
    async [Symbol.asyncDispose]() {
      await run(Deno.execPath(), ["eval", "Deno.removeSync(Deno.args[0])", path]);
    },
  };
}

const sha256 = (bytes: Uint8Array): Uint8Array => createHash("sha256").update(bytes).digest();
const hex = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

/** What the example prints about a file. */
function expectedLines(bytes: Uint8Array): string[] {
  const tree = createHash("sha256");
  const lines: string[] = [];
  for (let start = 0; start < bytes.length; start += MIB) {
    const digest = sha256(bytes.subarray(start, start + MIB));
    tree.update(digest);
    lines.push(`${hex(digest)}  block ${lines.length}`);
  }
  return [...lines, `${tree.digest("hex")}  tree`];
}

for (const size of [0, 1, MIB, 5 * MIB + 4_321]) {
  Deno.test(`examples/parallel_hash.ts hashes a file of ${size} bytes, with any number of workers`, async () => {
    await using file = await makeFile(size);
    const expected = expectedLines(file.bytes);
    for (const workers of [1, 3]) {
      const lines: string[] = [];
      const tree = await hashFile(file.path, workers, (block, digest) => {
        lines.push(`${digest}  block ${block}`);
      });
      assertEquals([...lines, `${tree}  tree`], expected);
    }
    assertEquals(`${await hashFileHere(file.path)}  tree`, expected.at(-1));
  });
}

Deno.test("examples/parallel_hash.ts prints the digests, and with --check that they are right", async () => {
  await using file = await makeFile(3 * MIB + 5);
  const stdout = `${expectedLines(file.bytes).join("\n")}\n`;
  // The standard error is no terminal here, so there is no progress bar.
  assertEquals(await example(file.path), { code: 0, stdout, stderr: "" });
  assertEquals(await example("--workers", "3", "--check", file.path), {
    code: 0,
    stdout,
    stderr: "One thread finds the same tree digest\n",
  });
});

Deno.test("examples/parallel_hash.ts draws a progress bar on a terminal", async () => {
  await using file = await makeFile(2 * MIB);
  const command = `NO_COLOR=1 "${Deno.execPath()}" run --allow-read "${EXAMPLE}" "${file.path}"`;
  const terminal = await run("script", ["-qec", `${command} > /dev/null`, "/dev/null"]);
  if (terminal === undefined) return; // there is no such tool here
  assertMatch(terminal.stdout, /0 % of 2 MiB/);
  assertMatch(terminal.stdout, /100 % of 2 MiB/);
  // Whoever is interrupted can't put back what it has changed about the terminal.
  assertEquals(terminal.stdout.includes("\x1b[?"), false);
});

Deno.test("examples/parallel_hash.ts says what is wrong with a file that it can't read", async () => {
  const missing = await example("/no/such/file");
  assertEquals([missing?.code, missing?.stdout], [1, ""]);
  assertMatch(missing?.stderr ?? "", /^ENOENT: no such file or directory.*\/no\/such\/file'\n$/);
  const folder = await example("tests");
  assertEquals([folder?.code, folder?.stdout], [1, ""]);
  assertMatch(folder?.stderr ?? "", /^EISDIR: [^\n]*\n$/);
});

Deno.test("examples/parallel_hash.ts explains itself when it isn't told what to do", async () => {
  const attempts: [args: string[], why: RegExp][] = [
    [[], /^One file is hashed at a time\n/],
    [["a", "b"], /^One file is hashed at a time\n/],
    [["--workers", "0", "a"], /^--workers takes a number 1 … 256, not "0"\n/],
    [["--workers", "many", "a"], /^--workers takes a number 1 … 256, not "many"\n/],
    [["--worker", "a"], /^Unknown option '--worker'/],
  ];
  for (const [args, why] of attempts) {
    const end = await example(...args);
    assertEquals([end?.code, end?.stdout], [2, ""]);
    assertMatch(end?.stderr ?? "", why);
    assertMatch(
      end?.stderr ?? "",
      /\nUsage: parallel_hash\.ts \[--workers N\] \[--check\] FILE\n$/,
    );
  }
});
