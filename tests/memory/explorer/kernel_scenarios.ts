/**
 * The kernel's isolate as one of those who work on a pipe, beside threads.
 *
 * @module
 */
import { PipeModel } from "./pipe_model.ts";
import { forEach, inTurn, LONE, run, runKilling, type Scenario, SMALL } from "./scenario.ts";

const TO_KERNEL = { writer: { writes: true }, kernel: { reads: true, isKernel: true } };
const FROM_KERNEL = { reader: { reads: true }, kernel: { writes: true, isKernel: true } };
const KERNEL_WRITES_TOO = { ...LONE, kernel: { writes: true, isKernel: true } };
const KERNEL_READS_TOO = { ...LONE, kernel: { reads: true, isKernel: true } };

/** Whatever the schedule, nothing is lost, doubled or reordered, and nobody sleeps for ever. */
export const BESIDE_KERNEL: Record<string, Scenario> = {
  ...forEach("the kernel reads from a worker that it revokes", SMALL, TO_KERNEL, (pipe) => {
    const kernel = pipe.at("kernel");
    return runKilling(pipe, "writer", {
      writer: pipe.at("writer").write(2, 1, 2),
    }, { lingers: true, first: [kernel.poll(2), kernel.poll(2)], then: [kernel.poll(4)] });
  }),
  ...forEach(
    "the kernel shares the writing with a worker that it revokes",
    SMALL,
    KERNEL_WRITES_TOO,
    (pipe) => {
      const kernel = pipe.at("kernel");
      return runKilling(pipe, "writer", {
        writer: pipe.at("writer").write(1, 1),
        reader: pipe.at("reader").read(2),
      }, { lingers: true, then: [kernel.write(1), pipe.close("writes")] });
    },
  ),
  ...forEach("the kernel sleeps until a thread writes", SMALL, TO_KERNEL, (pipe) => {
    return run(pipe, {
      writer: pipe.at("writer").write(2, 1),
      kernel: pipe.at("kernel").readInKernel(3),
      mover: pipe.moveInKernel(),
    });
  }),
  "the kernel sleeps until two threads write": (modules) => {
    const [one, two] = [{ writes: true }, { writes: true }];
    const participants = { one, two, kernel: { reads: true, isKernel: true } };
    const pipe = new PipeModel(modules, { capacity: 4, participants });
    return run(pipe, {
      kernel: pipe.at("kernel").readInKernel(2),
      one: pipe.at("one").write(1),
      two: pipe.at("two").write(1),
    });
  },
  ...forEach("the kernel sleeps until a thread reads", SMALL, FROM_KERNEL, (pipe) => {
    const kernel = pipe.at("kernel");
    return run(pipe, {
      reader: pipe.at("reader").read(2, 5),
      kernel: inTurn(kernel.writeInKernel(3), kernel.writeInKernel(2)),
      mover: pipe.moveInKernel(),
    });
  }),
  ...forEach(
    "the kernel reads under a lock that a thread takes, too",
    SMALL,
    KERNEL_READS_TOO,
    (pipe) => {
      return run(pipe, {
        writer: pipe.at("writer").write(2, 2),
        reader: pipe.at("reader").read(2, 2),
        kernel: pipe.at("kernel").readInKernel(2),
      });
    },
  ),
  ...forEach(
    "the kernel writes under a lock that a thread takes, too",
    SMALL,
    KERNEL_WRITES_TOO,
    (pipe) => {
      return run(pipe, {
        writer: pipe.at("writer").write(2),
        reader: pipe.at("reader").read(3, 4),
        kernel: pipe.at("kernel").writeInKernel(2),
      });
    },
  ),
  "the kernel waits for bytes of a thread that has both ends for itself": (modules) => {
    const thread = { reads: true, writes: true };
    const pipe = new PipeModel(modules, {
      capacity: 3,
      participants: { thread, kernel: { isKernel: true } },
    });
    return run(pipe, {
      thread: inTurn(
        pipe.at("thread").write(2),
        pipe.at("thread").read(2, 2),
        pipe.at("thread").write(1),
      ),
      kernel: pipe.at("kernel").awaitBytesInKernel(),
      mover: pipe.moveInKernel(),
    });
  },
};
