/**
 * Long writes through a page: they go in pieces.
 *
 * @module
 */
import { byteLengthOf, checkBuffer, partOf } from "../arguments.ts";
import type { SyscallSpec } from "../door.ts";

/** Bytes of a long write that go at once: the kernel holds them while the call waits. */
const PIECE_BYTES = 64 * 1_024;

/** True for a call that writes more than goes at once. */
export function isLongWrite(spec: SyscallSpec, args: readonly unknown[]): boolean {
  if (spec.movesAll !== true) return false;
  try {
    return byteLengthOf(checkBuffer(args[1], "bytes")) > PIECE_BYTES;
  } catch {
    return false; // sent like a short one, which is refused in its words
  }
}

/** Milliseconds until then; 0 if that is over. */
export function timeLeft(until: number): number {
  return Math.max(0, until - performance.now());
}

/** The bytes, a piece at a time. */
export function* pieces(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < byteLengthOf(bytes); at += PIECE_BYTES) {
    yield partOf(bytes, at, at + PIECE_BYTES);
  }
}
