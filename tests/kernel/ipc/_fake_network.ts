/**
 * A platform's network that is all in memory, for what the real one can't be made to do: names that
 * resolve anywhere, connections that break, peers that don't read.
 *
 * @module
 */
import { KernelError } from "../../../capabilities/errors.ts";
import type { NetworkAddress } from "../../../capabilities/network_ops.ts";
import type {
  HostConnection,
  HostDatagrams,
  HostListener,
  NetworkHost,
} from "../../../kernel/ipc/network_host.ts";

/** A connection of which the test is the other side. */
export class FakeConnection implements HostConnection {
  readonly sent: number[] = [];
  /** What `read` gives next: bytes, the end (null), or an error. */
  readonly #incoming: (Uint8Array | null | Error)[] = [];
  #waiting: (() => void) | undefined = undefined;
  /** Writes are held until this settles. */
  gate: Promise<void> = Promise.resolve();
  isWriteClosed = false;
  isClosed = false;

  arrive(next: Uint8Array | null | Error): void {
    this.#incoming.push(next);
    this.#waiting?.();
  }

  async read(into: Uint8Array): Promise<number | null> {
    while (this.#incoming.length === 0 && !this.isClosed) {
      await new Promise<void>((resolve) => this.#waiting = resolve);
    }
    if (this.isClosed) throw closed();
    const [next] = this.#incoming;
    if (next instanceof Error) throw next;
    if (next === null || next === undefined) return null;
    const count = Math.min(into.length, next.length);
    into.set(next.subarray(0, count));
    if (count === next.length) this.#incoming.shift();
    else this.#incoming[0] = next.subarray(count);
    return count;
  }

  async write(bytes: Uint8Array): Promise<number> {
    await this.gate;
    if (this.isClosed) throw closed();
    this.sent.push(...bytes);
    return bytes.length;
  }

  closeWrite(): Promise<void> {
    this.isWriteClosed = true;
    return Promise.resolve();
  }

  close(): void {
    this.isClosed = true;
    this.#waiting?.();
  }
}

function closed(): KernelError {
  return new KernelError("BROKEN_PIPE", "closed");
}

/** A network of one machine. */
export class FakeHost implements NetworkHost {
  /** What names resolve to, an answer for each time that one is asked. */
  readonly answers: Map<string, string[][]> = new Map();
  readonly resolved: string[] = [];
  readonly connected: NetworkAddress[] = [];
  readonly connections: FakeConnection[] = [];
  readonly refusing: Set<string> = new Set();
  /** Connects are held until this settles. */
  gate: Promise<void> = Promise.resolve();

  resolve(name: string): Promise<string[]> {
    this.resolved.push(name);
    return Promise.resolve(this.answers.get(name)?.shift() ?? []);
  }

  async connect(to: NetworkAddress): Promise<HostConnection> {
    this.connected.push(to);
    await this.gate;
    if (this.refusing.has(to.hostname)) {
      throw new KernelError("CONNECTION_REFUSED", "nobody listens");
    }
    const connection = new FakeConnection();
    this.connections.push(connection);
    return connection;
  }

  /** A port at which nobody ever connects. */
  listen(): HostListener {
    const { promise, reject } = Promise.withResolvers<HostConnection>();
    return { port: 1, accept: () => promise, close: () => reject(closed()) };
  }

  /** A port at which nothing ever arrives. */
  bind(): HostDatagrams {
    const { promise, reject } = Promise.withResolvers<never>();
    return {
      port: 1,
      send: (bytes) => Promise.resolve(bytes.length),
      receive: () => promise,
      close: () => reject(closed()),
    };
  }
}
