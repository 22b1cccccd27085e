import { assertEquals } from "@std/assert";
import { main } from "../../examples/plugin_host.ts";

Deno.test("examples/plugin_host.ts confines a plugin, takes a handle back and kills it", async () => {
  const lines: string[] = [];
  await main((who, what) => lines.push(`${who} ${what}`));
  // What Deno says about what isn't there is its own business.
  assertEquals(lines.slice(0, 5).map((line) => line.split(":")[0]), [
    "plugin couldn't read a file",
    "plugin couldn't open a connection",
    "plugin couldn't load a module of Node's",
    "plugin couldn't start a process",
    "plugin couldn't start a thread",
  ]);
  assertEquals(lines.slice(5), [
    "plugin couldn't start a task: Cannot spawn a task: 1 more would exceed the limit of 0 " +
    "children, 0 are in use",
    "plugin couldn't take memory for a pipe: Cannot create a pipe: 65536 more would exceed the " +
    "limit of 0 bufferBytes, 0 are in use",
    'plugin couldn\'t find a handle that it was not given: Cannot find a handle named "database": ' +
    'the task was given "requests", "answers"',
    "plugin couldn't guess a handle's number: Cannot query handle 12345: no open handle has the " +
    "number 12345",
    "plugin couldn't write to what it may read: Cannot write to handle 1 (pipe reader): the right " +
    "WRITE is missing",
    "plugin couldn't lend its requests on: Cannot duplicate handle 1 (pipe reader): the right " +
    "DUPLICATE is missing",
    "plugin ready",
    "plugin HELLO",
    "host takes the requests back",
    "plugin has lost its requests: REVOKED",
    "plugin goes mad",
    "host kills it",
    "host sees that the plugin was killed; tasks left: 1",
    "host has stopped its thread; threads left: 0",
  ]);
});
