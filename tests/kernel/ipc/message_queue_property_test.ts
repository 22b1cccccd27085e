import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  Kernel,
  KernelError,
  type Message,
  MessageReceiver,
  MessageSender,
  type Task,
  type TaskHandle,
} from "@carmine/kernel";
import { HandleEntry } from "../../../capabilities/handle.ts";
import { HandleTable } from "../../../capabilities/handle_table.ts";
import { DEFAULT_LIMITS } from "../../../capabilities/limits.ts";
import { Rights } from "../../../capabilities/rights.ts";
import { WOULD_BLOCK } from "../../../capabilities/stream_ops.ts";
import { Account } from "../../../kernel/account.ts";
import { MessageQueue } from "../../../kernel/ipc/message_queue.ts";
import { TimerObject } from "../../../kernel/ipc/timer.ts";
import { ManualClock } from "../../../kernel/clock.ts";

/** A task as a queue sees it, with the ends that it holds. */
class Party {
  readonly taskId: number;
  readonly table = new HandleTable(12);
  readonly account = new Account({ ...DEFAULT_LIMITS, queuedMessages: 6 });
  sender: HandleEntry | undefined;
  receiver: HandleEntry | undefined;

  constructor(taskId: number, queue: MessageQueue) {
    this.taskId = taskId;
    this.sender = new HandleEntry(queue.sender, Rights.ALL);
    this.receiver = new HandleEntry(queue.receiver, Rights.ALL);
    this.table.insert(this.sender);
    this.table.insert(this.receiver);
  }
}

/** A message of the model: what it holds, and the entries in flight in it. */
interface Expected {
  readonly from: Party;
  readonly priority: number;
  readonly bytes: number[];
  readonly entries: HandleEntry[];
}

/** The model: a list of messages in the order in which they must come out. */
class Model {
  readonly queue = new MessageQueue({ maxMessages: 4, maxBytes: 12, maxMessageBytes: 8 });
  readonly parties = [new Party(1, this.queue), new Party(2, this.queue)] as const;
  readonly messages: Expected[] = [];
  readonly tokens: TimerObject[] = [];
  /** Every entry that names a token and was ever open. */
  readonly entries = new Set<HandleEntry>();

  get hasSender(): boolean {
    return this.parties.some(({ sender }) => sender !== undefined);
  }

  get hasReceiver(): boolean {
    return this.parties.some(({ receiver }) => receiver !== undefined);
  }

  /** The tokens' handles that a party holds. */
  held(party: Party): HandleEntry[] {
    return [...party.table].filter((entry) => entry.object instanceof TimerObject);
  }

  check(): void {
    this.queue.assertInvariants();
    for (const party of this.parties) {
      party.table.assertInvariants();
      party.account.assertInvariants();
      const sent = this.messages.filter(({ from }) => from === party).length;
      assertEquals(party.account.usage.queuedMessages, sent);
    }
    assertEquals(this.queue.messages.count, this.messages.length);
    for (const token of this.tokens) {
      let count = 0;
      for (const entry of this.entries) {
        if (entry.object === token && entry.closed === undefined) count++;
      }
      assertEquals(token.handleCount, count);
    }
    const inFlight = new Set(this.messages.flatMap(({ entries }) => entries));
    for (const entry of this.entries) {
      if (entry.closed !== undefined) continue;
      assertEquals(inFlight.has(entry), entry.table === undefined, "open, or in flight");
    }
  }
}

/** What an operation came to: its error's code, or its result. */
function outcome<T>(run: () => T): T | string {
  try {
    return run();
  } catch (error) {
    if (error instanceof KernelError) return error.code;
    throw error;
  }
}

type Step = (model: Model) => void;
const partyIndex = fc.integer({ min: 0, max: 1 });

const create = partyIndex.map((index): Step => (model) => {
  const party = model.parties[index] as Party;
  if (party.table.room === 0) return;
  const token = new TimerObject(new ManualClock());
  const entry = new HandleEntry(token, Rights.ALL);
  party.table.insert(entry);
  model.tokens.push(token);
  model.entries.add(entry);
});

