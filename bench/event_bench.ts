/**
 * Fan-out: one event to 1, 10, 100 and 1,000 subscribers of a channel, against the platforms' and
 * npm's emitters, which call functions, and against a queue for each subscriber made by others.
 *
 * An operation is one delivery, so a publish to 1,000 subscribers is 1,000 operations. Every
 * subscriber reads the event's number. What the others do less of: an emitter hands all listeners
 * the same object, bounds nothing, and knows no sender, priority or filter; the queues grow.
 *
 * ```sh
 * deno bench --allow-read --allow-sys bench/event_bench.ts
 * deno run --allow-read --allow-sys bench/event_bench.ts   # in turns, with ratios
 * ```
 *
 * @module
 */
import { EventEmitter, on } from "node:events";
import { type Event as KernelEvent, type EventSubscription, Kernel } from "@carmine/kernel";
import { pushable } from "npm:it-pushable@3.2.4";
import mittModule, { type Emitter } from "npm:mitt@3.0.1";
import { compare, type Contestant, table } from "./_compare.ts";

// Its types say that the module is the function's holder; loaded, it is the function.
const mitt = mittModule as unknown as <Events extends Record<string, unknown>>() => Emitter<Events>;

/** Subscribers that get each event. */
const FAN_OUTS = [1, 10, 100, 1_000];
const TICK = { type: "message", messageType: 1, category: "tick" } as const;

const { init } = new Kernel({ limits: { handles: 65_536 } });

/** What the subscribers read, so that nobody's reading can be left out. */
let sum = 0n;

/** A round for each publish: as many as the deliveries asked for need. */
function rounds(deliveries: number, fanOut: number): number {
  return Math.ceil(deliveries / fanOut);
}

function subscribed(fanOut: number, bufferSize: number) {
  const channel = init.createEventChannel("ticks");
  const settings = { bufferSize, onOverflow: "drop-oldest" } as const;
  const subscriptions = Array.from({ length: fanOut }, () => channel.subscribe(settings));
  const publish = (value: bigint) => channel.publish(TICK, { type: "integer", value });
  return { publish, subscriptions };
}

function read(event: KernelEvent | undefined): void {
  if (event?.payload.type === "integer") sum += event.payload.value;
}

// --- publish: functions are called, or queues filled --------------------------------------------

/** Nobody receives, so each publish also evicts the oldest event of every queue. */
function channelPublish(fanOut: number): Contestant {
  const { publish } = subscribed(fanOut, 16);
  return {
    name: "EventChannel, publish into full queues",
    run(operations) {
      for (let i = rounds(operations, fanOut); i > 0; i--) publish(1n);
    },
  };
}

/** The whole way: publish, and each subscription receives. */
function channelReceive(fanOut: number): Contestant {
  const { publish, subscriptions } = subscribed(fanOut, 16);
  return {
    name: "EventChannel, publish and tryReceive",
    run(operations) {
      for (let i = rounds(operations, fanOut); i > 0; i--) {
        publish(1n);
        for (const subscription of subscriptions) read(subscription.tryReceive());
      }
    },
  };
}

/** What a program would write by hand: an array for each subscriber, the same objects in all. */
function arrays(fanOut: number): Contestant {
  const queues = Array.from({ length: fanOut }, (): { value: bigint }[] => []);
  return {
    name: "an array for each, push and shift",
    run(operations) {
      for (let i = rounds(operations, fanOut); i > 0; i--) {
        const tick = { value: 1n };
        for (const queue of queues) {
          if (queue.length === 16) queue.shift();
          queue.push(tick);
        }
        for (const queue of queues) sum += queue.shift()?.value ?? 0n;
      }
    },
  };
}

