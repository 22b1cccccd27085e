import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  DatagramEndpoint,
  type ErrorCode,
  Kernel,
  KernelError,
  Network,
  NetworkListener,
  Rights,
  Signals,
  type Socket,
} from "@carmine/kernel";

const LOOPBACK = "127.0.0.1";

function assertThrowsCode(code: ErrorCode, action: () => unknown): void {
  assertEquals(assertThrows(action, KernelError).code, code);
}

async function assertRejectsCode(code: ErrorCode, call: Promise<unknown>): Promise<void> {
  const error = await assertRejects(() => call, KernelError);
  assertEquals(error.code, code, error.message);
}

function open(kernel: Kernel, ...allow: string[]): Network {
  return kernel.createNetwork({ allow: allow.length === 0 ? [`${LOOPBACK}:*`] : allow });
}

/** What takes a port that was given up just now: Deno lets go of it in a later turn. */
async function whenFree<T>(take: () => T | Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await take();
    } catch (error) {
      if ((error as KernelError).code !== "ADDRESS_IN_USE") throw error;
      await new Promise((resolve) => setTimeout(resolve));
    }
  }
}

/** A connection, and the other side of it. */
async function pair(network: Network): Promise<{ client: Socket; server: Socket }> {
  using listener = network.listen({ port: 0 });
  const connecting = network.connect({ hostname: LOOPBACK, port: listener.port });
  return { server: await listener.accept(), client: await connecting };
}

Deno.test("Kernel.createNetwork() gives init a network, and refuses what is no pattern", async () => {
  const kernel = new Kernel();
  const network = open(kernel);
  assertEquals([network.type, network instanceof Network], ["network", true]);
  assertEquals(kernel.tasks()[0]?.usage.objects, 1);
  assertThrowsCode("INVALID_ARGUMENT", () => open(kernel, "example.org"));
  assertThrowsCode("INVALID_ARGUMENT", () => kernel.createNetwork({} as { allow: string[] }));
  assertThrowsCode("INVALID_ARGUMENT", () => open(kernel, 5 as unknown as string));
  const list = [`${LOOPBACK}:*`];
  const copied = kernel.createNetwork({ allow: list });
  list.push("*:*");
  await assertRejectsCode("PERMISSION_DENIED", copied.connect({ hostname: "::1", port: 1 }));
  await kernel.shutdown();
  assertThrowsCode("TASK_DEAD", () => open(kernel));
});

Deno.test("Network.connect() and listen() make stream sockets over TCP", async () => {
  await using kernel = new Kernel();
  const { client, server } = await pair(open(kernel));
  assertEquals([client.socketType, client.peerTaskId, server.peerTaskId], ["stream", 0, 0]);
  const buffer = new Uint8Array(8);
  await client.write(new Uint8Array([1, 2, 3]));
  assertEquals(await server.read(buffer), 3);
  await server.write(new Uint8Array([4]));
  assertEquals(await client.read(buffer), 1);
  await assertRejectsCode("NOT_SUPPORTED", client.send(buffer));
  await assertRejectsCode("NOT_SUPPORTED", client.sendHandle(server));
});

Deno.test("Network: half-close and close reach the other side of a TCP connection", async () => {
  await using kernel = new Kernel();
  const { client, server } = await pair(open(kernel));
  const buffer = new Uint8Array(8);
  client.shutdown("write");
  assertEquals(await server.read(buffer), 0);
  await server.write(new Uint8Array([1]));
  assertEquals(await client.read(buffer), 1);
  server.close();
  assertEquals(await client.read(buffer), 0);
  await client.waitFor(Signals.PEER_CLOSED);
  assert(!client.isConnected);
});

Deno.test("Network: what was written before a close arrives, back-pressure or not", async () => {
  await using kernel = new Kernel();
  const { client, server } = await pair(open(kernel));
  const sent = Uint8Array.from({ length: 3_000_000 }, (_, i) => (i * 7) & 0xff);
  const writing = client.write(sent).then(() => client.close());
  let received = 0;
  const buffer = new Uint8Array(100_000);
  for (let count; (count = await server.read(buffer)) > 0; received += count) {
    assertEquals(buffer[count - 1], ((received + count - 1) * 7) & 0xff);
  }
  await writing;
  assertEquals(received, sent.length);
});

Deno.test("Network.connect() is PERMISSION_DENIED beyond the list, name and port alike", async () => {
  await using kernel = new Kernel();
  const network = open(kernel, `${LOOPBACK}:1-9`, "localhost:9");
  for (
    const [hostname, port] of [[LOOPBACK, 10], ["127.0.0.2", 1], ["::1", 1], [
      "localhost",
      1,
    ]] as const
  ) await assertRejectsCode("PERMISSION_DENIED", network.connect({ hostname, port }));
  await assertRejectsCode("CONNECTION_REFUSED", network.connect({ hostname: LOOPBACK, port: 9 }));
  await assertRejectsCode(
    "CONNECTION_REFUSED",
    network.connect({ hostname: "localhost", port: 9 }),
  );
  const mapped = { hostname: "::ffff:127.0.0.1", port: 1 };
  await assertRejectsCode("CONNECTION_REFUSED", network.connect(mapped));
});