const send = fc.record({
  index: partyIndex,
  priority: fc.constantFrom(0, 1, 31),
  bytes: fc.array(fc.integer({ min: 0, max: 255 }), { maxLength: 10 }),
  picks: fc.array(fc.nat({ max: 20 }), { maxLength: 3 }),
  duplicate: fc.boolean(),
  end: fc.constantFrom("none", "none", "none", "sender", "receiver"),
}).map(({ index, priority, bytes, picks, duplicate, end }): Step => (model) => {
  const party = model.parties[index] as Party;
  const { sender } = party;
  if (sender === undefined) return;
  const held = model.held(party);
  const picked = picks.flatMap((pick) => held[pick % Math.max(1, held.length)] ?? []);
  const own = end === "none" ? undefined : party[end as "sender" | "receiver"];
  const given = own === undefined ? picked : [...picked, own];
  const handles = given.map(({ number }) => number);
  const isTwice = new Set(given).size < given.length;
  const used = model.messages.reduce((sum, message) => sum + message.bytes.length, 0);
  const sent = outcome(() =>
    model.queue.sender.trySend(party, {
      bytes: Uint8Array.from(bytes),
      priority,
      handles,
      duplicate,
    })
  );
  let expected: string | number | true = true;
  if (!model.hasReceiver) expected = "PEER_CLOSED";
  else if (bytes.length > 8) expected = "MESSAGE_TOO_LONG";
  else if (isTwice || own !== undefined) expected = "INVALID_ARGUMENT";
  else if (model.messages.length >= 4 || used + bytes.length > 12) expected = WOULD_BLOCK;
  assertEquals(sent, expected);
  if (sent !== true) {
    for (const entry of given) assert(entry.table === party.table, "nothing has moved");
    return;
  }
  const entries = duplicate ? picked.map(lastChild) : picked;
  for (const entry of entries) model.entries.add(entry);
  for (const entry of picked) assertEquals(entry.table === party.table, duplicate);
  const before = model.messages.findIndex((message) => message.priority < priority);
  const at = before === -1 ? model.messages.length : before;
  model.messages.splice(at, 0, { from: party, priority, bytes, entries });
});

function lastChild(entry: HandleEntry): HandleEntry {
  const child = [...entry.children()].at(-1);
  assert(child !== undefined);
  return child;
}

const receive = fc.record({ index: partyIndex, room: fc.option(fc.nat({ max: 8 })) })
  .map(({ index, room }): Step => (model) => {
    const party = model.parties[index] as Party;
    const { receiver } = party;
    if (receiver === undefined) return;
    const into = room === null ? undefined : new Uint8Array(room);
    const [next] = model.messages;
    const roomInTable = party.table.room;
    const received = outcome(() => model.queue.receiver.tryReceive(party, receiver, into));
    if (next === undefined) {
      assertEquals(received, model.hasSender ? WOULD_BLOCK : "PEER_CLOSED");
    } else if (into !== undefined && into.length < next.bytes.length) {
      assertEquals(received, "BUFFER_TOO_SMALL");
    } else if (next.entries.length > roomInTable) {
      assertEquals(received, "TOO_MANY_HANDLES");
    } else {
      assert(typeof received === "object");
      model.messages.shift();
      assertEquals([...received.bytes], next.bytes);
      if (into !== undefined) assertEquals([...into.subarray(0, next.bytes.length)], next.bytes);
      assertEquals([received.priority, received.sender], [next.priority, next.from.taskId]);
      assertEquals(received.handles.length, next.entries.length);
      next.entries.forEach((entry, i) => {
        const { number } = received.handles[i] ?? { number: -1 };
        if (entry.closed === undefined) assertEquals(party.table.get(number), entry);
        else assertEquals(outcome(() => party.table.get(number)), "REVOKED");
      });
    }
  });

const revoke = fc.nat({ max: 50 }).map((pick): Step => (model) => {
  const entries = [...model.entries].filter(({ closed }) => closed === undefined);
  entries[pick % Math.max(1, entries.length)]?.revokeDerived();
});

const closeToken = fc.record({ index: partyIndex, pick: fc.nat({ max: 20 }) })
  .map(({ index, pick }): Step => (model) => {
    const held = model.held(model.parties[index] as Party);
    held[pick % Math.max(1, held.length)]?.close("closed");
  });

const closeEnd = fc.record({ index: partyIndex, end: fc.constantFrom("sender", "receiver") })
  .map(({ index, end }): Step => (model) => {
    const party = model.parties[index] as Party;
    const which = end as "sender" | "receiver";
    party[which]?.close("closed");
    party[which] = undefined;
    if (!model.hasReceiver) model.messages.length = 0;
  });

