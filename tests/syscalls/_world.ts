/**
 * A kernel whose inside a test can see, with an example of every kind of object: what the tests
 * that are generated from the table of syscalls work on.
 *
 * A new syscall is covered as soon as it is in the table. A new kind of object needs a line in
 * {@linkcode EXAMPLES}, a new kind of argument one in {@linkcode VALID_BY_KIND} or
 * {@linkcode VALID_BY_NAME}; a test fails and says so when one is missing.
 *
 * @module
 */
import { Capability } from "../../capabilities/capability.ts";
import { COMMON_RIGHTS, Rights } from "../../capabilities/rights.ts";
import { Signals } from "../../capabilities/signals.ts";
import { ManualClock } from "../../kernel/clock.ts";
import { KernelCore } from "../../kernel/kernel.ts";
import type { Driver } from "../../kernel/driver.ts";
import { NetworkObject } from "../../kernel/ipc/network.ts";
import type { KernelObject } from "../../kernel/kernel_object.ts";
import type { TaskObject } from "../../kernel/task.ts";
import { ArgumentForm, type ArgumentSpec } from "../../syscalls/argument_kinds.ts";
import { Dispatcher } from "../../syscalls/dispatcher.ts";
import type { SyscallSpec } from "../../syscalls/door.ts";
import { HANDLERS } from "../../syscalls/handlers/mod.ts";
import { LocalDoor } from "../../syscalls/local_door.ts";
import { SYSCALLS } from "../../syscalls/table.ts";
import { FakeHost } from "../kernel/ipc/_fake_network.ts";

/** Every syscall with its name in code. */
export const ALL_SYSCALLS: [name: string, spec: SyscallSpec][] = Object.entries(SYSCALLS);

/** Calls that make the example objects: a syscall's name in code, and its arguments. */
const EXAMPLES: Record<string, (world: World) => unknown[]> = {
  pipeCreate: () => [{ capacity: 64 }],
  taskSpawn: () => [() => {}, {}],
  eventChannelCreate: () => ["news", undefined],
  eventSubscribe: (world) => [world.handleWith(Capability.EVENT_CHANNEL), undefined],
  groupCreate: () => ["friends", undefined],
  counterCreate: () => [{}],
  sharedMemoryCreate: () => [4_096, {}],
  messageQueueCreate: () => [{}],
  timerCreate: () => [],
  waitSetCreate: () => [],
  socketPair: () => [{}],
  namespaceCreate: () => [],
  networkListen: (world) => [world.handleWith(Capability.NETWORK), { port: 0 }],
  networkBind: (world) => [world.handleWith(Capability.NETWORK), { port: 0 }],
  namespaceListen: (world) => [world.handleWith(Capability.NAMESPACE), "here", {}],
};

/** Capabilities that no example here has, with the reason. */
const WITHOUT_EXAMPLE = new Map([
  [Capability.CONTROL, "no object has commands so far"],
]);

const CONTENT = { type: "custom", namespace: "tests", eventId: 1 };

/** A valid value for an argument, by `syscall.argument`. */
const VALID_BY_NAME: Record<string, (world: World) => unknown> = {
  "object_signal.clear": () => Signals.USER_0,
  "object_signal.set": () => Signals.USER_1,
  "pipe_commit.content": () => undefined,
  "task_spawn.program": () => () => {},
  "network_connect.options": () => ({ hostname: "127.0.0.1", port: 1 }),
  "network_listen.options": () => ({ port: 0 }),
  "network_bind.options": () => ({ port: 0 }),
  "datagram_send.to": () => ({ hostname: "127.0.0.1", port: 1 }),
  "timer_set.options": () => ({ delayMs: 5, periodMs: 0 }),
  "wait_set_add.options": () => ({ key: "mine", signals: Signals.READABLE }),
  "namespace_connect.target": () => ({ name: "here" }),
  "socket_send_handle.sent": (world) => world.handleWith(Capability.PIPE),
  "shared_memory_create.size": () => 4_096,
  "memory_wait.word": () => ({ index: 0, value: 7 }),
};

/** A valid value for an argument, by the beginning of its kind. */
const VALID_BY_KIND: [kind: string, make: (world: World, kind: string) => unknown][] = [
  ["any value", () => undefined],
  ["integer ", (_, kind) => Number(/ (-?\d+) /.exec(kind)?.[1])],
  ["boolean", () => true],
  ["rights or SAME", () => Rights.SAME],
  ["signals", () => Signals.READABLE],
  ["string", () => "name"],
  ["bigint or integer", () => 1n],
  ["finite number or string", () => "key"],
  ["milliseconds", () => 5],
  ["event content", () => CONTENT],
  ["event payload", () => ({ type: "string", value: "text" })],
  ["event filters", () => [{ type: "all" }]],
  ["event filter", () => ({ type: "all" })],
  ["delivery configuration", () => ({ bufferSize: 16 })],
  ["handle[]", () => []],
  [
    "{ handle, signals }[]",
    (world) => [{ handle: world.handleWith(Capability.PIPE), signals: Signals.USER_0 }],
  ],
  ["{", () => ({})],
  ['"', (_, kind) => /"([^"]*)"/.exec(kind)?.[1]],
];

/** Takes functions for programs and never calls them: such a task lives until it is ended. */
const IDLE: Driver = {
  accepts: (program) => typeof program === "function",
  check() {},
  start(task) {
    task.started();
    return { stop() {}, isLingering: false };
  },
};

