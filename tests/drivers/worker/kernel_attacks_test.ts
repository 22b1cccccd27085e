/**
 * Hostile tasks that have a real kernel's page: files of `attacks/kernel/`.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { Kernel, Rights } from "@carmine/kernel";

/** What it calls, and how that ends: the realm is in pieces, and the calls work. */
const ENDS = [
  "a blocking read: done",
  "a read: done",
  "a read that tries: done",
  "a blocking write: done",
  "a write: done",
  "a long write: done",
  "many at once: done",
  "a canceled read: CANCELED",
  "a refused call: BAD_HANDLE",
  "an unknown call: NO_SUCH_SYSCALL",
  "a spawn: PERMISSION_DENIED",
  "counters: done",
  "events: TIMED_OUT",
  "the console: done",
  "text: done",
];

const HERE = new URL("./attacks/", import.meta.url);

Deno.test("attacks/kernel/listens.ts hears nothing in what Carmine passes through its realm's builtins", async () => {
  await using kernel = new Kernel();
  const { init } = kernel;
  const [input, output, log] = [init.createPipe(), init.createPipe(), init.createPipe()];
  input.writer.tryWrite(new Uint8Array(100));
  const drained = Promise.all([output.reader, log.reader].map(async (reader) => {
    for await (const _ of reader);
  }));
  const child = init.spawn(new URL("kernel/listens.ts", HERE), {
    // Without MAP: its buffer would be the task's to hold.
    handles: {
      reader: input.reader.replace(Rights.READ | Rights.WAIT | Rights.TRANSFER),
      writer: output.writer.replace(Rights.WRITE | Rights.TRANSFER),
      stderr: log.writer.replace(Rights.WRITE | Rights.TRANSFER),
    },
    imports: [new URL("_reachable.ts", HERE).href],
  });
  const status = await child.wait();
  await drained;
  if (status.state === "crashed") throw status.error;
  assert(status.state === "exited");
  const { found, heard, ends } = status.value as {
    found: string[];
    heard: number;
    ends: string[];
  };
  assertEquals(found, []);
  assert(heard > 100, `it heard ${heard} objects`);
  assertEquals(ends, ENDS);
});
