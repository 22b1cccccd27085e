/**
 * Listeners: connections that wait to be accepted.
 *
 * Invariants:
 * - the backlog holds the server's ends of at most `backlog` connections, first come first;
 * - no handle names an end in the backlog; each of them belongs to this listener alone;
 * - a closed listener's backlog is empty.
 *
 * @module
 */
import { Capability } from "../../capabilities/capability.ts";
import { IpcError } from "../../capabilities/errors.ts";
import { Signals } from "../../capabilities/signals.ts";
import { WOULD_BLOCK, type WouldBlock } from "../../capabilities/stream_ops.ts";
import { KernelObject } from "../kernel_object.ts";
import { Fifo } from "./fifo.ts";
import type { SocketEnd } from "./socket.ts";

/** Where connections arrive and are accepted, in that order. */
export class ListenerObject extends KernelObject {
  readonly type: string = "listener";
  readonly capabilities: number = Capability.LISTENER;
  readonly backlog: number;
  readonly #connections: Fifo<SocketEnd> = new Fifo();
  /** True from the close of the last handle on. */
  isClosed = false;
  /** Set once no more connections can come: why. */
  #endReason: string | undefined = undefined;

  /** @param backlog Connections that may wait; 0 counts as 1. */
  constructor(backlog: number) {
    super();
    this.backlog = Math.max(1, backlog);
  }

  /** True when one more connection may wait. */
  get hasRoom(): boolean {
    return this.#connections.length < this.backlog;
  }

  /** Adds the server's end of a connection; the caller has seen that there is room. */
  arrive(end: SocketEnd): void {
    this.#connections.push(end);
    this.waiters.wake();
  }

  /**
   * The connection that came first; it stays in the backlog.
   *
   * @throws {IpcError} PEER_CLOSED when none waits and none can come.
   */
  first(): SocketEnd | WouldBlock {
    const first = this.#connections.peek();
    if (first === undefined && this.#endReason !== undefined) {
      throw new IpcError("PEER_CLOSED", this.#endReason);
    }
    return first ?? WOULD_BLOCK;
  }

  /** Takes the connection that came first; whoever takes it gives it a handle at once. */
  take(): void {
    this.#connections.shift();
    this.waiters.wake();
    this.onTaken();
  }

  /** No more connections come: `accept` gives those that wait and then throws PEER_CLOSED. */
  end(reason: string): void {
    this.#endReason ??= reason;
    this.waiters.wake();
  }

  override assertInvariants(): void {
    super.assertInvariants();
    if (this.#connections.length > this.backlog) throw new Error("the backlog is too long");
    if (this.isClosed && this.#connections.length > 0) {
      throw new Error("a closed listener has connections");
    }
  }

  protected override onLastHandleClosed(): void {
    this.isClosed = true;
    this.onClosed();
    for (let end = this.#connections.shift(); end !== undefined; end = this.#connections.shift()) {
      end.close();
    }
    this.waiters.wake();
  }

  protected ownSignals(): number {
    let signals = this.#connections.length > 0 ? Signals.READABLE : 0;
    if (this.#endReason !== undefined) signals |= Signals.READABLE | Signals.PEER_CLOSED;
    if (this.hasRoom || this.isClosed) signals |= Signals.WRITABLE;
    return signals;
  }

  /** The listener was closed; its backlog is closed next. */
  protected onClosed(): void {}

  /** There is room in the backlog that was not there before. */
  protected onTaken(): void {}
}
