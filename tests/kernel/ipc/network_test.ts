import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { KernelError } from "../../../capabilities/errors.ts";
import { DEFAULT_LIMITS } from "../../../capabilities/limits.ts";
import { Signals } from "../../../capabilities/signals.ts";
import { WOULD_BLOCK } from "../../../capabilities/stream_ops.ts";
import { Account } from "../../../kernel/account.ts";
import { NetworkObject } from "../../../kernel/ipc/network.ts";
import { NetworkAttempt, untilSignaled } from "../../../kernel/ipc/network_attempt.ts";
import { asKernelError, denoHost, type HostConnection } from "../../../kernel/ipc/network_host.ts";
import type { SocketEnd } from "../../../kernel/ipc/socket.ts";
import { FakeConnection, FakeHost } from "./_fake_network.ts";

const PUBLIC = "93.184.216.34";

class Bench {
  readonly host = new FakeHost();
  readonly user = { taskId: 1, account: new Account({ ...DEFAULT_LIMITS }) };
  readonly network: NetworkObject;

  constructor(...allow: string[]) {
    this.network = new NetworkObject(allow, this.host, new Set());
  }

  /** What a connect comes to. */
  async connect(hostname: string, port: number): Promise<HostConnection> {
    const attempt = this.network.connect({ hostname, port });
    await untilSignaled(attempt, Signals.SIGNALED);
    return attempt.take() as HostConnection;
  }

  /** A task's end of a new connection, with a handle, and the connection. */
  attached(): { end: SocketEnd; handle: object; connection: FakeConnection } {
    const connection = new FakeConnection();
    const end = this.network.attach(connection, this.user);
    const handle = {};
    end.handleOpened(handle);
    return { end, handle, connection };
  }
}

async function assertCode(code: string, call: Promise<unknown>): Promise<KernelError> {
  const error = await assertRejects(() => call, KernelError);
  assertEquals(error.code, code, error.message);
  return error;
}

async function settle(): Promise<void> {
  for (let i = 0; i < 30; i++) await null;
}

function take(end: SocketEnd, most = 1 << 17): number[] {
  const into = new Uint8Array(most);
  const length = end.tryRead(into);
  return [...into.subarray(0, Math.max(0, length))];
}

Deno.test("NetworkObject.connect() resolves a name once and connects to the address it checked", async () => {
  const bench = new Bench("example.org:443");
  // A hostile server answers with an inner address when it is asked again.
  bench.host.answers.set("example.org", [[PUBLIC], ["127.0.0.1"]]);
  await bench.connect("example.org", 443);
  assertEquals(bench.host.resolved, ["example.org"]);
  assertEquals(bench.host.connected, [{ hostname: PUBLIC, port: 443 }]);
  await assertCode("PERMISSION_DENIED", bench.connect("example.org", 443));
  assertEquals(bench.host.connected.length, 1);
});

Deno.test("NetworkObject.connect() asks nobody about a name that is not on the list", () => {
  const bench = new Bench("example.org:443");
  for (
    const [host, port] of [["evil.org", 443], ["example.org", 80], ["127.0.0.1", 443]] as const
  ) {
    const error = assertThrows(
      () => bench.network.connect({ hostname: host, port }),
      KernelError,
    );
    assertEquals(error.code, "PERMISSION_DENIED");
  }
  assertEquals([bench.host.resolved, bench.host.connected], [[], []]);
});

Deno.test("NetworkObject.connect() tries the allowed addresses in order, and no others", async () => {
  const bench = new Bench("example.org:443");
  bench.host.answers.set("example.org", [["10.0.0.1", "1.1.1.1", PUBLIC, "8.8.8.8"]]);
  bench.host.refusing.add("1.1.1.1");
  await bench.connect("example.org", 443);
  assertEquals(bench.host.connected.map(({ hostname }) => hostname), ["1.1.1.1", PUBLIC]);
});

Deno.test("NetworkObject.connect() fails with the first address's failure when all fail", async () => {
  const bench = new Bench("*:*");
  bench.host.answers.set("example.org", [["1.1.1.1", "8.8.8.8"]]);
  bench.host.refusing.add("1.1.1.1").add("8.8.8.8");
  await assertCode("CONNECTION_REFUSED", bench.connect("example.org", 443));
  await assertCode("TARGET_NOT_FOUND", bench.connect("nowhere.org", 443));
});

