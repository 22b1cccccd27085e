/** Code that knows nothing of Carmine, over its sockets: node:stream, node:zlib, node:http, fetch. */
import { assertEquals } from "@std/assert";
import { Buffer } from "node:buffer";
import http from "node:http";
import { Duplex, Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import zlib from "node:zlib";
import { Kernel, type Listener, type Socket } from "@carmine/kernel";

const text = "The quick brown fox jumps over the lazy dog. ".repeat(20_000);

/** A socket as Node sees one. */
function duplexOf(socket: Socket): Duplex {
  return Duplex.fromWeb(socket as Parameters<typeof Duplex.fromWeb>[0]);
}

/** Answers HTTP requests with what they were; enough of a server for one request a connection. */
async function serve(listener: Listener): Promise<void> {
  for await (const socket of listener) void answer(socket);
}

async function answer(socket: Socket): Promise<void> {
  using connection = socket;
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(4_096);
  let request = "";
  while (!isWhole(request)) {
    const length = await connection.read(buffer);
    if (length === 0) return;
    request += decoder.decode(buffer.subarray(0, length), { stream: true });
  }
  const [head = "", body = ""] = request.split("\r\n\r\n");
  const content = JSON.stringify({ line: head.split("\r\n")[0], body });
  await connection.write(new TextEncoder().encode(
    `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${content.length}\r\n` +
      `connection: close\r\n\r\n${content}`,
  ));
}

function isWhole(request: string): boolean {
  const end = request.indexOf("\r\n\r\n");
  if (end < 0) return false;
  const length = /^content-length: (\d+)/im.exec(request)?.[1] ?? "0";
  return request.length >= end + 4 + Number(length);
}

Deno.test("node:zlib and node:stream work over a socket", async () => {
  await using kernel = new Kernel();
  const [left, right] = kernel.init.createSocketPair({ capacity: 1_000 });
  const chunks: Buffer[] = [];
  await Promise.all([
    pipeline(Readable.from([Buffer.from(text)]), zlib.createGzip(), duplexOf(left)),
    pipeline(duplexOf(right), zlib.createGunzip(), async (source: AsyncIterable<Buffer>) => {
      for await (const chunk of source) chunks.push(chunk);
    }),
  ]);
  assertEquals(Buffer.concat(chunks).toString(), text);
});

Deno.test("node:stream transforms what comes back through a socket, both ways at once", async () => {
  await using kernel = new Kernel();
  const [left, right] = kernel.init.createSocketPair({ capacity: 777 });
  const server = duplexOf(right);
  const upper = new Transform({
    transform: (chunk, _encoding, done) => done(null, chunk.toString().toUpperCase()),
  });
  const serving = pipeline(server, upper, server, { end: true });
  const client = duplexOf(left);
  client.end(text);
  let answered = "";
  for await (const chunk of client) answered += chunk;
  await serving;
  assertEquals(answered, text.toUpperCase());
});

Deno.test("CompressionStream pipes through a socket", async () => {
  await using kernel = new Kernel();
  const [left, right] = kernel.init.createSocketPair();
  const sending = new Blob([text]).stream()
    .pipeThrough(new CompressionStream("deflate"))
    .pipeTo(left.writable);
  const received = right.readable.pipeThrough(new DecompressionStream("deflate"));
  assertEquals(await new Response(received).text(), text);
  await sending;
});

Deno.test("fetch talks to a server on the network object", async () => {
  await using kernel = new Kernel();
  const network = kernel.createNetwork({ allow: ["127.0.0.1:*"] });
  const listener = network.listen({ port: 0 });
  const serving = serve(listener).catch(() => {});
  const response = await fetch(`http://127.0.0.1:${listener.port}/fox`, {
    method: "POST",
    body: "over the dog",
  });
  assertEquals(await response.json(), { line: "POST /fox HTTP/1.1", body: "over the dog" });
  listener.close();
  await serving;
});

Deno.test("node:http talks to a server on the network object", async () => {
  await using kernel = new Kernel();
  const network = kernel.createNetwork({ allow: ["127.0.0.1:*"] });
  const listener = network.listen({ port: 0 });
  const serving = serve(listener).catch(() => {});
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const request = http.request(
    { host: "127.0.0.1", port: listener.port, method: "PUT", path: "/fox", agent: false },
    (response) => {
      let body = "";
      response.on("data", (chunk) => body += chunk);
      response.on("end", () => resolve(body));
    },
  );
  request.on("error", reject);
  request.end("jumps");
  assertEquals(JSON.parse(await promise), { line: "PUT /fox HTTP/1.1", body: "jumps" });
  listener.close();
  await serving;
});

Deno.test("A task fetches a page of a node:http server through its network handle", async () => {
  const server = http.createServer((request, response) => response.end(`you asked ${request.url}`));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  await using kernel = new Kernel();
  const network = kernel.createNetwork({ allow: [`127.0.0.1:${port}`] });
  using socket = await network.connect({ hostname: "127.0.0.1", port });
  const request = "GET /page HTTP/1.1\r\nhost: carmine\r\nconnection: close\r\n\r\n";
  await socket.write(new TextEncoder().encode(request));
  const response = await new Response(socket.readable).text();
  assertEquals(response.split("\r\n")[0], "HTTP/1.1 200 OK");
  assertEquals(response.includes("you asked /page"), true);
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

Deno.test("node:http makes its request through a socket of the kernel's", async () => {
  await using kernel = new Kernel();
  const [client, server] = kernel.init.createSocketPair();
  const answering = answer(server);
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  class Agent extends http.Agent {
    override createConnection = () => duplexOf(client);
  }
  const request = http.request(
    { agent: new Agent(), path: "/local" },
    (response) => {
      let body = "";
      response.on("data", (chunk) => body += chunk);
      response.on("end", () => resolve(body));
    },
  );
  request.on("error", reject);
  request.end();
  assertEquals(JSON.parse(await promise), { line: "GET /local HTTP/1.1", body: "" });
  await answering;
});
