/**
 * Namespaces and listeners as programs hold them.
 *
 * @module
 */
import { WOULD_BLOCK } from "../../capabilities/stream_ops.ts";
import type { WaitOptions } from "../arguments.ts";
import { SYSCALLS } from "../table.ts";
import type { ListenOptions } from "../table/sockets.ts";
import { done, doorOf, Handle, mapped } from "./handle.ts";
import { ReceiveIterator } from "./receive_iterator.ts";
import { adopt } from "./registry.ts";
import type { Socket } from "./socket.ts";

/**
 * Names under which tasks find each other. Only who holds a handle to the namespace can listen
 * (WRITE) or connect (READ) there.
 *
 * @example
 * ```ts
 * import { Kernel, Namespace, Rights } from "@carmine/kernel";
 *
 * await using kernel = new Kernel();
 * const names = kernel.init.createNamespace();
 * const listener = names.listen("echo");
 * kernel.init.spawn(async (task) => {
 *   const socket = await task.handle("names", Namespace).connect("echo");
 *   await socket.write(new TextEncoder().encode("hello"));
 * }, { handles: { names: names.duplicate(Rights.READ | Rights.TRANSFER) } });
 *
 * const socket = await listener.accept();
 * console.log(await socket.read(new Uint8Array(16))); // 5
 * ```
 */
export class Namespace extends Handle {
  /**
   * Takes a name.
   *
   * @param name Any non-empty string of at most 255 bytes in UTF-8.
   * @throws {KernelError} ACCESS_DENIED without WRITE, ADDRESS_IN_USE when the name is taken,
   * OUT_OF_RANGE, TOO_MANY_HANDLES, LIMIT_EXCEEDED.
   */
  listen(name: string, options: ListenOptions = {}): Listener {
    const door = doorOf(this);
    const number = done(door.call(SYSCALLS.namespaceListen, this.number, name, options));
    return adopt(door, number) as Listener;
  }

  /**
   * Connects to who listens to a name. Resolves once the connection is in the listener's backlog;
   * waits, first come first served, while that is full.
   *
   * @throws {KernelError} ACCESS_DENIED without READ, CONNECTION_REFUSED when nobody listens to the
   * name or the listener closes meanwhile, LIMIT_EXCEEDED, TOO_MANY_HANDLES, TIMED_OUT, CANCELED.
   */
  connect(name: string, options?: WaitOptions): Promise<Socket> {
    const door = doorOf(this);
    const call = door.wait(SYSCALLS.namespaceConnect, options, this.number, { name });
    return mapped(call, (number) => adopt(door, number) as Socket);
  }

  /** As {@linkcode Namespace.connect}, but blocks the thread. Only in workers. */
  connectSync(name: string, options?: WaitOptions): Socket {
    const door = doorOf(this);
    const number = door.block(SYSCALLS.namespaceConnect, options, this.number, { name });
    return adopt(door, number) as Socket;
  }
}

/**
 * Where connections arrive; first come, first accepted. Accepting needs READ.
 *
 * When the last handle to it closes, connects that wait get CONNECTION_REFUSED, connections that
 * were not accepted are closed, and the name is free.
 *
 * @example
 * ```ts
 * import { Kernel } from "@carmine/kernel";
 *
 * await using kernel = new Kernel();
 * const names = kernel.init.createNamespace();
 * using listener = names.listen("greetings", { type: "seqpacket", backlog: 4 });
 * const client = await names.connect("greetings");
 * for await (const socket of listener) {
 *   await socket.send(new TextEncoder().encode("welcome"));
 *   break;
 * }
 * console.log((await client.receive()).bytes.length); // 7
 * ```
 */
export class Listener extends Handle implements AsyncIterable<Socket> {
  /**
   * Waits for a connection and takes it.
   *
   * @throws {KernelError} ACCESS_DENIED without READ, PEER_CLOSED when nobody can connect any more,
   * LIMIT_EXCEEDED and TOO_MANY_HANDLES (the connection stays first), TIMED_OUT, CANCELED.
   */
  accept(options?: WaitOptions): Promise<Socket> {
    const door = doorOf(this);
    const call = door.wait(SYSCALLS.listenerAccept, options, this.number);
    return mapped(call, (number) => adopt(door, number) as Socket);
  }

  /** As {@linkcode Listener.accept}, but blocks the thread. Only in workers. */
  acceptSync(options?: WaitOptions): Socket {
    const door = doorOf(this);
    return adopt(door, door.block(SYSCALLS.listenerAccept, options, this.number)) as Socket;
  }

  /** As {@linkcode Listener.accept}, but never waits: undefined where that would. */
  tryAccept(): Socket | undefined {
    const door = doorOf(this);
    const number = door.call(SYSCALLS.listenerAccept, this.number);
    return number === WOULD_BLOCK ? undefined : adopt(door, number) as Socket;
  }

  /**
   * The connections as they come; ends when nobody can connect any more. Leaving early neither
   * closes the handle nor loses a connection.
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<Socket, undefined> {
    return new ReceiveIterator((options) => this.accept(options));
  }
}
