/**
 * A chat room. The server is a task that holds a door at which connections arrive, and nothing else;
 * clients are tasks that hold the right to connect in a namespace. With `--tcp` the door is a port of
 * this machine, 8023 unless another is named, taken through a network handle that allows just that
 * one:
 *
 * ```sh
 * deno run examples/chat.ts
 * deno run --allow-net=127.0.0.1 examples/chat.ts --tcp 8023
 * nc 127.0.0.1 8023
 * ```
 *
 * The first line that a client sends is its name; every other one goes to everybody else. Ctrl-C
 * closes the room.
 *
 * @module
 */
import process from "node:process";
import {
  Counter,
  Kernel,
  Listener,
  Namespace,
  Rights,
  type Socket,
  type Task,
  type TaskHandle,
} from "@carmine/kernel";

/** Longest line; a client that sends a longer one has to go. */
const MAX_LINE = 1_000;

const encoder = new TextEncoder();

/** The lines that come out of a socket, without their ends. */
async function* linesOf(socket: Socket): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(4_096);
  let rest = "";
  for (let length; (length = await socket.read(buffer)) > 0;) {
    const lines = (rest + decoder.decode(buffer.subarray(0, length), { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) yield line.replace(/\r$/, "");
    if (rest.length > MAX_LINE) throw new Error("a line is too long");
  }
  if (rest !== "") yield rest;
}

/** Who is here. */
class Room {
  readonly #members = new Map<Socket, string>();

  /** Lets somebody in, until they leave, are cut off, or can't keep up. */
  async welcome(socket: Socket): Promise<void> {
    using connection = socket;
    try {
      const lines = linesOf(connection);
      const name = (await lines.next()).value?.trim();
      if (!name) return;
      this.#members.set(connection, name);
      this.#tell(connection, `* ${[...this.#members.values()].join(", ")} here`);
      this.#say(connection, `* ${name} joined`);
      for await (const line of lines) this.#say(connection, `${name}: ${line}`);
    } catch {
      // A connection that broke is one that left.
    } finally {
      const name = this.#members.get(connection);
      this.#members.delete(connection);
      if (name !== undefined) this.#say(connection, `* ${name} left`);
    }
  }

  /** Tells everybody but the speaker. */
  #say(speaker: Socket, text: string): void {
    for (const member of this.#members.keys()) {
      if (member !== speaker) this.#tell(member, text);
    }
  }

  /** A line goes out whole or not at all: whoever lets 64 KiB pile up is not listening. */
  #tell(member: Socket, text: string): void {
    try {
      const bytes = encoder.encode(`${text}\n`);
      if (member.tryWrite(bytes) < bytes.length) member.shutdown("both");
    } catch {
      // They are leaving; `welcome` sees to it.
    }
  }
}

/** The server: a room, and the doors that lead to it. All that it can do is open them. */
async function server(task: Task): Promise<void> {
  const room = new Room();
  await Promise.all(task.handles.map(async (door) => {
    for await (const socket of task.handle(door, Listener)) void room.welcome(socket);
  }));
}

/** A client: hears, answers, and reports what it heard. */
async function client(task: Task): Promise<string[]> {
  using socket = await task.handle("names", Namespace).connect("chat");
  await socket.write(encoder.encode(`${task.name}\n`));
  const heard: string[] = [];
  const script = task.args.map((step) => step.split(" => "));
  for await (const line of linesOf(socket)) {
    if (heard.push(line) === 1) await task.handle("arrivals", Counter).add(1);
    const [cue, answer] = script[0] ?? [];
    if (cue === undefined || !line.includes(cue)) continue;
    script.shift();
    if (answer === "leave") break;
    await socket.write(encoder.encode(`${answer}\n`));
  }
  return heard;
}

/** Who comes, in this order, and what they say or do when they hear what. */
const SCRIPTS: readonly (readonly [name: string, ...script: string[]])[] = [
  ["Alan", "Grace: => I am.", "Grace left => leave"],
  ["Ada", "Grace joined => Hello, Grace!", "Alan: => leave"],
  ["Grace", "Ada: => Is anybody else here?", "Ada left => leave"],
];

/** Runs three clients that talk to each other; gives what each heard. */
export async function main(): Promise<Map<string, string[]>> {
  await using kernel = new Kernel();
  const { init } = kernel;
  const names = init.createNamespace();
  const arrivals = init.createCounter({ semaphore: true });
  init.spawn(server, { name: "server", handles: { name: names.listen("chat") } });
  const clients: TaskHandle[] = [];
  for (const [name, ...args] of SCRIPTS) {
    const handles = {
      names: names.duplicate(Rights.READ | Rights.TRANSFER),
      arrivals: arrivals.duplicate(Rights.WRITE | Rights.TRANSFER),
    };
    clients.push(init.spawn(client, { name, args, handles }));
    await arrivals.take(); // the next one comes when this one is in
  }
  const heard = new Map<string, string[]>();
  for (const [i, [name]] of SCRIPTS.entries()) {
    const status = await clients[i]?.wait();
    if (status?.state !== "exited") throw new Error(`${name} ended badly`);
    heard.set(name, status.value as string[]);
  }
  return heard;
}

/**
 * Opens a room on a port of this machine until the signal is aborted.
 *
 * @param onOpen Gets the port.
 */
export async function openOnPort(
  port: number,
  onOpen: (port: number) => void,
  signal?: AbortSignal,
): Promise<void> {
  await using kernel = new Kernel();
  const network = kernel.createNetwork({ allow: [`127.0.0.1:${port}`] });
  const door = network.listen({ port });
  onOpen(door.port);
  const room = kernel.init.spawn(server, { name: "server", handles: { port: door } });
  await room.wait(signal === undefined ? {} : { signal }).catch((error) => {
    if (signal?.aborted !== true) throw error;
  });
}

if (import.meta.main) {
  const [flag, port = "8023", ...others] = process.argv.slice(2);
  if (flag === undefined) {
    for (const [name, heard] of await main()) {
      console.log(`${name} heard:`);
      for (const line of heard) console.log(`    ${line}`);
    }
  } else if (
    flag === "--tcp" && /^\d+$/.test(port) && Number(port) < 65_536 && others.length === 0
  ) {
    const tell = (port: number) => console.log(`The room is open: nc 127.0.0.1 ${port}`);
    await openOnPort(Number(port), tell).catch((error) => {
      console.error(error.message); // somebody else may have the port
      process.exitCode = 1;
    });
  } else {
    console.error("Usage: chat.ts [--tcp [PORT]]");
    process.exit(2);
  }
}
