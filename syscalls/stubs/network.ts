/**
 * The network as programs hold it.
 *
 * @module
 */
import type { NetworkAddress, ReceivedDatagram } from "../../capabilities/network_ops.ts";
import { readField, type WaitOptions } from "../arguments.ts";
import { SYSCALLS } from "../table.ts";
import type { NetworkPort } from "../table/network.ts";
import { done, doorOf, Handle, mapped, prepared, rejecting } from "./handle.ts";
import { Listener } from "./namespace.ts";
import { adopt } from "./registry.ts";
import type { Socket } from "./socket.ts";

/**
 * The right to reach the hosts and ports of a list. Everything needs WRITE.
 *
 * The list is checked for the host as it is named, and again for the address that a name resolves
 * to: one that isn't public has to be on the list itself, unless the name says that it is local.
 *
 * @example
 * ```ts
 * import { Kernel, Network } from "@carmine/kernel";
 *
 * await using kernel = new Kernel();
 * const network = kernel.createNetwork({ allow: ["127.0.0.1:*"] });
 * const listener = network.listen({ port: 0 });
 * kernel.init.spawn(async (task) => {
 *   const port = Number(task.args[0]);
 *   const socket = await task.handle("net", Network).connect({ hostname: "127.0.0.1", port });
 *   await socket.write(new TextEncoder().encode("hello"));
 * }, { args: [String(listener.port)], handles: { net: network } });
 *
 * const socket = await listener.accept();
 * console.log(await socket.read(new Uint8Array(16))); // 5
 * ```
 */
export class Network extends Handle {
  /**
   * Connects by TCP.
   *
   * @throws {KernelError} ACCESS_DENIED without WRITE, PERMISSION_DENIED when the list or the host
   * process doesn't allow it, CONNECTION_REFUSED, TARGET_NOT_FOUND when a name has no address,
   * LIMIT_EXCEEDED, TOO_MANY_HANDLES, TIMED_OUT, CANCELED.
   */
  connect(options: { hostname: string; port: number } & WaitOptions): Promise<Socket> {
    return rejecting(() => {
      const door = doorOf(this);
      const to = prepared(SYSCALLS.networkConnect, this, () => addressOf(options, "options"));
      const call = door.wait(SYSCALLS.networkConnect, options, this.number, to);
      return mapped(call, (number) => adopt(door, number) as Socket);
    });
  }

  /**
   * Takes a TCP port and accepts connections there.
   *
   * @param options `hostname` is an address of this machine, "127.0.0.1" by default; port 0 is any
   * free one, and has to be on the list itself ("127.0.0.1:*", "127.0.0.1:0").
   * @throws {KernelError} ACCESS_DENIED without WRITE, PERMISSION_DENIED, ADDRESS_IN_USE,
   * INVALID_ARGUMENT, LIMIT_EXCEEDED, TOO_MANY_HANDLES.
   */
  listen(options: NetworkPort): NetworkListener {
    const door = doorOf(this);
    return adopt(
      door,
      done(door.call(SYSCALLS.networkListen, this.number, options)),
    ) as NetworkListener;
  }

  /**
   * Takes a UDP port.
   *
   * @param options As for {@linkcode Network.listen}.
   * @throws {KernelError} as {@linkcode Network.listen}; NOT_SUPPORTED where the host process lacks
   * UDP (Deno has it with the unstable feature "net").
   */
  bind(options: NetworkPort): Promise<DatagramEndpoint> {
    const door = doorOf(this);
    const call = door.wait(SYSCALLS.networkBind, undefined, this.number, options);
    return mapped(call, (number) => adopt(door, number) as DatagramEndpoint);
  }
}

/**
 * A TCP port that accepts connections. The sockets' `peerTaskId` is 0: nobody is known there. After
 * the listener's close the system may need a moment to give the port to somebody else.
 */
export class NetworkListener extends Listener {
  #port: number | undefined = undefined;

  /** The port: the one asked for, or the one that was chosen. */
  get port(): number {
    return this.#port ??= done(doorOf(this).call(SYSCALLS.networkPort, this.number));
  }
}

/**
 * A UDP port. Sending needs WRITE, receiving READ.
 *
 * @example
 * ```ts
 * import { Kernel } from "@carmine/kernel";
 *
 * await using kernel = new Kernel();
 * const network = kernel.createNetwork({ allow: ["127.0.0.1:*"] });
 * const [here, there] = [await network.bind({ port: 0 }), await network.bind({ port: 0 })];
 * await here.sendTo(new Uint8Array([1, 2]), { hostname: "127.0.0.1", port: there.port });
 * const { bytes, from } = await there.receiveFrom();
 * console.log(bytes.length, from.port === here.port); // 2 true
 * ```
 */
export class DatagramEndpoint extends Handle {
  #port: number | undefined = undefined;

  /** The port: the one asked for, or the one that was chosen. */
  get port(): number {
    return this.#port ??= done(doorOf(this).call(SYSCALLS.networkPort, this.number));
  }

  /**
   * Sends a datagram. It may get lost on its way, as UDP's do.
   *
   * @returns Its length.
   * @throws {KernelError} ACCESS_DENIED without WRITE, PERMISSION_DENIED when the network's list
   * doesn't allow it, MESSAGE_TOO_LONG, TARGET_NOT_FOUND.
   */
  sendTo(bytes: Uint8Array, to: NetworkAddress, options?: WaitOptions): Promise<number> {
    return rejecting(() => {
      const address = prepared(SYSCALLS.datagramSend, this, () => addressOf(to, "to"));
      return doorOf(this).wait(SYSCALLS.datagramSend, options, this.number, bytes, address);
    });
  }

  /**
   * Waits for a datagram. Those that find 16 before them wait in the system, which may drop them.
   *
   * @throws {KernelError} ACCESS_DENIED without READ, TIMED_OUT, CANCELED.
   */
  receiveFrom(options?: WaitOptions): Promise<ReceivedDatagram> {
    return doorOf(this).wait(SYSCALLS.datagramReceive, options, this.number);
  }
}

/** Host and port as a record of their own: what else is in the options doesn't go to the kernel. */
function addressOf(given: unknown, name: string): NetworkAddress {
  return {
    hostname: readField(given, "hostname", name) as string, // checked by the kernel
    port: readField(given, "port", name) as number,
  };
}
