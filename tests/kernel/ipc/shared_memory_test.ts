import { assertEquals, assertThrows } from "@std/assert";
import { KernelError, Rights, Signals } from "@carmine/kernel";
import { SharedMemory, wholePages } from "../../../kernel/ipc/shared_memory.ts";

Deno.test("wholePages() rounds up to multiples of 4,096", () => {
  assertEquals([1, 4_096, 4_097, 2 ** 30].map(wholePages), [4_096, 4_096, 8_192, 2 ** 30]);
});

Deno.test("SharedMemory.getMappingInfo() tells what a mapping needs and changes nothing", () => {
  const memory = new SharedMemory({ size: 1, permissions: Rights.READ });
  const info = memory.getMappingInfo(8);
  assertEquals([info.offset, info.length, info.permissions], [8, 4_088, Rights.READ]);
  assertEquals(info.memory.byteLength, 4_096);
  assertEquals([memory.mappingCount, memory.supportsMmap], [0, true]);
  memory.invalidate();
  assertEquals(memory.supportsMmap, false);
  const error = assertThrows(() => memory.getMappingInfo(0), KernelError);
  assertEquals(error.code, "INVALID_STATE");
});

Deno.test("SharedMemory.onMapped() and onUnmapped() count mappings", () => {
  const memory = new SharedMemory({ size: 1 });
  memory.handleOpened({});
  memory.onMapped();
  assertEquals(memory.mappingCount, 1);
  memory.assertInvariants();
  memory.onUnmapped();
  assertEquals(memory.mappingCount, 0);
});

Deno.test("SharedMemory.signals are those of a file: it can be read and written at any time", () => {
  assertEquals(new SharedMemory({ size: 1 }).signals, Signals.READABLE | Signals.WRITABLE);
});

Deno.test("SharedMemory that can't be had is NO_SPACE", () => {
  const memory = new SharedMemory({ size: 4_096, maxSize: 2 * 4_096 });
  assertEquals(memory.maxSize, 8_192);
  const error = assertThrows(() => new SharedMemory({ size: 2 ** 60 }), KernelError);
  assertEquals(error.code, "NO_SPACE");
});
