/**
 * Attacks on every argument of every syscall, generated from the table.
 *
 * Each attack is one call. If it fails, it fails with a KernelError of that syscall and nothing has
 * changed; if it succeeds, the kernel's invariants hold. None throws anything else, none hangs,
 * none runs the caller's code more often than it must.
 */
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { errnoOf, KernelError } from "../../capabilities/errors.ts";
import { OWN_EVENT_QUEUE } from "../../capabilities/handle_table.ts";
import { Rights } from "../../capabilities/rights.ts";
import { ArgumentForm, type ArgumentSpec } from "../../syscalls/argument_kinds.ts";
import type { SyscallSpec } from "../../syscalls/door.ts";
import {
  countingReads,
  hostileBuffers,
  hostileObjects,
  hostilePrimitives,
  type HostileValue,
  oddBuffers,
} from "./_hostile_values.ts";
import { ALL_SYSCALLS, missingExamples, World } from "./_world.ts";

/** How a call went. */
type Outcome = { failed: false } | { failed: true; error: unknown };

/** The form that waits, and the one that only tries. */
const FORMS = ["waiting", "trying"] as const;

/** One call as a program makes it through the raw door; a call that may wait tries once. */
async function attempt(
  world: World,
  spec: SyscallSpec,
  args: readonly unknown[],
  options: unknown = { timeoutMs: 0 },
  form: typeof FORMS[number] = "waiting",
): Promise<Outcome> {
  try {
    if (form === "trying") {
      const [a, b, c, d] = args;
      const caller = { kernel: world.kernel, task: world.attacker };
      world.dispatcher.call(caller, spec.number, a, b, c, d);
      return { failed: false };
    }
    const result = world.door.raw(spec.number, spec.mayWait ? [...args, options] : args);
    if (spec.mayWait) await result;
    return { failed: false };
  } catch (error) {
    return { failed: true, error };
  }
}

/** The error, checked for being a precise one. */
function preciseError(error: unknown, spec: SyscallSpec, label: string): KernelError {
  if (!(error instanceof KernelError)) {
    throw new Error(`${spec.name}, ${label}: it threw no KernelError`, { cause: error });
  }
  const context = `${spec.name}, ${label}: ${error.message}`;
  assertEquals(error.syscall, spec.name, context);
  assertEquals(error.errno, errnoOf(error.code), context);
  assert(error.message.startsWith(`Cannot ${spec.verb}`), context);
  assert(error.message.length < 400, context);
  return error;
}

/** Attacks one argument with many values; the others are valid. */
async function attackArgument(
  spec: SyscallSpec,
  index: number,
  attacks: readonly HostileValue[],
  mustFail: (attack: HostileValue) => boolean,
  form: typeof FORMS[number],
): Promise<void> {
  let world = new World();
  for (const attack of attacks) {
    const args = world.validArguments(spec);
    if (args === undefined) return;
    args[index] = attack.value;
    const label = `${spec.args[index]?.name} = ${attack.label}`;
    const before = world.snapshot();
    const outcome = await attempt(world, spec, args, undefined, form);
    if (outcome.failed) {
      preciseError(outcome.error, spec, label);
      assertEquals(world.snapshot(), before, `${spec.name}, ${label}: something has changed`);
    } else {
      assert(!mustFail(attack), `${spec.name}, ${label}: it was accepted`);
      world.assertInvariants();
      world.kernel.shutdown();
      world = new World();
    }
    assert(attack.runs() <= 1, `${spec.name}, ${label}: it ran ${attack.runs()} times`);
  }
  world.assertInvariants();
  world.kernel.shutdown();
}

