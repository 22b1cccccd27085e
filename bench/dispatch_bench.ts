/**
 * What validation and dispatch cost: a call through a handle against the same call on the object.
 *
 *     deno bench --allow-read --allow-sys bench/dispatch_bench.ts
 *     deno run --allow-read --allow-sys bench/dispatch_bench.ts   # in turns, with ratios
 */
import { Kernel } from "@carmine/kernel";
import { HandleEntry } from "../capabilities/handle.ts";
import { HandleTable } from "../capabilities/handle_table.ts";
import { UnidirectionalPipe } from "../kernel/ipc/pipe.ts";
import { compare, type Contestant, median, quantile, table } from "./_compare.ts";

const message = new Uint8Array(64);
const into = new Uint8Array(64);

const pipe = new UnidirectionalPipe();
const { reader, writer } = new Kernel().init.createPipe();

const handles = new HandleTable();
const numbers = Array.from(
  { length: 16 },
  () => handles.insert(new HandleEntry(new UnidirectionalPipe().reader, 1)),
);

/** Sums what calls answer, so that none can be left out. */
let answers = 0;

const wouldBlock: Contestant[] = [
  {
    name: "object.tryRead(empty pipe)",
    run(operations) {
      for (let i = 0; i < operations; i++) answers += pipe.reader.tryRead(into);
    },
  },
  {
    name: "handle.tryRead(empty pipe)",
    run(operations) {
      for (let i = 0; i < operations; i++) answers += reader.tryRead(into);
    },
  },
];

const writeAndRead: Contestant[] = [
  {
    name: "object.tryWrite + tryRead(64 B)",
    run(operations) {
      for (let i = 0; i < operations; i++) {
        answers += pipe.writer.tryWrite(message);
        answers += pipe.reader.tryRead(into);
      }
    },
  },
  {
    name: "handle.tryWrite + tryRead(64 B)",
    run(operations) {
      for (let i = 0; i < operations; i++) {
        answers += writer.tryWrite(message);
        answers += reader.tryRead(into);
      }
    },
  },
];

const lookUp: Contestant = {
  name: "HandleTable.get()",
  run(operations) {
    for (let i = 0; i < operations; i++) {
      answers += handles.get(numbers[i & 15] as number).rights;
    }
  },
};

for (const [group, contestants] of Object.entries({ wouldBlock, writeAndRead })) {
  for (const [i, { name, run }] of contestants.entries()) {
    Deno.bench({ name, group, baseline: i === 0, fn: () => void run(1_000) });
  }
}
Deno.bench({ name: lookUp.name, group: "look-up", fn: () => void lookUp.run(1_000) });

if (import.meta.main) {
  for (
    const [title, contestants, calls] of [
      ["A read that would block", wouldBlock, 1],
      ["64 bytes in and out", writeAndRead, 2],
    ] as const
  ) {
    const results = await compare(contestants);
    console.log(table(title, results));
    const [direct, through] = results;
    const added = through?.rounds.map((ns, i) => (ns - (direct?.rounds[i] ?? NaN)) / calls) ?? [];
    console.log(
      `  validation and dispatch add ${median(added).toFixed(1)} ns a call ` +
        `(${quantile(added, 0.1).toFixed(1)} … ${quantile(added, 0.9).toFixed(1)})\n`,
    );
  }
  console.log(table("Handle look-up", await compare([lookUp])));
}

void answers;
