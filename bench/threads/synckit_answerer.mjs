/** Answers calls that block the main isolate. */
import { runAsWorker } from "synckit";

runAsWorker((n) => n === 0);
