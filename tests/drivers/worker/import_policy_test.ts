import { assertEquals } from "@std/assert";
import { type ImportPolicy, isListed, mayImport } from "../../../drivers/worker/import_policy.ts";

const POLICY: ImportPolicy = {
  entry: "file:///app/plugin/main.ts",
  folder: "file:///app/plugin/",
  imports: ["file:///app/shared/", "https://example.org/one.js"],
  publicModules: ["file:///app/plugin/carmine/mod.ts"],
  privateModules: ["file:///app/plugin/carmine/boot.ts", "file:///app/plugin/carmine/drivers/"],
};

const ALLOWED = [
  "file:///app/plugin/main.ts",
  "file:///app/plugin/sub/data.json",
  "file:///app/plugin/name%20with%20spaces.ts",
  "file:///app/plugin/a..b.ts",
  "file:///app/plugin/x.ts?version=1.cjs",
  "file:///app/shared/lib.ts",
  "https://example.org/one.js",
  "file:///app/plugin/carmine/mod.ts",
];

const DENIED: Record<string, string[]> = {
  "another scheme": [
    "node:process",
    "npm:chalk@5",
    "jsr:@std/assert",
    "ext:core/ops",
    "data:text/javascript,1",
    "blob:null/1",
    "http://app/plugin/main.ts",
  ],
  "another folder": [
    "file:///app/secret.json",
    "file:///app/plugin",
    "file:///app/plugin-two/main.ts",
    "file:///etc/passwd",
    "https://example.org/two.js",
    "https://example.org/one.js/x",
    "https://example.org.evil/one.js",
  ],
  "segments that a URL parser doesn't see": [
    "file:///app/plugin/..%2fsecret.json",
    "file:///app/plugin/..%2Fsecret.json",
    "file:///app/plugin/..%5csecret.json",
    "file:///app/plugin/x%00.ts",
    "file:///app/shared/..%2fsecret.json",
  ],
  "CommonJS by name": [
    "file:///app/plugin/evil.cjs",
    "file:///app/plugin/evil.CJS",
    "file:///app/plugin/evil.cts?x",
    "file:///app/plugin/evil.cjs#x",
    "file:///app/plugin/evil.d.ts",
    "file:///app/plugin/evil.d.cts",
  ],
  "Carmine's own modules, wherever they lie": [
    "file:///app/plugin/carmine/boot.ts",
    "file:///app/plugin/carmine/boot.ts?x",
    "file:///app/plugin/carmine/drivers/worker/inside.ts",
    "file:///app/plugin/carmine/drivers/worker/inside.ts#x",
  ],
};

Deno.test("mayImport() allows the entry, its folder, what is listed and the public modules", () => {
  assertEquals(ALLOWED.filter((url) => !mayImport(url, POLICY)), []);
});

for (const [reason, urls] of Object.entries(DENIED)) {
  Deno.test(`mayImport() denies ${reason}`, () => {
    assertEquals(urls.filter((url) => mayImport(url, POLICY)), []);
  });
}

Deno.test("mayImport() denies private modules that `imports` or the folder would allow", () => {
  const policy = { ...POLICY, imports: ["file:///app/plugin/carmine/drivers/"] };
  assertEquals(mayImport("file:///app/plugin/carmine/drivers/worker/inside.ts", policy), false);
});

Deno.test("mayImport() allows a module without a folder nothing but itself", () => {
  const entry = "data:text/javascript,1";
  const policy = { ...POLICY, entry, folder: "", imports: [] };
  assertEquals(mayImport(entry, policy), true);
  assertEquals(mayImport("data:text/javascript,2", policy), false);
  assertEquals(mayImport("file:///app/plugin/main.ts", policy), false);
});

Deno.test("isListed() takes a prefix only when it ends in a slash", () => {
  assertEquals(isListed(["file:///a"], "file:///a/b"), false);
  assertEquals(isListed(["file:///a"], "file:///ab"), false);
  assertEquals(isListed(["file:///a/"], "file:///a/b"), true);
});
