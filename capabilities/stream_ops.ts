/**
 * Streams of bytes.
 *
 * @module
 */

/** What an operation answers when it would have to wait. */
export const WOULD_BLOCK = -1;
/** The type of {@linkcode WOULD_BLOCK}. */
export type WouldBlock = -1;

/** Objects that bytes can be read from or written to; neither operation ever waits. */
export interface StreamOps {
  /**
   * Reads what is there, up to the buffer's length.
   *
   * @returns The number of bytes, 0 at the end of the stream, or {@linkcode WOULD_BLOCK}.
   */
  tryRead(into: Uint8Array): number;
  /**
   * Writes bytes from `start` on, as many as the object takes at once.
   *
   * @returns The number of bytes, or {@linkcode WOULD_BLOCK}.
   */
  tryWrite(bytes: Uint8Array, start?: number): number;
}

/** Streams between programs. */
export interface StreamIpcOps extends StreamOps {
  /** True while the other end is there. */
  readonly isConnected: boolean;
  /** How many handles name the other end. */
  readonly peerCount: number;
  /** One line for people. */
  readonly description: string;
}

/** What a pipe's end can do beyond a stream. */
export interface PipeObject extends StreamIpcOps {
  /** True for the end that is read from, whether or not anything is there. */
  readonly isReadable: boolean;
  /** True for the end that is written to, whether or not there is room. */
  readonly isWritable: boolean;
  /** The pipe's capacity in bytes. */
  readonly bufferSize: number;
  /** Bytes written and not yet read; in packet mode, the size of the next packet. */
  readonly availableBytes: number;
  /** True while a reader is left. */
  readonly hasReaders: boolean;
  /** True while a writer is left. */
  readonly hasWriters: boolean;
}
