/**
 * The network object: the right to reach the hosts and ports of a list, and no others.
 *
 * Invariants:
 * - nothing is connected to, listened at or sent to that the list does not allow;
 * - a name is resolved once, its addresses are checked, and one of those is connected to;
 * - `activities` holds every connection, listener and endpoint that is open on the platform.
 *
 * @module
 */
import { Capability } from "../../capabilities/capability.ts";
import { KernelError } from "../../capabilities/errors.ts";
import type { NetworkAddress } from "../../capabilities/network_ops.ts";
import { Signals } from "../../capabilities/signals.ts";
import { DEFAULT_BACKLOG, DEFAULT_SOCKET_CAPACITY } from "../../capabilities/socket_ops.ts";
import type { Account } from "../account.ts";
import type { Carrier } from "../handle_transfer.ts";
import { KernelObject } from "../kernel_object.ts";
import { ListenerObject } from "./listener.ts";
import { NetworkAttempt, untilSignaled } from "./network_attempt.ts";
import { DatagramObject } from "./network_datagrams.ts";
import type { HostConnection, HostListener, NetworkHost } from "./network_host.ts";
import { NetworkPump } from "./network_pump.ts";
import { canonicalHost, isAddress, NetworkRules } from "./network_rules.ts";
import type { SocketEnd } from "./socket.ts";
import { createChargedSocket } from "./socket_pair.ts";

/** What is open on the platform. */
export interface NetworkActivity {
  /** Closes it at once. */
  abort(): void;
  /** Settles when it is closed; never rejects. */
  readonly finished: Promise<void>;
}

/** Who asks for a socket: whom it is charged to, and which task creates its own end. */
export interface NetworkUser {
  readonly taskId: number;
  readonly account: Account;
}

/** The network, as far as a list allows it. */
export class NetworkObject extends KernelObject {
  readonly type = "network";
  readonly capabilities: number = Capability.NETWORK;
  readonly #rules: NetworkRules;
  readonly #host: NetworkHost;
  readonly #carriers: Set<Carrier>;
  readonly #activities: Set<NetworkActivity> = new Set();

  /**
   * @param allow The list; see {@linkcode NetworkRules}.
   * @param host The platform.
   * @param carriers The kernel's carriers of handles in flight.
   */
  constructor(allow: readonly unknown[], host: NetworkHost, carriers: Set<Carrier>) {
    super();
    this.#rules = new NetworkRules(allow);
    this.#host = host;
    this.#carriers = carriers;
  }

  /**
   * Begins to connect.
   *
   * @throws {KernelError} PERMISSION_DENIED, INVALID_ARGUMENT.
   */
  connect(to: NetworkAddress): NetworkAttempt<HostConnection> {
    const host = canonicalHost(to.hostname);
    this.#rules.require(host, to.port);
    return new NetworkAttempt(
      this.#connectToOne(host, to.port),
      (connection) => connection.close(),
    );
  }

  /**
   * Makes a connection a socket.
   *
   * @returns The task's end.
   * @throws {KernelError} LIMIT_EXCEEDED, NO_SPACE.
   */
  attach(connection: HostConnection, user: NetworkUser): SocketEnd {
    const [near, far] = createChargedSocket(user.account, {
      socketType: "stream",
      capacity: DEFAULT_SOCKET_CAPACITY,
      creators: [user.taskId, 0],
      carriers: this.#carriers,
      carriesHandles: false,
    });
    this.#watch(new NetworkPump(far, connection));
    return near;
  }

