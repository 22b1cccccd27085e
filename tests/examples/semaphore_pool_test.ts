import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { hashFiles } from "../../examples/semaphore_pool.ts";

const EXAMPLES = new URL("../../examples/", import.meta.url).pathname;

Deno.test("examples/semaphore_pool.ts hashes files as sha256sum does", async () => {
  const file = `${EXAMPLES}semaphore_pool.ts`;
  const digest = await crypto.subtle.digest("SHA-256", Deno.readFileSync(file));
  const hex = Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0"));
  assertEquals(await hashFiles([file], 1), {
    lines: [`${hex.join("")}  ${file}`],
    errors: [],
    mostAtOnce: 1,
  });
});

Deno.test("examples/semaphore_pool.ts opens no more files at once than it may", async () => {
  const file = `${EXAMPLES}semaphore_pool.ts`;
  const files = new Array<string>(20).fill(file);
  for (const atOnce of [1, 3, 20]) {
    const { lines, mostAtOnce } = await hashFiles(files, atOnce);
    assertEquals([lines.length, mostAtOnce], [20, atOnce]);
  }
});

Deno.test("examples/semaphore_pool.ts gives a permit back when a file can't be read", async () => {
  const file = `${EXAMPLES}semaphore_pool.ts`;
  const missing = `${EXAMPLES}there is no such file`;
  const { lines, errors } = await hashFiles([missing, missing, file], 1);
  assertEquals([lines.length, errors.length], [1, 2]);
  assertStringIncludes(errors[0]?.message ?? "", "there is no such file");
});

Deno.test("examples/semaphore_pool.ts runs as a program", async () => {
  const { stdout, stderr, code } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-read", `${EXAMPLES}semaphore_pool.ts`, "2"],
  }).output();
  const decoder = new TextDecoder();
  assertEquals(code, 0);
  assertMatch(decoder.decode(stdout), /^[0-9a-f]{64} {2}.*semaphore_pool\.ts$/m);
  assertMatch(decoder.decode(stderr), /at most 2 open at once/);
});
