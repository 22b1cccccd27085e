/**
 * Sockets in one isolate, against what else connects two programs there: Deno's unix sockets (which
 * go through the operating system), MessageChannel (which clones) and a TransformStream pair (which
 * hands over references).
 *
 * ```sh
 * deno bench --allow-read --allow-write --allow-net --allow-sys bench/socket_bench.ts
 * ```
 *
 * @module
 */
import { Kernel, type Socket } from "@carmine/kernel";

/** Each of these is a hundred, so that setting up weighs little. */
const ROUNDS = 100;
const SIZES = [64, 1_024, 65_536];

const kernel = new Kernel();
const { init } = kernel;

/** Something with the shape of a connection. */
interface Connection {
  read(into: Uint8Array): Promise<number | null>;
  write(bytes: Uint8Array): Promise<number>;
}

async function readAll(connection: Connection, into: Uint8Array): Promise<void> {
  for (let done = 0; done < into.length;) {
    const count = await connection.read(into.subarray(done));
    if (!count) throw new Error("the end");
    done += count;
  }
}

async function writeAll(connection: Connection, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length;) done += await connection.write(bytes.subarray(done));
}

/** Sends everything back. */
async function echo(connection: Connection): Promise<void> {
  const buffer = new Uint8Array(65_536);
  for (let count; (count = await connection.read(buffer)) !== null && count > 0;) {
    await writeAll(connection, buffer.subarray(0, count));
  }
}

async function roundTrips(connection: Connection, size: number): Promise<void> {
  const out = new Uint8Array(size).fill(7);
  const back = new Uint8Array(size);
  for (let i = 0; i < ROUNDS; i++) {
    await writeAll(connection, out);
    await readAll(connection, back);
  }
}

/** Moves a hundred chunks one way while the other side reads. */
async function stream(from: Connection, to: Connection, size: number): Promise<void> {
  const chunk = new Uint8Array(size).fill(7);
  const buffer = new Uint8Array(size);
  await Promise.all([
    (async () => {
      for (let i = 0; i < ROUNDS; i++) await writeAll(from, chunk);
    })(),
    (async () => {
      for (let i = 0; i < ROUNDS; i++) await readAll(to, buffer);
    })(),
  ]);
}

/** Both ends of a unix socket, or undefined where the permissions don't allow one. */
async function unixPair(): Promise<[Deno.Conn, Deno.Conn] | undefined> {
  try {
    const path = await Deno.makeTempFile();
    await Deno.remove(path);
    const listener = Deno.listen({ transport: "unix", path });
    const connecting = Deno.connect({ transport: "unix", path });
    const server = await listener.accept();
    listener.close(); // which removes the file
    return [await connecting, server];
  } catch (error) {
    console.warn(`No unix sockets: ${(error as Error).message}`);
    return undefined;
  }
}

const [pingClient, pingServer] = init.createSocketPair();
void echo(pingServer);
const [left, right] = init.createSocketPair();
const unixPing = await unixPair();
if (unixPing) void echo(unixPing[1]);
const unixStream = await unixPair();

for (const size of SIZES) {
  const group = `100 round trips of ${size} bytes`;
  Deno.bench(
    `socket, ${size}`,
    { group, baseline: true },
    async () => await roundTrips(pingClient, size),
  );
  if (unixPing) {
    Deno.bench(
      `Deno's unix socket, ${size}`,
      { group },
      async () => await roundTrips(unixPing[0], size),
    );
  }
  Deno.bench(`MessageChannel, ${size}`, { group }, async (b) => await channelRoundTrips(b, size));
}

for (const size of SIZES) {
  const group = `100 chunks of ${size} bytes one way`;
  Deno.bench(
    `socket, ${size}`,
    { group, baseline: true },
    async () => await stream(left, right, size),
  );
  if (unixStream) {
    Deno.bench(
      `Deno's unix socket, ${size}`,
      { group },
      async () => await stream(...unixStream, size),
    );
  }
  Deno.bench(`TransformStream by reference, ${size}`, { group }, async () => await transform(size));
}

{
  const group = "100 messages of 64 bytes one way";
  const [sender, receiver] = init.createSocketPair({ type: "seqpacket" });
  Deno.bench(
    "seqpacket socket",
    { group, baseline: true },
    async () => await messages(sender, receiver),
  );
  const { sender: into, receiver: out } = init.createMessageQueue();
  Deno.bench("message queue", { group }, async () => {
    const bytes = new Uint8Array(64);
    for (let i = 0; i < ROUNDS; i++) into.trySend(bytes);
    for (let i = 0; i < ROUNDS; i++) await out.receive();
  });
}

async function messages(sender: Socket, receiver: Socket): Promise<void> {
  const bytes = new Uint8Array(64);
  for (let i = 0; i < ROUNDS; i++) sender.trySend(bytes);
  for (let i = 0; i < ROUNDS; i++) await receiver.receive();
}

async function channelRoundTrips(b: Deno.BenchContext, size: number): Promise<void> {
  const { port1, port2 } = new MessageChannel();
  port2.onmessage = ({ data }) => port2.postMessage(data);
  let arrived = () => {};
  port1.onmessage = () => arrived();
  const bytes = new Uint8Array(size);
  b.start();
  for (let i = 0; i < ROUNDS; i++) {
    const back = new Promise<void>((resolve) => arrived = resolve);
    port1.postMessage(bytes);
    await back;
  }
  b.end();
  port1.close();
}

async function transform(size: number): Promise<void> {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const writer = writable.getWriter();
  const reader = readable.getReader();
  const chunk = new Uint8Array(size);
  await Promise.all([
    (async () => {
      for (let i = 0; i < ROUNDS; i++) await writer.write(chunk);
    })(),
    (async () => {
      for (let i = 0; i < ROUNDS; i++) await reader.read();
    })(),
  ]);
}
