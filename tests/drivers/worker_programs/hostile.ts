/** What a hostile task does to the memory of pipes and counters that it has mapped. */
import { Counter, PipeReader, PipeWriter, Rights, SharedMemory } from "@carmine/kernel";
import { task } from "@carmine/kernel/task";

const [what, ...rest] = task.args;
/** Words of a ring's header, as far as the task can tell. */
const WORDS = { attention: 32, readersWake: 33, writersWake: 34 };
const LOCKS = [48, 64];

/** The ring itself, as it is now: the kernel tells whoever has a seat, and asks by number. */
async function wordsOf(end: PipeWriter): Promise<Int32Array> {
  const { seat } = task.syscall(710, end.number) as { seat: number };
  const report = await task.syscall(711, seat, false) as { memory: SharedArrayBuffer };
  return new Int32Array(report.memory);
}

let value: unknown;
const ready = task.handle("ready", Counter);
const out = task.handles.includes("out") ? task.handle("out", PipeWriter) : undefined;

/** Does something to the ring over and over, also when it has moved, until it is told to stop. */
async function goOn(act: (words: Int32Array, round: number) => void): Promise<void> {
  using view = task.handle("stop", SharedMemory).map();
  const end = out as PipeWriter;
  let words = await wordsOf(end);
  act(words, 0);
  ready.tryAdd(1);
  for (let round = 1; view.load(0) === 0; round++) {
    act(words, round);
    if (round % 10_000 !== 0) continue;
    try {
      words = await wordsOf(end);
    } catch {
      // There is no ring any more: it goes on with the one that it has.
    }
  }
  await task.handle("never", Counter).take();
}

switch (what) {
  case "holds the locks":
    await goOn((words) => LOCKS.forEach((lock) => Atomics.store(words, lock, 1)));
    break;
  case "changes the locks":
    await goOn((words, round) => LOCKS.forEach((lock) => Atomics.store(words, lock, round | 4)));
    break;
  case "wakes everybody":
    await goOn((words) => {
      for (const wake of [WORDS.readersWake, WORDS.writersWake]) {
        Atomics.add(words, wake, 1);
        Atomics.notify(words, wake);
      }
    });
    break;
  case "sets and clears the hints":
    await goOn((words, round) => {
      Atomics.store(words, WORDS.attention, [0, 12, 15, -1][round & 3] ?? 0);
    });
    break;
  case "fills the ring with garbage":
    await goOn((words) => words.fill(-1));
    break;
  case "writes anything anywhere": {
    let state = Number(rest[0]);
    const random = () => state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9 | 0;
    await goOn((words) => {
      const index = [0, 16, 32, 33, 34, 48, 64, 65, 80][(random() >>> 8) % 9] ?? 0;
      Atomics.store(words, index, (random() & 1) === 0 ? random() : random() & 127);
    });
    break;
  }
  case "flood": {
    // By number: seats of its own, those of others, those that are none, with garbage.
    const codes = new Map<string, number>();
    const count = async (call: () => unknown): Promise<void> => {
      let code = "none";
      try {
        await call();
      } catch (error) {
        code = (error as { code: string }).code;
      }
      codes.set(code, (codes.get(code) ?? 0) + 1);
    };
    const input = task.handle("in", PipeReader);
    const garbage = [0, -1, 1, 2, 3, 1e9, 2 ** 53, NaN, "1", null, undefined, {}, [], true, 1.5];
    for (const first of garbage) {
      await count(() => task.syscall(710, first));
      for (const second of garbage) await count(() => task.syscall(711, first, second));
    }
    const floods = Array.from(
      { length: 2_000 },
      (_, i) => count(() => task.syscall(711, i, false)),
    );
    await Promise.all(floods);
    for (let i = 0; i < 300; i++) {
      const again = input.duplicate();
      await count(() => task.syscall(710, again.number));
      again.close();
    }
    const without = input.duplicate(input.rights & ~Rights.READ);
    await count(() => task.syscall(710, without.number));
    ready.tryAdd(1);
    value = Object.fromEntries(codes);
    break;
  }
  case "hoard seats": {
    const codes: string[] = [];
    for (let i = 0; i < 1_030; i++) {
      const counter = task.createCounter();
      counter.addSync(2);
      if (counter.value !== 2n || counter.tryTake() !== 2n) codes.push("wrong");
      try {
        task.syscall(710, counter.number);
      } catch (error) {
        codes.push((error as { code: string }).code);
      }
    }
    value = codes;
    break;
  }
}
task.exit(0, value);
