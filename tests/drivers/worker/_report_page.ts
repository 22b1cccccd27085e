/**
 * The channel by which a test's task says what it reached: lines of text in shared memory, written
 * by one thread and read by another.
 *
 * @module
 */

/** Word 0 counts the bytes written. */
const HEADER_BYTES = 4;

/** Makes room for what a task says. */
export function newReportPage(bytes = 256 * 1024): SharedArrayBuffer {
  return new SharedArrayBuffer(HEADER_BYTES + bytes);
}

/** Appends a line. A page that is full takes no more. */
export function writeReport(page: SharedArrayBuffer, text: string): void {
  const length = new Int32Array(page, 0, 1);
  const line = new TextEncoder().encode(`${text.replaceAll("\n", " ")}\n`);
  const end = Atomics.load(length, 0);
  if (HEADER_BYTES + end + line.length > page.byteLength) return;
  new Uint8Array(page).set(line, HEADER_BYTES + end);
  Atomics.store(length, 0, end + line.length);
  Atomics.notify(length, 0);
}

/** The lines so far. */
export function readReports(page: SharedArrayBuffer): string[] {
  const end = Atomics.load(new Int32Array(page, 0, 1), 0);
  const text = new TextDecoder().decode(new Uint8Array(page, HEADER_BYTES, end).slice());
  return text.split("\n").slice(0, -1);
}

/** Resolves when a line begins with `prefix`. */
export async function reportOf(page: SharedArrayBuffer, prefix: string): Promise<string> {
  const length = new Int32Array(page, 0, 1);
  while (true) {
    const seen = Atomics.load(length, 0);
    const found = readReports(page).find((line) => line.startsWith(prefix));
    if (found !== undefined) return found;
    await Atomics.waitAsync(length, 0, seen).value;
  }
}
