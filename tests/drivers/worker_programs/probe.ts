/** Runs what its first argument names in a worker. */
import { task } from "@carmine/kernel/task";
import { probe, reasonOf } from "./_probe.ts";

task.exit(0, await (task.args[0] === "probe" ? probe : reasonOf)(task));
