import { assertEquals } from "@std/assert";
import { Kernel, type Program, Rights } from "../../mod.ts";
import { refusals } from "./worker_programs/_refusals.ts";

const PROGRAM = new URL("./worker_programs/refusals.ts", import.meta.url);

/** What the program is told. */
async function toldTo(program: Program, without: Rights): Promise<unknown> {
  await using kernel = new Kernel();
  const { init } = kernel;
  const source = init.createPipe();
  const target = init.createPipe({ capacity: 4_096 });
  const counter = init.createCounter();
  const child = init.spawn(program, {
    handles: {
      in: source.reader.duplicate(source.reader.rights & ~without),
      out: target.writer.duplicate(target.writer.rights & ~without),
      counter: counter.duplicate(counter.rights & ~without),
    },
  });
  const status = await child.wait();
  if (status.state === "crashed") throw status.error;
  return status.state === "exited" ? status.value : status.state;
}

for (
  const [how, without] of [["mapped", Rights.NONE], ["asking the kernel", Rights.MAP]] as const
) {
  Deno.test(`a worker, ${how}, is told the same as a function about what it is refused`, async () => {
    const told = await toldTo(refusals, without);
    assertEquals(await toldTo(PROGRAM, without), told);
  });
}
