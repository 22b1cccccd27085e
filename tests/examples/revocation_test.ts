import { assertEquals } from "@std/assert";
import { main } from "../../examples/revocation.ts";

Deno.test("examples/revocation.ts shows what borrowers see when a capability is taken back", async () => {
  const lines: string[] = [];
  await main((who, what) => lines.push(`${who} ${what}`));
  assertEquals(lines, [
    "publisher lends the news; its own copy of what it gave away is closed: true",
    "subscriber can't copy a handle without DUPLICATE: ACCESS_DENIED",
    'assistant reads "It rains."',
    "publisher takes back what it lent",
    "assistant has to stop: REVOKED",
    "subscriber tries to read: REVOKED; its handle is closed: true",
    'publisher still reads "The sun shines."',
  ]);
});
