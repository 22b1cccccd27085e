/**
 * What short requests cost the kernel: neither time that others wait for nor memory that nobody pays.
 *
 * @module
 */
import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { KernelError } from "../../../capabilities/errors.ts";
import { Rights } from "../../../capabilities/rights.ts";
import { Signals } from "../../../capabilities/signals.ts";
import { NetworkObject } from "../../../kernel/ipc/network.ts";
import { encode } from "../../../syscalls/page/encode.ts";
import { HEADER_BYTES } from "../../../syscalls/page/frames.ts";
import { ReplyKind, RequestMode } from "../../../syscalls/page/page.ts";
import { SYSCALLS } from "../../../syscalls/table.ts";
import { isFreed } from "../../_garbage.ts";
import { FakeHost } from "../../kernel/ipc/_fake_network.ts";
import { HostileTask } from "./_hostile_task.ts";

const MIB = 1_024 * 1_024;

/** Puts requests into the page that each make the kernel copy 32 MiB. */
function askForSnapshots(task: HostileTask, count: number): void {
  const memory = task.world.door.raw(SYSCALLS.sharedMemoryCreate.number, [32 * MIB, {}]);
  const args = [memory, { rights: Rights.READ }];
  for (let id = 1; id <= count; id++) {
    const request = [id, RequestMode.TRY, SYSCALLS.memoryMap.number, args, -1];
    task.sender.send(encode(request, HEADER_BYTES));
  }
}

Deno.test("PageServer.drain() ends its turn when the requests take long", () => {
  const task = new HostileTask();
  askForSnapshots(task, 24);
  assertEquals(task.server.drain(), true);
  const { length } = task.posted;
  assert(length < 24, `${length} copies in one turn`);
  task.serve();
  assertEquals(task.posted.length, 24);
});

Deno.test("PageServer.drainLast() lets others run when what is left takes long", async () => {
  const task = new HostileTask();
  askForSnapshots(task, 24);
  const done = new Promise<void>((resolve) => task.server.drainLast(resolve));
  const { length } = task.posted;
  assert(length < 24, `${length} copies in one turn`);
  await done;
  assertEquals(task.posted.length, 24);
});

Deno.test("a change costs a wait for many handles one try", async () => {
  const task = new HostileTask();
  const { attacker, door } = task.world;
  const signal = (handle: number, clear: number, set: number): void => {
    door.call(SYSCALLS.objectSignal, handle, clear, set);
  };
  const [first = 0, last = 0] = [{}, {}].map((options) =>
    door.call(SYSCALLS.counterCreate, options) as number
  );
  const others = Array.from(
    { length: 900 },
    () => door.call(SYSCALLS.handleDuplicate, first, Rights.SAME) as number,
  );
  const items = [first, ...others, last].map((handle) => ({ handle, signals: Signals.USER_0 }));
  task.send(1, RequestMode.WAIT, SYSCALLS.objectWaitMany.number, [items, "all"]);
  assertEquals(attacker.account.usage.pendingWaits, items.length, "places that others pass");
  const { object } = attacker.table.get(first);
  const { signals } = Object.getOwnPropertyDescriptors(prototypeWith(object, "signals"));
  let looks = 0;
  Object.defineProperty(object, "signals", {
    get() {
      looks++;
      return signals?.get?.call(object);
    },
  });
  signal(first, 0, Signals.USER_0);
  assert(looks < 4 * items.length, `${looks} looks`);
  assertEquals(await task.settled(), []);
  signal(last, 0, Signals.USER_0);
  const [[, kind, ready] = []] = await task.settled();
  assertEquals(attacker.account.usage.pendingWaits, 0);
  assertEquals([kind, (ready as unknown[]).length], [ReplyKind.DONE, 902]);
});

Deno.test("a wait for many ends with any of its handles, also with a second one to an object", async () => {
  const task = new HostileTask();
  const { door } = task.world;
  const first = door.call(SYSCALLS.counterCreate, {}) as number;
  for (const mode of ["any", "all"]) {
    const second = door.call(SYSCALLS.handleDuplicate, first, Rights.SAME) as number;
    const items = [first, second].map((handle) => ({ handle, signals: Signals.USER_0 }));
    task.send(1, RequestMode.WAIT, SYSCALLS.objectWaitMany.number, [items, mode]);
    door.call(SYSCALLS.handleClose, second);
    const [[, kind, error] = []] = await task.settled();
    assertEquals([kind, (error as KernelError).code], [ReplyKind.FAILED, "BAD_HANDLE"]);
    task.world.assertInvariants();
  }
});