Deno.test("Network.connect() is PERMISSION_DENIED where the process may not go either", async () => {
  await using kernel = new Kernel();
  const network = open(kernel, "127.0.0.2:*");
  await assertRejectsCode("PERMISSION_DENIED", network.connect({ hostname: "127.0.0.2", port: 1 }));
  assertThrowsCode("PERMISSION_DENIED", () => network.listen({ hostname: "127.0.0.2", port: 9 }));
});

Deno.test("Network.connect() refuses what is no host and no port", async () => {
  await using kernel = new Kernel();
  const network = open(kernel, "*:*");
  const connect = (hostname: unknown, port: unknown) =>
    network.connect({ hostname: hostname as string, port: port as number });
  await assertRejectsCode("INVALID_ARGUMENT", connect("2130706433", 1));
  await assertRejectsCode("INVALID_ARGUMENT", connect("a b", 1));
  await assertRejectsCode("INVALID_ARGUMENT", connect(5, 1));
  await assertRejectsCode("OUT_OF_RANGE", connect("", 1));
  await assertRejectsCode("OUT_OF_RANGE", connect(LOOPBACK, 0));
  await assertRejectsCode("OUT_OF_RANGE", connect(LOOPBACK, 65_536));
  await assertRejectsCode("INVALID_ARGUMENT", connect(LOOPBACK, 1.5));
});

Deno.test("Network.connect(): an aborted or timed-out one leaves nothing behind", async () => {
  await using kernel = new Kernel();
  const network = open(kernel);
  using listener = network.listen({ port: 0 });
  const to = { hostname: LOOPBACK, port: listener.port };
  await assertRejectsCode("TIMED_OUT", network.connect({ ...to, timeoutMs: 0 }));
  const abort = new AbortController();
  await assertRejectsCode("CANCELED", network.connect({ ...to, signal: AbortSignal.abort() }));
  const before = kernel.tasks()[0]?.usage;
  const connecting = network.connect({ ...to, signal: abort.signal });
  abort.abort();
  await assertRejectsCode("CANCELED", connecting);
  // The platform may have connected meanwhile; then the server sees the end of it.
  const server = await listener.accept();
  assertEquals(await server.read(new Uint8Array(1)), 0);
  server.close();
  await network.connect(to);
  const { pendingWaits } = before ?? {};
  assertEquals(kernel.tasks()[0]?.usage.pendingWaits, pendingWaits);
});

Deno.test("Network: connecting, listening and binding need WRITE", async () => {
  await using kernel = new Kernel();
  const blind = open(kernel).duplicate(Rights.WAIT);
  await assertRejectsCode("ACCESS_DENIED", blind.connect({ hostname: LOOPBACK, port: 1 }));
  assertThrowsCode("ACCESS_DENIED", () => blind.listen({ port: 0 }));
  await assertRejectsCode("ACCESS_DENIED", blind.bind({ port: 0 }));
});

Deno.test("Network.listen() is ADDRESS_IN_USE for a taken port, and gives it back", async () => {
  await using kernel = new Kernel();
  const network = open(kernel);
  const listener = network.listen({ port: 0 });
  const { port } = listener;
  assert(listener instanceof NetworkListener && port > 0);
  assertThrowsCode("ADDRESS_IN_USE", () => network.listen({ port }));
  listener.close();
  (await whenFree(() => network.listen({ hostname: LOOPBACK, port }))).close();
});

Deno.test("Network.listen() takes only what the list has, any port included", async () => {
  await using kernel = new Kernel();
  const network = open(kernel, `${LOOPBACK}:8000-8100`);
  assertThrowsCode("PERMISSION_DENIED", () => network.listen({ port: 0 }));
  assertThrowsCode("PERMISSION_DENIED", () => network.listen({ port: 7_999 }));
  assertThrowsCode("PERMISSION_DENIED", () => network.listen({ hostname: "0.0.0.0", port: 8_000 }));
  assertThrowsCode("INVALID_ARGUMENT", () => {
    open(kernel, "example.org:1").listen({ hostname: "example.org", port: 1 });
  });
});

Deno.test("NetworkListener: is iterable, and closing it closes what was not accepted", async () => {
  await using kernel = new Kernel();
  const network = open(kernel);
  const listener = network.listen({ port: 0 });
  const to = { hostname: LOOPBACK, port: listener.port };
  const [first, second] = [await network.connect(to), await network.connect(to)];
  for await (const socket of listener) {
    await socket.write(new Uint8Array([1]));
    break;
  }
  await listener.waitFor(Signals.READABLE);
  listener.close();
  assertEquals(await first.read(new Uint8Array(1)), 1);
  // Depending on the system the end comes as an end or as a reset.
  await assertRejectsOrEnds(second);
  await assertRejectsCode("CONNECTION_REFUSED", network.connect(to));
});

