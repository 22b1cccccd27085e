/**
 * The errors of a task, made of what its thread reported, as errors of the kernel's isolate.
 *
 * Always holds: what a task threw reaches this side as text.
 *
 * @module
 */
import type { ErrorReport } from "./protocol.ts";

/** The error that the task threw, as a plain `Error` of this realm. */
export function errorFrom({ name, message, stack }: ErrorReport): Error {
  const error = new Error(message);
  error.name = name || "Error";
  error.stack = stack || `${error.name}: ${message}`;
  return error;
}

/** What Deno says about an import that the hook denied, or that needs what the worker may not. */
const DENIED = [
  /^Unsupported scheme "carmine-denied" for module "carmine-denied:import-of\/([^"]*)"/,
  /^Requires (?:read|import|net) access to "([^"]*)"/,
];

// deno-lint-ignore no-control-regex
const COLOUR = /\x1b\[[0-9;]*m/g;

/** Why a task's modules could not be loaded, in the words of this side; the entry, once known. */
export function loadError({ message }: ErrorReport, entry: URL | undefined): Error {
  const denied = DENIED.map((pattern) => pattern.exec(message)?.[1]).find((found) => found);
  const reason = denied === undefined
    ? withoutBootstrap(message)
    : `it may not import ${denied}: that lies outside its folder and what it was allowed to import`;
  const task = entry === undefined ? "a task" : `the task ${entry.href.slice(0, 200)}`;
  return new Error(`Cannot load ${task}: ${reason}`);
}

/** Deno's message, uncoloured and without the line that points into the kernel's own module. */
function withoutBootstrap(message: string): string {
  return message
    .replaceAll(COLOUR, "")
    .replaceAll(/\n\s+at data:text\/javascript,import%20\S*/g, "");
}
