import { assertEquals, assertMatch } from "@std/assert";
import { main, openOnPort } from "../../examples/chat.ts";

Deno.test("examples/chat.ts lets clients that connect by name talk", async () => {
  const heard = await main();
  assertEquals(heard.get("Ada"), [
    "* Alan, Ada here",
    "* Grace joined",
    "Grace: Is anybody else here?",
    "Alan: I am.",
  ]);
  assertEquals(heard.get("Grace"), [
    "* Alan, Ada, Grace here",
    "Ada: Hello, Grace!",
    "Alan: I am.",
    "* Ada left",
  ]);
  assertEquals(heard.get("Alan"), [
    "* Alan here",
    "* Ada joined",
    "* Grace joined",
    "Ada: Hello, Grace!",
    "Grace: Is anybody else here?",
    "* Ada left",
    "* Grace left",
  ]);
});

/** A person with netcat. */
class Netcat {
  readonly #connection: Deno.TcpConn;
  #heard = "";

  constructor(connection: Deno.TcpConn) {
    this.#connection = connection;
  }

  async say(line: string): Promise<void> {
    await this.#connection.write(new TextEncoder().encode(`${line}\n`));
  }

  async hear(): Promise<string> {
    const buffer = new Uint8Array(256);
    while (!this.#heard.includes("\n")) {
      // Being cut off may look like a reset: it depends on what was under way.
      const length = await this.#connection.read(buffer).catch(() => null);
      if (length === null) return "(end)";
      this.#heard += new TextDecoder().decode(buffer.subarray(0, length));
    }
    const [line = "", ...rest] = this.#heard.split("\n");
    this.#heard = rest.join("\n");
    return line;
  }

  leave(): void {
    this.#connection.close();
  }
}

Deno.test("examples/chat.ts --tcp is a room for netcat, hostile lines included", async () => {
  const opened = Promise.withResolvers<number>();
  const abort = new AbortController();
  const room = openOnPort(0, opened.resolve, abort.signal);
  const port = await opened.promise;
  const enter = async () => new Netcat(await Deno.connect({ hostname: "127.0.0.1", port }));
  const [ada, grace] = [await enter(), await enter()];
  await ada.say("Ada");
  assertEquals(await ada.hear(), "* Ada here");
  await grace.say("Grace\r");
  assertEquals(await grace.hear(), "* Ada, Grace here");
  assertEquals(await ada.hear(), "* Grace joined");
  await ada.say("Hello!\nStill there?");
  assertEquals([await grace.hear(), await grace.hear()], ["Ada: Hello!", "Ada: Still there?"]);
  await grace.say("x".repeat(5_000));
  assertEquals([await grace.hear(), await ada.hear()], ["(end)", "* Grace left"]);
  grace.leave();
  abort.abort();
  await room;
  assertEquals(await ada.hear(), "(end)");
  ada.leave();
});

/** Runs the example as a program. */
async function run(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const example = new URL("../../examples/chat.ts", import.meta.url).pathname;
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-net=127.0.0.1", example, ...args],
  }).output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

Deno.test("examples/chat.ts explains itself when it isn't told what to do", async () => {
  for (const args of [["--tpc"], ["--tcp", "chat"], ["--tcp", "65536"], ["--tcp", "1", "2"]]) {
    const stderr = "Usage: chat.ts [--tcp [PORT]]\n";
    assertEquals(await run(...args), { code: 2, stdout: "", stderr });
  }
});

Deno.test("examples/chat.ts says why it can't have a port", async () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { code, stdout, stderr } = await run("--tcp", String(taken.addr.port));
  assertEquals([code, stdout], [1, ""]);
  assertMatch(stderr, /^Cannot listen [^\n]*\n$/);
});
