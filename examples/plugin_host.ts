/**
 * Runs a plugin that nobody trusts, with two handles and nothing else.
 *
 *     deno run --allow-read=. --unstable-worker-options examples/plugin_host.ts
 *
 * The plugin (examples/plugins/shout.ts) runs in a worker of its own. It reads requests from one
 * pipe and writes answers to another, as plain blocking code, and could not touch anything else: no
 * file, no connection, no process, no handle but its two, of which it may not even make copies. The
 * host takes back one of the handles while the plugin waits on it; the plugin's wait ends. Then the
 * plugin goes mad and floods its answers without end; the pipe holds only so much, and the host
 * kills it.
 */
import { Kernel, type PipeReader, Rights } from "@carmine/kernel";

const encoder = new TextEncoder();

/** The lines that come out of a pipe, one a call. */
function linesOf(reader: PipeReader): () => Promise<string> {
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(4_096);
  let text = "";
  return async () => {
    for (;;) {
      const end = text.indexOf("\n");
      if (end >= 0) {
        const line = text.slice(0, end);
        text = text.slice(end + 1);
        return line;
      }
      const length = await reader.read(buffer);
      if (length === 0) throw new Error("The plugin gave no answer");
      text += decoder.decode(buffer.subarray(0, length), { stream: true });
    }
  };
}

/** Starts the plugin, lets it work, takes back a handle, kills it. */
export async function main(tell: (who: string, what: string) => void): Promise<void> {
  await using kernel = new Kernel();
  const { init } = kernel;
  const requests = init.createPipe();
  const answers = init.createPipe({ capacity: 4_096 });
  const nextLine = linesOf(answers.reader);

  // What the plugin gets is derived from the host's handles, so the host can take it back.
  const plugin = init.spawn(new URL("./plugins/shout.ts", import.meta.url), {
    name: "plugin",
    limits: { handles: 8, children: 0, bufferBytes: 0 },
    handles: {
      requests: requests.reader.duplicate(Rights.READ | Rights.TRANSFER),
      answers: answers.writer.duplicate(Rights.WRITE | Rights.TRANSFER),
    },
  });
  for (let i = 0; i < 7; i++) tell("plugin", await nextLine());

  await requests.writer.write(encoder.encode("hello"));
  tell("plugin", await nextLine());

  tell("host", "takes the requests back");
  requests.reader.revoke();
  tell("plugin", await nextLine());
  tell("plugin", await nextLine());

  tell("host", `sees what waits in the pipe, ${answers.reader.bufferSize} bytes at most`);
  plugin.kill();
  const status = await plugin.wait();
  tell("host", `has killed it: ${status.state}; tasks left: ${kernel.tasks().length}`);
}

if (import.meta.main) await main((who, what) => console.log(`${who.padStart(6)}: ${what}`));
