/**
 * Runs a task that imports a module from a server, and prints whether the lock file named by the
 * variable LOCK, which it removes, names that server then.
 */
import { runSource } from "./_harness.ts";

const lock = Deno.env.get("LOCK") ?? "";
const headers = { "content-type": "text/javascript" };
const server = Deno.serve(
  { port: 0, hostname: "127.0.0.1", onListen() {} },
  () => new Response("export default 'imported'", { headers }),
);
const url = `http://127.0.0.1:${server.addr.port}/`;
const source = `import text from "${url}module.js"; report(text);`;
const { reports } = await runSource(source, { imports: [url] });
const text = await Deno.readTextFile(lock).catch(() => "");
if (text !== "") await Deno.remove(lock);
console.log(JSON.stringify({ reports, isLocked: text.includes(url) }));
await server.shutdown();
