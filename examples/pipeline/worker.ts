/**
 * A worker of pipeline.ts: runs the stage that its task is named after.
 *
 * @module
 */
import { task } from "@carmine/kernel/task";
import { grep } from "./grep.ts";
import { wc } from "./wc.ts";

task.exit(0, await (task.name === "grep" ? grep(task) : wc(task)));
