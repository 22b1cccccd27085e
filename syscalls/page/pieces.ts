/**
 * Long writes through a page: they go in pieces.
 *
 * @module
 */
import type { SyscallSpec } from "../door.ts";

/** Bytes of a long write that go at once: the kernel holds them while the call waits. */
const PIECE_BYTES = 64 * 1_024;

/** True for a call that writes more than goes at once. */
export function isLongWrite(spec: SyscallSpec, args: readonly unknown[]): boolean {
  const bytes = args[1];
  return spec.movesAll === true && bytes instanceof Uint8Array && bytes.length > PIECE_BYTES;
}

/** Milliseconds until then; 0 if that is over. */
export function timeLeft(until: number): number {
  return Math.max(0, until - performance.now());
}

/** The bytes, a piece at a time. */
export function* pieces(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
    yield bytes.subarray(at, at + PIECE_BYTES);
  }
}
