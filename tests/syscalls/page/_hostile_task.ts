/**
 * A page whose task side is in the hands of the test.
 *
 * @module
 */
import { FrameReceiver, FrameSender, HEADER_BYTES } from "../../../syscalls/page/frames.ts";
import { decode } from "../../../syscalls/page/decode.ts";
import { encode } from "../../../syscalls/page/encode.ts";
import {
  allocatePage,
  MAX_REPLY_BYTES,
  openPage,
  type PageMemory,
} from "../../../syscalls/page/page.ts";
import { PageServer } from "../../../syscalls/page/page_server.ts";
import { SYSCALLS } from "../../../syscalls/table.ts";
import { World } from "../_world.ts";

/** What the kernel answers. */
export type Reply = [id: number, kind: number, value?: unknown, bytes?: Uint8Array];

/** A task that sends what the test wants. */
export class HostileTask {
  readonly world: World = new World();
  readonly violations: Error[] = [];
  /** Memory that the kernel handed over beside the page. */
  readonly posted: unknown[] = [];
  readonly server: PageServer;
  readonly memory: PageMemory = allocatePage();
  readonly page: ReturnType<typeof openPage>;
  readonly sender: FrameSender;
  readonly receiver: FrameReceiver;

  constructor() {
    const { kernel, dispatcher, attacker } = this.world;
    const caller = { kernel, task: attacker };
    const post = (memory: unknown) => void this.posted.push(memory);
    this.server = new PageServer(dispatcher, caller, this.memory, post, (error) => {
      this.violations.push(error);
      attacker.end({ state: "crashed", error });
    });
    this.page = openPage(this.memory, "task");
    this.sender = new FrameSender(this.page.requests, this.page.requestsWait);
    this.receiver = new FrameReceiver(this.page.replies, this.page.repliesWait, MAX_REPLY_BYTES);
  }

  /** Sends a request and lets the kernel serve what is there. */
  send(id: unknown, mode: unknown, number: unknown, args: unknown, timeoutMs: unknown = -1): void {
    this.sender.send(encode([id, mode, number, args, timeoutMs], HEADER_BYTES));
    this.serve();
  }

  /** Lets the kernel serve until it wants to wait. */
  serve(): void {
    do this.sender.flush(); while (this.server.drain() || this.sender.flush());
  }

  /** The replies that are there. */
  replies(): Reply[] {
    const replies: Reply[] = [];
    for (let frame = this.receiver.receive(); frame; frame = this.receiver.receive()) {
      replies.push(decode(frame) as Reply);
    }
    return replies;
  }

  /** Replies after what waits had its turn. */
  async settled(): Promise<Reply[]> {
    for (let i = 0; i < 20; i++) await null;
    return this.replies();
  }

  /** An empty pipe: its reader and its writer. */
  pipe(): { reader: number; writer: number } {
    return this.world.door.raw(SYSCALLS.pipeCreate.number, [{ capacity: 65_536 }]) as {
      reader: number;
      writer: number;
    };
  }
}
