import { assert, assertEquals } from "@std/assert";
import { main } from "../../examples/pub_sub.ts";

Deno.test("examples/pub_sub.ts shows what each overflow policy keeps", async () => {
  const [trader, chart, archive, ledger] = await main();
  assert(trader && chart && archive && ledger);
  assertEquals([trader.prices.length, trader.dropped], [1_000, 0]);
  assertEquals([ledger.prices, ledger.dropped], [trader.prices, 0]);
  for (const slow of [chart, archive]) {
    assert(slow.dropped > 0);
    // The bell is one event more; each was received or counted.
    assertEquals(slow.prices.length + slow.dropped + Number(slow.heardBell), 1_001);
  }
  assertEquals(chart.prices.at(-1), trader.prices.at(-1)); // the latest is what a chart needs
  assertEquals([chart.heardBell, archive.heardBell, ledger.heardBell], [true, false, true]);
  assertEquals(archive.prices[0], trader.prices[0]);
});
