/**
 * What a network handle allows: host and port patterns.
 *
 * A host that is a name is checked twice: the name against the patterns, and the address that it
 * resolves to. The second check stops DNS rebinding, where a name that is allowed resolves to an
 * address inside one's own network: an address that is not a public one is reached only when a
 * pattern fits the address itself, or when the name says that it is local ("localhost", "*.local").
 *
 * @module
 */
import { KernelError } from "../../capabilities/errors.ts";

/** One pattern of an allow-list. */
interface Rule {
  readonly host: RegExp;
  readonly firstPort: number;
  readonly lastPort: number;
}

const MAX_PORT = 65_535;
/** Longest name that the domain name system has. */
const MAX_HOST_LENGTH = 253;

/** An allow-list, parsed once and never changed. */
export class NetworkRules {
  readonly #rules: readonly Rule[];

  /**
   * @param patterns "host:port" each: the host a name or an address (IPv6 in brackets), "*" in it
   * for any characters; the port a number, a range "8000-8100", or "*".
   * @throws {KernelError} INVALID_ARGUMENT for anything else.
   */
  constructor(patterns: readonly unknown[]) {
    this.#rules = patterns.map(parseRule);
  }

  /** True when a pattern fits the host, a canonical name or address, as it is written. */
  allows(host: string, port: number): boolean {
    return this.#rules.some((rule) =>
      rule.firstPort <= port && port <= rule.lastPort && rule.host.test(host)
    );
  }

  /**
   * Throws PERMISSION_DENIED unless a pattern fits.
   *
   * @param host A canonical name or address.
   */
  require(host: string, port: number): void {
    if (!this.allows(host, port)) throw denied(`${host}:${port} is not on the network's list`);
  }

  /** The addresses that may be connected to for a name which `require` has passed. */
  allowedAddresses(name: string, addresses: readonly string[], port: number): string[] {
    const allowed = addresses.map(canonicalHost).filter((address) =>
      this.allows(address, port) || isPublic(address) || isLocalByName(name, address)
    );
    if (allowed.length > 0) return allowed;
    throw denied(
      `${name} resolves to ${addresses.join(", ") || "nothing"}, which is not a public address ` +
        "and not on the network's list",
    );
  }
}

/** Throws INVALID_ARGUMENT unless the text is a host; gives it in its one canonical form. */
export function canonicalHost(text: string): string {
  const host = text.toLowerCase().replace(/^\[(.*:.*)\]$/, "$1").replace(/(?<=.)\.$/, "");
  if (host.includes(":")) return canonicalIpv6(host, text);
  if (isIpv4(host)) return host;
  const labels = host.split(".");
  const areLabels = labels.every((label) => /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/.test(label));
  // "127.1" and "0x7f000001" are addresses to some resolvers: no name ends in a number.
  const endsInNumber = /^(\d+|0x[0-9a-f]*)$/.test(labels.at(-1) ?? "");
  if (areLabels && !endsInNumber && host.length <= MAX_HOST_LENGTH) return host;
  throw new KernelError("INVALID_ARGUMENT", `${JSON.stringify(text)} is no name and no address`);
}

/** True when a canonical host is an address and no name. */
export function isAddress(host: string): boolean {
  return host.includes(":") || isIpv4(host);
}

function isIpv4(host: string): boolean {
  const parts = host.split(".");
  return parts.length === 4 &&
    parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255);
}

function canonicalIpv6(host: string, text: string): string {
  let canonical: string;
  try {
    canonical = new URL(`http://[${host}]/`).hostname.slice(1, -1);
  } catch (cause) {
    const why = `${JSON.stringify(text)} is no name and no address`;
    throw new KernelError("INVALID_ARGUMENT", why, { cause });
  }
  // An IPv4 address in IPv6's clothes is the same host: it must not pass as another one.
  const mapped = /^::ffff:([0-9a-f]+):([0-9a-f]+)$/.exec(canonical);
  if (mapped === null) return canonical;
  const [high, low] = [parseInt(mapped[1] ?? "", 16), parseInt(mapped[2] ?? "", 16)];
  return [high >> 8, high & 0xff, low >> 8, low & 0xff].join(".");
}

