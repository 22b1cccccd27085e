/**
 * Threads that work on a pipe at the same time, while the kernel moves or closes it.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { PipeModel } from "./pipe_model.ts";
import { forEach, inTurn, LONE, run, runKilling, type Scenario, SMALL } from "./scenario.ts";
import { until } from "./scheduler.ts";

const TWO_WRITERS = { one: { writes: true }, two: { writes: true }, reader: { reads: true } };
const TWO_READERS = { writer: { writes: true }, one: { reads: true }, two: { reads: true } };

/** Whatever the schedule, nothing is lost, doubled or reordered, and nobody sleeps for ever. */
export const THREADS: Record<string, Scenario> = {
  ...forEach("a lone writer and a lone reader", [...SMALL, { capacity: 1 }], LONE, (pipe) => {
    const most = Math.min(2, pipe.capacity);
    return run(pipe, {
      writer: pipe.at("writer").write(most, 1, most),
      reader: pipe.at("reader").read(2, 2 * most + 1),
    });
  }),
  ...forEach("a write longer than the ring", SMALL, LONE, (pipe) => {
    const long = pipe.capacity + 2;
    return run(pipe, {
      writer: pipe.at("writer").write(long),
      reader: pipe.at("reader").read(pipe.capacity, long),
    });
  }),
  ...forEach("packets", [{ capacity: 3, packet: true, beforeWrap: 3 }], LONE, (pipe) => {
    return run(pipe, {
      writer: pipe.at("writer").write(2, 3),
      reader: pipe.at("reader").read(3, 5),
      kernel: pipe.move(),
    });
  }),
  ...forEach("a move while lone sides work", SMALL, LONE, (pipe) => {
    return run(pipe, {
      writer: pipe.at("writer").write(2, 2),
      reader: pipe.at("reader").read(3, 4),
      kernel: pipe.move(),
    });
  }),
  ...forEach("two moves while lone sides work", SMALL, LONE, (pipe) => {
    return run(pipe, {
      writer: pipe.at("writer").write(2, 2),
      reader: pipe.at("reader").read(3, 4),
      kernel: inTurn(pipe.move(), pipe.move()),
    });
  }),
  ...forEach(
    "a move of a larger ring",
    [{ capacity: 100, beforeWrap: 30 }],
    LONE,
    (pipe) => {
      return run(pipe, {
        writer: pipe.at("writer").write(60, 60),
        reader: pipe.at("reader").read(70, 120),
        kernel: pipe.move(),
      });
    },
  ),
  ...forEach(
    "a move while whole rings are written and read",
    [{ capacity: 3 }],
    LONE,
    (pipe) => {
      return run(pipe, {
        writer: pipe.at("writer").write(3, 3),
        reader: pipe.at("reader").read(3, 6),
        kernel: pipe.move(),
      });
    },
  ),
  ...forEach("two writers", SMALL, TWO_WRITERS, (pipe) => {
    return run(pipe, {
      one: pipe.at("one").write(2),
      two: pipe.at("two").write(2),
      reader: pipe.at("reader").read(2, 4),
    });
  }),
  ...forEach("two readers", SMALL, TWO_READERS, (pipe) => {
    return run(pipe, {
      writer: pipe.at("writer").write(2, 2),
      one: pipe.at("one").read(2, 2),
      two: pipe.at("two").read(2, 2),
    });
  }),
  "two writers and two readers": (modules) => {
    const participants = { ...TWO_READERS, writer: { writes: true }, other: { writes: true } };
    const pipe = new PipeModel(modules, { capacity: 3, participants });
    return run(pipe, {
      writer: pipe.at("writer").write(2),
      other: pipe.at("other").write(2),
      one: pipe.at("one").read(2, 2),
      two: pipe.at("two").read(2, 2),
      kernel: pipe.move(),
    });
  },
  ...forEach("a writer killed beside another", SMALL, TWO_WRITERS, (pipe) => {
    return runKilling(pipe, "one", {
      one: pipe.at("one").write(2, 1),
      two: pipe.at("two").write(2),
      reader: pipe.at("reader").read(2, 2),
    });
  }),
  ...forEach("a writer lingering beside another", SMALL, TWO_WRITERS, (pipe) => {
    return runKilling(pipe, "one", {
      one: pipe.at("one").write(2, 1),
      two: pipe.at("two").write(2),
      reader: pipe.at("reader").read(2, 2),
    }, { lingers: true });
  }),
  ...forEach("a reader killed beside another", SMALL, TWO_READERS, (pipe) => {
    return runKilling(pipe, "one", {
      one: pipe.at("one").read(2, 2),
      two: pipe.at("two").read(2),
      writer: pipe.at("writer").write(2, 1),
    }, { then: [until(() => pipe.at("writer").acknowledged.length === 2), pipe.close("writes")] });
  }),
  ...forEach("the writer killed, then the end", SMALL, LONE, (pipe) => {
    const run = runKilling(pipe, "writer", {
      writer: pipe.at("writer").write(2, 1),
      reader: pipe.at("reader").read(2),
    }, { then: [pipe.close("writes")] });
    return {
      ...run,
      check: () => {
        run.check();
        assert(pipe.at("reader").sawEnd);
        assertEquals(pipe.rest(), []);
      },
    };
  }),
  ...forEach("the reader killed, then no readers", SMALL, LONE, (pipe) => {
    return runKilling(pipe, "reader", {
      writer: pipe.at("writer").write(2, 2, 2),
      reader: pipe.at("reader").read(2),
    }, { then: [pipe.close("reads")] });
  }),
  ...forEach("a close and a move while the reader works", SMALL, LONE, (pipe) => {
    const { writer, reader } = { writer: pipe.at("writer"), reader: pipe.at("reader") };
    const check = () => {
      pipe.check();
      assert(reader.sawEnd);
      assertEquals(reader.got.length, 3);
    };
    const closed = until(() => writer.acknowledged.length === 2);
    return run(pipe, {
      writer: writer.write(2, 1),
      reader: reader.read(2),
      kernel: inTurn(closed, pipe.close("writes")),
    }, check);
  }),
  ...forEach(
    "a move, then a close, while the reader follows",
    [{ capacity: 3 }],
    LONE,
    (pipe) => {
      const { writer, reader } = { writer: pipe.at("writer"), reader: pipe.at("reader") };
      const check = () => {
        pipe.check();
        assert(reader.sawEnd);
        assertEquals(reader.got.length, 3);
      };
      const isWritten = until(() => writer.acknowledged.length === 2);
      return run(pipe, {
        writer: writer.write(2, 1),
        reader: reader.read(2),
        kernel: inTurn(pipe.move(), isWritten, pipe.close("writes")),
      }, check);
    },
  ),
  ...forEach("peek and consume across a move", SMALL, LONE, (pipe) => {
    return run(pipe, {
      writer: pipe.at("writer").write(2, 2),
      reader: pipe.at("reader").readPeeked(2, 4),
      kernel: pipe.move(),
    });
  }),
  ...forEach("peek and consume by two readers", SMALL, TWO_READERS, (pipe) => {
    return run(pipe, {
      writer: pipe.at("writer").write(2, 2),
      one: pipe.at("one").readPeeked(2, 2),
      two: pipe.at("two").read(2, 2),
    });
  }),
  ...forEach("reserve and commit across a move", SMALL, LONE, (pipe) => {
    return run(pipe, {
      writer: pipe.at("writer").writeReserved(2, 2),
      reader: pipe.at("reader").read(2, 4),
      kernel: pipe.move(),
    });
  }),
  ...forEach("reserve and commit by two writers", SMALL, TWO_WRITERS, (pipe) => {
    return run(pipe, {
      one: pipe.at("one").writeReserved(2),
      two: pipe.at("two").write(1, 1),
      reader: pipe.at("reader").read(2, 4),
    });
  }),
  ...forEach("a refresh across two moves", SMALL, LONE, (pipe) => {
    return run(pipe, {
      writer: pipe.at("writer").write(2, 2),
      reader: pipe.at("reader").readRefreshing(2, 4),
      kernel: inTurn(pipe.move(), pipe.move()),
    });
  }),
};
