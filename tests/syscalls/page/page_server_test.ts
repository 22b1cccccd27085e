import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import * as fc from "fast-check";
import { HEADER_BYTES } from "../../../syscalls/page/frames.ts";
import { encode } from "../../../syscalls/page/encode.ts";
import { ReplyKind, RequestMode } from "../../../syscalls/page/page.ts";
import { Capability } from "../../../capabilities/capability.ts";
import { KernelError } from "../../../capabilities/errors.ts";
import { Rights } from "../../../capabilities/rights.ts";
import { SYSCALLS } from "../../../syscalls/table.ts";
import { HostileTask } from "./_hostile_task.ts";

Deno.test("PageServer.drain() answers each request with its id", () => {
  const task = new HostileTask();
  const { reader, writer } = task.pipe();
  task.send(1, RequestMode.TRY, SYSCALLS.streamWrite.number, [writer, Uint8Array.of(7, 8)]);
  task.send(2, RequestMode.TRY, SYSCALLS.streamRead.number, [reader, 16]);
  assertEquals(task.replies(), [
    [1, ReplyKind.DONE, 2],
    [2, ReplyKind.DONE, 2, Uint8Array.of(7, 8)],
  ]);
});

Deno.test("PageServer.drain() ends a task that sends garbage, and nothing else", () => {
  const requests: unknown[] = [
    "no list",
    [],
    [1],
    ["1", 0, 0, [], -1],
    [1, "0", 0, [], -1],
    [1, 0, {}, [], -1],
    [1, 0, 0, "args", -1],
    [1, 0, 0, [], "soon"],
  ];
  for (const request of requests) {
    const task = new HostileTask();
    const bystander = task.world.bystander.table.size;
    task.sender.send(encode(request, HEADER_BYTES));
    task.serve();
    assertEquals(task.violations.length, 1);
    assertEquals(task.world.attacker.status?.state, "crashed");
    assertEquals(task.world.bystander.state, "running");
    assertEquals(task.world.bystander.table.size, bystander);
    task.world.assertInvariants();
  }
});

Deno.test("PageServer.drain() survives any frame; a task that it ends is ended once", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ minLength: 1 }), { maxLength: 4 }), (frames) => {
      const task = new HostileTask();
      for (const frame of frames) task.sender.send(Uint8Array.of(0, 0, 0, 0, ...frame));
      task.serve();
      assert(task.violations.length <= 1);
      assertEquals(task.world.bystander.state, "running");
      task.world.assertInvariants();
    }),
    { numRuns: 50 },
  );
});

Deno.test("PageServer.drain() takes any numbers, modes and plain arguments", async () => {
  const numbers = fc.oneof(
    fc.constantFrom(...Object.values(SYSCALLS).map(({ number }) => number)),
    fc.double(),
  );
  const call = fc.tuple(
    fc.double(),
    fc.oneof(fc.constantFrom(0, 1, 2), fc.double()),
    numbers,
    fc.array(fc.oneof(fc.integer({ min: -3, max: 30 }), fc.jsonValue(), fc.uint8Array()), {
      maxLength: 6,
    }),
    fc.oneof(fc.constantFrom(-1, 0, 5), fc.double()),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(call, { maxLength: 8 }), async (calls) => {
      const task = new HostileTask();
      for (const [id, mode, number, args, timeoutMs] of calls) {
        task.send(id, mode, number, args, timeoutMs);
        await task.settled();
      }
      task.world.assertInvariants();
      assertEquals(task.world.bystander.isRunning, true);
      task.world.kernel.shutdown();
      await task.settled();
    }),
    { numRuns: 100 },
  );
});

