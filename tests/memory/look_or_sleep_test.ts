import { assert, assertEquals } from "@std/assert";
import { LookOrSleep } from "../../memory/look_or_sleep.ts";

/** What is chosen in so many waits, which take as long as their kind does: how many looked. */
function lookers(choice: LookOrSleep, waits: number, lookMs: number, sleepMs: number): number {
  let count = 0;
  for (let i = 0; i < waits; i++) {
    const { looks } = choice;
    if (looks) count++;
    choice.took(looks, looks ? lookMs : sleepMs);
  }
  return count;
}

Deno.test("LookOrSleep chooses what takes less time, and tries the other now and then", () => {
  for (const [lookMs, sleepMs, isLooking] of [[0.002, 0.06, true], [0.03, 0.005, false]] as const) {
    const count = lookers(new LookOrSleep(), 1_000, lookMs, sleepMs);
    const others = isLooking ? 1_000 - count : count;
    assert(others > 5 && others < 30, `${others} waits were of the worse kind`);
  }
});

Deno.test("LookOrSleep changes its choice when the times change", () => {
  const choice = new LookOrSleep();
  lookers(choice, 1_000, 0.002, 0.06);
  lookers(choice, 1_000, 0.1, 0.005);
  assert(lookers(choice, 100, 0.1, 0.005) < 5);
  lookers(choice, 1_000, 0.002, 0.06);
  assert(lookers(choice, 100, 0.002, 0.06) > 95);
});

Deno.test("LookOrSleep learns nothing from waits that were no short answers", () => {
  const choice = new LookOrSleep();
  lookers(choice, 100, 0.002, 0.06);
  const { looks } = choice;
  for (let i = 0; i < 10; i++) choice.took(true, 5_000);
  assertEquals(choice.looks, looks);
});
