import { assert, assertEquals } from "@std/assert";
import { LookOrSleep } from "../../memory/look_or_sleep.ts";

/** What is chosen in so many waits whose looks succeed or don't: how many looked. */
function lookers(choice: LookOrSleep, waits: number, hasSeen: boolean): number {
  let count = 0;
  for (let i = 0; i < waits; i++) {
    if (choice.looks) {
      count++;
      choice.looked(hasSeen);
    } else choice.slept();
  }
  return count;
}

Deno.test("LookOrSleep looks as long as that succeeds", () => {
  assertEquals(lookers(new LookOrSleep(), 1_000, true), 1_000);
});

Deno.test("LookOrSleep mostly sleeps when looks are in vain, and looks now and then", () => {
  const count = lookers(new LookOrSleep(), 1_000, false);
  assert(count > 10 && count < 30, `${count} waits looked`);
});

Deno.test("LookOrSleep looks again after one look that succeeds", () => {
  const choice = new LookOrSleep();
  lookers(choice, 1_000, false);
  assert(lookers(choice, 100, true) >= 36);
  assertEquals(lookers(choice, 100, true), 100);
});
