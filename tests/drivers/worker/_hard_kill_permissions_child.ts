/** Boots a hard kill without its permissions, and prints what it throws. */
import { HardKill } from "../../../drivers/worker/hard_kill.ts";

try {
  new HardKill();
  console.log(JSON.stringify({ message: "" }));
} catch (error) {
  console.log(JSON.stringify({ message: error instanceof Error ? error.message : String(error) }));
}
