/** Imports at every depth of the stack, so that the hook runs out of it wherever it may. */
import { attempt, reached, tried } from "./_attempt.ts";

const SPECIFIERS = ["node:process", "node:worker_threads", "node:module", "../_secret.json"];
const pending: Promise<unknown>[] = [];
let count = 0;

function dive(specifier: string): void {
  try {
    dive(specifier);
  } catch {
    // Where the stack ends, and on the way back up.
  }
  // Without a call, which could fail where the import succeeded.
  if (count < 4000) pending[count++] = import(specifier);
}

for (const specifier of SPECIFIERS) {
  pending.length = 0;
  count = 0;
  try {
    dive(specifier);
  } catch {
    // The last frame.
  }
  const settled = await Promise.allSettled(pending);
  const opened = settled.filter(({ status }) => status === "fulfilled").length;
  if (opened > 0) reached(`${specifier} from ${opened} depths`);
  else tried(`${specifier} from ${settled.length} depths`);
}

// With the stack nearly full while a module with static imports loads.
for (const file of ["./_static_worker_threads.ts", "./_static_process.ts"]) {
  for (let round = 0; round < 20; round++) {
    await attempt(`${file}, round ${round}`, () => {
      const result: Promise<unknown>[] = [];
      let made = 0;
      const dive = (): void => {
        try {
          dive();
        } catch {
          if (made < 50) result[made++] = import(file);
        }
      };
      dive();
      return Promise.any(result);
    });
  }
}
