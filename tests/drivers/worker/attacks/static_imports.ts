/** Modules in the task's own folder that import statically what they may not. */
import { attempt } from "./_attempt.ts";

// Several times and at once: a module whose load failed is in Deno's module map all the same.
for (let round = 0; round < 3; round++) {
  await attempt("node:process", () => import("./_static_process.ts"));
  await attempt("node:worker_threads", () => import("./_static_worker_threads.ts"));
  await attempt("secret JSON", () => import("./_static_secret.ts"));
  await attempt("a private module", () => import("./_static_private.ts"));
  await attempt("all at once", () =>
    Promise.any([
      import("./_static_process.ts"),
      import("./_static_worker_threads.ts"),
      import("./_static_process.ts?again"),
      import("./_static_worker_threads.ts?again"),
    ]));
}
