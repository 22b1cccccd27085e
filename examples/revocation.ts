/**
 * Lends a capability, and takes it back.
 *
 *     deno run examples/revocation.ts
 *
 * A publisher lends the reading end of a pipe to a subscriber, who lends it on to an assistant. The
 * subscription ends, and the publisher revokes what was derived from its handle. In that moment both
 * handles stop working, in both tasks, although the publisher never heard of the assistant: a wait
 * that is going on ends with REVOKED, and so does every later use. The publisher's own handle stays
 * as it was, and so does the pipe: what nobody has read yet is still there.
 *
 * Nothing was asked of the borrowers for that. A borrower that must not lend on gets a handle
 * without DUPLICATE and TRANSFER, which this program shows, too.
 */
import { Counter, Kernel, KernelError, PipeReader, Rights, type Task } from "@carmine/kernel";

/** Tells what happened. */
type Tell = (who: string, what: string) => void;

const decoder = new TextDecoder();
const encoder = new TextEncoder();

/** Reads news until that fails, and lets the publisher know of each. */
async function follow(task: Task, tell: (what: string) => void): Promise<void> {
  const reader = task.handle("news", PipeReader);
  const heard = task.handle("heard", Counter);
  const buffer = new Uint8Array(256);
  try {
    for (let length; (length = await reader.read(buffer)) > 0;) {
      tell(`reads "${decoder.decode(buffer.subarray(0, length))}"`);
      await heard.add(1);
    }
  } catch (error) {
    tell(`has to stop: ${codeOf(error)}`);
  }
}

function codeOf(error: unknown): string {
  if (error instanceof KernelError) return error.code;
  throw error;
}

/** Has the news lent to it, and lends them on. */
async function subscriber(task: Task, tell: Tell): Promise<void> {
  const news = task.handle("news", PipeReader);
  const rights = Rights.READ | Rights.WAIT;
  const assistant = task.spawn(
    (assistant) => follow(assistant, (what) => tell("assistant", what)),
    {
      name: "assistant",
      handles: {
        news: news.duplicate(rights | Rights.TRANSFER),
        heard: task.handle("heard", Counter), // moves on as it is
      },
    },
  );
  // A handle without DUPLICATE can't be lent on.
  try {
    news.duplicate(rights).duplicate();
  } catch (error) {
    tell("subscriber", `can't copy a handle without DUPLICATE: ${codeOf(error)}`);
  }
  await assistant.wait();
  try {
    news.tryRead(new Uint8Array(1));
  } catch (error) {
    tell("subscriber", `tries to read: ${codeOf(error)}; its handle is closed: ${news.closed}`);
  }
}

/** Publishes, lends, takes back. */
export async function main(tell: Tell): Promise<void> {
  await using kernel = new Kernel();
  const { init } = kernel;
  const { reader, writer } = init.createPipe();
  const heard = init.createCounter();
  const lent = reader.duplicate(Rights.READ | Rights.WAIT | Rights.DUPLICATE | Rights.TRANSFER);
  const borrower = init.spawn((task) => subscriber(task, tell), {
    name: "subscriber",
    handles: { news: lent, heard: heard.duplicate(Rights.WRITE | Rights.TRANSFER) },
  });
  tell("publisher", `lends the news; its own copy of what it gave away is closed: ${lent.closed}`);

  await writer.write(encoder.encode("It rains."));
  await heard.take();

  tell("publisher", "takes back what it lent");
  reader.revoke();
  await writer.write(encoder.encode("The sun shines."));
  await borrower.wait();

  const buffer = new Uint8Array(256);
  const length = await reader.read(buffer);
  tell("publisher", `still reads "${decoder.decode(buffer.subarray(0, length))}"`);
}

if (import.meta.main) await main((who, what) => console.log(`${who.padStart(10)}: ${what}`));
