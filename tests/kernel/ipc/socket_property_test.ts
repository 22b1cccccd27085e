import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { KernelError } from "../../../capabilities/errors.ts";
import { HandleEntry } from "../../../capabilities/handle.ts";
import { HandleTable } from "../../../capabilities/handle_table.ts";
import { DEFAULT_LIMITS } from "../../../capabilities/limits.ts";
import { Rights } from "../../../capabilities/rights.ts";
import { Signals } from "../../../capabilities/signals.ts";
import type { ShutdownHow, SocketType } from "../../../capabilities/socket_ops.ts";
import { WOULD_BLOCK } from "../../../capabilities/stream_ops.ts";
import { Account } from "../../../kernel/account.ts";
import type { Carrier } from "../../../kernel/handle_transfer.ts";
import type { SocketEnd } from "../../../kernel/ipc/socket.ts";
import { createSocket } from "../../../kernel/ipc/socket_pair.ts";
import { KernelObject } from "../../../kernel/kernel_object.ts";
import { Kernel } from "../../../mod.ts";

const PIPE_BUF = 4_096;

/** Something to send; tells when it is gone. */
class Token extends KernelObject {
  readonly type = "token";
  readonly capabilities = 0;
  isGone = false;
  protected ownSignals(): number {
    return 0;
  }
  protected override onLastHandleClosed(): void {
    this.isGone = true;
  }
}

/** One direction, as plain as can be: bytes as numbers, handles as the objects they name. */
interface LaneModel {
  items: (number | Token)[];
  isWriteShut: boolean;
  isReadShut: boolean;
}

interface MessageModel {
  items: { bytes: number[]; tokens: Token[] }[];
  isWriteShut: boolean;
  isReadShut: boolean;
}

/** A task as far as sockets know it. */
class Party {
  readonly taskId = 1;
  readonly account = new Account({ ...DEFAULT_LIMITS });
  readonly table: HandleTable;
  constructor(handles: number) {
    this.table = new HandleTable(handles);
  }
  /** A handle to a new token. */
  token(): { token: Token; number: number } {
    const token = new Token();
    return { token, number: this.table.insert(new HandleEntry(token, Rights.ALL)) };
  }
}

function outcome(action: () => unknown): unknown {
  try {
    return action();
  } catch (error) {
    assert(error instanceof KernelError, String(error));
    return error.code;
  }
}

Deno.test("Socket.send() and receive() that wait are served in the order they were called", async () => {
  const step = fc.record({
    type: fc.constantFrom("send" as const, "receive" as const),
    size: fc.integer({ min: 1, max: 6 }),
    pause: fc.nat(2),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60, size: "max" }), async (steps) => {
      await using kernel = new Kernel();
      const [sender, receiver] = kernel.init.createSocketPair({ type: "seqpacket", capacity: 6 });
      const sent: number[][] = [];
      const sends: Promise<void>[] = [];
      const receives: Promise<number[]>[] = [];
      const receive = async () => [...(await receiver.receive()).bytes];
      for (const { type, size, pause } of steps) {
        if (type === "send") {
          const bytes = Uint8Array.from({ length: size }, () => sent.length);
          sent.push([...bytes]);
          sends.push(sender.send(bytes));
        } else receives.push(receive());
        for (let i = 0; i < pause; i++) await null;
      }
      while (receives.length < sent.length) receives.push(receive());
      await Promise.all(sends);
      sender.close();
      const received = await Promise.allSettled(receives);
      assertEquals(
        received.flatMap((result) => result.status === "fulfilled" ? [result.value] : []),
        sent,
      );
      const ended = received.flatMap((result) => result.status === "rejected" ? [result] : []);
      assertEquals(ended.length, receives.length - sent.length);
      assert(ended.every(({ reason }) => reason.code === "PEER_CLOSED"));
    }),
  );
});

type Side = 0 | 1;
type Command =
  | { type: "write" | "read"; side: Side; size: number }
  | { type: "sendHandle" | "receiveHandle" | "close"; side: Side }
  | { type: "send"; side: Side; size: number; handles: number }
  | { type: "receive"; side: Side }
  | { type: "shutdown"; side: Side; how: ShutdownHow };

const side = fc.constantFrom<Side>(0, 1);
const size = fc.oneof(
  fc.nat(5),
  fc.nat(120),
  fc.constantFrom(PIPE_BUF - 1, PIPE_BUF, PIPE_BUF + 1, 9_000),
);
const how = fc.constantFrom<ShutdownHow>("read", "write", "both");
const rarely = [
  { weight: 1, arbitrary: fc.record({ type: fc.constant("shutdown" as const), side, how }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constantFrom("close" as const), side }) },
];