Deno.test("no handle keeps what was written through it by way of a page", () => {
  const task = new HostileTask();
  const { writer, reader } = task.pipe();
  task.send(1, RequestMode.TRY, SYSCALLS.streamWrite.number, [writer, new Uint8Array(100_000)]);
  task.send(2, RequestMode.TRY, SYSCALLS.streamRead.number, [reader, MIB]);
  assertEquals(task.replies().map(([, kind]) => kind), [ReplyKind.DONE, ReplyKind.DONE]);
  for (const handle of [writer, reader]) {
    assertEquals(task.world.attacker.table.get(handle).checkedBuffer.length, 0);
  }
});

Deno.test("the kernel keeps of a peek through a page how long it was", async () => {
  const task = new HostileTask();
  const { writer, reader } = task.pipe();
  const { door, attacker } = task.world;
  door.call(SYSCALLS.streamWrite, writer, new Uint8Array(9));
  const other = door.call(SYSCALLS.handleDuplicate, reader, Rights.SAME) as number;
  assert(await isFreed(() => door.call(SYSCALLS.pipePeek, other) as Uint8Array));
  assertEquals(door.call(SYSCALLS.pipeConsume, other, 9), undefined);
  attacker.assertInvariants();
});

Deno.test("a pipe that was given up keeps no long reason", () => {
  const task = new HostileTask();
  const { writer, reader } = task.pipe();
  const reason = new Uint8Array(MIB);
  task.send(1, RequestMode.TRY, SYSCALLS.pipeFail.number, [writer, reason]);
  task.send(2, RequestMode.TRY, SYSCALLS.streamRead.number, [reader, 9]);
  const [[, given] = [], [, kind, error] = []] = task.replies();
  assertEquals([given, kind], [ReplyKind.DONE, ReplyKind.FAILED]);
  const { code, cause } = error as KernelError;
  assertEquals(code, "BROKEN_PIPE");
  assertMatch(String((cause as Error).message), /too many for the kernel to keep/);
});

Deno.test("connects that the platform is at work on are charged, whoever waits for them", async () => {
  const task = new HostileTask();
  const { attacker, kernel } = task.world;
  const host = new FakeHost();
  const gate = Promise.withResolvers<void>();
  host.gate = gate.promise;
  const network = new NetworkObject(["10.0.0.1:*"], host, kernel.carriers);
  const handle = attacker.install(network, Rights.WRITE);
  const before = attacker.account.usage.objects;
  const to = { hostname: "10.0.0.1", port: 1 };
  for (let id = 1; id <= 9; id++) {
    task.send(id, RequestMode.WAIT, SYSCALLS.networkConnect.number, [handle, to]);
    task.send(id, RequestMode.CANCEL, 0, []);
  }
  assertEquals((await task.settled()).length, 9, "all are canceled");
  assertEquals(host.connected.length, 9);
  assertEquals(attacker.account.usage.objects, before + 9);
  gate.resolve();
  await task.settled();
  assertEquals(attacker.account.usage.objects, before);
  assertEquals(host.connections.map(({ isClosed }) => isClosed), new Array(9).fill(true));
});

Deno.test("the words of a receiver's filters are bounded together", () => {
  const task = new HostileTask();
  const { door } = task.world;
  const filter = { type: "channel", channel: "x".repeat(4_096) };
  const add = (id: number) => door.raw(SYSCALLS.eventHandlerRegister.number, [-1, filter, id]);
  for (let id = 1; id <= 4; id++) add(id);
  assertEquals(assertThrows(() => add(5), KernelError).code, "LIMIT_EXCEEDED");
  door.raw(SYSCALLS.eventHandlerUnregister.number, [-1, 1]);
  add(5);
});

function prototypeWith(object: object, property: string): object {
  let prototype: object = object;
  while (!Object.hasOwn(prototype, property)) prototype = Object.getPrototypeOf(prototype);
  return prototype;
}
