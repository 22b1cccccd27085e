/** What a task finds, which has to be the same wherever it runs. */
import {
  type Event,
  type EventContent,
  KernelError,
  Rights,
  Signals,
  type Task,
} from "@carmine/kernel";

/** Code and message of what a call gives, or what it gives. */
async function outcome(call: () => unknown): Promise<unknown> {
  try {
    await call();
    return "done";
  } catch (error) {
    if (error instanceof KernelError) return `${error.code}: ${error.message}`;
    return `${error}`;
  }
}

const note = (notification: string): EventContent => ({ type: "notification", notification });

function isFrozen({ delivery, content, payload, metadata }: Event): boolean {
  return [delivery, content, payload, metadata].every(Object.isFrozen);
}

/** Calls with arguments that are none. */
async function refusals(task: Task): Promise<unknown[]> {
  const never = null as never;
  const { writer } = task.createPipe();
  const mediated = task.createPipe().writer.replace(writer.rights & ~Rights.MAP);
  const fakes = [Object.create(Uint8Array.prototype), new Proxy(new Uint8Array(1), {})];
  const foreign = [Symbol("s"), () => {}, new Date(0), new DataView(new ArrayBuffer(1))];
  const calls = [
    ...["200", null, undefined, {}, 200n].map((number) => () => task.syscall(number as never)),
    ...foreign.flatMap((value) => [
      () => task.syscall(200, value, new Uint8Array(1)),
      () => task.createEventChannel(value as never),
      () => writer.setRole(value as never),
      () => writer.duplicate(value as never),
      () => task.spawn(never, { name: value as never }),
    ]),
    () => task.createPipe(Symbol("s") as never),
    () => {
      return task.createPipe({
        get capacity(): number {
          throw new Error("hostile");
        },
      });
    },
    ...fakes.flatMap((bytes) => [() => writer.write(bytes), () => mediated.write(bytes)]),
  ];
  return await Promise.all(calls.map(outcome));
}

/** Options of a class of the program's, with getters that it inherits. */
function optionsOfAClass(task: Task): number {
  class Options {
    get capacity(): number {
      return 77;
    }
  }
  return task.createPipe(new Options()).reader.bufferSize;
}

/** Long writes of a view whose class lies. */
async function liar(task: Task): Promise<number> {
  class Liar extends Uint8Array<ArrayBuffer> {
    override get length(): number {
      return 1e6;
    }
    override get byteLength(): number {
      return 1e6;
    }
    override subarray(): never {
      throw new Error("hostile");
    }
  }
  const { reader, writer } = task.createPipe({ capacity: 1_000 });
  const mediated = task.createPipe({ capacity: 1_000 });
  const weak = mediated.writer.replace(mediated.writer.rights & ~Rights.MAP);
  let sum = 0;
  for (const [from, to] of [[reader, writer], [mediated.reader, weak]] as const) {
    const writing = to.write(new Liar(new ArrayBuffer(100_000)).fill(1)).finally(() => to.close());
    for await (const chunk of from) sum += chunk.reduce((sum, byte) => sum + byte, 0);
    sum += await writing;
  }
  return sum;
}

/** What the wait set says at once of what the task has just done. */
async function freshness(task: Task): Promise<unknown[]> {
  const said: unknown[] = [];
  for (let i = 0; i < 20; i++) {
    const set = task.createWaitSet();
    const { reader, writer } = task.createPipe();
    const counter = task.createCounter();
    set.add(reader, Signals.READABLE, "pipe");
    set.add(counter, Signals.READABLE, "counter");
    const keys = async () => {
      try {
        return (await set.wait({ timeoutMs: 0 })).map(({ key }) => key).toSorted();
      } catch (error) {
        return (error as KernelError).code;
      }
    };
    said.push(await keys());
    await writer.write(new Uint8Array(1));
    said.push(await keys());
    await counter.add(1);
    said.push(await keys());
    await reader.read(new Uint8Array(1));
    said.push(await keys());
    await counter.take();
    said.push(await keys());
    for (const handle of [set, reader, writer, counter]) handle.close();
  }
  return said;
}

/** Events, received in each way. */
async function events(task: Task): Promise<boolean[]> {
  const channel = task.createEventChannel("news");
  const subscription = channel.subscribe();
  for (const text of ["a", "b", "c", "d"]) channel.publish(note(text));
  const received = [subscription.tryReceive() as Event, await subscription.receive()];
  for await (const event of subscription) {
    received.push(event);
    break;
  }
  await new Promise<void>((resolve) => {
    const stop = subscription.onEvent((event) => {
      received.push(event);
      stop();
      resolve();
    });
  });
  return received.map((event) => Object.isFrozen(event) && isFrozen(event));
}

/** A stream that is given up for a reason which can't leave its thread. */
async function givenUp(task: Task): Promise<unknown[]> {
  const { reader, writer } = task.createPipe();
  await writer.writable.abort(() => {});
  const error = await reader.read(new Uint8Array(1)).catch((error: KernelError) => error);
  return [(error as KernelError).code, writer.closed];
}

/** Everything. */
export async function probe(task: Task): Promise<unknown> {
  return {
    refusals: await refusals(task),
    options: optionsOfAClass(task),
    liar: await liar(task),
    freshness: await freshness(task),
    events: await events(task),
    givenUp: await givenUp(task),
  };
}

/** Waits for its signal, and tells the reason. */
export async function reasonOf(task: Task): Promise<string[]> {
  task.handle("ready").close();
  const { signal } = task;
  if (!signal.aborted) {
    await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
  }
  const { name, code, message } = signal.reason as KernelError;
  return [name, code, message];
}
