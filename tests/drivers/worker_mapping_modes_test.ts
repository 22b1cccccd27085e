import { assertEquals } from "@std/assert";
import { Kernel, ManualClock } from "../../mod.ts";

const PROGRAM = new URL("./worker_programs/mapped_modes.ts", import.meta.url);

Deno.test("mapped pipes of packets, nonblocking ones, detached buffers, and counters without WRITE", async () => {
  await using kernel = new Kernel();
  const status = await kernel.init.spawn(PROGRAM).wait();
  assertEquals(status, {
    state: "exited",
    code: 0,
    value: {
      packet: [3, ["BUFFER_TOO_SMALL", 2], 2, 2, ["MESSAGE_TOO_LONG", null]],
      nonblocking: [["WOULD_BLOCK", null], 6_000, ["WOULD_BLOCK", null]],
      detached: ["INVALID_ARGUMENT", 1],
      readOnly: [["ACCESS_DENIED", null], ["ACCESS_DENIED", null], 2n, 0n],
    },
  });
});

Deno.test("a read of a mapped pipe times out on the kernel's own clock", async () => {
  const clock = new ManualClock();
  await using kernel = new Kernel({ clock });
  const { reader, writer } = kernel.init.createPipe();
  const task = kernel.init.spawn(PROGRAM, { args: ["times out"], handles: { in: reader } });
  while (kernel.tasks()[1]?.usage.pendingWaits !== 1) {
    await new Promise((resolve) => setTimeout(resolve));
  }
  clock.advance(10);
  assertEquals(await task.wait(), { state: "exited", code: 0, value: ["TIMED_OUT", null] });
  assertEquals(writer.isConnected, false);
});
