/** Blocks for what its own pending calls bring about. */
import { type MessageReceiver, type PipeReader, type PipeWriter, Rights } from "@carmine/kernel";
import { task } from "@carmine/kernel/task";

/** Both ends of a pipe, with these rights beside reading and writing. */
async function ownPipe(rights: Rights): Promise<number[]> {
  const ends = task.createPipe({ capacity: 4 });
  const reader = ends.reader.replace(Rights.READ | rights);
  const writer = ends.writer.replace(Rights.WRITE | rights);
  const writing = writer.write(new Uint8Array(10));
  const bytes = new Uint8Array(10);
  const counts = [reader.readSync(bytes), reader.readSync(bytes), reader.readSync(bytes)];
  return [...counts, await writing];
}

/** A peer answers when it has read all, in a queue and then in a pipe. */
async function answers(): Promise<number[]> {
  const output = task.handle<PipeWriter>("output");
  const messages = task.handle<MessageReceiver>("messages");
  const input = task.handle<PipeReader>("input");
  const first = output.write(new Uint8Array(100));
  const message = messages.receiveSync();
  const second = output.write(new Uint8Array(100));
  const bytes = new Uint8Array(1);
  const count = input.readSync(bytes);
  return [message.bytes.length, count, await first, await second];
}

task.exit(0, [await ownPipe(Rights.MAP), await ownPipe(Rights.NONE), await answers()]);
