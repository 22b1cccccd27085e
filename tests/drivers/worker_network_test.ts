import { assertEquals } from "@std/assert";
import { Kernel, type TaskHandle } from "../../mod.ts";

const PROGRAM = new URL("./worker_programs/network.ts", import.meta.url);

Deno.test("workers talk over the network that they were given, and reach nothing beyond its list", async () => {
  await using kernel = new Kernel();
  const network = kernel.createNetwork({ allow: ["127.0.0.1:*"] });
  const port = kernel.init.createCounter();
  const start = (role: string): TaskHandle =>
    kernel.init.spawn(PROGRAM, {
      name: role,
      args: [role],
      handles: { network: network.duplicate(), port: port.duplicate() },
    });
  const [server, client] = [start("server"), start("client")];
  assertEquals(await client.wait(), {
    state: "exited",
    code: 0,
    value: { echo: "there and back", datagram: "a datagram, too", denied: "PERMISSION_DENIED" },
  });
  assertEquals(await server.wait(), { state: "exited", code: 0 });
});
