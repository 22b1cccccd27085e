/**
 * Message queues in one isolate, against what else carries messages there. fastq and a plain array
 * hand over references; the others copy or clone.
 *
 * ```sh
 * deno bench --allow-read --allow-sys bench/message_bench.ts
 * ```
 *
 * @module
 */
import { Kernel } from "@carmine/kernel";
import * as Comlink from "comlink";
import fastq from "fastq";

const BATCH = 1_000;
/** Each of these is a hundred, so that setting up a channel weighs little. */
const ROUNDS = 100;
const ROUND_TRIPS = "100 round trips";
const payload = new Uint8Array(64).fill(7);

const kernel = new Kernel();
const { init } = kernel;

/** A port that echoes what comes in on the other one. */
function echoPort(): { port: MessagePort; close(): void } {
  const { port1, port2 } = new MessageChannel();
  port2.onmessage = ({ data }) => port2.postMessage(data);
  return { port: port1, close: () => port1.close() };
}

// --- one message there and its answer back -----------------------------------------------------

{
  const { sender, receiver } = init.createMessageQueue();
  void (async () => {
    for await (const message of receiver) receiver.reply(message, message.bytes);
  })();
  Deno.bench("call and reply", { group: ROUND_TRIPS, baseline: true }, async () => {
    for (let i = 0; i < ROUNDS; i++) await sender.call(payload);
  });
}

{
  const there = init.createMessageQueue();
  const back = init.createMessageQueue();
  void (async () => {
    for await (const message of there.receiver) await back.sender.send(message.bytes);
  })();
  Deno.bench("two queues", { group: ROUND_TRIPS }, async () => {
    for (let i = 0; i < ROUNDS; i++) {
      await there.sender.send(payload);
      await back.receiver.receive();
    }
  });
}

Deno.bench("MessageChannel", { group: ROUND_TRIPS }, async (b) => {
  const { port, close } = echoPort();
  let arrived = () => {};
  port.onmessage = () => arrived();
  b.start();
  for (let i = 0; i < ROUNDS; i++) {
    const echo = new Promise<void>((resolve) => arrived = resolve);
    port.postMessage(payload);
    await echo;
  }
  b.end();
  close();
});

Deno.bench("comlink", { group: ROUND_TRIPS }, async (b) => {
  const { port1, port2 } = new MessageChannel();
  Comlink.expose({ echo: (bytes: Uint8Array) => bytes }, port2);
  const remote = Comlink.wrap<{ echo(bytes: Uint8Array): Uint8Array }>(port1);
  b.start();
  for (let i = 0; i < ROUNDS; i++) await remote.echo(payload);
  b.end();
  remote[Comlink.releaseProxy]();
  port1.close();
  port2.close();
});

{
  const queue = fastq.promise((bytes: Uint8Array) => Promise.resolve(bytes), 1);
  Deno.bench("fastq (a reference)", { group: ROUND_TRIPS }, async () => {
    for (let i = 0; i < ROUNDS; i++) await queue.push(payload);
  });
}

// --- a thousand messages one way ---------------------------------------------------------------

{
  const { sender, receiver } = init.createMessageQueue();
  Deno.bench("trySend, then tryReceive", { group: "1,000 one way", baseline: true }, () => {
    for (let i = 0; i < BATCH; i++) sender.trySend(payload);
    for (let i = 0; i < BATCH; i++) receiver.tryReceive();
  });
  const buffer = new Uint8Array(64);
  Deno.bench("send, then receiveInto", { group: "1,000 one way" }, async () => {
    for (let i = 0; i < BATCH; i++) sender.trySend(payload);
    for (let i = 0; i < BATCH; i++) await receiver.receiveInto(buffer);
  });
}

{
  const { sender, receiver } = init.createMessageQueue();
  let count = 0;
  let finished = () => {};
  void (async () => {
    for await (const _ of receiver) if (++count % BATCH === 0) finished();
  })();
  Deno.bench("send to a for await", { group: "1,000 one way" }, async () => {
    const end = new Promise<void>((resolve) => finished = resolve);
    for (let i = 0; i < BATCH; i++) await sender.send(payload);
    await end;
  });
}

Deno.bench("MessageChannel", { group: "1,000 one way" }, async (b) => {
  const { port1, port2 } = new MessageChannel();
  const end = Promise.withResolvers<void>();
  let count = 0;
  port2.onmessage = () => {
    if (++count === BATCH) end.resolve();
  };
  b.start();
  for (let i = 0; i < BATCH; i++) port1.postMessage(payload);
  await end.promise;
  b.end();
  port1.close();
  port2.close();
});

{
  let finished = () => {};
  let count = 0;
  type Done = (error: Error | null) => void;
  const queue = fastq<unknown, Uint8Array, void>((_bytes: Uint8Array, done: Done) => {
    if (++count % BATCH === 0) finished();
    done(null);
  }, 1);
  Deno.bench("fastq (a reference)", { group: "1,000 one way" }, async () => {
    const end = new Promise<void>((resolve) => finished = resolve);
    for (let i = 0; i < BATCH; i++) queue.push(payload);
    await end;
  });
  Deno.bench("fastq with a copy", { group: "1,000 one way" }, async () => {
    const end = new Promise<void>((resolve) => finished = resolve);
    for (let i = 0; i < BATCH; i++) queue.push(new Uint8Array(payload));
    await end;
  });
}

Deno.bench("comlink", { group: "1,000 one way" }, async (b) => {
  const { port1, port2 } = new MessageChannel();
  Comlink.expose({ take: (_bytes: Uint8Array) => {} }, port2);
  const remote = Comlink.wrap<{ take(bytes: Uint8Array): void }>(port1);
  b.start();
  const calls = [];
  for (let i = 0; i < BATCH; i++) calls.push(remote.take(payload));
  await Promise.all(calls);
  b.end();
  remote[Comlink.releaseProxy]();
  port1.close();
  port2.close();
});