Deno.test("PageServer.drain() ignores the cancellation of an id that it doesn't know", async () => {
  const task = new HostileTask();
  const { reader } = task.pipe();
  task.send(1, RequestMode.WAIT, SYSCALLS.streamRead.number, [reader, 4]);
  for (const id of [0, 2, -1, NaN, 1e300]) task.send(id, RequestMode.CANCEL, 0, []);
  assertEquals(await task.settled(), []);
  task.send(1, RequestMode.CANCEL, 0, []);
  const [reply] = await task.settled();
  assertEquals([reply?.[0], reply?.[1]], [1, ReplyKind.FAILED]);
  assertEquals((reply?.[2] as { code: string }).code, "CANCELED");
  assertEquals(task.violations, []);
});

Deno.test("PageServer.drain() ends a task that waits twice with the same id", async () => {
  const task = new HostileTask();
  const { reader } = task.pipe();
  task.send(1, RequestMode.WAIT, SYSCALLS.streamRead.number, [reader, 4]);
  task.send(1, RequestMode.WAIT, SYSCALLS.streamRead.number, [reader, 4]);
  await task.settled();
  assertInstanceOf(task.violations[0], RangeError);
  assertEquals(task.world.attacker.pendingWaits.size, 0);
});

Deno.test("PageServer.drain() bounds how many calls of a task wait", async () => {
  const task = new HostileTask();
  const { reader } = task.pipe();
  for (let id = 1; id <= 1_100; id++) {
    task.send(id, RequestMode.WAIT, SYSCALLS.streamRead.number, [reader, 1]);
  }
  const replies = await task.settled();
  assertEquals(replies.length, 76);
  for (const [id, kind, error] of replies) {
    assert(id > 1_024);
    assertEquals([kind, (error as { code: string }).code], [ReplyKind.FAILED, "LIMIT_EXCEEDED"]);
  }
  assertEquals(task.world.attacker.pendingWaits.size, 1_024);
});

Deno.test("PageServer.drain() serves nothing more while a task takes none of its replies", () => {
  const task = new HostileTask();
  const { writer, reader } = task.pipe();
  const block = new Uint8Array(60_000);
  let served = 0;
  for (let id = 1; id <= 100; id++) {
    task.send(2 * id, RequestMode.TRY, SYSCALLS.streamWrite.number, [writer, block]);
    task.send(2 * id + 1, RequestMode.TRY, SYSCALLS.streamRead.number, [reader, 60_000]);
  }
  assertEquals(task.violations, []);
  const backlog = task.sender.backlogBytes;
  assert(backlog > 0, "the rest of the requests stays with the task");
  for (let quiet = 0; quiet < 2;) {
    const count = task.replies().length;
    served += count;
    quiet = count === 0 ? quiet + 1 : 0;
    task.serve();
  }
  assertEquals(served, 200);
  assertEquals(task.violations, []);
});

Deno.test("PageServer.drain() gives the bytes of a read only as many as it takes at once", () => {
  const task = new HostileTask();
  const { reader, writer } = task.pipe();
  task.send(1, RequestMode.TRY, SYSCALLS.streamWrite.number, [writer, Uint8Array.of(1)]);
  task.send(2, RequestMode.TRY, SYSCALLS.streamRead.number, [reader, Number.MAX_SAFE_INTEGER]);
  task.send(3, RequestMode.TRY, SYSCALLS.streamRead.number, [reader, -1]);
  task.send(4, RequestMode.TRY, SYSCALLS.streamRead.number, [reader, 0.5]);
  const kinds = task.replies().map(([id, kind]) => [id, kind]);
  assertEquals(kinds, [
    [1, ReplyKind.DONE],
    [2, ReplyKind.DONE],
    [3, ReplyKind.FAILED],
    [4, ReplyKind.FAILED],
  ]);
});

