/** What can't cross is refused with a precise error, and the task goes on. */
import { type EventFilter, KernelError } from "@carmine/kernel";
import { task } from "@carmine/kernel/task";

/** Code and message of what a call gives. */
function refusal(run: () => unknown): unknown {
  try {
    return run();
  } catch (error) {
    return error instanceof KernelError ? `${error.code}: ${error.message}` : String(error);
  }
}

const channel = task.createEventChannel("news");
const predicate: EventFilter = { type: "custom", predicate: () => true };
const { reader, writer } = task.createPipe();
const room = writer.reserve(3) as Uint8Array;
room.set([7, 8, 9]);
writer.commit(2);
task.exit(0, {
  predicate: refusal(() => channel.subscribe({ filters: [predicate] })),
  program: refusal(() => task.spawn(() => {})),
  value: refusal(() => task.exit(0, () => {})),
  number: refusal(() => task.syscall(123_456)),
  badHandle: refusal(() => task.syscall(100_000, 77)),
  reserved: [...reader.peek()],
  again: refusal(() => writer.commit(1)),
});
