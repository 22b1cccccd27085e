/**
 * Between a socket and a connection of the platform's.
 *
 * A task holds one end of an ordinary stream socket; the pump has the other, which no handle names,
 * and moves bytes between that and the connection. The socket's capacity is all that is buffered:
 * the pump reads the connection only when the socket has room, and the task's writes wait when the
 * connection takes no more.
 *
 * Invariants: what one side sent before it ended arrives before its end; the connection is closed
 * when the task's end is and what it had written is sent, or when both directions have ended.
 *
 * @module
 */
import { Signals } from "../../capabilities/signals.ts";
import { WOULD_BLOCK } from "../../capabilities/stream_ops.ts";
import { untilSignaled } from "./network_attempt.ts";
import type { HostConnection } from "./network_host.ts";
import type { SocketEnd } from "./socket.ts";

/** Bytes that are moved at once. */
const CHUNK_BYTES = 65_536;

/** Moves bytes for as long as there are any. */
export class NetworkPump {
  /** Settles when the connection is closed and nothing moves any more; never rejects. */
  readonly finished: Promise<void>;
  readonly #end: SocketEnd;
  readonly #connection: HostConnection;

  /** @param end The end of the socket that no task holds. */
  constructor(end: SocketEnd, connection: HostConnection) {
    this.#end = end;
    this.#connection = connection;
    this.finished = this.#run();
  }

  /** Closes the connection at once, whatever is unsent. */
  abort(): void {
    this.#connection.close();
    this.#end.shutdown("both");
  }

  async #run(): Promise<void> {
    const sending = this.#send();
    const receiving = this.#receive();
    const isLetGo = untilSignaled(this.#end, Signals.PEER_CLOSED);
    // Nobody is left to read: what the task wrote still goes out, then all is over.
    await Promise.race([isLetGo, Promise.all([sending, receiving])]);
    await sending;
    this.#connection.close();
    await receiving;
    this.#end.close();
  }

  /** From the task to the network. */
  async #send(): Promise<void> {
    const end = this.#end;
    const buffer = new Uint8Array(CHUNK_BYTES);
    try {
      for (;;) {
        const read = end.tryRead(buffer);
        if (read === 0) break;
        if (read === WOULD_BLOCK) await untilSignaled(end, Signals.READABLE);
        else await this.#writeAll(buffer.subarray(0, read));
      }
      if (!end.peer.isClosed) await this.#connection.closeWrite();
    } catch {
      // The task gave the stream up: no proper end. Or the connection is gone: no more writes.
      if (end.incoming.failure !== undefined) this.#connection.close();
      end.shutdown("read");
    }
  }

  async #writeAll(bytes: Uint8Array): Promise<void> {
    for (let done = 0; done < bytes.length;) {
      done += await this.#connection.write(bytes.subarray(done));
    }
  }

  /** From the network to the task. */
  async #receive(): Promise<void> {
    const end = this.#end;
    const buffer = new Uint8Array(CHUNK_BYTES);
    try {
      for (;;) {
        const read = await this.#connection.read(buffer);
        if (read === null) break;
        await this.#deliver(buffer.subarray(0, read));
      }
      end.shutdown("write");
    } catch (error) {
      end.fail(error);
    }
  }

  /** Waits for room; what a task that shut its reading side would get is dropped. */
  async #deliver(bytes: Uint8Array): Promise<void> {
    const end = this.#end;
    for (let done = 0; done < bytes.length;) {
      if (end.outgoing.isBroken) return;
      const written = end.tryWrite(bytes, done);
      if (written === WOULD_BLOCK) await untilSignaled(end, Signals.WRITABLE);
      else done += written;
    }
  }
}