function parseRule(pattern: unknown): Rule {
  if (typeof pattern !== "string") {
    throw new KernelError("INVALID_ARGUMENT", `a pattern is a string, not a ${typeof pattern}`);
  }
  const [, host, ports] = /^(\[[^\]]*\]|[^:[\]]+):([\d*-]+)$/.exec(pattern) ?? [];
  const [, first, last] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(ports ?? "") ?? [];
  const firstPort = ports === "*" ? 0 : Number(first);
  const lastPort = ports === "*" ? MAX_PORT : Number(last ?? first);
  if (host === undefined || !(firstPort <= lastPort && lastPort <= MAX_PORT)) {
    throw invalidPattern(pattern);
  }
  return { host: hostPattern(host, pattern), firstPort, lastPort };
}

/** The host of a pattern: "*" stands for any characters, all else for itself. */
function hostPattern(host: string, pattern: string): RegExp {
  if (!host.includes("*")) {
    try {
      return new RegExp(`^${escaped(canonicalHost(host))}$`);
    } catch (cause) {
      throw invalidPattern(pattern, cause);
    }
  }
  const text = host.toLowerCase().replace(/^\[(.*)\]$/, "$1");
  if (!/^[a-z0-9_.:*-]+$/.test(text)) throw invalidPattern(pattern);
  return new RegExp(`^${text.split(/\*+/).map(escaped).join(".*")}$`);
}

function escaped(text: string): string {
  return text.replace(/[.]/g, "\\.");
}

function invalidPattern(pattern: string, cause?: unknown): KernelError {
  return new KernelError(
    "INVALID_ARGUMENT",
    `${JSON.stringify(pattern)} is no pattern such as "example.org:443", "*.local:*", ` +
      '"127.0.0.1:8000-8100" or "[::1]:80"',
    { cause },
  );
}

function denied(why: string): KernelError {
  return new KernelError("PERMISSION_DENIED", why);
}

/** First and last of the IPv4 ranges that are not public, by their first two bytes. */
const SPECIAL_IPV4: readonly (readonly [number, number])[] = [
  [0x0000, 0x00ff], // this network
  [0x0a00, 0x0aff], // private
  [0x6440, 0x647f], // carriers' shared
  [0x7f00, 0x7fff], // loopback
  [0xa9fe, 0xa9fe], // link-local, where clouds serve their secrets
  [0xac10, 0xac1f], // private
  [0xc000, 0xc000], // protocol assignments
  [0xc0a8, 0xc0a8], // private
  [0xc612, 0xc613], // benchmarks
  [0xe000, 0xffff], // multicast, reserved, broadcast
];

/** True for an address that anybody on the Internet could be meant by. */
export function isPublic(address: string): boolean {
  if (address.includes(":")) {
    const first = parseInt(address.split(":")[0] || "0", 16);
    // 2000::/3 is all that is public; 2002::/16 carries an IPv4 address, which could be any.
    return (first & 0xe000) === 0x2000 && first !== 0x2002;
  }
  const [a, b] = address.split(".").map(Number) as [number, number];
  const prefix = a * 256 + b;
  return !SPECIAL_IPV4.some(([first, last]) => first <= prefix && prefix <= last);
}

/** True when the name itself says that it means an address like this one. */
function isLocalByName(name: string, address: string): boolean {
  const isLoopback = address === "::1" || address.startsWith("127.");
  if (/(^|\.)localhost$/.test(name)) return isLoopback;
  return name.endsWith(".local") && !isLoopback &&
    (/^(10|192\.168|169\.254)\./.test(address) || /^172\.(1[6-9]|2\d|3[01])\./.test(address) ||
      /^f[cd]|^fe[89ab]/.test(address));
}