function eventTarget(fanOut: number): Contestant {
  const target = new EventTarget();
  for (let i = 0; i < fanOut; i++) {
    target.addEventListener("tick", (event) => sum += (event as CustomEvent<bigint>).detail);
  }
  return {
    name: "EventTarget, calls listeners",
    run(operations) {
      for (let i = rounds(operations, fanOut); i > 0; i--) {
        target.dispatchEvent(new CustomEvent("tick", { detail: 1n }));
      }
    },
  };
}

function emitter(fanOut: number): Contestant {
  const emitter = new EventEmitter();
  emitter.setMaxListeners(fanOut);
  for (let i = 0; i < fanOut; i++) emitter.on("tick", ({ value }) => sum += value);
  return {
    name: "node:events, calls listeners",
    run(operations) {
      for (let i = rounds(operations, fanOut); i > 0; i--) emitter.emit("tick", { value: 1n });
    },
  };
}

function mitts(fanOut: number): Contestant {
  const emitter = mitt<{ tick: { value: bigint } }>();
  for (let i = 0; i < fanOut; i++) emitter.on("tick", ({ value }) => sum += value);
  return {
    name: "mitt, calls listeners",
    run(operations) {
      for (let i = rounds(operations, fanOut); i > 0; i--) emitter.emit("tick", { value: 1n });
    },
  };
}

// --- receivers that wait: a queue and a promise for each ----------------------------------------

/** Publishes once all wait; the round is over when all have the event. */
function waiting(
  name: string,
  fanOut: number,
  next: (() => Promise<bigint>)[],
  publish: () => void,
): Contestant {
  return {
    name,
    async run(operations) {
      for (let i = rounds(operations, fanOut); i > 0; i--) {
        const all = next.map((next) => next());
        publish();
        for (const value of await Promise.all(all)) sum += value;
      }
    },
  };
}

async function valueFrom(subscription: EventSubscription): Promise<bigint> {
  const { payload } = await subscription.receive();
  return payload.type === "integer" ? payload.value : 0n;
}

function channelWait(fanOut: number): Contestant {
  const { publish, subscriptions } = subscribed(fanOut, 16);
  const next = subscriptions.map((subscription) => () => valueFrom(subscription));
  return waiting("EventChannel, receive", fanOut, next, () => publish(1n));
}

function emitterWait(fanOut: number): Contestant {
  const emitter = new EventEmitter();
  emitter.setMaxListeners(0);
  const next = Array.from({ length: fanOut }, () => {
    const iterator = on(emitter, "tick")[Symbol.asyncIterator]();
    return async () => (await iterator.next()).value?.[0].value as bigint;
  });
  return waiting("node:events on()", fanOut, next, () => emitter.emit("tick", { value: 1n }));
}

function pushableWait(fanOut: number): Contestant {
  const queues = Array.from(
    { length: fanOut },
    () => pushable<{ value: bigint }>({ objectMode: true }),
  );
  const next = queues.map((queue) => async () => (await queue.next()).value?.value ?? 0n);
  return waiting("it-pushable", fanOut, next, () => {
    const tick = { value: 1n };
    for (const queue of queues) queue.push(tick);
  });
}

const SCENES: readonly [string, readonly ((fanOut: number) => Contestant)[]][] = [
  ["a publish", [channelPublish, channelReceive, arrays, eventTarget, emitter, mitts]],
  ["receivers that wait", [channelWait, emitterWait, pushableWait]],
];

for (const [scene, makers] of SCENES) {
  for (const fanOut of FAN_OUTS) {
    for (const make of makers) {
      const { name, run } = make(fanOut);
      Deno.bench({
        name,
        group: `${scene}, ${fanOut} subscribers, 1,000 deliveries`,
        baseline: make === makers[0],
        fn: async () => {
          await run(1_000);
        },
      });
    }
  }
}

if (import.meta.main) {
  for (const [scene, makers] of SCENES) {
    for (const fanOut of FAN_OUTS) {
      const results = await compare(makers.map((make) => make(fanOut)));
      console.log(`${table(`${scene}, ${fanOut} subscribers: a delivery`, results)}\n`);
    }
  }
}
