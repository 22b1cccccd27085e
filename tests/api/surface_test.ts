/** The public classes of tasks, handles and pipes: every member with its type. @module */
import { assert, assertEquals } from "@std/assert";
import {
  type Counter,
  describeRights,
  errnoOf,
  type EventChannel,
  type EventContent,
  EventError,
  type EventPayload,
  EventPriority,
  type ExitStatus,
  type Group,
  Handle,
  IpcError,
  Kernel,
  KernelError,
  type Limits,
  type MessageReceiver,
  type MessageSender,
  type Namespace,
  type Network,
  PipeError,
  type PipeOptions,
  PipeReader,
  PipeWriter,
  type Program,
  Rights,
  type SharedMemory,
  Signals,
  type Socket,
  type SocketType,
  type SpawnOptions,
  StreamError,
  type Task,
  type TaskEvents,
  TaskHandle,
  type TaskInfo,
  type Timer,
  type WaitOptions,
  type WaitSet,
} from "@carmine/kernel";
import { assertSurface, HANDLE_MEMBERS, type HandleSurface } from "./_surface.ts";

/** What a TaskHandle promises beside what every handle has. */
interface TaskHandleSurface extends HandleSurface {
  readonly taskId: number;
  readonly wait: (options?: WaitOptions) => Promise<ExitStatus>;
  readonly waitSync: (options?: WaitOptions) => ExitStatus;
  readonly kill: () => void;
  readonly send: (
    content: EventContent,
    payload?: EventPayload,
    options?: { mode?: "immediate" | "notification"; reliable?: boolean; priority?: EventPriority },
  ) => void;
}

/** What a PipeReader promises beside what every handle has. */
interface PipeReaderSurface extends HandleSurface {
  readonly isReadable: boolean;
  readonly isWritable: boolean;
  readonly bufferSize: number;
  readonly availableBytes: number;
  readonly hasReaders: boolean;
  readonly hasWriters: boolean;
  readonly isConnected: boolean;
  readonly peerCount: number;
  readonly description: string;
  readonly read: (into: Uint8Array, options?: WaitOptions) => Promise<number>;
  readonly readSync: (into: Uint8Array, options?: WaitOptions) => number;
  readonly tryRead: (into: Uint8Array) => number;
  readonly peek: () => Uint8Array;
  readonly consume: (bytes: number) => void;
  readonly readable: ReadableStream<Uint8Array<ArrayBuffer>>;
  readonly [Symbol.asyncIterator]: () => AsyncIterator<Uint8Array<ArrayBuffer>>;
}

/** What a PipeWriter promises beside what every handle has. */
interface PipeWriterSurface extends HandleSurface {
  readonly isReadable: boolean;
  readonly isWritable: boolean;
  readonly bufferSize: number;
  readonly availableBytes: number;
  readonly hasReaders: boolean;
  readonly hasWriters: boolean;
  readonly isConnected: boolean;
  readonly peerCount: number;
  readonly description: string;
  readonly write: (bytes: Uint8Array, options?: WaitOptions) => Promise<number>;
  readonly writeSync: (bytes: Uint8Array, options?: WaitOptions) => number;
  readonly tryWrite: (bytes: Uint8Array) => number;
  readonly writev: (parts: Uint8Array[], options?: WaitOptions) => Promise<number>;
  readonly reserve: (bytes: number) => Uint8Array | undefined;
  readonly commit: (bytes: number) => void;
  readonly writable: WritableStream<Uint8Array>;
}

/** What a task promises; {@linkcode Task} is an interface of its own. */
interface TaskSurface {
  readonly id: number;
  readonly name: string;
  readonly args: readonly string[];
  readonly handles: readonly string[];
  readonly handle: <H extends Handle>(name: string, type?: new (...args: never[]) => H) => H;
  readonly events: TaskEvents;
  readonly signal: AbortSignal;
  readonly limits: Readonly<Limits>;
  readonly createPipe: (options?: PipeOptions) => { reader: PipeReader; writer: PipeWriter };
  readonly createCounter: (options?: { initial?: bigint | number; semaphore?: boolean }) => Counter;
  readonly createSharedMemory: (size: number, options?: { permissions?: Rights }) => SharedMemory;
  readonly createEventChannel: (
    name: string,
    options?: { maxSubscribers?: number },
  ) => EventChannel;
  readonly createMessageQueue: (
    options?: { maxMessages?: number; maxBytes?: number; maxMessageBytes?: number },
  ) => { sender: MessageSender; receiver: MessageReceiver };
  readonly createSocketPair: (
    options?: { type?: SocketType; capacity?: number },
  ) => [Socket, Socket];
  readonly createNamespace: () => Namespace;
  readonly createTimer: () => Timer;
  readonly createGroup: (
    name: string,
    options?: { kind?: "taskGroup" | "session" | "custom" },
  ) => Group;
  readonly createWaitSet: () => WaitSet;
  readonly spawn: (program: Program, options?: SpawnOptions) => TaskHandle;
  readonly waitMany: (
    items: { handle: Handle; signals: Signals }[],
    options?: WaitOptions & { mode?: "any" | "all" },
  ) => Promise<{ handle: Handle; signals: Signals }[]>;
  readonly waitManySync: (
    items: { handle: Handle; signals: Signals }[],
    options?: WaitOptions & { mode?: "any" | "all" },
  ) => { handle: Handle; signals: Signals }[];
  readonly exit: (code?: number, value?: unknown) => never;
  readonly fromReadable: (stream: ReadableStream<Uint8Array>) => PipeReader;
  readonly fromWritable: (stream: WritableStream<Uint8Array>) => PipeWriter;
  readonly splice: (
    from: PipeReader,
    to: PipeWriter,
    bytes: number,
    options?: WaitOptions,
  ) => Promise<number>;
  readonly tee: (
    from: PipeReader,
    to: PipeWriter,
    bytes: number,
    options?: WaitOptions,
  ) => Promise<number>;
  readonly syscall: (number: number, ...args: unknown[]) => unknown;
}

