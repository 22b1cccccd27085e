/** Prints to a pipe that nobody reads. */
import { task } from "@carmine/kernel/task";

console.log("to nobody");
console.error(task);
task.exit(0, "printed");
