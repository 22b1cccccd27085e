/**
 * Wait sets: what a wake costs with few and with 10,000 idle sources beside the active ones. It must
 * not grow with the idle ones; `waitMany` does, which is what wait sets are for.
 *
 * ```sh
 * deno bench --allow-read --allow-sys bench/wait_set_bench.ts
 * ```
 *
 * @module
 */
import { Kernel, Signals, type Timer } from "@carmine/kernel";

const kernel = new Kernel({ limits: { handles: 65_536 } });
const { init } = kernel;
const { USER_0 } = Signals;

for (const active of [1, 10, 100]) {
  for (const idle of [0, 100, 10_000]) {
    const set = init.createWaitSet();
    const sources: Timer[] = [];
    for (let key = 0; key < active + idle; key++) {
      const source = init.createTimer();
      set.add(source, USER_0, key);
      // The active ones are spread among the idle.
      if (key % Math.floor((active + idle) / active) === 0 && sources.length < active) {
        sources.push(source);
      }
    }
    Deno.bench(`${active} active, ${idle} idle`, {
      group: `${active} active`,
      baseline: idle === 0,
    }, async () => {
      for (const source of sources) source.signal(0, USER_0);
      const ready = await set.wait();
      if (ready.length !== active) throw new Error(`${ready.length} are ready, not ${active}`);
      for (const source of sources) source.signal(USER_0, 0);
    });
  }
}

for (const idle of [100, 4_000]) {
  const items = Array.from({ length: idle }, () => ({
    handle: init.createTimer(),
    signals: USER_0,
  }));
  const [first] = items;
  Deno.bench(`waitMany, 1 active, ${idle} idle`, { group: "1 active" }, async () => {
    first?.handle.signal(0, USER_0);
    await init.waitMany(items);
    first?.handle.signal(USER_0, 0);
  });
}
