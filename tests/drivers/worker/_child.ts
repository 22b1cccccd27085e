/**
 * Runs a script of these tests in a `deno` of its own, with flags of its own.
 *
 * @module
 */

/** What a child left behind. */
export interface ChildOutcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a script of this folder, or of a URL, to its end. */
export async function runChild(
  script: string,
  flags: readonly string[],
  env: Record<string, string> = {},
): Promise<ChildOutcome> {
  const command = new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-prompt", ...flags, new URL(script, import.meta.url).href],
    env: { NO_COLOR: "1", ...env },
    stdin: "null",
  });
  const { code, stdout, stderr } = await command.output();
  const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

/** The same for a script that prints its result as JSON, and fails if it ends otherwise. */
export async function resultOfChild(
  script: string,
  flags: readonly string[],
  env: Record<string, string> = {},
): Promise<Record<string, unknown>> {
  const { code, stdout, stderr } = await runChild(script, flags, env);
  if (code !== 0) throw new Error(`${script} ended with ${code}:\n${stdout}\n${stderr}`);
  return JSON.parse(stdout);
}