/** Kinds for which no hostile value is any good but those that a test of their own tries. */
function refuses(argument: ArgumentSpec): (attack: HostileValue) => boolean {
  const { value } = { value: (attack: HostileValue) => attack.value };
  if (argument.form !== ArgumentForm.VALUE) return () => true;
  const { kind } = argument;
  const isOptional = (attack: HostileValue) =>
    kind.endsWith("optional") && attack.value === undefined;
  if (kind.startsWith("integer")) return (a) => !isOptional(a) && !Number.isSafeInteger(value(a));
  if (kind.startsWith("rights")) return (a) => !Number.isSafeInteger(value(a));
  if (kind.startsWith("signals")) return (a) => !Number.isSafeInteger(value(a));
  if (kind.startsWith("boolean")) return (a) => !isOptional(a) && typeof value(a) !== "boolean";
  if (kind.startsWith('"')) return (a) => !isOptional(a);
  if (kind.startsWith("string of")) return (a) => !isOptional(a) && typeof value(a) !== "string";
  return () => false;
}

Deno.test("every kind of object that the table asks for has an example in these tests", () => {
  const world = new World();
  assertEquals(missingExamples(world), []);
  for (const [, spec] of ALL_SYSCALLS) world.validArguments(spec);
  world.kernel.shutdown();
});

Deno.test("a world's snapshot tells when something has changed", () => {
  const world = new World();
  const before = world.snapshot();
  assertEquals(world.snapshot(), before);
  world.door.raw(600, [{}]);
  assertNotEquals(world.snapshot(), before);
  world.kernel.shutdown();
});

for (const [name, spec] of ALL_SYSCALLS) {
  spec.args.forEach((argument, index) => {
    const attacks = () => [...hostilePrimitives(), ...hostileObjects(), ...hostileBuffers()];
    Deno.test(`${name}: a hostile ${argument.name} fails precisely and changes nothing`, async () => {
      for (const form of spec.mayWait ? FORMS : FORMS.slice(0, 1)) {
        await attackArgument(spec, index, attacks(), refuses(argument), form);
      }
    });

    if (argument.form === ArgumentForm.BUFFER) {
      Deno.test(`${name}: ${argument.name} with lying properties is taken for what it is`, async () => {
        for (const attack of oddBuffers()) {
          const world = new World();
          const args = world.validArguments(spec);
          if (args !== undefined) {
            args[index] = attack.value;
            const outcome = await attempt(world, spec, args);
            if (outcome.failed) preciseError(outcome.error, spec, attack.label);
            world.assertInvariants();
          }
          assertEquals(attack.runs(), 0, `${spec.name}: ${attack.label}`);
          world.kernel.shutdown();
        }
      });
    }

    if (argument.form === ArgumentForm.HANDLE) {
      Deno.test(`${name}: ${argument.name} is refused when it is forged, foreign or closed`, async () => {
        await attackHandleNumber(spec, index);
      });
      Deno.test(`${name}: ${argument.name} is refused without its rights and of another type`, async () => {
        await attackRights(spec, index, argument);
        await attackType(spec, index, argument);
      });
    }

    if (isReadField(argument)) {
      Deno.test(`${name}: what reading ${argument.name} does to the call is seen`, async () => {
        await attackMeanwhile(spec, index);
      });

      Deno.test(`${name}: ${argument.name} is read once`, async () => {
        const world = new World();
        const args = world.validArguments(spec);
        if (args !== undefined) {
          const { value, reads } = countingReads(args[index] as object);
          args[index] = value;
          const outcome = await attempt(world, spec, args);
          if (outcome.failed) preciseError(outcome.error, spec, "counting reads");
          for (const [field, count] of reads) {
            assertEquals(count, 1, `${spec.name}: ${String(field)}`);
          }
        }
        world.kernel.shutdown();
      });
    }
  });

  if (spec.mayWait) {
    Deno.test(`${name}: hostile wait options fail precisely and change nothing`, async () => {
      const world = new World();
      for (const { label, value } of [...hostilePrimitives(), ...hostileObjects()]) {
        for (const field of ["timeoutMs", "signal", undefined]) {
          const isNone = value === undefined ||
            (field === "timeoutMs" && typeof value === "number" && value >= 0);
          // An object without the fields has no options in it.
          if (isNone || (field === undefined && isHarmless(value))) continue;
          const args = world.validArguments(spec);
          if (args === undefined) continue;
          const options = field === undefined ? value : { timeoutMs: 0, [field]: value };
          const before = world.snapshot();
          const outcome = await attempt(world, spec, args, options);
          assert(outcome.failed, `${spec.name}, ${field} = ${label}: it was accepted`);
          const { code } = preciseError(outcome.error, spec, `${field} = ${label}`);
          assertEquals(code, "INVALID_ARGUMENT", `${spec.name}, ${field} = ${label}`);
          assertEquals(world.snapshot(), before, `${spec.name}, ${field} = ${label}`);
        }
      }
      world.kernel.shutdown();
    });
  }
}

