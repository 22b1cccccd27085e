import { assertEquals, assertRejects } from "@std/assert";
import { Kernel, KernelError, ManualClock, Rights, Signals, TaskHandle } from "@carmine/kernel";
import { codeOf } from "../../_codes.ts";

Deno.test("TaskHandle.wait() resolves with the status, before and after the end, for everybody", async () => {
  await using kernel = new Kernel();
  const child = kernel.init.spawn((task) => task.exit(7));
  const other = child.duplicate();
  const early = [child.wait(), other.wait(), child.wait()];
  const status = { state: "exited", code: 7 } as const;
  assertEquals(await Promise.all(early), [status, status, status]);
  assertEquals(await other.wait(), status);
  assertEquals(child.tryWaitFor(Signals.SIGNALED), Signals.SIGNALED);
});

Deno.test("TaskHandle.wait() takes a time-out and a signal", async () => {
  const clock = new ManualClock();
  await using kernel = new Kernel({ clock });
  const child = kernel.init.spawn(() => new Promise(() => {}));
  const late = assertRejects(() => child.wait({ timeoutMs: 10 }), KernelError);
  clock.advance(10);
  assertEquals((await late).code, "TIMED_OUT");
  const signal = AbortSignal.abort();
  assertEquals(
    (await assertRejects(() => child.wait({ signal }), KernelError)).code,
    "CANCELED",
  );
});

Deno.test("TaskHandle needs WAIT to wait and SIGNAL_TASK to kill", async () => {
  await using kernel = new Kernel();
  const child = kernel.init.spawn(() => new Promise(() => {}));
  const weak = child.duplicate(child.rights & ~(Rights.WAIT | Rights.SIGNAL_TASK));
  assertEquals((await assertRejects(() => weak.wait(), KernelError)).code, "ACCESS_DENIED");
  assertEquals(codeOf(() => weak.kill()), "ACCESS_DENIED");
  assertEquals(weak.taskId, child.taskId);
  assertEquals(kernel.tasks().length, 2);
  child.kill();
  assertEquals(kernel.tasks().length, 1);
});

Deno.test("TaskHandle.taskId is unique and never used again", async () => {
  await using kernel = new Kernel();
  const ids = new Set([kernel.init.id]);
  for (let i = 0; i < 50; i++) {
    const child = kernel.init.spawn(() => {});
    ids.add(child.taskId);
    await child.wait();
    child.close();
  }
  assertEquals(ids.size, 51);
});

Deno.test("TaskHandle travels to other tasks, who may wait and kill with it", async () => {
  await using kernel = new Kernel();
  const victim = kernel.init.spawn(() => new Promise(() => {}), { name: "victim" });
  const lent = victim.duplicate();
  const killer = kernel.init.spawn(async (task) => {
    const handle = task.handle("victim", TaskHandle);
    handle.kill();
    return await handle.wait();
  }, { handles: { victim: lent } });
  const status = await killer.wait();
  assertEquals(status.state === "exited" && status.value, { state: "killed" });
  assertEquals(await victim.wait(), { state: "killed" });
});

Deno.test("a task may kill itself through a handle that it was given", async () => {
  await using kernel = new Kernel();
  const { reader, writer } = kernel.init.createPipe();
  const child = kernel.init.spawn(async (task) => {
    const buffer = new Uint8Array(1);
    await task.handle<typeof reader>("in").read(buffer);
    throw new Error("it went on");
  }, { handles: { in: reader } });
  const suicide = kernel.init.spawn((task) => {
    task.handle("other", TaskHandle).kill();
  }, { handles: { other: child.duplicate() } });
  await suicide.wait();
  assertEquals(await child.wait(), { state: "killed" });
  assertEquals(codeOf(() => writer.tryWrite(new Uint8Array(1))), "BROKEN_PIPE");
});
