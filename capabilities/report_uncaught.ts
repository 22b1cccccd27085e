/**
 * What becomes of an error that no caller is to blame for.
 *
 * @module
 */

/**
 * Hands an error that the host's own code threw (a log function, a clock) to the platform as an
 * uncaught one, from outside the kernel's call stack: nothing the kernel was doing is cut short, and
 * the error is not lost.
 */
export function reportUncaught(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}
