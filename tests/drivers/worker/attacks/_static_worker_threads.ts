import { Worker } from "node:worker_threads";
import { reached } from "./_attempt.ts";

reached(`node:worker_threads ${typeof Worker}`);
export { Worker };
