/**
 * The calls of a task's thread that have no reply yet.
 *
 * Always holds: a call is settled once, by its reply or by its task's end, and is forgotten then;
 * bytes that come with a reply are in the caller's own buffer before the call is settled.
 *
 * @module
 */
import { KernelError } from "../../capabilities/errors.ts";
import { byteLengthOf } from "../arguments.ts";
import { ReplyKind } from "./page.ts";
import { asError, taskDead } from "./page_errors.ts";

/** What is done with a call's reply. */
export interface Settlement {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
}

interface OpenCall extends Settlement {
  /** What the call writes into. */
  readonly output: Uint8Array | undefined;
}

/** Calls by their ids. */
export class OpenCalls {
  readonly #calls = new Map<number, OpenCall>();

  add(id: number, { resolve, reject }: Settlement, output: Uint8Array | undefined): void {
    this.#calls.set(id, { resolve, reject, output });
  }

  /** A reply has come. Nothing happens when nobody waits for it any more. */
  settle(id: number, kind: number, value: unknown, bytes: Uint8Array | undefined): void {
    const call = this.#calls.get(id);
    if (call === undefined) return;
    this.#calls.delete(id);
    if (kind === ReplyKind.FAILED) return call.reject(asError(value));
    if (call.output === undefined || bytes === undefined) return call.resolve(value);
    if (byteLengthOf(call.output) < bytes.length) {
      return call.reject(
        new KernelError("INVALID_ARGUMENT", "Its buffer was detached while the call waited", {
          transferred: bytes.length,
        }),
      );
    }
    call.output.set(bytes);
    call.resolve(withOutput(value, call.output, bytes.length));
  }

  /** The task has ended: nobody will answer. */
  abandon(): void {
    const calls = [...this.#calls.values()];
    this.#calls.clear();
    for (const call of calls) call.reject(taskDead());
  }
}

/** A result whose bytes were in the kernel's copy of the buffer has them in the caller's. */
function withOutput(value: unknown, output: Uint8Array, length: number): unknown {
  if (typeof value !== "object" || value === null || !("bytes" in value)) return value;
  const { bytes } = value as { readonly bytes: Uint8Array };
  return { ...value, bytes: output.subarray(0, Math.min(length, bytes.length)) };
}
