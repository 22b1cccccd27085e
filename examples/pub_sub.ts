/**
 * One feed of price ticks, four readers: a fast one that sees every tick, a slow chart that only
 * needs the latest, a slow archive that keeps the first of a burst, and a slow ledger that must not
 * miss any, for which the feed waits.
 *
 * ```sh
 * deno run examples/pub_sub.ts
 * ```
 *
 * @module
 */
import {
  EventChannel,
  type EventContent,
  EventPriority,
  EventSubscription,
  Kernel,
  type Task,
} from "@carmine/kernel";

/** Ticks that the feed publishes, and how many a slow reader has room for. */
const TICKS = 1_000;
const ROOM = 16;

/** What a reader has seen. */
export interface Report {
  /** The reader's name. */
  name: string;
  /** Prices received, in order. */
  prices: bigint[];
  /** Ticks that did not fit. */
  dropped: number;
  /** True when the closing bell was received: it was urgent, which "drop-oldest" respects. */
  heardBell: boolean;
}

const tick: EventContent = { type: "message", messageType: 1, category: "CARM" };
const bell: EventContent = { type: "notification", notification: "closing bell" };

/** A price that wanders, and always the same way. */
function* prices(): Generator<bigint> {
  let price = 10_000n;
  for (let seed = 1;;) {
    seed = (seed * 48_271) % 2_147_483_647;
    price += BigInt(seed % 21) - 10n;
    yield price;
  }
}

/**
 * The feed: publishes in bursts, with the bell at the end. It holds nothing but the right to
 * publish; who listens it neither knows nor waits for, but for those that asked to be waited for.
 */
async function feed(task: Task): Promise<void> {
  const channel = task.handle("ticks", EventChannel);
  const price = prices();
  for (let i = 0; i < TICKS; i++) {
    const value = price.next().value as bigint;
    await channel.publishAsync(tick, { type: "integer", value });
  }
  await channel.publishAsync(bell, undefined, { priority: EventPriority.CRITICAL });
}

/** Reads a subscription to its end; a slow reader lets a burst pile up before it looks. */
async function read(task: Task): Promise<Report> {
  const ticks = task.handle("ticks", EventSubscription);
  const isSlow = task.args.includes("slow");
  const report: Report = { name: task.name, prices: [], dropped: 0, heardBell: false };
  if (isSlow) await later();
  for await (const { content, payload } of ticks) {
    if (payload.type === "integer") report.prices.push(payload.value);
    else if (content.type === "notification") report.heardBell = true;
    if (isSlow && ticks.pending === 0) await later();
  }
  report.dropped = ticks.dropped;
  return report;
}

/** Lets the other tasks of the isolate go on. */
function later(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

/** Runs the feed and its readers. */
export async function main(): Promise<Report[]> {
  await using kernel = new Kernel();
  const { init } = kernel;
  const channel = init.createEventChannel("ticks");
  const subscriptions: [name: string, subscription: EventSubscription, pace: string][] = [
    ["trader", channel.subscribe({ bufferSize: TICKS + 1 }), "fast"],
    ["chart", channel.subscribe({ bufferSize: ROOM, onOverflow: "drop-oldest" }), "slow"],
    ["archive", channel.subscribe({ bufferSize: ROOM, onOverflow: "drop-newest" }), "slow"],
    ["ledger", channel.subscribe({ bufferSize: ROOM * 4, onOverflow: "block" }), "slow"],
  ];
  const readers = subscriptions.map(([name, ticks, pace]) =>
    init.spawn(read, { name, args: [pace], handles: { ticks } })
  );
  // The feed gets the only handle that publishes: when it ends, so do the subscriptions.
  init.spawn(feed, { name: "feed", handles: { ticks: channel } });
  const reports: Report[] = [];
  for (const reader of readers) {
    const status = await reader.wait();
    if (status.state !== "exited") throw new Error(`${JSON.stringify(status)}`);
    reports.push(status.value as Report);
  }
  return reports;
}

if (import.meta.main) {
  for (const { name, prices, dropped, heardBell } of await main()) {
    const last = prices.at(-1) ?? 0n;
    console.log(
      `${name.padEnd(8)} received ${String(prices.length).padStart(4)} ticks, dropped ` +
        `${String(dropped).padStart(4)}, last price ${Number(last) / 100}` +
        (heardBell ? ", heard the bell" : ""),
    );
  }
}
