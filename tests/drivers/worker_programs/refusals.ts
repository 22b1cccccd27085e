/** Tells what it is refused. */
import { task } from "@carmine/kernel/task";
import { refusals } from "./_refusals.ts";

task.exit(0, await refusals(task));