const streamCommands = fc.array(
  fc.oneof(
    {
      weight: 12,
      arbitrary: fc.record({
        type: fc.constantFrom("write" as const, "read" as const),
        side,
        size,
      }),
    },
    {
      weight: 8,
      arbitrary: fc.record({
        type: fc.constantFrom("sendHandle" as const, "receiveHandle" as const),
        side,
      }),
    },
    ...rarely,
  ) as fc.Arbitrary<Command>,
  { maxLength: 80, size: "max" },
);

const messageCommands = fc.array(
  fc.oneof(
    {
      weight: 10,
      arbitrary: fc.record({
        type: fc.constant("send" as const),
        side,
        size: fc.nat(12),
        handles: fc.nat(3),
      }),
    },
    { weight: 10, arbitrary: fc.record({ type: fc.constant("receive" as const), side }) },
    ...rarely,
  ) as fc.Arbitrary<Command>,
  { maxLength: 80, size: "max" },
);

/** A socket with a handle to each end, and what is to be true of it after every step. */
class Bench {
  readonly carriers = new Set<Carrier>();
  readonly ends: [SocketEnd, SocketEnd];
  readonly handles: [HandleEntry, HandleEntry];
  readonly party = new Party(12);
  readonly tokens: Token[] = [];
  nextByte = 0;

  constructor(socketType: SocketType, capacity: number) {
    const { carriers } = this;
    this.ends = createSocket({ socketType, capacity, creators: [1, 2], carriers });
    this.handles = [
      new HandleEntry(this.ends[0], Rights.ALL),
      new HandleEntry(this.ends[1], Rights.ALL),
    ];
  }

  bytes(length: number): Uint8Array<ArrayBuffer> {
    return Uint8Array.from({ length }, () => this.nextByte++ & 0xff);
  }

  /** Closes one handle of the party's, so that the table doesn't stay full. */
  spend(): void {
    const [entry] = this.party.table;
    entry?.close("closed");
  }

  check(): void {
    for (const end of this.ends) end.assertInvariants();
    this.party.table.assertInvariants();
    this.party.account.assertInvariants();
  }

  /** Both ends close: nothing may be left. */
  end(): void {
    for (const handle of this.handles) handle.close("closed");
    for (const entry of this.party.table) entry.close("closed");
    this.check();
    assertEquals(this.carriers.size, 0);
    assert(this.tokens.every((token) => token.isGone), "a handle got lost");
    const { queuedMessages, bufferBytes } = this.party.account.usage;
    assertEquals([queuedMessages, bufferBytes], [0, 0]);
  }
}

function shutModels<Model extends LaneModel | MessageModel>(
  lanes: readonly [Model, Model],
  side: Side,
  how: ShutdownHow,
): void {
  if (how !== "read") lanes[side].isWriteShut = true;
  if (how !== "write") {
    const incoming = lanes[1 - side] as Model;
    incoming.isReadShut = true;
    incoming.items = [];
  }
}

/** Shutting and closing, which are the same for all sockets. */
function endSide<Model extends LaneModel | MessageModel>(
  bench: Bench,
  lanes: readonly [Model, Model],
  command: Command,
): void {
  const { side } = command;
  if (command.type === "shutdown") bench.ends[side].shutdown(command.how);
  else bench.handles[side].close("closed");
  shutModels(lanes, side, command.type === "shutdown" ? command.how : "both");
}

Deno.test("SocketEnd (stream) behaves as a list of bytes and handles for each direction", () => {
  fc.assert(
    fc.property(fc.constantFrom(1, 7, 100, 5_000), streamCommands, (capacity, commands) => {
      const bench = new Bench("stream", capacity);
      const { ends, party } = bench;
      const lanes: [LaneModel, LaneModel] = [
        { items: [], isWriteShut: false, isReadShut: false },
        { items: [], isWriteShut: false, isReadShut: false },
      ];
      for (const command of commands) {
        const { side } = command;
        const [end, out, into] = [ends[side], lanes[side], lanes[1 - side] as LaneModel];
        const isBroken = out.isWriteShut || out.isReadShut;
        const isAtEnd = into.isReadShut || (into.isWriteShut && into.items.length === 0);
        const used = out.items.filter((item) => typeof item === "number").length;
        switch (command.type) {
          case "write": {
            const bytes = bench.bytes(command.size);
            const room = capacity - used;
            const atomic = Math.min(PIPE_BUF, capacity);
            const fits = command.size <= atomic && command.size > room
              ? 0
              : Math.min(command.size, room);
            const expected = command.size === 0 ? 0 : isBroken ? "BROKEN_PIPE" : fits || -1;
            assertEquals(outcome(() => end.tryWrite(bytes)), expected);
            if (typeof expected === "number" && expected > 0) {
              out.items.push(...bytes.subarray(0, expected));
            }
            break;
          }
          case "read": {
            const buffer = new Uint8Array(command.size);
            const until = into.items.findIndex((item) => typeof item !== "number");
            const there = until < 0 ? into.items.length : until;
            const count = Math.min(command.size, there);
            const expected = command.size === 0 ? 0 : count || (isAtEnd ? 0 : -1);
            assertEquals(end.tryRead(buffer), expected);
            assertEquals<unknown>([...buffer.subarray(0, count)], into.items.splice(0, count));
            break;
          }
          case "sendHandle": {
            bench.spend();
            const { token, number } = party.token();
            bench.tokens.push(token);
            const expected = isBroken ? "BROKEN_PIPE" : true;
            assertEquals(outcome(() => end.trySendHandle(party, number)), expected);
            assertEquals(party.table.find(number) === undefined, expected === true);
            if (expected === true) out.items.push(token);
            break;
          }
          case "receiveHandle": {
            const [next] = into.items;
            const result = outcome(() => end.tryReceiveHandle(party));
            if (next instanceof Token && party.table.size < 12) {
              const { number } = result as { number: number };
              assert(party.table.get(number).object === next, "another handle arrived");
              into.items.shift();
            } else if (next instanceof Token) assertEquals(result, "TOO_MANY_HANDLES");
            else assertEquals(result, isAtEnd ? "PEER_CLOSED" : WOULD_BLOCK);
            break;
          }
          default:
            endSide(bench, lanes, command);
        }
        checkSignals(bench, lanes, capacity);
        bench.check();
      }
      bench.end();
    }),
    { numRuns: 300 },
  );
});

