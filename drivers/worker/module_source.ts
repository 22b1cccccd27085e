/**
 * The modules that the kernel writes for a task's worker, as `data:` URLs.
 *
 * Always holds: what a task or a host chose crosses into a module as escaped text inside a string
 * literal, and nowhere else.
 *
 * @module
 */
import type { WorkerConfig } from "./protocol.ts";

/** Modules that the worker's graph holds and that are evaluated once its realm is locked. */
export interface DeferredModules {
  /** The task's side of the kernel. */
  readonly runtime: URL;
  /** What the task gets for Carmine's public modules. */
  readonly publicModules: readonly URL[];
}

/**
 * The module that the worker starts in. The imports in the function, which is never called, put
 * what a task names into the worker's graph. There Deno looks for it before it asks the lock's hook
 * which module the task gets, and would want permission to read it.
 */
export function bootstrapUrl(config: WorkerConfig, modules: DeferredModules): string {
  const deferred = [modules.runtime, ...modules.publicModules];
  const imports = deferred.map(({ href }, i) =>
    `import defer * as module${i} from ${literal(href)};`
  );
  const [runtime, ...publicModules] = deferred.map((_, i) => `module${i}`);
  return dataUrl(`
import { run } from ${literal(new URL("inside.ts", import.meta.url).href)};
${imports.join("\n")}
() => [${config.publicModules.map((url) => `import(${literal(url)})`)}];
run(${JSON.stringify(config)}, { runtime: ${runtime}, publicModules: [${publicModules}] });`);
}

/** The module that calls the global function of this name: the task's own modules come next. */
export function beginnerUrl(name: string): string {
  return dataUrl(`globalThis[${literal(name)}]();`);
}

/** The module that loads a task. It exports nothing, not even a `then` that the entry may export. */
export function starterUrl(beginner: string, entry: URL): string {
  return dataUrl(`import ${literal(beginner)}; import ${literal(entry.href)};`);
}

function literal(text: string): string {
  return JSON.stringify(text);
}

function dataUrl(source: string): string {
  return new URL(`data:text/javascript,${encodeURIComponent(source)}`).href;
}