Deno.test("MessageQueue behaves as a sorted list of messages in any program", () => {
  const step = fc.oneof(
    { weight: 3, arbitrary: create },
    { weight: 8, arbitrary: send },
    { weight: 6, arbitrary: receive },
    { weight: 2, arbitrary: revoke },
    { weight: 2, arbitrary: closeToken },
    { weight: 1, arbitrary: closeEnd },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const model = new Model();
      for (const step of steps) {
        step(model);
        model.check();
      }
      for (const party of model.parties) {
        for (const entry of party.table) entry.close("dead");
        party.sender = party.receiver = undefined;
      }
      model.messages.length = 0;
      model.check();
      for (const token of model.tokens) assertEquals(token.handleCount, 0);
    }),
    { numRuns: 300 },
  );
});

/** One sender's or receiver's plan in the concurrent property. */
interface Plan {
  readonly messages: readonly { priority: number; withHandle: boolean }[];
  readonly isKilled: boolean;
}

function senderProgram(plan: Plan) {
  return async (task: Task) => {
    const out = task.handle("out", MessageSender);
    for (const [i, { priority, withHandle }] of plan.messages.entries()) {
      const handles = withHandle ? [task.createTimer()] : [];
      await out.send(Uint8Array.of(i), { priority, handles });
    }
  };
}

function receiverProgram(seen: Message[]) {
  return async (task: Task) => {
    for await (const message of task.handle("in", MessageReceiver)) {
      for (const handle of message.handles) handle.close();
      seen.push(message);
    }
  };
}

const plan: fc.Arbitrary<Plan> = fc.record({
  messages: fc.array(fc.record({ priority: fc.constantFrom(0, 7), withHandle: fc.boolean() }), {
    maxLength: 12,
  }),
  isKilled: fc.boolean(),
});

Deno.test("MessageQueue between tasks gives each message once, in order, whoever dies when", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(plan, { minLength: 1, maxLength: 4 }),
      fc.array(fc.boolean(), { minLength: 1, maxLength: 3 }),
      fc.integer({ min: 1, max: 3 }),
      fc.nat({ max: 30 }),
      async (senders, receivers, maxMessages, killAt) => {
        await using kernel = new Kernel();
        const { init } = kernel;
        const baseline = kernel.tasks()[0]?.usage.objects;
        const { sender, receiver } = init.createMessageQueue({ maxMessages });
        const received: Message[][] = [];
        const reading = receivers.map(() => {
          const seen: Message[] = [];
          received.push(seen);
          return init.spawn(receiverProgram(seen), { handles: { in: receiver.duplicate() } });
        });
        const writing = senders.map((plan) =>
          init.spawn(senderProgram(plan), { handles: { out: sender.duplicate() } })
        );
        sender.close();
        receiver.close();
        for (let turn = 0; turn < killAt; turn++) await Promise.resolve();
        const killed = new Set<TaskHandle>();
        writing.forEach((task, i) => senders[i]?.isKilled && killed.add(task));
        // The last receiver stays, so that nobody's messages have to be dropped.
        reading.slice(1).forEach((task, i) => receivers[i] && killed.add(task));
        for (const task of killed) task.kill();
        for (const task of [...writing, ...reading]) {
          const { state } = await task.wait();
          assertEquals(state === "crashed", false);
        }
        const all = received.flat();
        writing.forEach((task, i) => {
          const plan = senders[i] as Plan;
          const own = all.filter((message) => message.sender === task.taskId);
          const values = own.map(({ bytes }) => bytes[0]);
          assertEquals(new Set(values).size, values.length, "none came twice");
          for (const { bytes, priority, handles } of own) {
            const sent = plan.messages[bytes[0] as number];
            assertEquals(
              [priority, handles.length],
              [sent?.priority, sent?.withHandle === true ? 1 : 0],
            );
          }
          if (killed.size === 0) assertEquals(own.length, plan.messages.length, "none is lost");
        });
        for (const seen of received) requireOrder(seen);
        for (const task of [...writing, ...reading]) task.close();
        assertEquals(kernel.tasks()[0]?.usage.objects, baseline, "no object is left");
        assertEquals(kernel.tasks()[0]?.usage.queuedMessages, 0);
        assertEquals(kernel.tasks()[0]?.usage.bufferBytes, 0);
      },
    ),
    { numRuns: 150 },
  );
});

/** One sender's messages of one priority reach each receiver in the order they were sent. */
function requireOrder(seen: readonly Message[]): void {
  const last = new Map<string, number>();
  for (const { sender, priority, bytes } of seen) {
    const lane = `${sender}/${priority}`;
    const value = bytes[0] as number;
    assert(value > (last.get(lane) ?? -1), "messages overtook each other");
    last.set(lane, value);
  }
}