/** True for arguments of which the kernel reads properties. */
function isReadField({ form, kind }: ArgumentSpec): boolean {
  return form === ArgumentForm.VALUE && /^(\{|event content|delivery)/.test(kind);
}

/** Getters that close the call's handles, detach its buffers, end its task. */
async function attackMeanwhile(spec: SyscallSpec, index: number): Promise<void> {
  const detach = (bytes: unknown) => {
    const { buffer } = bytes as Uint8Array<ArrayBuffer>;
    structuredClone(buffer, { transfer: [buffer] });
  };
  await spoil(spec, index, "TASK_DEAD", (world) => world.attacker.end({ state: "killed" }));
  for (const [i, argument] of spec.args.entries()) {
    if (argument.form === ArgumentForm.HANDLE) {
      await spoil(spec, index, "BAD_HANDLE", (world, args) => world.door.raw(102, [args[i]]));
    } else if (argument.form === ArgumentForm.BUFFER) {
      await spoil(spec, index, "INVALID_ARGUMENT", (_, args) => detach(args[i]));
    }
  }
}

/** One call, one of whose arguments does something when its first property is read. */
async function spoil(
  spec: SyscallSpec,
  index: number,
  code: string,
  act: (world: World, args: unknown[]) => void,
): Promise<void> {
  const world = new World();
  const args = world.validArguments(spec);
  if (args === undefined) return world.kernel.shutdown();
  let after: unknown;
  const valid = args[index] as object;
  args[index] = new Proxy(valid, {
    get(target, name) {
      if (after === undefined) {
        act(world, args);
        after = world.snapshot();
      }
      return Reflect.get(target, name);
    },
  });
  const outcome = await attempt(world, spec, args);
  assert(outcome.failed, `${spec.name} went through, ${code} was due`);
  assertEquals(preciseError(outcome.error, spec, code).code, code);
  assertEquals(world.snapshot(), after, `${spec.name}: the call itself changed something`);
  world.kernel.shutdown();
}

/** True for objects from which `signal` and `timeoutMs` read as undefined. */
function isHarmless(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  try {
    const { signal, timeoutMs } = value as Record<string, unknown>;
    return signal === undefined && timeoutMs === undefined;
  } catch {
    return false;
  }
}

async function attackHandleNumber(spec: SyscallSpec, index: number): Promise<void> {
  const world = new World();
  const valid = world.validArguments(spec);
  if (valid === undefined) return world.kernel.shutdown();
  const own = [...world.attacker.table].map(({ number }) => number);
  const foreign = [...world.bystander.table].map(({ number }) => number);
  const good = valid[index] as number;
  const closed = world.door.raw(103, [own[0], Rights.SAME]) as number;
  world.door.raw(102, [closed]);
  const forged = [0, good + 65_536, good - 65_536, good + 0.5, -good, good + 2 ** 32, closed]
    .concat(foreign.filter((number) => !own.includes(number)))
    .filter((number) => number !== OWN_EVENT_QUEUE);
  for (const number of forged) {
    const args = [...valid];
    args[index] = number;
    const before = world.snapshot();
    const outcome = await attempt(world, spec, args);
    assert(outcome.failed, `${spec.name}: ${number} was accepted`);
    assertEquals(preciseError(outcome.error, spec, `handle ${number}`).code, "BAD_HANDLE");
    assertEquals(world.snapshot(), before);
  }
  world.kernel.shutdown();
}

async function attackRights(
  spec: SyscallSpec,
  index: number,
  argument: ArgumentSpec,
): Promise<void> {
  const lacking = argument.anyRight === 0 ? [] : [Rights.ALL & ~argument.anyRight];
  for (let bit = 0; bit < 10; bit++) {
    if ((argument.rights & (1 << bit)) !== 0) lacking.push(Rights.ALL & ~(1 << bit));
  }
  for (const mask of lacking) {
    const world = new World();
    const args = world.validArguments(spec);
    if (args === undefined) return world.kernel.shutdown();
    const entry = world.attacker.table.get(args[index]);
    args[index] = world.door.raw(104, [entry.number, entry.rights & mask]);
    const before = world.snapshot();
    const outcome = await attempt(world, spec, args);
    assert(outcome.failed, `${spec.name} went through with rights ${mask}`);
    assertEquals(preciseError(outcome.error, spec, `rights ${mask}`).code, "ACCESS_DENIED");
    assertEquals(world.snapshot(), before);
    world.kernel.shutdown();
  }
}

async function attackType(
  spec: SyscallSpec,
  index: number,
  { capability, rights }: ArgumentSpec,
): Promise<void> {
  if (capability === 0) return;
  const world = new World();
  for (const { number, object } of [...world.attacker.table]) {
    if ((object.capabilities & capability) === capability) continue;
    const args = world.validArguments(spec);
    if (args === undefined) break;
    args[index] = number;
    const before = world.snapshot();
    const outcome = await attempt(world, spec, args);
    assert(outcome.failed, `${spec.name} took a ${object.type}`);
    assertEquals(
      preciseError(outcome.error, spec, `a ${object.type}, rights ${rights}`).code,
      "WRONG_TYPE",
    );
    assertEquals(world.snapshot(), before);
  }
  world.kernel.shutdown();
}

Deno.test("syscalls that are not in the table are NO_SUCH_SYSCALL, whatever is passed", () => {
  const world = new World();
  const before = world.snapshot();
  const known = new Set(ALL_SYSCALLS.map(([, spec]) => spec.number));
  const numbers: unknown[] = [1_000, 2_000, 2 ** 16 + 200, -200, 200.5, "length", "constructor"];
  for (let number = 0; number < 1_000; number++) if (!known.has(number)) numbers.push(number);
  for (const { value } of [...hostilePrimitives(), ...hostileObjects()]) numbers.push(value);
  for (const number of numbers) {
    try {
      world.door.raw(number as number, [1, 2, 3]);
    } catch (error) {
      assert(error instanceof KernelError, `number ${typeof number}`);
      assertEquals(error.code, "NO_SUCH_SYSCALL");
      assert(error.message.length < 200);
      continue;
    }
    throw new Error(`a syscall was found for a ${typeof number}`);
  }
  assertEquals(world.snapshot(), before);
  world.kernel.shutdown();
});

for (const [name, spec] of ALL_SYSCALLS) {
  Deno.test(`${name}: without arguments or with too many it fails precisely or is carried out`, async () => {
    for (const extra of [[], [undefined, undefined, undefined, undefined], [1, 2, 3, 4, 5, 6]]) {
      const world = new World();
      const before = world.snapshot();
      const outcome = await attempt(world, spec, extra, undefined);
      if (outcome.failed) {
        preciseError(outcome.error, spec, "arguments are missing");
        assertEquals(world.snapshot(), before);
      }
      world.kernel.shutdown();
    }
  });
}
