/**
 * Values that a hostile program passes where a syscall asks for something else.
 *
 * @module
 */

/** A hostile value. */
export interface HostileValue {
  readonly label: string;
  readonly value: unknown;
  /** How often code of the value's own has run. */
  readonly runs: () => number;
}

function plain(label: string, value: unknown): HostileValue {
  return { label, value, runs: () => 0 };
}

/** An object that counts whatever the kernel makes it run. */
function counting(label: string, make: (count: () => void) => unknown): HostileValue {
  let runs = 0;
  const value = make(() => {
    runs++;
  });
  return { label, value, runs: () => runs };
}

const DETACHED = "detached Uint8Array";

function detached(): Uint8Array {
  const bytes = new Uint8Array(8);
  structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
  return bytes;
}

function revokedProxy(target: object): unknown {
  const { proxy, revoke } = Proxy.revocable(target, {});
  revoke();
  return proxy;
}

function cyclic(): unknown {
  const cycle: { self?: unknown } = {};
  cycle.self = cycle;
  return cycle;
}

/** Each trap throws. */
function trapped(target: object): unknown {
  const handler = new Proxy({}, {
    get: () => () => {
      throw new Error("trap");
    },
  });
  return new Proxy(target, handler);
}

/** A Uint8Array whose own properties lie, and count who looks. */
function poisoned(count: () => void): Uint8Array {
  const bytes = new Uint8Array(8);
  const names = ["length", "byteLength", "byteOffset", "buffer", "set", "subarray", "slice"];
  for (const name of [...names, "constructor", Symbol.toStringTag, Symbol.iterator]) {
    Object.defineProperty(bytes, name, {
      get() {
        count();
        return undefined;
      },
    });
  }
  return bytes;
}

/** Primitives and numbers of every wrong kind. */
export function hostilePrimitives(): HostileValue[] {
  return [
    plain("undefined", undefined),
    plain("null", null),
    plain("true", true),
    plain("the empty string", ""),
    plain("a string of digits", "200"),
    plain("a string of a million characters", "x".repeat(1_000_000)),
    plain("a name of Object.prototype's", "__proto__"),
    plain("a symbol", Symbol("hostile")),
    plain("a bigint", 7n),
    plain("a huge bigint", 1n << 4_000_000n),
    plain("NaN", NaN),
    plain("Infinity", Infinity),
    plain("-Infinity", -Infinity),
    plain("-0", -0),
    plain("-2", -2), // -1 stands for a task's own event queue
    plain("1.5", 1.5),
    plain("2 ** 31", 2 ** 31),
    plain("2 ** 32 + 1", 2 ** 32 + 1),
    plain("2 ** 53", 2 ** 53),
    plain("Number.MAX_VALUE", Number.MAX_VALUE),
  ];
}

/** Objects that are wrong, lie, throw or look back. */
export function hostileObjects(): HostileValue[] {
  return [
    plain("an object", {}),
    plain("an object without a prototype", Object.create(null)),
    plain("a frozen array", Object.freeze([1, 2])),
    plain("an array with holes", new Array(3)),
    plain("an array of four billion", new Array(2 ** 32 - 1)),
    plain("a function", () => {}),
    plain("a class", class {}),
    plain("a boxed number", Object(7)),
    plain("a date", new Date(0)),
    plain("a map", new Map([["a", 1]])),
    plain("a cyclic object", cyclic()),
    plain("a revoked proxy", revokedProxy({})),
    plain("a revoked proxy of an array", revokedProxy([])),
    plain("a revoked proxy of a function", revokedProxy(() => {})),
    plain("a proxy whose traps throw", trapped({})),
    plain("a proxy of an array whose traps throw", trapped([])),
    plain("a proxy of a function whose traps throw", trapped(() => {})),
    plain("a proxy of a Uint8Array", new Proxy(new Uint8Array(8), {})),
    plain("an array of a hostile length", hostileLength()),
    counting("an object whose conversions have effects", (count) => ({
      valueOf: () => (count(), 7),
      toString: () => (count(), "7"),
      toJSON: () => (count(), 7),
      [Symbol.toPrimitive]: () => (count(), 7),
    })),
    counting("a generator without an end", (count) => ({
      *[Symbol.iterator]() {
        for (;;) {
          count();
          yield ["a", 1];
        }
      },
    })),
  ];
}

function hostileLength(): unknown {
  return new Proxy([], {
    get: (target, name) => name === "length" ? 2 ** 52 : Reflect.get(target, name),
  });
}

/** Buffers that the kernel must not take. */
export function hostileBuffers(): HostileValue[] {
  return [
    plain(DETACHED, detached()),
    plain("resizable", new Uint8Array(new ArrayBuffer(8, { maxByteLength: 16 }), 0, 8)),
    plain("length-tracking", new Uint8Array(new ArrayBuffer(8, { maxByteLength: 16 }))),
    plain("shared", new Uint8Array(new SharedArrayBuffer(8))),
    plain("growable shared", new Uint8Array(new SharedArrayBuffer(8, { maxByteLength: 16 }))),
    plain("an ArrayBuffer", new ArrayBuffer(8)),
    plain("a DataView", new DataView(new ArrayBuffer(8))),
    plain("an Int8Array", new Int8Array(8)),
    plain("a Uint8ClampedArray", new Uint8ClampedArray(8)),
    plain("a BigInt64Array", new BigInt64Array(1)),
    plain("an heir of Uint8Array.prototype", Object.create(Uint8Array.prototype)),
    plain("an array with its prototype", Object.setPrototypeOf([1], Uint8Array.prototype)),
  ];
}

/** Arrays of bytes that are as good as any, whatever they look like. */
export function oddBuffers(): HostileValue[] {
  return [
    counting("a Uint8Array with lying properties", (count) => poisoned(count)),
    plain(
      "a Uint8Array without a prototype",
      Object.setPrototypeOf(new Uint8Array(8), null),
    ),
    counting("a Uint8Array of a lying class", (count) => {
      class Lying extends Uint8Array {
        override get length(): never {
          count();
          throw new Error("length");
        }
        static get [Symbol.species](): never {
          count();
          throw new Error("species");
        }
        override set(): never {
          count();
          throw new Error("set");
        }
        override subarray(): never {
          count();
          throw new Error("subarray");
        }
        override slice(): never {
          count();
          throw new Error("slice");
        }
      }
      return new Lying(8);
    }),
  ];
}

/** A value that answers like `valid`, and counts how often each property is read. */
export function countingReads(
  valid: object,
): { value: unknown; reads: Map<PropertyKey, number> } {
  const reads = new Map<PropertyKey, number>();
  const value = new Proxy(valid, {
    get(target, name) {
      reads.set(name, (reads.get(name) ?? 0) + 1);
      return Reflect.get(target, name);
    },
  });
  return { value, reads };
}
