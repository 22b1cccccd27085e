import { assertEquals, assertStringIncludes } from "@std/assert";
import { resultOfChild } from "./_child.ts";

const FLAGS = ["--allow-read", "--allow-sys", "--allow-net=127.0.0.1"];

Deno.test("HardKill ends threads that never yield, and reports what it can't end", async () => {
  const results = await resultOfChild("./_hard_kill_child.ts", FLAGS);
  assertEquals(results, {
    openAtBoot: false,
    loop: "gone",
    finallyLoops: "gone",
    generator: "gone",
    atomicsWait: "gone",
    wasm: "gone",
    regularExpression: "gone",
    microtasks: "gone",
    getterOfAnError: "gone",
    timers: "gone",
    eightAtOnce: Array(8).fill("gone"),
    isLingeringAfterTerminate: true,
    lingering: "gone",
    idle: "gone",
    openAfterwards: false,
    endlessBuiltin: { state: "lingering", reason: "the code it runs can't be interrupted" },
    besideIt: "gone",
    openAtTheEnd: false,
    next: true,
  });
});

for (const flags of [[], ["--allow-sys"], ["--allow-net=127.0.0.1"]]) {
  Deno.test(`HardKill names the flags that it lacks with ${flags.join() || "none"}`, async () => {
    const all = ["--allow-read", ...flags];
    const { message } = await resultOfChild("./_hard_kill_permissions_child.ts", all);
    assertStringIncludes(String(message), "--allow-sys --allow-net=127.0.0.1");
  });
}
