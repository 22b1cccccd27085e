/**
 * The last stage of pipeline.ts: `wc`.
 *
 * @module
 */
import { PipeReader, type Task } from "@carmine/kernel";

const NEWLINE = 0x0a;

/** Counts lines, words and bytes. */
export async function wc(task: Task): Promise<string> {
  let lines = 0;
  let words = 0;
  let bytes = 0;
  let isInWord = false;
  for await (const chunk of task.handle("input", PipeReader)) {
    bytes += chunk.length;
    for (let i = 0; i < chunk.length; i++) {
      const byte = chunk[i] as number;
      if (byte > 0x20) {
        if (!isInWord && byte !== 0x7f) {
          isInWord = true;
          words++;
        }
      } else if (byte === 0x20 || (byte >= 0x09 && byte <= 0x0d)) {
        isInWord = false;
        if (byte === NEWLINE) lines++;
      }
    }
  }
  return [lines, words, bytes].map((count) => String(count).padStart(7)).join(" ");
}
