import { assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import { Kernel, KernelError, type KernelOptions } from "../mod.ts";

/** The code and message that options are refused with. */
function refusal(options: KernelOptions): string {
  const error = assertThrows(() => new Kernel(options));
  assertInstanceOf(error, KernelError);
  return `${error.code}: ${error.message}`;
}

Deno.test("Kernel says that there is no such limit, rather than none at all", () => {
  for (const name of ["handels", "constructor"]) {
    assertEquals(refusal({ limits: { [name]: 5 } }), `INVALID_ARGUMENT: there is no limit ${name}`);
  }
});

Deno.test("Kernel says what a limit must be", () => {
  for (
    const [limits, why] of [
      [{ handles: 65_537 }, "limits.handles must be an integer 1 … 65536, not 65537"],
      [{ children: 0.5 }, "limits.children must be an integer of at least 0, not 0.5"],
      [{ deadlineMs: NaN }, "limits.deadlineMs must be a number of at least 0, not NaN"],
    ] as const
  ) assertEquals(refusal({ limits }), `INVALID_ARGUMENT: ${why}`);
});

Deno.test({
  name: "Kernel says which permissions hardKill needs",
  permissions: { sys: false },
  fn() {
    assertEquals(
      refusal({ hardKill: "debugger" }),
      "NOT_SUPPORTED: Cannot use the debugger to end threads: the permissions for it are missing, " +
        "add --allow-sys --allow-net=127.0.0.1",
    );
  },
});

Deno.test("Kernel says that hardKill needs Deno", () => {
  const deno = Object.getOwnPropertyDescriptor(globalThis, "Deno") as PropertyDescriptor;
  delete (globalThis as { Deno?: unknown }).Deno;
  try {
    assertEquals(
      refusal({ hardKill: "debugger" }),
      "NOT_SUPPORTED: Cannot use the debugger to end threads: that needs Deno",
    );
  } finally {
    Object.defineProperty(globalThis, "Deno", deno);
  }
});
