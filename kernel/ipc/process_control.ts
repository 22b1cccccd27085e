/**
 * What process-control events do to a task, beyond being delivered.
 *
 * @module
 */
import { KernelError } from "../../capabilities/errors.ts";
import type { EventContent, ProcessControl } from "../../capabilities/event_ops.ts";
import type { TaskObject } from "../task.ts";

/** The process control that an event asks for, if it does. */
export function controlOf(content: EventContent): ProcessControl | undefined {
  return content.type === "processControl" ? content.control : undefined;
}

/** True when the task asked for process-control events by name. */
export function handlesControl(task: TaskObject): boolean {
  return task.events.filters.asksForType("processControl");
}

/** Does what a control that is not delivered asks for. */
export function act(target: TaskObject, control: "kill" | "stop" | "continue"): void {
  switch (control) {
    case "kill":
      return target.end({ state: "killed" });
    case "stop":
      return target.stop();
    case "continue":
      return target.continue();
    default:
      return control satisfies never;
  }
}

/** Tells the program to end, unless it deals with such events itself. */
export function abort(target: TaskObject, control: "terminate" | "interrupt"): void {
  if (handlesControl(target)) return;
  const told = control === "terminate" ? "terminate" : "be interrupted";
  const reason = `Task ${target.taskId} (${target.name}) was told to ${told}`;
  target.abort.abort(new KernelError("INTERRUPTED", reason));
}