interface KernelSurface {
  readonly init: Task;
  readonly everyone: Group;
  readonly tasks: () => TaskInfo[];
  readonly createNetwork: (options: { allow: string[] }) => Network;
  readonly shutdown: () => Promise<{ lingering: TaskInfo[] }>;
  readonly [Symbol.asyncDispose]: () => Promise<void>;
}

Deno.test("Handle has the members that it promises", () => {
  assertSurface<HandleSurface>()(Handle, HANDLE_MEMBERS);
});

Deno.test("TaskHandle has the members that it promises", () => {
  assertSurface<TaskHandleSurface>()(TaskHandle, {
    ...HANDLE_MEMBERS,
    taskId: true,
    wait: true,
    waitSync: true,
    kill: true,
    send: true,
  });
});

Deno.test("PipeReader has the members that it promises", () => {
  assertSurface<PipeReaderSurface>()(PipeReader, {
    ...HANDLE_MEMBERS,
    isReadable: true,
    isWritable: true,
    bufferSize: true,
    availableBytes: true,
    hasReaders: true,
    hasWriters: true,
    isConnected: true,
    peerCount: true,
    description: true,
    read: true,
    readSync: true,
    tryRead: true,
    peek: true,
    consume: true,
    readable: true,
    [Symbol.asyncIterator]: true,
  });
});

Deno.test("PipeWriter has the members that it promises", () => {
  assertSurface<PipeWriterSurface>()(PipeWriter, {
    ...HANDLE_MEMBERS,
    isReadable: true,
    isWritable: true,
    bufferSize: true,
    availableBytes: true,
    hasReaders: true,
    hasWriters: true,
    isConnected: true,
    peerCount: true,
    description: true,
    write: true,
    writeSync: true,
    tryWrite: true,
    writev: true,
    reserve: true,
    commit: true,
    writable: true,
  });
});

Deno.test("Kernel has the members that it promises", async () => {
  await using kernel: KernelSurface = new Kernel();
  const members: Record<keyof KernelSurface, true> = {
    init: true,
    everyone: true,
    tasks: true,
    createNetwork: true,
    shutdown: true,
    [Symbol.asyncDispose]: true,
  };
  for (const name of Reflect.ownKeys(members)) assert(name in kernel, String(name));
});

Deno.test("Task has the members that it promises", async () => {
  await using kernel = new Kernel();
  const task: TaskSurface = kernel.init;
  const members: Record<keyof TaskSurface, true> = {
    id: true,
    name: true,
    args: true,
    handles: true,
    handle: true,
    events: true,
    signal: true,
    limits: true,
    createPipe: true,
    createCounter: true,
    createSharedMemory: true,
    createEventChannel: true,
    createMessageQueue: true,
    createSocketPair: true,
    createNamespace: true,
    createTimer: true,
    createGroup: true,
    createWaitSet: true,
    spawn: true,
    waitMany: true,
    waitManySync: true,
    exit: true,
    fromReadable: true,
    fromWritable: true,
    splice: true,
    tee: true,
    syscall: true,
  };
  for (const name of Object.keys(members)) assert(name in task, name);
});

Deno.test("the constants have the names and values that they promise", () => {
  assertEquals({ ...Rights }, {
    NONE: 0,
    READ: 1,
    WRITE: 2,
    WAIT: 4,
    DUPLICATE: 8,
    TRANSFER: 16,
    MAP: 32,
    INSPECT: 64,
    CONTROL: 128,
    REVOKE: 256,
    SIGNAL_TASK: 512,
    ALL: 1023,
    SAME: Rights.SAME,
  });
  assert((Rights.SAME & Rights.ALL) === 0);
  const named = ["READABLE", "WRITABLE", "PEER_CLOSED", "SIGNALED", "EVENT_PENDING"];
  const users = Array.from({ length: 8 }, (_, i) => `USER_${i}`);
  assertEquals(new Set(Object.keys(Signals)), new Set([...named, "HANDLE_PENDING", ...users]));
  assertEquals(new Set(Object.values(Signals)).size, 14);
  assertEquals({ ...EventPriority }, { LOW: 1, NORMAL: 2, HIGH: 3, CRITICAL: 4 });
  assert([Rights, Signals, EventPriority].every((table) => Object.isFrozen(table)));
  assertEquals(describeRights(Rights.READ | Rights.WAIT), "READ | WAIT");
});

Deno.test("every error is a KernelError and an Error", () => {
  const errors = [
    new IpcError("PEER_CLOSED", "gone"),
    new StreamError("END_OF_STREAM", "over"),
    new PipeError("BROKEN_PIPE", "broken"),
    new EventError("TARGET_NOT_FOUND", "nobody"),
    new KernelError("BAD_HANDLE", "none", { syscall: "pipe", needed: 3 }),
  ];
  for (const error of errors) {
    assert(error instanceof KernelError && error instanceof Error);
    assertEquals(error.errno, errnoOf(error.code));
    assertEquals(error.name, error.constructor.name);
  }
  assertEquals([errors[4]?.syscall, errors[4]?.needed], ["pipe", 3]);
  assertEquals(Object.keys(errors[0] as KernelError).includes("syscall"), false);
});
