/**
 * An untrusted plugin: it has two handles, tries what a plugin should not, does its work for as long
 * as it is let, and then runs away.
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
  } catch (error) {
    const [why] = String(error instanceof Error ? error.message : error).split("\n");
    say(`couldn't ${what}: ${why}`);
  }
}

await attempt("read a file", () => Deno.readTextFileSync("README.md"));
await attempt("open a connection", () => fetch("http://127.0.0.1/"));
await attempt("load a module of Node's", () => import(["node", "child_process"].join(":")));
await attempt("start a process", () => new Deno.Command("sh").spawn());
await attempt("start a thread", () => new Worker("data:text/javascript,"));
await attempt("start a task", () => task.spawn(import.meta.url));
await attempt("take memory for a pipe", () => task.createPipe());
await attempt("find a handle that it was not given", () => task.handle("database"));
await attempt("guess a handle's number", () => task.syscall(100, 12_345));
await attempt(
  "write to what it may read",
  () => task.syscall(201, requests.number, encoder.encode("x")),
);
await attempt("lend its requests on", () => requests.duplicate());
say("ready");

const buffer = new Uint8Array(256);
try {
  for (let n = 0; (n = requests.readSync(buffer)) > 0;) {
    say(decoder.decode(buffer.subarray(0, n)).toUpperCase());
  }
} catch (error) {
  say(`has lost its requests: ${error instanceof KernelError ? error.code : error}`);
}
say("goes mad");
for (;;);
