/** Writes a word to its parent's pipe. */
import { PipeWriter } from "@carmine/kernel";
import { task } from "@carmine/kernel/task";

task.handle("output", PipeWriter).writeSync(new TextEncoder().encode("child"));
task.exit(4, task.handles);
