import process from "node:process";
import { reached } from "./_attempt.ts";

reached(`node:process ${typeof process.kill}`);
export { process };
