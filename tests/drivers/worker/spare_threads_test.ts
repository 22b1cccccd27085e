import { assertEquals } from "@std/assert";
import { FakeTime } from "@std/testing/time";
import { Kernel } from "@carmine/kernel";
import type { ThreadOptions, WorkerEnd } from "../../../drivers/worker/bootstrap.ts";
import { SpareThreads } from "../../../drivers/worker/spare_threads.ts";
import { PUBLIC_MODULE } from "./_harness.ts";
import { newReportPage, readReports } from "./_report_page.ts";

const OPTIONS: ThreadOptions = {
  folder: new URL("./tasks/", import.meta.url).href,
  imports: [],
  name: "task under test",
  runtime: new URL("./_fake_runtime.ts", import.meta.url),
  publicModules: [{ url: PUBLIC_MODULE, module: PUBLIC_MODULE }],
};

/** Runs a task in a thread that `spares` gives, and tells how it ended and what it reported. */
async function run(
  spares: SpareThreads,
  entry: string | URL,
  options = OPTIONS,
): Promise<[state: string, ...reports: string[]]> {
  const page = newReportPage();
  const thread = spares.take(options);
  const { state } = await new Promise<WorkerEnd>((onEnd) => {
    thread.start({ entry: new URL(entry, import.meta.url), payload: page, onEnd });
  });
  await thread.gone;
  return [state, ...readReports(page)];
}

/** Lets the spares be made, one after the other. */
function fill(spares: SpareThreads, time: FakeTime, options = OPTIONS): void {
  spares.refill(options);
  time.tick(1_000);
}

Deno.test("SpareThreads makes a thread for the next task of the same folder, and gives it once", async () => {
  using time = new FakeTime();
  const spares = new SpareThreads(1);
  const outcome = ["returned", "public 42 sibling"];
  assertEquals(await run(spares, "./tasks/imports_allowed.ts"), outcome);
  fill(spares, time);
  assertEquals(spares.size, 1);
  assertEquals(await run(spares, "./tasks/imports_allowed.ts"), outcome);
  assertEquals(spares.size, 0);
  assertEquals(await run(spares, "./tasks/imports_allowed.ts"), outcome);
  await spares.close();
});

Deno.test("SpareThreads keeps as many as it is told, and none when it is told 0", async () => {
  using time = new FakeTime();
  for (const count of [0, 2]) {
    const spares = new SpareThreads(count);
    await run(spares, "./tasks/imports_allowed.ts");
    fill(spares, time);
    assertEquals(spares.size, count);
    await spares.close();
    assertEquals(spares.size, 0);
    fill(spares, time);
    assertEquals(spares.size, 0);
  }
});

Deno.test("SpareThreads gives no thread to a task of another folder or with other imports", async () => {
  using time = new FakeTime();
  const spares = new SpareThreads(1);
  const others: ThreadOptions[] = [
    { ...OPTIONS, folder: "" },
    { ...OPTIONS, imports: [new URL("./_secret.json", import.meta.url).href] },
  ];
  for (const other of others) {
    await run(spares, "./tasks/imports_allowed.ts");
    fill(spares, time);
    assertEquals(spares.size, 1);
    const secret = new URL("./_secret.json", import.meta.url).href;
    const source = `import "${secret}" with { type: "json" }; report("read");`;
    const entry = new URL(`data:text/javascript,${encodeURIComponent(source)}`);
    const [state] = await run(spares, entry, other);
    assertEquals(state, other.imports.length > 0 ? "returned" : "failedToLoad");
    assertEquals(spares.size, 0);
  }
  await spares.close();
});

Deno.test("A spare thread made for one folder can't load a task of another", async () => {
  using time = new FakeTime();
  const spares = new SpareThreads(1);
  await run(spares, "./tasks/imports_allowed.ts");
  fill(spares, time);
  const [state] = await run(spares, "./attacks/_static_secret.ts");
  assertEquals(state, "failedToLoad");
  await spares.close();
});

Deno.test("Kernel takes spare threads for tasks in workers, and shuts them down", async () => {
  const kernel = new Kernel({ spareThreads: 2 });
  const program = new URL("../worker_programs/ends.ts", import.meta.url);
  for (let i = 0; i < 3; i++) {
    const child = kernel.init.spawn(program, { args: ["exits late"] });
    assertEquals(await child.wait(), { state: "exited", code: 8 });
  }
  assertEquals(await kernel.shutdown(), { lingering: [] });
});

Deno.test("Kernel refuses a number of spare threads that is none", () => {
  for (const spareThreads of [-1, 0.5, NaN, 65, "1"]) {
    let code = "";
    try {
      new Kernel({ spareThreads: spareThreads as number });
    } catch (error) {
      code = (error as { code: string }).code;
    }
    assertEquals(code, "INVALID_ARGUMENT");
  }
});
