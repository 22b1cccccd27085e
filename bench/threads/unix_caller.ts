/** Writes to a unix socket and reads what comes back. */
import { serveOrders, started } from "./orders.ts";

const { path, size, chunks } = await started<{ path: string; size: number; chunks: number }>();
const listener = Deno.listen({ transport: "unix", path });
const accepting = listener.accept();
const out = new Uint8Array(size).fill(7);
const back = new Uint8Array(chunks > 1 ? 1 : size);

serveOrders(async (operations) => {
  const connection = await accepting;
  for (let i = 0; i < operations; i += chunks) {
    for (let j = 0; j < chunks; j++) {
      for (let done = 0; done < out.length;) done += await connection.write(out.subarray(done));
    }
    for (let done = 0; done < back.length;) {
      done += await connection.read(back.subarray(done)) ?? 0;
    }
  }
});