function checkSignals(bench: Bench, lanes: [LaneModel, LaneModel], capacity: number): void {
  bench.ends.forEach((end, side) => {
    const [out, into] = [lanes[side] as LaneModel, lanes[1 - side] as LaneModel];
    const [next] = into.items;
    const used = out.items.filter((item) => typeof item === "number").length;
    let expected = 0;
    const isAtEnd = into.isReadShut || (into.isWriteShut && next === undefined);
    if (typeof next === "number" || isAtEnd) expected |= Signals.READABLE;
    if (next instanceof Token) expected |= Signals.HANDLE_PENDING;
    if (out.isWriteShut || out.isReadShut || used < capacity) expected |= Signals.WRITABLE;
    if (bench.handles[1 - side]?.closed !== undefined) expected |= Signals.PEER_CLOSED;
    assertEquals(end.signals, expected);
  });
}

for (const type of ["seqpacket", "datagram"] as const) {
  Deno.test(`SocketEnd (${type}) behaves as a list of messages for each direction`, () => {
    fc.assert(
      fc.property(fc.constantFrom(1, 10, 40), messageCommands, (capacity, commands) => {
        const bench = new Bench(type, capacity);
        const { ends, party } = bench;
        const lanes: [MessageModel, MessageModel] = [
          { items: [], isWriteShut: false, isReadShut: false },
          { items: [], isWriteShut: false, isReadShut: false },
        ];
        for (const command of commands) {
          const { side } = command;
          const [end, out, into] = [ends[side], lanes[side], lanes[1 - side] as MessageModel];
          switch (command.type) {
            case "send": {
              for (let i = 0; i < command.handles; i++) bench.spend();
              const sent = Array.from({ length: command.handles }, () => party.token());
              const tokens = sent.map(({ token }) => token);
              bench.tokens.push(...tokens);
              const handles = sent.map(({ number }) => number);
              const bytes = bench.bytes(command.size);
              const used = out.items.reduce((sum, item) => sum + item.bytes.length, 0);
              const expected = out.isWriteShut || out.isReadShut
                ? "PEER_CLOSED"
                : command.size > capacity
                ? "MESSAGE_TOO_LONG"
                : used + command.size > capacity
                ? WOULD_BLOCK
                : true;
              const message = { bytes, handles, duplicate: false };
              assertEquals(outcome(() => end.trySend(party, message)), expected);
              for (const number of handles) {
                assertEquals(party.table.find(number) === undefined, expected === true);
              }
              if (expected === true) out.items.push({ bytes: [...bytes], tokens });
              break;
            }
            case "receive": {
              const [first] = into.items;
              const result = outcome(() => end.tryReceive(party));
              const isAtEnd = into.isReadShut || into.isWriteShut;
              if (first === undefined) {
                assertEquals(result, isAtEnd ? "PEER_CLOSED" : WOULD_BLOCK);
              } else if (result === "TOO_MANY_HANDLES") {
                assert(party.table.size + first.tokens.length > 12);
                bench.spend();
              } else {
                const { bytes, handles } = result as {
                  bytes: Uint8Array;
                  handles: { number: number }[];
                };
                assertEquals([...bytes], first.bytes);
                const arrived = handles.map(({ number }) => party.table.get(number).object);
                assert(arrived.every((object, i) => object === first.tokens[i]));
                assertEquals(arrived.length, first.tokens.length);
                into.items.shift();
              }
              break;
            }
            default:
              endSide(bench, lanes, command);
          }
          bench.check();
        }
        bench.end();
      }),
      { numRuns: 300 },
    );
  });
}
