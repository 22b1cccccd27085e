/**
 * Namespaces: names under which tasks find each other. A name is not authority: connecting to one
 * takes a handle to the namespace that holds it.
 *
 * Invariants: a name is held by at most one listener, which is open; a listener holds one name.
 *
 * @module
 */
import { Capability } from "../../capabilities/capability.ts";
import { IpcError } from "../../capabilities/errors.ts";
import type { SocketType } from "../../capabilities/socket_ops.ts";
import { KernelObject } from "../kernel_object.ts";
import { ListenerObject } from "./listener.ts";

/** What a listener in a namespace is made from. */
export interface NamedListenerSettings {
  readonly socketType: SocketType;
  readonly backlog: number;
  /** The task that listens: the peer of those who connect. */
  readonly taskId: number;
}

/** The listener that holds a name. */
export class NamedListener extends ListenerObject {
  readonly name: string;
  readonly socketType: SocketType;
  readonly taskId: number;
  readonly #namespace: NamespaceObject;

  constructor(namespace: NamespaceObject, name: string, settings: NamedListenerSettings) {
    super(settings.backlog);
    this.#namespace = namespace;
    this.name = name;
    this.socketType = settings.socketType;
    this.taskId = settings.taskId;
  }

  protected override onClosed(): void {
    this.#namespace.release(this);
  }
}

/** Names, and who listens to them. */
export class NamespaceObject extends KernelObject {
  readonly type = "namespace";
  readonly capabilities: number = Capability.NAMESPACE;
  readonly #listeners: Map<string, NamedListener> = new Map();

  /** Throws ADDRESS_IN_USE when somebody listens to the name. */
  requireFree(name: string): void {
    if (!this.#listeners.has(name)) return;
    throw new IpcError("ADDRESS_IN_USE", `somebody listens to ${quoted(name)} already`);
  }

  /**
   * Takes a name.
   *
   * @throws {IpcError} ADDRESS_IN_USE.
   */
  listen(name: string, settings: NamedListenerSettings): NamedListener {
    this.requireFree(name);
    const listener = new NamedListener(this, name, settings);
    this.#listeners.set(name, listener);
    return listener;
  }

  /**
   * Who listens to a name.
   *
   * @throws {IpcError} CONNECTION_REFUSED when nobody does.
   */
  find(name: string): NamedListener {
    const listener = this.#listeners.get(name);
    if (listener !== undefined) return listener;
    throw new IpcError("CONNECTION_REFUSED", `nobody listens to ${quoted(name)}`);
  }

  /** Frees a listener's name. */
  release(listener: NamedListener): void {
    if (this.#listeners.get(listener.name) === listener) this.#listeners.delete(listener.name);
  }

  override assertInvariants(): void {
    super.assertInvariants();
    for (const [name, listener] of this.#listeners) {
      if (listener.name !== name) throw new Error("a listener is filed under another's name");
      if (listener.isClosed) throw new Error("a closed listener holds a name");
      listener.assertInvariants();
    }
  }

  /** Nobody can connect any more: those who listen get what is waiting, and then the end. */
  protected override onLastHandleClosed(): void {
    for (const listener of this.#listeners.values()) listener.end("the namespace is gone");
    this.#listeners.clear();
  }

  protected ownSignals(): number {
    return 0;
  }
}

function quoted(name: string): string {
  return JSON.stringify(name.length > 40 ? `${name.slice(0, 40)}…` : name);
}
