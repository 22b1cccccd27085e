/**
 * An untrusted plugin: it has two handles, tries what a plugin should not, and then does its work
 * for as long as it is let.
 *
 * @module
 */
import { KernelError, PipeReader, PipeWriter } from "@carmine/kernel";
import { task } from "@carmine/kernel/task";

const requests = task.handle("requests", PipeReader);
const answers = task.handle("answers", PipeWriter);
const encoder = new TextEncoder();
const decoder = new TextDecoder();

const say = (text: string): number => answers.writeSync(encoder.encode(`${text}\n`));

/** Tries what a plugin should not be able to do. */
async function attempt(what: string, run: () => unknown): Promise<void> {
  try {
    await run();
    say(`could ${what}`);
  } catch {
    say(`couldn't ${what}`);
  }
}

await attempt("read a file", () => Deno.readTextFileSync("README.md"));
await attempt("open a connection", () => fetch("http://127.0.0.1/"));
await attempt("load a module of Node's", () => import(["node", "child_process"].join(":")));
await attempt("start a process", () => new Deno.Command("sh").spawn());
await attempt("find a handle that it was not given", () => task.handle("database"));
await attempt("guess a handle's number", () => task.syscall(100_000, 1));
await attempt("lend its requests on", () => requests.duplicate());

const buffer = new Uint8Array(256);
try {
  for (let n = 0; (n = requests.readSync(buffer)) > 0;) {
    say(decoder.decode(buffer.subarray(0, n)).toUpperCase());
  }
} catch (error) {
  say(`has lost its requests: ${error instanceof KernelError ? error.code : error}`);
}
say("goes mad");
for (;;) say("!"); // a flood; a pipe holds only so much