Deno.test("NetworkAttempt.abandon() closes a connection that comes later, and one that is there", async () => {
  const bench = new Bench("127.0.0.1:*");
  const gate = Promise.withResolvers<void>();
  bench.host.gate = gate.promise;
  const late = bench.network.connect({ hostname: "127.0.0.1", port: 1 });
  assertEquals(late.take(), WOULD_BLOCK);
  late.abandon();
  gate.resolve();
  await untilSignaled(late, Signals.SIGNALED);
  assertEquals(bench.host.connections.map(({ isClosed }) => isClosed), [true]);

  const there = bench.network.connect({ hostname: "127.0.0.1", port: 1 });
  await untilSignaled(there, Signals.SIGNALED);
  there.abandon();
  there.abandon();
  assert(bench.host.connections[1]?.isClosed);

  const taken = bench.network.connect({ hostname: "127.0.0.1", port: 1 });
  await untilSignaled(taken, Signals.SIGNALED);
  taken.take();
  taken.abandon();
  assert(!bench.host.connections[2]?.isClosed, "it is somebody's");
});

Deno.test("NetworkAttempt.take() throws what the work failed with", async () => {
  const attempt = new NetworkAttempt(Promise.reject(new KernelError("TIMED_OUT", "late")));
  await untilSignaled(attempt, Signals.SIGNALED);
  assertThrows(() => attempt.take(), KernelError, "late");
  attempt.abandon();
});

Deno.test("NetworkPump carries bytes both ways, and each end when its bytes have arrived", async () => {
  const bench = new Bench();
  const { end, connection } = bench.attached();
  end.tryWrite(new Uint8Array([1, 2]));
  end.shutdown("write");
  connection.arrive(new Uint8Array([3]));
  connection.arrive(null);
  await settle();
  assertEquals(connection.sent, [1, 2]);
  assert(connection.isWriteClosed);
  assertEquals(take(end), [3]);
  assertEquals(end.tryRead(new Uint8Array(1)), 0);
  await settle();
  assert(connection.isClosed && !end.isConnected, "both directions have ended");
  assertEquals(bench.network.activityCount, 0);
});

Deno.test("NetworkPump reads the connection only as far as the task reads the socket", async () => {
  const bench = new Bench();
  const { end, connection } = bench.attached();
  const sent = 1 << 20;
  for (let i = 0; i < sent / 65_536; i++) connection.arrive(new Uint8Array(65_536).fill(i));
  await settle();
  assertEquals(end.incoming.usedBytes, end.incoming.capacityBytes);
  let received = 0;
  while (received < sent) {
    received += take(end).length;
    await settle();
  }
  assertEquals(received, sent);
});

Deno.test("NetworkPump lets the task's writes wait while the connection takes no more", async () => {
  const bench = new Bench();
  const { end, connection } = bench.attached();
  const gate = Promise.withResolvers<void>();
  connection.gate = gate.promise;
  let written = 0;
  for (let count = 1; count > 0; await settle()) {
    count = end.tryWrite(new Uint8Array(65_536));
    if (count > 0) written += count;
  }
  assert(written < 1 << 18, `${written} bytes are buffered`);
  gate.resolve();
  await settle();
  assertEquals(connection.sent.length, written);
});

Deno.test("NetworkPump sends what a task wrote before it closed, then closes the connection", async () => {
  const bench = new Bench();
  const { end, handle, connection } = bench.attached();
  end.tryWrite(new Uint8Array([1, 2, 3]));
  end.handleClosed(handle);
  await settle();
  assertEquals(connection.sent, [1, 2, 3]);
  assert(connection.isClosed);
  assertEquals([bench.network.activityCount, bench.user.account.usage.bufferBytes], [0, 0]);
});

