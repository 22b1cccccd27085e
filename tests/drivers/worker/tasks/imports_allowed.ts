/** Imports all that a task may: its folder, statically and not, and Carmine's public modules. */
import { kernel } from "../_public_kernel.ts";
import data from "./data.json" with { type: "json" };

declare const report: (...parts: unknown[]) => void;

const { sibling } = await import("./sibling.ts");
report(kernel, data.value, sibling);
