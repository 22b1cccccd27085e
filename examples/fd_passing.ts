/**
 * Handle passing, as unix programs pass file descriptors through a socket. The opener is the only
 * task that knows files; it opens what the reader asks for, if that is in the folder it was given,
 * and passes the open file through the socket. The reader counts words and could not open a thing
 * itself: what it can read is what it was handed.
 *
 * ```sh
 * deno run --allow-read examples/fd_passing.ts examples chat.ts fd_passing.ts ../README.md
 * ```
 *
 * @module
 */
import { open } from "node:fs/promises";
import process from "node:process";
import { Readable } from "node:stream";
import { Kernel, PipeReader, Socket, type Task } from "@carmine/kernel";

/** What became of one request. */
export interface Answer {
  /** The name that was asked for. */
  name: string;
  /** Lines and words of the file; undefined when it was refused or couldn't be read. */
  lines?: number;
  /** Words, as `wc` counts them. */
  words?: number;
  /** Why it was. */
  refusal?: string;
}

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const decode = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** Opens files of one folder for whoever is at the other end of its socket. */
async function opener(task: Task): Promise<void> {
  const socket = task.handle("requests", Socket);
  const [folder = "."] = task.args;
  for (;;) {
    const request = await socket.receive().catch(() => undefined);
    if (request === undefined) return; // the reader has left
    const name = decode(request.bytes);
    try {
      if (!/^[\w-]+(\.[\w-]+)*$/.test(name)) throw new Error("it is not in this folder");
      const file = await open(`${folder}/${name}`);
      const stream = Readable.toWeb(file.createReadStream()); // closes the file when it is done
      const contents = task.fromReadable(stream as ReadableStream<Uint8Array>);
      await socket.send(encode("here it is"), { handles: [contents] });
    } catch (error) {
      await socket.send(encode((error as Error).message));
    }
  }
}

/** Asks for files by name and counts what is in them. */
async function reader(task: Task): Promise<Answer[]> {
  const socket = task.handle("files", Socket);
  const answers: Answer[] = [];
  for (const name of task.args) {
    await socket.send(encode(name));
    const { bytes, handles } = await socket.receive();
    const [file] = handles;
    const answer = file instanceof PipeReader
      ? await count(file).catch(({ cause }) => ({ refusal: cause.message })) // a folder, say
      : { refusal: decode(bytes) };
    answers.push({ name, ...answer });
  }
  return answers;
}

async function count(file: PipeReader): Promise<{ lines: number; words: number }> {
  let lines = 0;
  let words = 0;
  let isInWord = false;
  for await (const chunk of file) {
    for (const byte of chunk) {
      if (byte === 10) lines++;
      const isSpace = byte === 32 || (byte >= 9 && byte <= 13);
      if (isInWord && isSpace) words++;
      isInWord = !isSpace;
    }
  }
  file.close();
  return { lines, words: words + Number(isInWord) };
}

/** Has the reader ask the opener for files of a folder. */
export async function main(folder: string, names: string[]): Promise<Answer[]> {
  await using kernel = new Kernel();
  const [requests, files] = kernel.init.createSocketPair({ type: "seqpacket" });
  kernel.init.spawn(opener, { args: [folder], handles: { requests } });
  const counting = kernel.init.spawn(reader, { args: names, handles: { files } });
  const status = await counting.wait();
  if (status.state === "crashed") throw status.error;
  return status.state === "exited" ? status.value as Answer[] : [];
}

if (import.meta.main) {
  const [folder = "examples", ...names] = process.argv.slice(2);
  const asked = names.length > 0 ? names : ["fd_passing.ts", "nothing.ts", "../README.md"];
  for (const { name, lines, words, refusal } of await main(folder, asked)) {
    console.log(refusal === undefined ? `${lines} ${words} ${name}` : `${name}: ${refusal}`);
  }
}
