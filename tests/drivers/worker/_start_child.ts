/** Starts a task with whatever flags this process has, and prints how that went. */
import { runTask } from "./_harness.ts";

try {
  const { end, reports } = await runTask("./tasks/imports_allowed.ts");
  const message = end.state === "returned" ? "" : end.error.message;
  console.log(JSON.stringify({ state: end.state, message, reports }));
} catch (error) {
  const message = error instanceof Error ? error.message : String(error);
  console.log(JSON.stringify({ state: "not started", message, reports: [] }));
}
