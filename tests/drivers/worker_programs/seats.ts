/** What tasks do with memory that they have mapped, and should not; the argument says what. */
import { Counter, PipeReader, SharedMemory } from "@carmine/kernel";
import { task } from "@carmine/kernel/task";

const [what] = task.args;
const ready = (): void => task.handle("ready", Counter).addSync(1);
const go = (): bigint => task.handle("go", Counter).takeSync();
let value: unknown;

switch (what) {
  case "many pipes": {
    // More than the thread has seats.
    const pipes = Array.from({ length: 1_030 }, () => task.createPipe({ capacity: 8 }));
    for (const [i, { writer }] of pipes.entries()) writer.writeSync(Uint8Array.of(i, i >> 8));
    const bytes = new Uint8Array(8);
    value = pipes.every(({ reader, writer }, i) => {
      writer.close();
      const read = reader.readSync(bytes);
      return read === 2 && bytes[0] === (i & 255) && bytes[1] === i >> 8 &&
        reader.readSync(bytes) === 0;
    });
    break;
  }
  case "scribble on a pipe": {
    const reader = task.handle("in", PipeReader);
    const ring = reader.peek().buffer;
    ready();
    go();
    new Uint8Array(ring).fill(0xff);
    ready();
    break;
  }
  case "keep a view": {
    const { int32 } = task.handle("memory", SharedMemory).map();
    ready();
    go();
    int32[0] = 7;
    try {
      task.handle("memory", SharedMemory).map();
    } catch (error) {
      value = String(error);
    }
    break;
  }
}
task.exit(0, value);
