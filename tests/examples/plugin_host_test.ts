import { assertEquals } from "@std/assert";
import { main } from "../../examples/plugin_host.ts";

Deno.test("examples/plugin_host.ts confines a plugin, takes a handle back and kills it", async () => {
  const lines: string[] = [];
  await main((who, what) => lines.push(`${who} ${what}`));
  assertEquals(lines, [
    "plugin couldn't read a file",
    "plugin couldn't open a connection",
    "plugin couldn't load a module of Node's",
    "plugin couldn't start a process",
    "plugin couldn't find a handle that it was not given",
    "plugin couldn't guess a handle's number",
    "plugin couldn't lend its requests on",
    "plugin HELLO",
    "host takes the requests back",
    "plugin has lost its requests: REVOKED",
    "plugin goes mad",
    "host sees what waits in the pipe, 4096 bytes at most",
    "host has killed it: killed; tasks left: 1",
  ]);
});
