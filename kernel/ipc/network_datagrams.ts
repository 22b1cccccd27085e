/**
 * UDP endpoints.
 *
 * Invariants: at most `MOST_DATAGRAMS` wait to be received, the platform keeps or drops the rest, as
 * UDP does; a datagram is whole; a closed endpoint has given its port back.
 *
 * @module
 */
import { Capability } from "../../capabilities/capability.ts";
import { IpcError, KernelError } from "../../capabilities/errors.ts";
import {
  MAX_DATAGRAM_BYTES,
  type NetworkAddress,
  type PortOps,
  type ReceivedDatagram,
} from "../../capabilities/network_ops.ts";
import { Signals } from "../../capabilities/signals.ts";
import { WOULD_BLOCK, type WouldBlock } from "../../capabilities/stream_ops.ts";
import { KernelObject } from "../kernel_object.ts";
import { Fifo } from "./fifo.ts";
import { NetworkAttempt } from "./network_attempt.ts";
import type { HostDatagrams } from "./network_host.ts";

/** Most datagrams that wait to be received. */
const MOST_DATAGRAMS = 16;
/** What an endpoint is charged for those. */
export const DATAGRAM_BUFFER_BYTES: number = MOST_DATAGRAMS * (MAX_DATAGRAM_BYTES + 1);

/** A UDP port. */
export class DatagramObject extends KernelObject implements PortOps {
  readonly type = "datagram endpoint";
  readonly capabilities: number = Capability.DATAGRAM | Capability.PORT;
  readonly port: number;
  readonly finished: Promise<void>;
  readonly #host: HostDatagrams;
  readonly #resolve: (to: NetworkAddress) => Promise<NetworkAddress>;
  readonly #received: Fifo<ReceivedDatagram> = new Fifo();
  /** True once the port was given back. */
  #isClosed = false;
  /** Set while the platform's side waits for room. */
  #makeRoom: () => void = () => {};
  /** Set when the platform took the port away. */
  #failure: unknown = undefined;

  /** @param resolve Checks where a datagram is to go, and finds the address. */
  constructor(host: HostDatagrams, resolve: (to: NetworkAddress) => Promise<NetworkAddress>) {
    super();
    this.#host = host;
    this.#resolve = resolve;
    this.port = host.port;
    this.finished = this.#run();
  }

  /**
   * Begins to send; the bytes are copied.
   *
   * @throws {KernelError} PERMISSION_DENIED, MESSAGE_TOO_LONG.
   */
  send(bytes: Uint8Array, to: NetworkAddress): NetworkAttempt<number> {
    const copy = new Uint8Array(bytes);
    if (copy.length > MAX_DATAGRAM_BYTES) {
      throw new IpcError(
        "MESSAGE_TOO_LONG",
        `a datagram of ${copy.length} bytes is longer than ${MAX_DATAGRAM_BYTES}`,
      );
    }
    const address = this.#resolve(to);
    return new NetworkAttempt(address.then((address) => this.#host.send(copy, address)));
  }

  /** Takes the datagram that came first. */
  tryReceive(): ReceivedDatagram | WouldBlock {
    const first = this.#received.shift();
    if (first !== undefined) {
      this.waiters.wake();
      this.#makeRoom();
      return first;
    }
    if (this.#failure === undefined) return WOULD_BLOCK;
    throw new KernelError("PEER_CLOSED", "the port is gone", { cause: this.#failure });
  }

  /** Gives the port back. */
  abort(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#host.close();
    this.#makeRoom();
  }

  override assertInvariants(): void {
    super.assertInvariants();
    this.#received.assertInvariants();
    if (this.#received.length > MOST_DATAGRAMS) throw new Error("too many datagrams wait");
  }

  protected override onLastHandleClosed(): void {
    this.abort();
    this.waiters.wake();
  }

  protected ownSignals(): number {
    const isReadable = this.#received.length > 0 || this.#failure !== undefined;
    return isReadable ? Signals.READABLE | Signals.WRITABLE : Signals.WRITABLE;
  }

  /** Settles when a datagram has been received, or nobody will. */
  #room(): Promise<void> {
    return new Promise((resolve) => this.#makeRoom = resolve);
  }

  async #run(): Promise<void> {
    try {
      while (!this.#isClosed) {
        const datagram = await this.#host.receive();
        this.#received.push(datagram);
        this.waiters.wake();
        if (this.#received.length >= MOST_DATAGRAMS) await this.#room();
      }
    } catch (error) {
      if (this.#isClosed) return; // which is why
      this.abort();
      this.#failure = error;
      this.waiters.wake();
    }
  }
}
