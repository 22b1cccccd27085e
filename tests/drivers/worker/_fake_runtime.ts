/**
 * Stands in for the task's side of the kernel: gives the task a global `report` and prints its
 * console to the same page, each line after "console: ".
 *
 * @module
 */
import type { TaskConnection } from "../../../drivers/worker/protocol.ts";
import { writeReport } from "./_report_page.ts";

export function connect(payload: unknown): TaskConnection {
  const page = payload as SharedArrayBuffer;
  Object.defineProperty(globalThis, "report", {
    value: (...parts: unknown[]): void => writeReport(page, parts.join(" ")),
    writable: true,
    configurable: true,
  });
  return { writeConsole: (text) => writeReport(page, `console: ${text}`) };
}
