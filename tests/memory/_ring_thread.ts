/**
 * A thread at a mapped ring, for `ring_threads_test.ts`: writes or reads a numbered stream as fast as it can,
 * and follows the moves of the kernel in the main thread.
 */
import { receiveMessageOnPort } from "node:worker_threads";
import { MappedRing, type NextGeneration } from "../../memory/mapped_ring.ts";
import { BUSY, type RingSeat } from "../../memory/ring_layout.ts";

/** What the main thread tells a thread at its start. */
export interface ThreadOrder {
  readonly role: "writer" | "reader";
  readonly memory: SharedArrayBuffer;
  readonly capacity: number;
  readonly seat: Partial<RingSeat>;
  /** Where the kernel answers. */
  readonly port: MessagePort;
  /** Word 0: how many answers the kernel has sent. */
  readonly answers: Int32Array;
  /** How many numbers to write or read. */
  readonly count: number;
  /** The numbers of a writer start here; a reader sums. */
  readonly first: number;
  /** Reads are of some multiple of so many bytes. */
  readonly readUnit: number;
}

const scope = globalThis as unknown as {
  onmessage: (event: MessageEvent<ThreadOrder>) => void;
  postMessage: (message: unknown) => void;
};

let asked = 0;

function ask({ port, answers }: ThreadOrder): NextGeneration {
  port.postMessage("ask");
  Atomics.wait(answers, 0, asked++);
  for (;;) {
    const received = receiveMessageOnPort(port as never) as { message: NextGeneration } | undefined;
    if (received !== undefined) return received.message;
  }
}

function write(ring: MappedRing, { count, first }: ThreadOrder): void {
  const numbers = new Uint32Array(count).map((_, i) => first + i);
  const bytes = new Uint8Array(numbers.buffer);
  for (let done = 0; done < bytes.length;) {
    // Whole numbers, from 4 bytes to more than a write may carry in one piece.
    const size = Math.min(4 << (done >> 2) % 12, bytes.length - done);
    const answer = ring.write(bytes, done, done + size);
    if (answer > 0) done += answer;
    else if (answer === 0 || answer === BUSY) ring.waitWritableSync(size, Infinity);
    else throw new Error(`write answered ${answer}`);
  }
}

function read(ring: MappedRing, { count, readUnit }: ThreadOrder): Uint32Array {
  const bytes = new Uint8Array(count * 4);
  for (let done = 0; done < bytes.length;) {
    const answer = ring.read(
      bytes,
      done,
      Math.min(bytes.length, done + (readUnit << (done >> 2) % 14)),
    );
    if (answer > 0) done += answer;
    else if (answer === 0 || answer === BUSY) ring.waitReadableSync(Infinity);
    else throw new Error(`read answered ${answer}`);
  }
  return new Uint32Array(bytes.buffer);
}

scope.onmessage = ({ data }) => {
  const ring = new MappedRing(data.memory, data.capacity, data.seat, () => ask(data));
  scope.postMessage(data.role === "writer" ? write(ring, data) : read(ring, data));
};
