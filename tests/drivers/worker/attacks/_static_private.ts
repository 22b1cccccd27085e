import * as inside from "../../../../drivers/worker/inside.ts";
import { reached } from "./_attempt.ts";

reached(`the lock: ${Object.keys(inside)}`);
