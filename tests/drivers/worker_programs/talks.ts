/** One side of a conversation between two tasks in workers; the other is the same module. */
import {
  type Counter,
  type KernelError,
  Listener,
  MessageReceiver,
  MessageSender,
  Namespace,
  type PipeReader,
  type PipeWriter,
  Socket,
} from "@carmine/kernel";
import { task } from "@carmine/kernel/task";

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** A pipe's reader after the writer has said something and gone. */
function spoken(words: string): PipeReader {
  const { reader, writer } = task.createPipe();
  writer.writeSync(bytes(words));
  writer.close();
  return reader;
}

/** All that a pipe's reader gives. */
function heard(handle: unknown): string {
  const buffer = new Uint8Array(64);
  let words = "";
  for (let n; (n = (handle as PipeReader).readSync(buffer)) > 0;) {
    words += text(buffer.subarray(0, n));
  }
  return words;
}

const MANY = 2_000;

const ROLES: Record<string, () => unknown> = {
  /** Numbered messages, each fourth with a pipe that says its number. */
  "queue: sends"() {
    const out = task.handle("out", MessageSender);
    for (let i = 0; i < 400; i++) {
      const handles = i % 4 === 0 ? [spoken(`pipe ${i}`)] : [];
      out.sendSync(bytes(`message ${i}`), { handles });
    }
  },
  "queue: receives"() {
    const input = task.handle("in", MessageReceiver);
    for (let i = 0; i < 400; i++) {
      const { bytes, handles } = input.receiveSync();
      if (text(bytes) !== `message ${i}`) return `got ${text(bytes)} for ${i}`;
      const words = handles.map(heard);
      if (words.join() !== (i % 4 === 0 ? `pipe ${i}` : "")) return `heard ${words} at ${i}`;
    }
    try {
      return input.receiveSync();
    } catch (error) {
      return (error as KernelError).code;
    }
  },
  /** Calls and replies, both with handles. */
  "call: calls"() {
    const out = task.handle("out", MessageSender);
    let sum = 0;
    for (let i = 0; i < 200; i++) {
      const counter = task.createCounter({ initial: i + 1 });
      const reply = out.callSync(bytes(String(i)), { handles: [counter] });
      sum += Number(text(reply.bytes)) + Number((reply.handles[0] as Counter).takeSync());
    }
    return sum;
  },
  "call: replies"() {
    const input = task.handle("in", MessageReceiver);
    for (let i = 0; i < 200; i++) {
      const call = input.receiveSync();
      const got = (call.handles[0] as Counter).takeSync();
      const counter = task.createCounter({ initial: 1 });
      input.reply(call, bytes(String(Number(got) * 2)), { handles: [counter] });
    }
  },
  /** Lines and the pipes between them, through a stream that holds much less. */
  "stream: writes"() {
    const socket = task.handle("names", Namespace).connectSync("here");
    for (let i = 0; i < 100; i++) {
      socket.writeSync(new Uint8Array(MANY).fill(i));
      socket.sendHandleSync(spoken(`after ${i}`));
    }
    socket.shutdown("write");
    const buffer = new Uint8Array(16);
    return text(buffer.subarray(0, socket.readSync(buffer)));
  },
  "stream: reads"() {
    const listener = task.handle("listener", Listener);
    const socket = listener.acceptSync();
    const buffer = new Uint8Array(777);
    for (let i = 0; i < 100; i++) {
      for (let left = MANY; left > 0;) {
        const n = socket.readSync(buffer.subarray(0, Math.min(left, buffer.length)));
        if (n === 0 || buffer.subarray(0, n).some((byte) => byte !== i)) return `broken at ${i}`;
        left -= n;
      }
      const words = heard(socket.receiveHandleSync());
      if (words !== `after ${i}`) return `heard ${words} at ${i}`;
    }
    const end = socket.readSync(buffer);
    socket.writeSync(bytes("thanks"));
    return [end, socket.peerTaskId === Number(task.args[1])];
  },
  /** Messages there and back over a seqpacket socket, a pipe's writer among them. */
  "packets: asks"() {
    const socket = task.handle("socket", Socket);
    const answers: string[] = [];
    for (let i = 0; i < 100; i++) {
      const { reader, writer } = task.createPipe();
      socket.sendSync(bytes(`packet ${i}`), { handles: [writer] });
      answers.push(heard(reader), text(socket.receiveSync().bytes));
    }
    return new Set(answers).size;
  },
  "packets: answers"() {
    const socket = task.handle("socket", Socket);
    for (let i = 0; i < 100; i++) {
      const { bytes: packet, handles } = socket.receiveSync();
      const writer = handles[0] as PipeWriter;
      writer.writeSync(bytes(`through the pipe of ${text(packet)}`));
      writer.close();
      socket.sendSync(packet);
    }
  },
};

task.exit(0, ROLES[task.args[0] ?? ""]?.());