  /**
   * Takes a TCP port.
   *
   * @throws {KernelError} PERMISSION_DENIED, ADDRESS_IN_USE, INVALID_ARGUMENT.
   */
  listen(at: NetworkAddress, user: NetworkUser): NetworkListener {
    const listener = new NetworkListener(this, this.#host.listen(this.#ownAddress(at)), user);
    this.#watch(listener);
    return listener;
  }

  /**
   * Takes a UDP port.
   *
   * @throws {KernelError} PERMISSION_DENIED, ADDRESS_IN_USE, INVALID_ARGUMENT, NOT_SUPPORTED.
   */
  bind(at: NetworkAddress): DatagramObject {
    const endpoint = new DatagramObject(
      this.#host.bind(this.#ownAddress(at)),
      (to) => this.#resolve(to),
    );
    this.#watch(endpoint);
    return endpoint;
  }

  /** Closes everything on the platform at once; settles when it is closed. */
  async abort(): Promise<void> {
    const activities = [...this.#activities];
    for (const activity of activities) activity.abort();
    await Promise.all(activities.map((activity) => activity.finished));
  }

  /** Connections and ports that are open. */
  get activityCount(): number {
    return this.#activities.size;
  }

  protected ownSignals(): number {
    return Signals.WRITABLE; // something can always be begun
  }

  async #connectToOne(host: string, port: number): Promise<HostConnection> {
    const addresses = await this.#addressesOf(host, port);
    let failure: unknown;
    for (const hostname of addresses) {
      try {
        return await this.#host.connect({ hostname, port });
      } catch (error) {
        failure ??= error;
      }
    }
    throw failure;
  }

  /** The address that a datagram goes to; checked as for `connect`, when it is called. */
  #resolve(to: NetworkAddress): Promise<NetworkAddress> {
    const host = canonicalHost(to.hostname);
    this.#rules.require(host, to.port);
    return this.#addressesOf(host, to.port).then(([hostname]) => ({
      hostname: hostname as string, // there is one, or it would have thrown
      port: to.port,
    }));
  }

  /** The addresses that may be reached; the list has passed the host as it is written. */
  async #addressesOf(host: string, port: number): Promise<string[]> {
    if (isAddress(host)) return [host];
    const addresses = await this.#host.resolve(host);
    if (addresses.length === 0) throw new KernelError("TARGET_NOT_FOUND", `${host} has no address`);
    return this.#rules.allowedAddresses(host, addresses, port);
  }

  /** An address of this machine's own. */
  #ownAddress({ hostname, port }: NetworkAddress): NetworkAddress {
    const host = canonicalHost(hostname);
    this.#rules.require(host, port);
    if (isAddress(host)) return { hostname: host, port };
    if (host === "localhost") return { hostname: "127.0.0.1", port };
    throw new KernelError("INVALID_ARGUMENT", `${host} is no address of this machine`);
  }

  #watch(activity: NetworkActivity): void {
    this.#activities.add(activity);
    activity.finished.then(() => this.#activities.delete(activity));
  }
}

/** A TCP port, and the connections that wait at it. */
export class NetworkListener extends ListenerObject implements NetworkActivity {
  override readonly type = "network listener";
  override readonly capabilities: number = Capability.LISTENER | Capability.PORT;
  readonly port: number;
  readonly finished: Promise<void>;
  readonly #network: NetworkObject;
  readonly #host: HostListener;
  readonly #user: NetworkUser;
  /** True once the port was given back. */
  #isReleased = false;

  constructor(network: NetworkObject, host: HostListener, user: NetworkUser) {
    super(DEFAULT_BACKLOG);
    this.#network = network;
    this.#host = host;
    this.#user = user;
    this.port = host.port;
    this.finished = this.#run();
  }

  abort(): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    this.#host.close();
  }

  protected override onClosed(): void {
    this.abort();
  }

  /** Takes connections from the platform while the backlog has room; the rest wait there. */
  async #run(): Promise<void> {
    try {
      while (!this.isClosed) {
        const connection = await this.#host.accept();
        if (!this.isClosed) this.#arrived(connection);
        else connection.close();
        await untilSignaled(this, Signals.WRITABLE);
      }
    } catch (error) {
      if (this.isClosed) return; // which is why
      this.abort();
      this.end(`the port is gone: ${(error as Error).message}`);
    }
  }

  /** Who listens pays for what waits; a connection that it can't pay for is closed. */
  #arrived(connection: HostConnection): void {
    try {
      this.arrive(this.#network.attach(connection, this.#user));
    } catch {
      connection.close();
    }
  }
}
