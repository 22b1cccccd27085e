/**
 * A connection to this process's own debugger, and the one thing that it is used for: stopping the
 * JavaScript of a worker's thread that never yields.
 *
 * While it is open, any process of this machine that can connect to the port owns this process's
 * main isolate. So it listens on an unguessable port of the loopback interface, only while threads
 * are being stopped, and Deno announces it on standard error.
 *
 * Always holds: the debugger is closed again when `close()` has resolved, unless it was open before
 * `open()`; a command that gets no answer fails when its signal is aborted.
 *
 * @module
 */
import { settlesWithin } from "./time_limit.ts";

/** How long the socket may take to say goodbye. */
const CLOSE_MS = 1000;

/** The parts of `node:inspector` that are used here. */
interface Inspector {
  open(port: number, host: string): void;
  url(): string | undefined;
  close(): void;
}

/** An answer or an event of the debugger protocol. */
interface ProtocolMessage {
  readonly id?: number;
  readonly result?: unknown;
  readonly error?: { readonly message?: string };
}

interface TargetInfo {
  readonly targetId: string;
  readonly url: string;
}

/**
 * Ids are unique in the process: a thread that couldn't be interrupted answers what it was sent in
 * an earlier session when it is done, and Deno hands that to the session of the day.
 */
let lastId = 0;

/** A connection to the debugger. */
export class DebuggerSession implements AsyncDisposable {
  readonly #inspector: Inspector;
  readonly #socket: WebSocket;
  /** False when somebody else had opened the debugger: then it stays open. */
  readonly #isOwner: boolean;
  /** Commands without an answer, by id. */
  readonly #pending = new Map<number, PromiseWithResolvers<unknown>>();
  /** Sessions of targets, by target; attached once. */
  readonly #attached = new Map<string, string>();

  private constructor(inspector: Inspector, socket: WebSocket, isOwner: boolean) {
    this.#inspector = inspector;
    this.#socket = socket;
    this.#isOwner = isOwner;
    socket.onmessage = ({ data }): void => this.#receive(data);
    socket.onclose = (): void => this.#failPending("the debugger closed the connection");
  }

  /**
   * Opens the debugger and connects to it.
   *
   * @throws {Error} When a permission is missing, or nothing answers before the signal aborts.
   */
  static async open(signal: AbortSignal): Promise<DebuggerSession> {
    // By this way nothing that is loaded, and no worker's module graph, names the module.
    const { process } = globalThis as unknown as {
      process: { getBuiltinModule(name: string): Inspector };
    };
    const inspector = process.getBuiltinModule("node:inspector");
    const isOwner = inspector.url() === undefined;
    if (isOwner) inspector.open(0, "127.0.0.1");
    try {
      const socket = await connect(inspector.url() ?? "", signal);
      return new DebuggerSession(inspector, socket, isOwner);
    } catch (error) {
      if (isOwner) inspector.close();
      throw error;
    }
  }

  /**
   * Stops what the worker with this mark in its URL is running; uncatchable by its code. False when
   * there is no such worker any more.
   */
  async terminateExecution(mark: string, signal: AbortSignal): Promise<boolean> {
    const { targetInfos } = await this.#send("Target.getTargets", {}, signal) as {
      targetInfos: TargetInfo[];
    };
    const target = targetInfos.find(({ url }) => url.includes(mark));
    if (target === undefined) return false;
    const sessionId = await this.#attach(target.targetId, signal);
    await this.#send("Runtime.terminateExecution", {}, signal, sessionId);
    return true;
  }

  /** Disconnects, and closes the debugger if this session opened it. */
  async close(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    if (this.#socket.readyState === WebSocket.CLOSED) resolve();
    else this.#socket.addEventListener("close", () => resolve(), { once: true });
    this.#socket.close();
    // Before the server stops, or the session stays: with one, workers start half a second later.
    await settlesWithin(promise, CLOSE_MS);
    if (this.#isOwner) this.#inspector.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #attach(targetId: string, signal: AbortSignal): Promise<string> {
    const known = this.#attached.get(targetId);
    if (known !== undefined) return known;
    const { sessionId } = await this.#send(
      "Target.attachToTarget",
      { targetId, flatten: true },
      signal,
    ) as { sessionId: string };
    this.#attached.set(targetId, sessionId);
    return sessionId;
  }

  async #send(
    method: string,
    params: object,
    signal: AbortSignal,
    sessionId?: string,
  ): Promise<unknown> {
    signal.throwIfAborted();
    const id = ++lastId;
    const answer = Promise.withResolvers<unknown>();
    const onAbort = (): void => answer.reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    this.#pending.set(id, answer);
    try {
      this.#socket.send(JSON.stringify({ id, method, params, ...(sessionId && { sessionId }) }));
      return await answer.promise;
    } finally {
      this.#pending.delete(id);
      signal.removeEventListener("abort", onAbort);
    }
  }

  #receive(data: unknown): void {
    const { id, result, error } = JSON.parse(String(data)) as ProtocolMessage;
    const answer = this.#pending.get(id ?? 0);
    if (error === undefined) answer?.resolve(result);
    else answer?.reject(new Error(`The debugger refused: ${error.message}`));
  }

  #failPending(reason: string): void {
    for (const answer of this.#pending.values()) answer.reject(new Error(reason));
  }
}

function connect(url: string, signal: AbortSignal): Promise<WebSocket> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const socket = new WebSocket(url);
    const fail = (reason: unknown): void => {
      socket.close();
      reject(reason);
    };
    signal.addEventListener("abort", () => fail(signal.reason), { once: true });
    socket.onopen = (): void => resolve(socket);
    socket.onerror = (): void => fail(new Error("Cannot connect to the debugger"));
  });
}