Deno.test("PageServer.serve() holds what comes behind a stop until the task goes on", async () => {
  const task = new HostileTask();
  const { attacker } = task.world;
  const self = attacker.install(attacker, Rights.SIGNAL_TASK);
  const stop = { type: "processControl", control: "stop" };
  for (
    const [id, { number }, ...args] of [
      [1, SYSCALLS.eventSendDirect, self, stop, undefined, undefined],
      [2, SYSCALLS.handleQuery, self],
    ] as const
  ) task.sender.send(encode([id, RequestMode.TRY, number, args, -1], HEADER_BYTES));
  const serving = task.server.serve();
  const answered = async () => (await task.settled()).map(([id, kind]) => [id, kind]);
  assertEquals(await answered(), [[1, ReplyKind.DONE]]);
  assertEquals(attacker.state, "stopped");
  attacker.continue();
  assertEquals(await answered(), [[2, ReplyKind.DONE]]);
  const alive = setInterval(() => {}, 1_000); // as a worker keeps the process
  task.server.stop();
  await serving;
  clearInterval(alive);
});

Deno.test("PageServer.stop() wakes the task's side and serves nothing more", async () => {
  const task = new HostileTask();
  const before = task.page.replyBell.count;
  const serving = task.server.serve();
  task.server.stop();
  await serving;
  assert(task.page.killed.isUp);
  assert(task.page.replyBell.count !== before);
  task.send(1, RequestMode.TRY, SYSCALLS.timerCreate.number, []);
  assertEquals(task.replies(), []);
});

Deno.test("PageServer tells the task that its signal is aborted", () => {
  const task = new HostileTask();
  task.world.attacker.abort.abort(new KernelError("INTERRUPTED", "told to terminate"));
  const reason = { name: "KernelError", code: "INTERRUPTED", message: "told to terminate" };
  assertEquals(task.replies(), [[0, ReplyKind.ABORTED, reason]]);
});

Deno.test("PageServer answers a result that can't cross with the reason, and goes on", async () => {
  const task = new HostileTask();
  const { kernel, attacker } = task.world;
  const { taskId, handle } = kernel.spawn(attacker, {
    program: () => {},
    name: "child",
    args: [],
    limits: {},
    imports: [],
    handles: new Map(),
  });
  kernel.tasks.get(taskId)?.end({ state: "exited", code: 0, value: () => {} });
  assert(task.world.handleWith(Capability.TASK, Rights.WAIT) !== -2);
  task.send(1, RequestMode.WAIT, SYSCALLS.taskWait.number, [handle]);
  const [reply] = await task.settled();
  assertEquals((reply?.[2] as { code: string }).code, "NOT_SUPPORTED");
  task.send(2, RequestMode.TRY, SYSCALLS.taskId.number, [handle]);
  assertEquals(task.replies(), [[2, ReplyKind.DONE, taskId]]);
});

Deno.test("PageServer.drain() rings when it took a part of a frame: the rest waits for that room", () => {
  const task = new HostileTask();
  const { writer } = task.pipe();
  const bytes = new Uint8Array(task.page.requests.capacityBytes).fill(3);
  const request = [1, RequestMode.TRY, SYSCALLS.streamWrite.number, [writer, bytes], -1];
  task.sender.send(encode(request, HEADER_BYTES)); // longer than the ring
  assert(task.sender.backlogBytes > 0);
  const before = task.page.replyBell.count;
  task.server.drain();
  assert(task.page.replyBell.count !== before);
  task.serve();
  assertEquals(task.replies(), [[1, ReplyKind.DONE, 65_536]]);
});

Deno.test("PageServer tells an error's cause where that can cross", () => {
  for (const [reason, cause] of [[{ why: "full" }, { why: "full" }], [() => {}, undefined]]) {
    const task = new HostileTask();
    const { reader, writer } = task.pipe();
    task.world.door.raw(SYSCALLS.pipeFail.number, [writer, reason]);
    task.send(1, RequestMode.TRY, SYSCALLS.streamRead.number, [reader, 4]);
    const [, kind, error] = task.replies()[0] ?? [];
    assertEquals(kind, ReplyKind.FAILED);
    const { code, cause: told } = error as { code: string; cause?: unknown };
    assertEquals([code, told], ["BROKEN_PIPE", cause]);
  }
});

