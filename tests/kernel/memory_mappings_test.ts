import { assertEquals, assertThrows } from "@std/assert";
import { KernelError, Rights } from "@carmine/kernel";
import { HandleEntry } from "../../capabilities/handle.ts";
import { DEFAULT_LIMITS } from "../../capabilities/limits.ts";
import { Account } from "../../kernel/account.ts";
import { SharedMemory } from "../../kernel/ipc/shared_memory.ts";
import { MemoryMappings } from "../../kernel/memory_mappings.ts";

function setup(): {
  account: Account;
  memory: SharedMemory;
  handle: HandleEntry;
  mappings: MemoryMappings;
  map: () => number;
} {
  const account = new Account(DEFAULT_LIMITS);
  const memory = new SharedMemory({ size: 1 });
  const handle = new HandleEntry(memory, Rights.ALL);
  const mappings = new MemoryMappings();
  const map = () =>
    mappings.add({
      entry: handle.beside(Rights.READ),
      offset: 0,
      length: 4_096,
      rights: Rights.READ,
      waits: new Set(),
      lease: account.lease(4_096),
    });
  return { account, memory, handle, mappings, map };
}

Deno.test("MemoryMappings.add() counts, and keeps the object when its handle closes", () => {
  const { memory, handle, mappings, map, account } = setup();
  const [first, second] = [map(), map()];
  assertEquals([first === second, mappings.size, memory.mappingCount], [false, 2, 2]);
  handle.close("closed");
  assertEquals([memory.handleCount, account.usage.bufferBytes], [2, 8_192]);
  mappings.unmap(first);
  mappings.assertInvariants();
  memory.assertInvariants();
  assertEquals([mappings.size, memory.mappingCount, account.usage.bufferBytes], [1, 1, 4_096]);
  const error = assertThrows(() => mappings.unmap(first), KernelError);
  assertEquals(error.code, "INVALID_STATE");
});

Deno.test("MemoryMappings.unmap() ends the waits on the mapping's words first", () => {
  const { memory, mappings, map } = setup();
  const number = map();
  const ended: number[] = [];
  const { waits } = mappings.get(number);
  const end = () => {
    waits.delete(end);
    ended.push(memory.mappingCount);
  };
  waits.add(end);
  mappings.unmap(number);
  assertEquals(ended, [1]);
});

Deno.test("MemoryMappings: revoking what a handle came from ends what was mapped through it", () => {
  const { memory, handle, mappings, account } = setup();
  const lent = handle.derive(Rights.READ | Rights.MAP);
  const entry = lent.beside(Rights.READ);
  const mapping = {
    entry,
    offset: 0,
    length: 1,
    rights: Rights.READ,
    waits: new Set<() => void>(),
  };
  mappings.add({ ...mapping, lease: account.lease() });
  assertEquals(lent.revokeDerived(), 0); // it is not derived from the handle, but beside it
  assertEquals(handle.revokeDerived(), 2);
  assertEquals([mappings.size, memory.mappingCount, account.usage.objects], [0, 0, 0]);
});

Deno.test("MemoryMappings.closeAll() gives everything back", () => {
  const { memory, handle, mappings, map, account } = setup();
  map();
  map();
  mappings.closeAll();
  assertEquals([mappings.size, memory.mappingCount, memory.handleCount], [0, 0, 1]);
  handle.close("closed");
  assertEquals([memory.handleCount, account.usage.objects], [0, 0]);
  assertThrows(() => mappings.insert(), KernelError);
});
