import { assert, assertEquals, assertThrows } from "@std/assert";
import { KernelError } from "../../../capabilities/errors.ts";
import {
  canonicalHost,
  isAddress,
  isPublic,
  NetworkRules,
} from "../../../kernel/ipc/network_rules.ts";

function assertCode(code: string, action: () => unknown): void {
  assertEquals(assertThrows(action, KernelError).code, code);
}

Deno.test("NetworkRules.allows() compares host and port with each pattern", () => {
  const rules = new NetworkRules(["example.org:443", "127.0.0.1:8000-8100", "[::1]:80"]);
  assert(rules.allows("example.org", 443));
  assert(!rules.allows("example.org", 80));
  assert(!rules.allows("www.example.org", 443));
  assert(!rules.allows("exampleXorg", 443));
  for (const port of [8_000, 8_050, 8_100]) assert(rules.allows("127.0.0.1", port));
  for (const port of [7_999, 8_101]) assert(!rules.allows("127.0.0.1", port));
  assert(rules.allows("::1", 80));
  assert(!rules.allows("::1", 81));
});

Deno.test("NetworkRules.allows() takes * for any characters of a host, and for every port", () => {
  const rules = new NetworkRules(["*.local:*", "10.*:1", "*:7"]);
  assert(rules.allows("printer.local", 1));
  assert(rules.allows("a.b.local", 65_535));
  assert(!rules.allows("local", 1));
  assert(!rules.allows("printer.local.evil.org", 1));
  assert(rules.allows("10.1.2.3", 1));
  assert(!rules.allows("110.1.2.3", 1));
  assert(rules.allows("anything", 7) && rules.allows("::1", 7));
});

Deno.test("NetworkRules allows nothing with an empty list", () => {
  assert(!new NetworkRules([]).allows("localhost", 80));
  assertCode("PERMISSION_DENIED", () => new NetworkRules([]).require("localhost", 80));
});

Deno.test("NetworkRules refuses what is no pattern", () => {
  const hostile = { toString: () => "a:1" };
  const patterns: unknown[] = [
    "",
    "example.org",
    "example.org:",
    ":80",
    "example.org:http",
    "example.org:1-",
    "example.org:2-1",
    "example.org:65536",
    "example.org:-1",
    "::1:80",
    "[::1:80",
    "[zz]:80",
    "exa mple:80",
    "(.*)+:80",
    "*(:80",
    "127.1:80",
    "http://example.org:80",
    5,
    null,
    hostile,
  ];
  for (const pattern of patterns) {
    assertCode("INVALID_ARGUMENT", () => new NetworkRules([pattern]));
  }
});

Deno.test("canonicalHost() gives each host one form", () => {
  const forms: [string, string][] = [
    ["Example.ORG", "example.org"],
    ["example.org.", "example.org"],
    ["127.0.0.1", "127.0.0.1"],
    ["[::1]", "::1"],
    ["0:0:0:0:0:0:0:1", "::1"],
    ["FE80::1", "fe80::1"],
    ["::ffff:127.0.0.1", "127.0.0.1"],
    ["::ffff:7f00:1", "127.0.0.1"],
    ["[::FFFF:10.0.0.1]", "10.0.0.1"],
    ["a_b.example", "a_b.example"],
  ];
  for (const [given, canonical] of forms) assertEquals(canonicalHost(given), canonical);
  assert(isAddress("127.0.0.1") && isAddress("::1") && !isAddress("localhost"));
});

Deno.test("canonicalHost() refuses what some resolvers take for another host", () => {
  const hosts = [
    "",
    ".",
    "..",
    "a..b",
    "127.1",
    "2130706433",
    "0x7f000001",
    "0177.0.0.1",
    "127.0.0.256",
    "1.2.3.4.5",
    "fe80::1%eth0",
    "a b",
    "a/b",
    "a@b",
    "user:pw@host",
    "localhost\0.example.org",
    "-a.example",
    "é.example",
    "x".repeat(64) + ".example",
    "a.".repeat(127) + "toolong",
  ];
  for (const host of hosts) assertCode("INVALID_ARGUMENT", () => canonicalHost(host));
});

Deno.test("isPublic() knows the addresses that are not anybody's", () => {
  const special = [
    "0.0.0.0",
    "10.0.0.1",
    "100.64.0.1",
    "127.0.0.1",
    "127.255.255.255",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.1",
    "192.168.1.1",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "fc00::1",
    "fd12:3456::1",
    "fe80::1",
    "ff02::1",
    "64:ff9b::7f00:1",
    "2002:7f00:1::",
  ];
  for (const address of special) assert(!isPublic(address), address);
  const open = ["1.1.1.1", "93.184.216.34", "172.32.0.1", "100.128.0.1", "2606:2800:220:1::1"];
  for (const address of open) assert(isPublic(address), address);
});

Deno.test("NetworkRules.allowedAddresses() stops a name that resolves into one's own network", () => {
  const rules = new NetworkRules(["*.example.org:*", "10.1.1.1:80", "*.local:*", "localhost:*"]);
  const open = "93.184.216.34";
  assertEquals(rules.allowedAddresses("a.example.org", [open], 80), [open]);
  for (const inside of ["127.0.0.1", "::1", "169.254.169.254", "::ffff:127.0.0.1", "10.1.1.2"]) {
    assertCode("PERMISSION_DENIED", () => rules.allowedAddresses("a.example.org", [inside], 80));
    assertEquals(rules.allowedAddresses("a.example.org", [inside, open], 80), [open]);
  }
  assertEquals(rules.allowedAddresses("a.example.org", ["10.1.1.1"], 80), ["10.1.1.1"]);
  assertCode("PERMISSION_DENIED", () => rules.allowedAddresses("a.example.org", ["10.1.1.1"], 81));
  assertCode("PERMISSION_DENIED", () => rules.allowedAddresses("a.example.org", [], 80));
});

Deno.test("NetworkRules.allowedAddresses() lets a name that says it is local be local", () => {
  const rules = new NetworkRules(["localhost:*", "*.local:*"]);
  assertEquals(rules.allowedAddresses("localhost", ["127.0.0.1", "::1"], 80), ["127.0.0.1", "::1"]);
  assertCode("PERMISSION_DENIED", () => rules.allowedAddresses("localhost", ["10.0.0.1"], 80));
  for (const address of ["192.168.1.5", "10.0.0.1", "172.20.0.1", "169.254.3.4", "fe80::1"]) {
    assertEquals(rules.allowedAddresses("printer.local", [address], 80), [address]);
  }
  assertCode("PERMISSION_DENIED", () => rules.allowedAddresses("printer.local", ["127.0.0.1"], 80));
});
