/** Calls in all three forms at the same time. */
import { Counter, PipeReader, PipeWriter } from "@carmine/kernel";
import { task } from "@carmine/kernel/task";

const input = task.handle("input", PipeReader);
const output = task.handle("output", PipeWriter);
const gate = task.handle("gate", Counter);

const results: unknown[] = [];
const late = gate.take(); // waits while everything else goes on
results.push(output.tryWrite(Uint8Array.of(1, 2, 3)));
results.push(output.writeSync(Uint8Array.of(4)));
const buffer = new Uint8Array(8);
results.push(input.readSync(buffer), [...buffer.subarray(0, 2)]);
results.push(input.tryRead(buffer));
const many = Array.from({ length: 500 }, () => output.write(Uint8Array.of(5)));
results.push(output.bufferSize);
const written = await Promise.all(many);
results.push(written.reduce((sum, count) => sum + count));
output.writeSync(new Uint8Array(200_000).fill(6)); // longer than the pipe, the page's ring and a piece
results.push(await late);
task.exit(3, results);