/** A kernel with two tasks besides init; the attacker holds an example of every object. */
export class World {
  readonly clock: ManualClock = new ManualClock();
  readonly kernel: KernelCore = new KernelCore({ clock: this.clock });
  readonly dispatcher: Dispatcher = new Dispatcher(SYSCALLS, HANDLERS);
  readonly attacker: TaskObject;
  readonly bystander: TaskObject;
  readonly door: LocalDoor;
  readonly bystanderDoor: LocalDoor;
  readonly objects: Set<KernelObject> = new Set();
  /** The attacker's mapping of its shared memory; -2 when there is none. */
  readonly mapping: number;

  constructor() {
    this.kernel.addDriver(IDLE);
    this.attacker = this.#spawn();
    this.bystander = this.#spawn();
    this.door = new LocalDoor(this.dispatcher, { kernel: this.kernel, task: this.attacker });
    this.bystanderDoor = new LocalDoor(this.dispatcher, {
      kernel: this.kernel,
      task: this.bystander,
    });
    const network = new NetworkObject(["*:*"], new FakeHost(), this.kernel.carriers);
    this.attacker.install(network, COMMON_RIGHTS | Rights.WRITE); // no syscall makes one
    for (const [name, args] of Object.entries(EXAMPLES)) {
      const spec = (SYSCALLS as Record<string, SyscallSpec>)[name];
      if (spec !== undefined) this.door.raw(spec.number, args(this));
    }
    const memory = this.handleWith(Capability.SHARED_MEMORY);
    this.mapping = memory === -2 ? -2 : this.#map(memory);
    this.bystanderDoor.raw(SYSCALLS.pipeCreate.number, [{}]);
    for (const task of [this.attacker, this.bystander]) {
      this.objects.add(task);
      for (const { object } of task.table) this.objects.add(object as KernelObject);
    }
  }

  /** A handle of the attacker's with the capability and the rights; -2 when there is none. */
  handleWith(capability: number, rights = 0, anyRight = 0): number {
    for (const entry of this.attacker.table) {
      const isThat = (entry.object.capabilities & capability) === capability &&
        (entry.rights & rights) === rights && (anyRight === 0 || (entry.rights & anyRight) !== 0);
      if (isThat) return entry.number;
    }
    return -2;
  }

  /** Valid arguments for a syscall; undefined where no example has what it asks for. */
  validArguments(spec: SyscallSpec): unknown[] | undefined {
    const args = spec.args.map((argument) => this.#valid(spec, argument));
    return args.includes(-2) ? undefined : args;
  }

  /** What a failed call must leave as it is. */
  snapshot(): unknown {
    const tasks = [...this.kernel.tasks.values()].map((task) => ({
      id: task.taskId,
      state: task.state,
      handles: [...task.table].map((entry) => ({ object: entry.object.id, ...entry.query() })),
      numbers: [...task.table].map(({ number }) => number),
      usage: { ...task.account.usage },
      waits: task.pendingWaits.size,
      events: task.events.signals,
    }));
    const objects = [...this.objects].map((object) => ({
      id: object.id,
      signals: object.signals,
      handles: object.handleCount,
      waiters: object.waiters.nodes().length,
      facts: factsOf(object),
    }));
    return { tasks, objects, nowMs: this.clock.now() };
  }

  assertInvariants(): void {
    this.kernel.assertInvariants();
    for (const object of this.objects) object.assertInvariants();
  }

  #map(memory: number): number {
    return (this.door.raw(SYSCALLS.memoryMap.number, [memory, {}]) as { mapping: number }).mapping;
  }

  #spawn(): TaskObject {
    const { taskId } = this.kernel.spawn(this.kernel.init, {
      program: () => {},
      name: "task",
      args: [],
      limits: {},
      imports: [],
      handles: new Map(),
    });
    return this.kernel.tasks.get(taskId) as TaskObject;
  }

  #valid(spec: SyscallSpec, argument: ArgumentSpec): unknown {
    if (argument.name === "mapping") return this.mapping;
    const byName = VALID_BY_NAME[`${spec.name}.${argument.name}`];
    if (byName !== undefined) return byName(this);
    if (argument.form === ArgumentForm.BUFFER) return new Uint8Array(8);
    if (argument.form === ArgumentForm.HANDLE) {
      return this.handleWith(argument.capability, argument.rights, argument.anyRight);
    }
    for (const [kind, make] of VALID_BY_KIND) {
      if (argument.kind.startsWith(kind)) return make(this, argument.kind);
    }
    throw new Error(
      `tests/syscalls/_world.ts has no valid value for ${spec.name}.${argument.name} of the kind ` +
        `"${argument.kind}": add a line to VALID_BY_KIND or VALID_BY_NAME`,
    );
  }
}

/** Handle arguments of the table for whose capability there is no example. */
export function missingExamples(world: World): string[] {
  return ALL_SYSCALLS.flatMap(([, spec]) =>
    spec.args.flatMap((argument) => {
      if (argument.form !== ArgumentForm.HANDLE || WITHOUT_EXAMPLE.has(argument.capability)) {
        return [];
      }
      const { capability, rights, anyRight, name } = argument;
      return world.handleWith(capability, rights, anyRight) === -2 ? [`${spec.name}.${name}`] : [];
    })
  );
}

/** Whatever plain facts an object tells about itself. */
function factsOf(object: KernelObject): Record<string, unknown> {
  const facts: Record<string, unknown> = {};
  for (const name of ["availableBytes", "value", "subscriberCount", "size", "pending", "dropped"]) {
    const fact: unknown = Reflect.get(object, name);
    if (typeof fact !== "object" && typeof fact !== "function") facts[name] = fact;
  }
  return facts;
}
