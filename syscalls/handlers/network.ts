/** The network, 680-699. @module */
import type { HandleEntry } from "../../capabilities/handle.ts";
import type { NetworkAddress, PortOps } from "../../capabilities/network_ops.ts";
import { COMMON_RIGHTS, Rights } from "../../capabilities/rights.ts";
import { Signals } from "../../capabilities/signals.ts";
import { WOULD_BLOCK, type WouldBlock } from "../../capabilities/stream_ops.ts";
import type { NetworkObject } from "../../kernel/ipc/network.ts";
import type { NetworkAttempt } from "../../kernel/ipc/network_attempt.ts";
import { DATAGRAM_BUFFER_BYTES, type DatagramObject } from "../../kernel/ipc/network_datagrams.ts";
import type { HostConnection } from "../../kernel/ipc/network_host.ts";
import { byteLengthOf } from "../arguments.ts";
import type { Caller, Handlers, ParkingPlace } from "../caller.ts";
import type { networkCalls, NetworkPort } from "../table/network.ts";
import { LISTENER_RIGHTS, SOCKET_RIGHTS } from "./sockets.ts";

const ENDPOINT_RIGHTS = COMMON_RIGHTS | Rights.READ | Rights.WRITE;

// The table asked for the capability, so these hold.
const networkOf = (entry: HandleEntry) => entry.object as NetworkObject;
const endpointOf = (entry: HandleEntry) => entry.object as DatagramObject;

/** The attempts of the calls that wait, by the record that each call has of its own. */
class Attempts<Result> {
  readonly #attempts = new WeakMap<NetworkAddress, NetworkAttempt<Result>>();

  /**
   * Begins, the first time; then the result, or WOULD_BLOCK.
   *
   * @param bytes What the platform holds until it has answered.
   */
  poll(
    { task }: Caller,
    call: NetworkAddress,
    bytes: number,
    begin: () => NetworkAttempt<Result>,
  ): Result | WouldBlock {
    const attempt = this.#attempts.get(call);
    if (attempt !== undefined) return attempt.take();
    const lease = task.account.lease(bytes);
    try {
      this.#attempts.set(call, begin().charge(lease));
    } catch (error) {
      lease.release();
      throw error;
    }
    return WOULD_BLOCK;
  }

  /** At first before the object itself, which is ready; then before the attempt. */
  park(call: NetworkAddress, entry: HandleEntry): ParkingPlace[] {
    const attempt = this.#attempts.get(call);
    if (attempt === undefined) return [{ entry, signals: Signals.WRITABLE, operation: false }];
    return [
      { entry, signals: 0, operation: false }, // whose end ends the wait
      { entry, object: attempt, signals: Signals.SIGNALED, operation: false },
    ];
  }

  abandon(call: NetworkAddress): void {
    this.#attempts.get(call)?.abandon();
  }
}

const connects = new Attempts<HostConnection>();
const sends = new Attempts<number>();

export const networkHandlers: Handlers<typeof networkCalls> = {
  networkConnect: {
    run(caller, target, to) {
      const { task } = caller;
      const network = networkOf(target);
      const connection = connects.poll(caller, to, 0, () => network.connect(to));
      if (connection === WOULD_BLOCK) return WOULD_BLOCK;
      try {
        task.table.requireRoom(1);
        return task.install(network.attach(connection, task), SOCKET_RIGHTS);
      } catch (error) {
        connection.close();
        throw error;
      }
    },
    park: (_caller, entry, to) => connects.park(to, entry),
    abandon: (_caller, _target, to) => connects.abandon(to),
  },

  networkListen({ task }, target, at) {
    task.table.requireRoom(1);
    const lease = task.account.lease();
    try {
      const listener = networkOf(target).listen(addressOf(at), task);
      listener.lease = lease;
      return task.install(listener, LISTENER_RIGHTS);
    } catch (error) {
      lease.release();
      throw error;
    }
  },

  networkBind({ task }, target, at) {
    task.table.requireRoom(1);
    const lease = task.account.lease(DATAGRAM_BUFFER_BYTES);
    try {
      const endpoint = networkOf(target).bind(addressOf(at));
      endpoint.lease = lease;
      return task.install(endpoint, ENDPOINT_RIGHTS);
    } catch (error) {
      lease.release();
      throw error;
    }
  },

  networkPort: (_caller, target) => (target.object as unknown as PortOps).port,

  datagramSend: {
    run: (caller, target, bytes, to) =>
      sends.poll(caller, to, byteLengthOf(bytes), () => endpointOf(target).send(bytes, to)),
    park: (_caller, entry, _bytes, to) => sends.park(to, entry),
    abandon: (_caller, _target, _bytes, to) => sends.abandon(to),
  },

  datagramReceive: (_caller, target) => endpointOf(target).tryReceive(),
};

/** Where to listen: on this machine alone, unless the caller says otherwise. */
function addressOf({ hostname, port }: NetworkPort): NetworkAddress {
  return { hostname: hostname ?? "127.0.0.1", port };
}
