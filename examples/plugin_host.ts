/**
 * Runs a plugin that nobody trusts, with two handles and nothing else.
 *
 *     deno run --allow-read=. --allow-sys --allow-net=127.0.0.1 examples/plugin_host.ts
 *
 * The plugin (examples/plugins/shout.ts) runs in a worker of its own. It reads requests from one
 * pipe and writes answers to another, as plain blocking code, and tells what else it tried: it could
 * touch no file, no connection, no process, no handle but its two, of which it may not even make
 * copies. The handles come without the right MAP, so it doesn't get the pipes' memory either, which
 * it could fill with garbage.
 *
 * The host takes back one of the handles while the plugin waits on it; the plugin's wait ends. Then
 * the plugin goes mad: it runs in a loop that never yields, and the host kills it. For everybody else
 * it is gone at once. To stop its thread, too, the kernel needs the process's own debugger; the last
 * two permissions are for that, and Deno says on the standard error that it was open for a moment.
 */
import process from "node:process";
import { Kernel, type PipeReader, Rights } from "@carmine/kernel";

const PLUGIN = new URL("./plugins/shout.ts", import.meta.url);
const encoder = new TextEncoder();

/** The lines that come out of a pipe. */
async function* linesOf(reader: PipeReader): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of reader) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
}

/** Starts the plugin, lets it work, takes back a handle, kills it. */
export async function main(tell: (who: string, what: string) => void): Promise<void> {
  await using kernel = new Kernel({ hardKill: "debugger" });
  const { init } = kernel;
  const requests = init.createPipe();
  const answers = init.createPipe();

  // What the plugin gets is derived from the host's handles, so the host can take it back.
  const plugin = init.spawn(PLUGIN, {
    name: "plugin",
    limits: { handles: 8, children: 0, bufferBytes: 0 },
    handles: {
      requests: requests.reader.duplicate(Rights.READ | Rights.TRANSFER),
      answers: answers.writer.duplicate(Rights.WRITE | Rights.TRANSFER),
    },
  });
  answers.writer.close(); // so that the answers end with the plugin

  for await (const line of linesOf(answers.reader)) {
    tell("plugin", line);
    switch (line) {
      case "ready":
        await requests.writer.write(encoder.encode("hello"));
        break;
      case "HELLO":
        tell("host", "takes the requests back");
        requests.reader.revoke();
        break;
      case "goes mad":
        tell("host", "kills it");
        plugin.kill();
    }
  }
  // The answers have ended, though the loop has not.
  const { state } = await plugin.wait();
  tell("host", `sees that the plugin was ${state}; tasks left: ${alive(kernel)}`);
  const { lingering } = await kernel.shutdown();
  tell("host", `has stopped its thread; threads left: ${lingering.length}`);
}

function alive(kernel: Kernel): number {
  return kernel.tasks().filter(({ state }) => state !== "lingering").length;
}

if (import.meta.main) {
  await main((who, what) => console.log(`${who.padStart(6)}: ${what}`)).catch((error) => {
    console.error(error.message); // a permission is missing, say
    process.exitCode = 1;
  });
}
