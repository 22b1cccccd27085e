/** The public classes of counters, memory, timers and wait sets: every member with its type. @module */
import {
  Counter,
  type Handle,
  MemoryView,
  type Rights,
  SharedMemory,
  type Signals,
  Timer,
  type WaitOptions,
  WaitSet,
} from "@carmine/kernel";
import { assertSurface, HANDLE_MEMBERS, type HandleSurface } from "./_surface.ts";

/** What a Counter promises beside what every handle has. */
interface CounterSurface extends HandleSurface {
  readonly add: (n: bigint | number, options?: WaitOptions) => Promise<void>;
  readonly addSync: (n: bigint | number, options?: WaitOptions) => void;
  readonly tryAdd: (n: bigint | number) => boolean;
  readonly take: (options?: WaitOptions) => Promise<bigint>;
  readonly takeSync: (options?: WaitOptions) => bigint;
  readonly tryTake: () => bigint | undefined;
  readonly value: bigint;
  readonly isSemaphore: boolean;
}

/** What a SharedMemory promises beside what every handle has. */
interface SharedMemorySurface extends HandleSurface {
  readonly size: number;
  readonly isValid: boolean;
  readonly mappingCount: number;
  readonly map: (options?: { offset?: number; length?: number; rights?: Rights }) => MemoryView;
  readonly read: (offset: number, into: Uint8Array) => number;
  readonly write: (offset: number, bytes: Uint8Array) => number;
  readonly invalidate: () => void;
}

/** What a MemoryView promises. */
interface MemoryViewSurface {
  readonly bytes: Uint8Array;
  readonly int32: Int32Array;
  readonly bigInt64: BigInt64Array;
  readonly load: (index: number) => number;
  readonly store: (index: number, value: number) => number;
  readonly add: (index: number, value: number) => number;
  readonly compareExchange: (index: number, expected: number, value: number) => number;
  readonly wait: (
    index: number,
    value: number,
    options?: WaitOptions,
  ) => Promise<"ok" | "not-equal">;
  readonly notify: (index: number, count?: number) => number;
  readonly unmap: () => void;
  readonly [Symbol.dispose]: () => void;
}

/** What a Timer promises beside what every handle has. */
interface TimerSurface extends HandleSurface {
  readonly set: (options: { delayMs: number; periodMs?: number }) => void;
  readonly cancel: () => void;
  readonly wait: (options?: WaitOptions) => Promise<number>;
  readonly waitSync: (options?: WaitOptions) => number;
}

/** What a WaitSet promises beside what every handle has. */
interface WaitSetSurface extends HandleSurface {
  readonly add: (
    handle: Handle,
    signals: Signals,
    key: number | string,
    options?: { edge?: boolean },
  ) => void;
  readonly modify: (key: number | string, signals: Signals) => void;
  readonly remove: (key: number | string) => void;
  readonly wait: (
    options?: WaitOptions & { max?: number },
  ) => Promise<{ key: number | string; signals: Signals }[]>;
  readonly waitSync: (
    options?: WaitOptions & { max?: number },
  ) => { key: number | string; signals: Signals }[];
}

Deno.test("Counter has the members that it promises", () => {
  assertSurface<CounterSurface>()(Counter, {
    ...HANDLE_MEMBERS,
    add: true,
    addSync: true,
    tryAdd: true,
    take: true,
    takeSync: true,
    tryTake: true,
    value: true,
    isSemaphore: true,
  });
});

Deno.test("SharedMemory has the members that it promises", () => {
  assertSurface<SharedMemorySurface>()(SharedMemory, {
    ...HANDLE_MEMBERS,
    size: true,
    isValid: true,
    mappingCount: true,
    map: true,
    read: true,
    write: true,
    invalidate: true,
  });
});

Deno.test("MemoryView has the members that it promises", () => {
  assertSurface<MemoryViewSurface>()(MemoryView, {
    bytes: true,
    int32: true,
    bigInt64: true,
    load: true,
    store: true,
    add: true,
    compareExchange: true,
    wait: true,
    notify: true,
    unmap: true,
    [Symbol.dispose]: true,
  });
});

Deno.test("Timer has the members that it promises", () => {
  assertSurface<TimerSurface>()(Timer, {
    ...HANDLE_MEMBERS,
    set: true,
    cancel: true,
    wait: true,
    waitSync: true,
  });
});

Deno.test("WaitSet has the members that it promises", () => {
  assertSurface<WaitSetSurface>()(WaitSet, {
    ...HANDLE_MEMBERS,
    add: true,
    modify: true,
    remove: true,
    wait: true,
    waitSync: true,
  });
});