Deno.test("PageServer posts mapped memory before it answers", () => {
  const task = new HostileTask();
  const memory = task.world.handleWith(Capability.SHARED_MEMORY);
  const map = SYSCALLS.memoryMap.number;
  task.send(1, RequestMode.TRY, map, [memory, {}]);
  task.send(2, RequestMode.TRY, map, [memory, { rights: Rights.READ, length: 8 }]);
  const replies = task.replies() as [number, number, Record<string, unknown>][];
  assertEquals(
    replies.map(([, kind, { length, isWritable, memory }]) => [kind, length, isWritable, memory]),
    [
      [ReplyKind.DONE_WITH_MEMORY, 4_096, true, undefined],
      [ReplyKind.DONE_WITH_MEMORY, 8, false, undefined],
    ],
  );
  const [whole, snapshot] = task.posted;
  assertInstanceOf(whole, SharedArrayBuffer);
  assertInstanceOf(snapshot, ArrayBuffer);
  assertEquals(snapshot.byteLength, 8);
});

Deno.test("PageServer commits the bytes that come with a commit, and only as many as it says", () => {
  const task = new HostileTask();
  const { reader, writer } = task.pipe();
  const commit = SYSCALLS.pipeCommit.number;
  task.send(1, RequestMode.TRY, SYSCALLS.pipeReserve.number, [writer, 3]);
  task.send(2, RequestMode.TRY, commit, [writer, 2, Uint8Array.of(1)]);
  task.send(3, RequestMode.TRY, commit, [writer, 2, "no bytes"]);
  task.send(4, RequestMode.TRY, commit, [writer, 4, new Uint8Array(4)]);
  task.send(5, RequestMode.TRY, commit, [writer, 2, Uint8Array.of(1, 2)]);
  task.send(6, RequestMode.TRY, commit, [writer, 1, Uint8Array.of(3)]);
  task.send(7, RequestMode.TRY, SYSCALLS.pipePeek.number, [reader]);
  const outcomes = task.replies().map(([, kind, value]) =>
    kind === ReplyKind.DONE ? value : (value as { code: string }).code
  );
  assertEquals(outcomes, [
    new Uint8Array(3),
    "INVALID_ARGUMENT",
    "INVALID_ARGUMENT",
    "OUT_OF_RANGE",
    undefined,
    "INVALID_STATE",
    Uint8Array.of(1, 2),
  ]);
});

Deno.test("PageServer.drainLast() serves all that the page's ring can hold", async () => {
  const task = new HostileTask();
  const request = encode([1, RequestMode.CANCEL, 0, [], -1], HEADER_BYTES);
  while (task.sender.backlogBytes === 0) task.sender.send(request);
  await new Promise<void>((resolve) => task.server.drainLast(resolve));
  assertEquals(task.page.requests.freeBytes, task.page.requests.capacityBytes);
});

Deno.test("PageServer.drain() bounds the bytes of the calls of a task that wait", async () => {
  const task = new HostileTask();
  const { writer } = task.pipe();
  const bytes = new Uint8Array(16 * 1_024 * 1_024);
  for (let id = 1; id <= 7; id++) {
    task.send(id, RequestMode.WAIT, SYSCALLS.streamWrite.number, [writer, bytes]);
  }
  const replies = await task.settled();
  assertEquals(replies.length, 2);
  for (const [, kind, error] of replies) {
    assertEquals([kind, (error as { code: string }).code], [ReplyKind.FAILED, "LIMIT_EXCEEDED"]);
  }
  for (let id = 1; id <= 5; id++) task.send(id, RequestMode.CANCEL, 0, []);
  await task.settled();
  task.send(8, RequestMode.WAIT, SYSCALLS.streamWrite.number, [writer, bytes]);
  assertEquals(await task.settled(), []);
});
