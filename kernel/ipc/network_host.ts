/**
 * The platform's network, behind an interface: what the network object asks for, and how Deno gives
 * it. What fails is told as a KernelError here already.
 *
 * @module
 */
import { type ErrorCode, KernelError } from "../../capabilities/errors.ts";
import { MAX_DATAGRAM_BYTES, type NetworkAddress } from "../../capabilities/network_ops.ts";

/** A TCP connection. */
export interface HostConnection {
  /** Bytes read; null at the end. */
  read(into: Uint8Array): Promise<number | null>;
  /** Bytes written, maybe fewer than given. */
  write(bytes: Uint8Array): Promise<number>;
  closeWrite(): Promise<void>;
  close(): void;
}

/** A TCP port that takes connections. */
export interface HostListener {
  readonly port: number;
  accept(): Promise<HostConnection>;
  close(): void;
}

/** A UDP port. */
export interface HostDatagrams {
  readonly port: number;
  send(bytes: Uint8Array, to: NetworkAddress): Promise<number>;
  receive(): Promise<{ bytes: Uint8Array<ArrayBuffer>; from: NetworkAddress }>;
  close(): void;
}

/** A platform's network. Hosts are addresses, but for `resolve`. What rejects is a KernelError. */
export interface NetworkHost {
  /** All addresses of a name. */
  resolve(name: string): Promise<string[]>;
  connect(to: NetworkAddress): Promise<HostConnection>;
  listen(at: NetworkAddress): HostListener;
  bind(at: NetworkAddress): HostDatagrams;
}

/** Codes by the name of Deno's error classes, and by the codes of its system errors. */
const CODES: Readonly<Record<string, ErrorCode>> = {
  ConnectionRefused: "CONNECTION_REFUSED",
  NetworkUnreachable: "CONNECTION_REFUSED",
  HostUnreachable: "CONNECTION_REFUSED",
  ENETUNREACH: "CONNECTION_REFUSED",
  EHOSTUNREACH: "CONNECTION_REFUSED",
  AddrInUse: "ADDRESS_IN_USE",
  AddrNotAvailable: "INVALID_ARGUMENT",
  PermissionDenied: "PERMISSION_DENIED",
  NotCapable: "PERMISSION_DENIED",
  ConnectionReset: "BROKEN_PIPE",
  ConnectionAborted: "BROKEN_PIPE",
  BrokenPipe: "BROKEN_PIPE",
  NotConnected: "BROKEN_PIPE",
  BadResource: "BROKEN_PIPE",
  Interrupted: "BROKEN_PIPE",
  TimedOut: "TIMED_OUT",
  NotFound: "TARGET_NOT_FOUND",
  EMSGSIZE: "MESSAGE_TOO_LONG",
};

/** The platform's failure as a KernelError. */
export function asKernelError(error: unknown): KernelError {
  if (error instanceof KernelError) return error;
  const { name, code, message } = error as { name?: string; code?: string; message?: string };
  const kernelCode = CODES[name ?? ""] ?? CODES[code ?? ""] ?? "INVALID_STATE";
  return new KernelError(kernelCode, `the system says: ${message ?? String(error)}`, {
    cause: error,
  });
}

async function told<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw asKernelError(error);
  }
}

/**
 * Deno's network.
 *
 * @throws {KernelError} NOT_SUPPORTED on another platform.
 */
export function denoHost(): NetworkHost {
  if (typeof Deno === "object" && typeof Deno.connect === "function") return new DenoHost();
  throw new KernelError("NOT_SUPPORTED", "Cannot create a network: only Deno gives sockets to it");
}

class DenoHost implements NetworkHost {
  async resolve(name: string): Promise<string[]> {
    // Never asked of a server: it means this machine, by definition.
    if (/(^|\.)localhost$/.test(name)) return ["127.0.0.1", "::1"];
    const answers = await Promise.allSettled([
      Deno.resolveDns(name, "A"),
      Deno.resolveDns(name, "AAAA"),
    ]);
    const addresses = answers.flatMap((answer) =>
      answer.status === "fulfilled" ? answer.value : []
    );
    const [failure] = answers.filter((answer) => answer.status === "rejected");
    if (addresses.length === 0 && failure !== undefined) throw asKernelError(failure.reason);
    return addresses;
  }

  async connect({ hostname, port }: NetworkAddress): Promise<HostConnection> {
    return new DenoConnection(await told(Deno.connect({ hostname, port })));
  }

  listen({ hostname, port }: NetworkAddress): HostListener {
    try {
      const listener = Deno.listen({ hostname, port });
      return {
        port: listener.addr.port,
        accept: async () => new DenoConnection(await told(listener.accept())),
        close: () => listener.close(),
      };
    } catch (error) {
      throw asKernelError(error);
    }
  }

  bind({ hostname, port }: NetworkAddress): HostDatagrams {
    const { listenDatagram } = Deno as Partial<typeof Deno>;
    if (listenDatagram === undefined) {
      throw new KernelError(
        "NOT_SUPPORTED",
        'Deno has UDP with "unstable": ["net"] in deno.json, or the flag --unstable-net',
      );
    }
    try {
      return new DenoDatagrams(listenDatagram({ hostname, port, transport: "udp" }));
    } catch (error) {
      throw asKernelError(error);
    }
  }
}

class DenoConnection implements HostConnection {
  readonly #connection: Deno.TcpConn;
  #isClosed = false;

  constructor(connection: Deno.TcpConn) {
    this.#connection = connection;
  }

  read(into: Uint8Array): Promise<number | null> {
    return told(this.#connection.read(into));
  }

  write(bytes: Uint8Array): Promise<number> {
    return told(this.#connection.write(bytes));
  }

  closeWrite(): Promise<void> {
    return told(this.#connection.closeWrite());
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#connection.close();
  }
}

class DenoDatagrams implements HostDatagrams {
  readonly #socket: Deno.DatagramConn;
  readonly port: number;

  constructor(socket: Deno.DatagramConn) {
    this.#socket = socket;
    this.port = (socket.addr as Deno.NetAddr).port;
  }

  send(bytes: Uint8Array, { hostname, port }: NetworkAddress): Promise<number> {
    return told(this.#socket.send(bytes, { transport: "udp", hostname, port }));
  }

  async receive(): Promise<{ bytes: Uint8Array<ArrayBuffer>; from: NetworkAddress }> {
    const [bytes, from] = await told(this.#socket.receive(new Uint8Array(MAX_DATAGRAM_BYTES + 1)));
    const { hostname, port } = from as Deno.NetAddr;
    return { bytes: bytes.slice(), from: { hostname, port } };
  }

  close(): void {
    this.#socket.close();
  }
}
