/**
 * Tells when a worker's thread is gone.
 *
 * Deno doesn't: `terminate()` returns at once, and a thread that runs synchronous code goes on. But
 * Web Locks are released when their holder's isolate is torn down. So each task's thread holds a
 * lock of its own from before the task begins, and the kernel's side queues for it.
 *
 * @module
 */

/** The Web Locks that are used here; Deno has them, its types don't. */
interface LockManager {
  request(name: string, hold: () => void): Promise<void>;
}

/**
 * Resolves when the holder of the lock is gone, or when there is none. In the second case the
 * thread that was to hold it can't begin its task any more while it is being ended: it asks for
 * the lock first.
 */
export async function lifeLockReleased(name: string): Promise<void> {
  const { locks } = navigator as unknown as { locks: LockManager };
  await locks.request(name, () => {});
}
