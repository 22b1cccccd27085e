/**
 * Makes Deno's own lists, the list of module hooks first of all, read what the task wants: by
 * accessors at indices of the prototypes that every array inherits from.
 */
import { attempt } from "./_attempt.ts";

const computed = (text: string): string => [...text].reverse().reverse().join("");
const open = (url: string) => ({ url, shortCircuit: true });

function poison(holder: object, index: string): boolean {
  return Reflect.defineProperty(holder, index, {
    configurable: true,
    get: () => open,
    set() {},
  });
}

for (const [name, holder] of [["Array", Array.prototype], ["Object", Object.prototype]] as const) {
  for (const index of ["0", "1"]) {
    await attempt(`accessor at ${name}.prototype[${index}]`, async () => {
      if (!poison(holder, index)) return false;
      return await import(computed("node:process"));
    });
    Reflect.deleteProperty(holder, index);
  }
}
await attempt("a new prototype for arrays", async () => {
  const evil = Object.create(Object.prototype);
  poison(evil, "0");
  if (!Reflect.setPrototypeOf(Array.prototype, evil)) return false;
  return await import(computed("node:process"));
});
await attempt("inherited results of hooks", async () => {
  const added = ["url", "shortCircuit", "error", "resolve", "load", "format", "source", "then"]
    .filter((key) => Reflect.defineProperty(Object.prototype, key, { value: "node:process" }));
  if (added.length === 0) return false;
  return await import(computed("./_attempt.ts"));
});
await attempt("Array.prototype.length", async () => {
  Array.prototype.length = 1;
  try {
    return await import(computed("node:process"));
  } finally {
    Array.prototype.length = 0;
  }
});
