/** A server or a client on the network that the task was given; nothing else reaches any. */
import { Counter, KernelError, Network } from "@carmine/kernel";
import { task } from "@carmine/kernel/task";

const network = task.handle("network", Network);
const port = task.handle("port", Counter);
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** The code of the error that a call gives. */
async function codeOf(call: Promise<unknown>): Promise<string> {
  const error = await call.then(() => "none", (error) => error);
  return error instanceof KernelError ? error.code : String(error);
}

if (task.args[0] === "server") {
  using listener = network.listen({ hostname: "127.0.0.1", port: 0 });
  const datagrams = await network.bind({ hostname: "127.0.0.1", port: 0 });
  port.addSync(listener.port * 65_536 + datagrams.port);
  using socket = listener.acceptSync();
  const buffer = new Uint8Array(100);
  for (let n; (n = socket.readSync(buffer)) > 0;) socket.writeSync(buffer.subarray(0, n));
  socket.shutdown("write");
  const { bytes: datagram, from } = await datagrams.receiveFrom();
  await datagrams.sendTo(bytes(`${text(datagram)}, too`), from);
} else {
  const ports = Number(port.takeSync());
  const hostname = "127.0.0.1";
  using socket = await network.connect({ hostname, port: Math.floor(ports / 65_536) });
  socket.writeSync(bytes("there and back"));
  socket.shutdown("write");
  const buffer = new Uint8Array(100);
  let echo = "";
  for (let n; (n = socket.readSync(buffer)) > 0;) echo += text(buffer.subarray(0, n));
  const datagrams = await network.bind({ hostname, port: 0 });
  await datagrams.sendTo(bytes("a datagram"), { hostname, port: ports % 65_536 });
  const { bytes: datagram } = await datagrams.receiveFrom();
  const denied = await codeOf(network.connect({ hostname: "example.org", port: 443 }));
  task.exit(0, { echo, datagram: text(datagram), denied });
}