async function assertRejectsOrEnds(socket: Socket): Promise<void> {
  try {
    assertEquals(await socket.read(new Uint8Array(1)), 0);
  } catch (error) {
    assertEquals((error as KernelError).code, "BROKEN_PIPE");
  }
}

Deno.test("Network: a task's end closes its connections and gives its ports back", async () => {
  await using kernel = new Kernel();
  const network = open(kernel);
  const told = Promise.withResolvers<number>();
  const child = kernel.init.spawn(async (task) => {
    const listener = task.handle("network", Network).listen({ port: 0 });
    told.resolve(listener.port);
    await (await listener.accept()).write(new Uint8Array([1]));
    await new Promise(() => {});
  }, { handles: { network: network.duplicate() } });
  const port = await told.promise;
  const client = await network.connect({ hostname: LOOPBACK, port });
  assertEquals(await client.read(new Uint8Array(1)), 1);
  child.kill();
  await assertRejectsOrEnds(client);
  (await whenFree(() => network.listen({ port }))).close();
});

Deno.test("Network: the kernel's end closes connections whose peer reads nothing", async () => {
  const listener = Deno.listen({ hostname: LOOPBACK, port: 0 });
  const kernel = new Kernel();
  const network = open(kernel);
  const client = await network.connect({ hostname: LOOPBACK, port: listener.addr.port });
  using _server = await listener.accept();
  let length = 1;
  while (length > 0) {
    length = client.tryWrite(new Uint8Array(65_536));
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await kernel.shutdown();
  listener.close();
});

Deno.test("Network.bind() gives UDP endpoints that send and receive whole datagrams", async () => {
  await using kernel = new Kernel();
  const network = open(kernel);
  const [here, there] = [await network.bind({ port: 0 }), await network.bind({ port: 0 })];
  assert(here instanceof DatagramEndpoint && here.port > 0);
  const to = { hostname: LOOPBACK, port: there.port };
  assertEquals(await here.sendTo(new Uint8Array([1, 2]), to), 2);
  const { bytes, from } = await there.receiveFrom();
  assertEquals([...bytes], [1, 2]);
  assertEquals(from, { hostname: LOOPBACK, port: here.port });
  const waiting = here.receiveFrom();
  await there.sendTo(new Uint8Array(0), from);
  assertEquals((await waiting).bytes.length, 0);
  await assertRejectsCode("TIMED_OUT", here.receiveFrom({ timeoutMs: 0 }));
});

Deno.test("DatagramEndpoint.sendTo() goes only where the list says", async () => {
  await using kernel = new Kernel();
  const endpoint = await open(kernel, `${LOOPBACK}:*`).bind({ port: 0 });
  const byte = new Uint8Array(1);
  for (const hostname of ["127.0.0.2", "localhost", "8.8.8.8"]) {
    await assertRejectsCode("PERMISSION_DENIED", endpoint.sendTo(byte, { hostname, port: 9 }));
  }
  const to = { hostname: LOOPBACK, port: endpoint.port };
  await assertRejectsCode("MESSAGE_TOO_LONG", endpoint.sendTo(new Uint8Array(65_508), to));
  assertEquals(await endpoint.sendTo(byte, to), 1);
  assertEquals((await endpoint.receiveFrom()).bytes.length, 1);
});

Deno.test("DatagramEndpoint: closing it ends its waits and gives the port back", async () => {
  await using kernel = new Kernel();
  const network = open(kernel);
  const endpoint = await network.bind({ port: 0 });
  const { port } = endpoint;
  await assertRejectsCode("ADDRESS_IN_USE", network.bind({ port }));
  const waiting = endpoint.receiveFrom();
  endpoint.close();
  await assertRejectsCode("BAD_HANDLE", waiting);
  (await whenFree(() => network.bind({ port }))).close();
});

Deno.test("Network: limits hold, and after all handles are closed nothing is left", async () => {
  await using kernel = new Kernel();
  const network = open(kernel);
  const before = kernel.tasks()[0]?.usage;
  {
    const { client, server } = await pair(network);
    using _endpoint = await network.bind({ port: 0 });
    client.close();
    await server.waitFor(Signals.READABLE);
    server.close();
  }
  // The platform's ends follow; the kernel knows when they have.
  while (kernel.tasks()[0]?.usage.objects !== before?.objects) {
    await new Promise((resolve) => setTimeout(resolve));
  }
  assertEquals(kernel.tasks()[0]?.usage, before);

  await using small = new Kernel({ limits: { objects: 2 } });
  const limited = open(small);
  using listener = limited.listen({ port: 0 });
  const to = { hostname: LOOPBACK, port: listener.port };
  await assertRejectsCode("LIMIT_EXCEEDED", limited.connect(to));
  await assertRejectsCode("LIMIT_EXCEEDED", limited.bind({ port: 0 }));
  assertThrowsCode("LIMIT_EXCEEDED", () => limited.listen({ port: 0 }));
});