Deno.test("NetworkPump: a connection that breaks is BROKEN_PIPE after what had arrived", async () => {
  const bench = new Bench();
  const { end, connection } = bench.attached();
  connection.arrive(new Uint8Array([1]));
  connection.arrive(new KernelError("BROKEN_PIPE", "reset"));
  await settle();
  assertEquals(take(end), [1]);
  const error = assertThrows(() => end.tryRead(new Uint8Array(1)), KernelError);
  assertEquals([error.code, (error.cause as Error).message], ["BROKEN_PIPE", "reset"]);
  connection.close();
  end.tryWrite(new Uint8Array([1]));
  await settle();
  assertEquals(
    assertThrows(() => end.tryWrite(new Uint8Array(1)), KernelError).code,
    "BROKEN_PIPE",
  );
  assert(!end.isConnected);
});

Deno.test("NetworkPump: a stream that its task gave up ends without a proper end", async () => {
  const bench = new Bench();
  const { end, connection } = bench.attached();
  end.fail("enough");
  await settle();
  assert(connection.isClosed && !connection.isWriteClosed);
});

Deno.test("NetworkPump drops what arrives for a task that reads no more, and goes on sending", async () => {
  const bench = new Bench();
  const { end, connection } = bench.attached();
  end.shutdown("read");
  for (let i = 0; i < 8; i++) connection.arrive(new Uint8Array(65_536));
  end.tryWrite(new Uint8Array([5]));
  await settle();
  assertEquals(connection.sent, [5]);
  connection.arrive(null);
  await settle();
  assert(!connection.isClosed);
  end.shutdown("write");
  await settle();
  assert(connection.isClosed);
});

Deno.test("NetworkObject.abort() closes everything at once", async () => {
  const bench = new Bench();
  const connections = [bench.attached(), bench.attached()].map(({ connection }) => connection);
  for (const connection of connections) connection.gate = Promise.withResolvers<void>().promise;
  await bench.network.abort();
  assert(connections.every(({ isClosed }) => isClosed));
  assertEquals(bench.network.activityCount, 0);
});

Deno.test("A socket on the network carries no handles and has no peer task", () => {
  const bench = new Bench();
  const { end } = bench.attached();
  assertEquals(end.peerTaskId, 0);
  const party = { ...bench.user, table: undefined as never };
  const error = assertThrows(() => end.trySendHandle(party, 1), KernelError);
  assertEquals(error.code, "NOT_SUPPORTED");
});

Deno.test("denoHost() is NOT_SUPPORTED on another platform", () => {
  const deno = Object.getOwnPropertyDescriptor(globalThis, "Deno") as PropertyDescriptor;
  const { defineProperty } = Object;
  defineProperty(globalThis, "Deno", { value: undefined, configurable: true });
  try {
    const error = assertThrows(denoHost, KernelError, "only Deno");
    assertEquals(error.code, "NOT_SUPPORTED");
  } finally {
    defineProperty(globalThis, "Deno", deno);
  }
});

Deno.test("asKernelError() gives each failure of Deno's its code", () => {
  const codes: [Error, string][] = [
    [new Deno.errors.ConnectionRefused(), "CONNECTION_REFUSED"],
    [new Deno.errors.AddrInUse(), "ADDRESS_IN_USE"],
    [new Deno.errors.AddrNotAvailable(), "INVALID_ARGUMENT"],
    [new Deno.errors.PermissionDenied(), "PERMISSION_DENIED"],
    [new Deno.errors.NotCapable(), "PERMISSION_DENIED"],
    [new Deno.errors.ConnectionReset(), "BROKEN_PIPE"],
    [new Deno.errors.BrokenPipe(), "BROKEN_PIPE"],
    [new Deno.errors.TimedOut(), "TIMED_OUT"],
    [new Deno.errors.NotFound(), "TARGET_NOT_FOUND"],
    [Object.assign(new Error(), { code: "EHOSTUNREACH" }), "CONNECTION_REFUSED"],
    [Object.assign(new Error(), { code: "EMSGSIZE" }), "MESSAGE_TOO_LONG"],
    [new Error("what"), "INVALID_STATE"],
  ];
  for (const [error, code] of codes) {
    assertEquals(asKernelError(error).code, code, error.name);
    assertEquals(asKernelError(error).cause, error);
  }
  const own = new KernelError("CANCELED", "own");
  assertEquals(asKernelError(own), own);
});
