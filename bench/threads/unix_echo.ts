/** Sends back what comes in on a unix socket. */
import { started } from "./orders.ts";

const { path, size } = await started<{ path: string; size: number }>();
const connection = await Deno.connect({ transport: "unix", path });
const buffer = new Uint8Array(65_536);

async function writeAll(bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length;) done += await connection.write(bytes.subarray(done));
}

for (let left = size;;) {
  const count = await connection.read(buffer) ?? 0;
  if (size === 0) await writeAll(buffer.subarray(0, count));
  else for (left -= count; left <= 0; left += size) await writeAll(buffer.subarray(0, 1));
}
