import { assertEquals, assertInstanceOf } from "@std/assert";
import {
  Kernel,
  type MapOptions,
  MemoryView,
  Rights,
  SharedMemory,
  Signals,
} from "@carmine/kernel";
import { assertCode, assertFails } from "../../_codes.ts";

const PAGE = 4_096;
const READ_WRITE = Rights.READ | Rights.WRITE;

Deno.test("Task.createSharedMemory() rounds 1 B … 1 GiB up to whole pages", async () => {
  await using kernel = new Kernel();
  const { init } = kernel;
  for (const [size, rounded] of [[1, PAGE], [PAGE, PAGE], [PAGE + 1, 2 * PAGE]] as const) {
    const memory = init.createSharedMemory(size);
    assertInstanceOf(memory, SharedMemory);
    assertEquals([memory.size, memory.maxSize], [rounded, rounded]);
    assertEquals([memory.type, memory.isValid, memory.mappingCount], ["shared memory", true, 0]);
  }
  assertEquals(init.createSharedMemory(2 ** 30).size, 2 ** 30);
  const before = kernel.tasks()[0]?.usage;
  for (const size of [0, -1, 2 ** 30 + 1]) {
    assertCode("OUT_OF_RANGE", () => init.createSharedMemory(size));
  }
  for (const size of [1.5, NaN, Infinity, "1", null, undefined, 1n]) {
    assertCode("INVALID_ARGUMENT", () => init.createSharedMemory(size as number));
  }
  assertEquals(kernel.tasks()[0]?.usage, before);
});

Deno.test("Task.createSharedMemory() gives the rights that the permissions allow", async () => {
  await using kernel = new Kernel();
  const { init } = kernel;
  const common = Rights.WAIT | Rights.DUPLICATE | Rights.TRANSFER | Rights.MAP | Rights.INSPECT |
    Rights.CONTROL | Rights.REVOKE;
  assertEquals(init.createSharedMemory(1).rights, common | READ_WRITE);
  for (const permissions of [Rights.READ, Rights.WRITE, READ_WRITE]) {
    assertEquals(init.createSharedMemory(1, { permissions }).rights, common | permissions);
  }
});

Deno.test("Task.createSharedMemory() refuses permissions other than READ and WRITE", async () => {
  await using kernel = new Kernel();
  const { init } = kernel;
  const refused = [0, Rights.READ | Rights.MAP, Rights.SAME, 1 << 10, -1, 1.5, NaN, "READ", null];
  for (const permissions of refused) {
    assertCode(
      "INVALID_ARGUMENT",
      () => init.createSharedMemory(1, { permissions: permissions as Rights }),
    );
  }
});

Deno.test("SharedMemory.map() gives a view of the memory itself, with the offset in it", async () => {
  await using kernel = new Kernel();
  const memory = kernel.init.createSharedMemory(2 * PAGE);
  const all = memory.map();
  const part = memory.map({ offset: 64, length: 20 });
  assertInstanceOf(part, MemoryView);
  assertInstanceOf(all.bytes.buffer, SharedArrayBuffer);
  assertEquals(all.bytes.buffer.byteLength, 2 * PAGE);
  assertEquals(part.bytes.buffer === all.bytes.buffer, true);
  assertEquals([part.bytes.byteOffset, part.bytes.length], [64, 20]);
  assertEquals([part.int32.length, part.bigInt64.length], [5, 2]);
  part.bytes[0] = 7;
  assertEquals([all.bytes[64], all.load(16), memory.mappingCount], [7, 7, 2]);
});

Deno.test("SharedMemory.map() needs MAP, and the rights for what is asked", async () => {
  await using kernel = new Kernel();
  const memory = kernel.init.createSharedMemory(PAGE);
  const held = [
    Rights.NONE,
    Rights.READ,
    Rights.WRITE,
    Rights.MAP,
    Rights.MAP | Rights.READ,
    Rights.MAP | Rights.WRITE,
    Rights.MAP | READ_WRITE,
  ];
  for (const rights of held) {
    const handle = memory.duplicate(rights);
    for (const asked of [undefined, Rights.SAME, Rights.READ, Rights.WRITE, READ_WRITE]) {
      const isDefault = asked === undefined || asked === Rights.SAME;
      const needed = (isDefault ? rights & READ_WRITE : asked) | Rights.READ | Rights.MAP;
      const options: MapOptions = asked === undefined ? {} : { rights: asked };
      if ((needed & ~rights) !== 0) {
        assertCode("ACCESS_DENIED", () => handle.map(options));
        continue;
      }
      const isShared = handle.map(options).bytes.buffer instanceof SharedArrayBuffer;
      assertEquals(isShared, (needed & Rights.WRITE) !== 0);
    }
  }
});

Deno.test("SharedMemory.map() for READ without WRITE gives a private snapshot", async () => {
  await using kernel = new Kernel();
  const memory = kernel.init.createSharedMemory(PAGE);
  const own = memory.map();
  own.store(2, 5);
  const reader = memory.duplicate(Rights.READ | Rights.MAP);
  const copy = reader.map({ offset: 8, length: 8 });
  assertInstanceOf(copy.bytes.buffer, ArrayBuffer);
  assertEquals([copy.bytes.buffer.byteLength, copy.load(0), copy.load(1)], [8, 5, 0]);
  own.store(2, 6);
  copy.bytes[4] = 9;
  assertEquals([copy.load(0), copy.load(1), own.load(2), own.load(3)], [5, 9, 6, 0]);
  assertCode("ACCESS_DENIED", () => copy.store(0, 1));
  assertCode("ACCESS_DENIED", () => copy.add(0, 1));
  assertCode("ACCESS_DENIED", () => copy.compareExchange(0, 5, 1));
  assertCode("ACCESS_DENIED", () => copy.notify(0));
  assertEquals(memory.mappingCount, 2);
  copy.unmap();
  assertEquals(memory.mappingCount, 1);
});

Deno.test("SharedMemory.map() refuses ranges that are not inside the memory", async () => {
  await using kernel = new Kernel();
  const memory = kernel.init.createSharedMemory(PAGE);
  const outside = [
    { offset: PAGE },
    { offset: PAGE + 1 },
    { offset: 1, length: PAGE },
    { length: PAGE + 1 },
    { length: 0 },
    { offset: -1 },
    { offset: 2 ** 40 },
    { length: 2 ** 40 },
  ];
  for (const range of outside) assertCode("OUT_OF_RANGE", () => memory.map(range));
  for (const bad of [1.5, NaN, "1", null, {}, 1n]) {
    assertCode("INVALID_ARGUMENT", () => memory.map({ offset: bad as number }));
    assertCode("INVALID_ARGUMENT", () => memory.map({ length: bad as number }));
    assertCode("INVALID_ARGUMENT", () => memory.map({ rights: 0 }));
    assertCode("INVALID_ARGUMENT", () => memory.map({ rights: Rights.MAP }));
  }
  assertEquals(memory.mappingCount, 0);
  assertEquals(memory.map({ offset: PAGE - 1 }).bytes.length, 1);
});

Deno.test("SharedMemory.invalidate() stops new mappings and nothing else", async () => {
  await using kernel = new Kernel();
  const memory = kernel.init.createSharedMemory(PAGE);
  const view = memory.map();
  assertCode("ACCESS_DENIED", () => memory.duplicate(READ_WRITE).invalidate());
  memory.invalidate();
  memory.invalidate();
  assertEquals(memory.isValid, false);
  assertCode("INVALID_STATE", () => memory.map());
  assertCode("INVALID_STATE", () => memory.map({ rights: Rights.READ }));
  view.store(0, 3);
  assertEquals(memory.read(0, new Uint8Array(4)), 4);
  assertEquals([view.load(0), memory.mappingCount], [3, 1]);
});

Deno.test("SharedMemory.read() and write() copy exactly what is inside", async () => {
  await using kernel = new Kernel();
  const memory = kernel.init.createSharedMemory(PAGE);
  const bytes = Uint8Array.from({ length: 100 }, (_, i) => i + 1);
  assertEquals(memory.write(PAGE - 100, bytes), 100);
  const into = new Uint8Array(102);
  assertEquals(memory.read(PAGE - 102, into), 102);
  assertEquals([...into], [0, 0, ...bytes]);
  assertEquals(memory.write(PAGE, new Uint8Array(0)), 0);
  assertCode("OUT_OF_RANGE", () => memory.write(PAGE - 99, bytes));
  assertCode("OUT_OF_RANGE", () => memory.read(PAGE - 99, bytes));
  assertCode("OUT_OF_RANGE", () => memory.read(-1, into));
  assertEquals(bytes[0], 1);
  for (const bad of [1.5, NaN, "0", undefined, 0n]) {
    assertCode("INVALID_ARGUMENT", () => memory.read(bad as number, into));
  }
  for (
    const bad of [new SharedArrayBuffer(8), [1], new Uint16Array(2), "text", null] as unknown[]
  ) {
    assertCode("INVALID_ARGUMENT", () => memory.write(0, bad as Uint8Array));
    assertCode("INVALID_ARGUMENT", () => memory.read(0, bad as Uint8Array));
  }
});

Deno.test("SharedMemory's operations need the rights that the design gives them", async () => {
  await using kernel = new Kernel();
  const READ_ANY = Rights.READ | Rights.WRITE | Rights.INSPECT;
  const one = new Uint8Array(1);
  const operations: [Rights, (memory: SharedMemory) => unknown][] = [
    [Rights.READ, (memory) => memory.read(0, one)],
    [Rights.WRITE, (memory) => memory.write(0, one)],
    [READ_ANY, (memory) => memory.size],
    [READ_ANY, (memory) => memory.maxSize],
    [READ_ANY, (memory) => memory.isValid],
    [READ_ANY, (memory) => memory.mappingCount],
    [Rights.CONTROL, (memory) => memory.resize(PAGE)],
    [Rights.CONTROL, (memory) => memory.invalidate()],
    [Rights.WAIT, (memory) => memory.tryWaitFor(Signals.READABLE)],
  ];
  for (let right = Rights.READ; right <= Rights.REVOKE; right <<= 1) {
    const memory = kernel.init.createSharedMemory(PAGE).duplicate(right);
    for (const [allowing, operation] of operations) {
      if ((allowing & right) !== 0) operation(memory);
      else assertCode("ACCESS_DENIED", () => operation(memory));
    }
    assertCode("ACCESS_DENIED", () => memory.map());
  }
});

Deno.test("SharedMemory.resize() grows up to maxSize, in whole pages, and never shrinks", async () => {
  await using kernel = new Kernel();
  const { init } = kernel;
  const memory = init.createSharedMemory(PAGE, { maxSize: 3 * PAGE });
  assertEquals([memory.size, memory.maxSize], [PAGE, 3 * PAGE]);
  const view = memory.map();
  memory.resize(PAGE + 1);
  assertEquals([memory.size, view.bytes.length], [2 * PAGE, PAGE]);
  assertEquals(view.bytes.buffer.byteLength, 2 * PAGE);
  const grown = memory.map({ offset: PAGE });
  grown.store(0, 1);
  assertEquals(memory.read(PAGE, new Uint8Array(4)), 4);
  for (const size of [PAGE, 3 * PAGE + 1, 0, -1]) {
    assertCode("OUT_OF_RANGE", () => memory.resize(size));
  }
  assertCode("INVALID_ARGUMENT", () => memory.resize(NaN));
  memory.resize(3 * PAGE);
  const fixed = init.createSharedMemory(PAGE);
  fixed.resize(PAGE);
  assertCode("OUT_OF_RANGE", () => fixed.resize(PAGE + 1));
  assertCode("OUT_OF_RANGE", () => init.createSharedMemory(PAGE + 1, { maxSize: PAGE }));
});

Deno.test("SharedMemory that a holder lets grow by itself is not larger for the kernel", async () => {
  await using kernel = new Kernel();
  const memory = kernel.init.createSharedMemory(PAGE, { maxSize: 4 * PAGE });
  const { buffer } = memory.map().bytes;
  (buffer as SharedArrayBuffer).grow(3 * PAGE);
  assertEquals(memory.size, PAGE);
  assertCode("OUT_OF_RANGE", () => memory.read(PAGE, new Uint8Array(1)));
  assertCode("OUT_OF_RANGE", () => memory.map({ offset: PAGE }));
  memory.resize(2 * PAGE);
  assertEquals([memory.size, memory.map().bytes.length], [2 * PAGE, 2 * PAGE]);
});

Deno.test("SharedMemory is charged to bufferBytes until its last handle and mapping are gone", async () => {
  await using kernel = new Kernel({ limits: { bufferBytes: 4 * PAGE } });
  const { init } = kernel;
  const used = () => kernel.tasks()[0]?.usage.bufferBytes;
  const memory = init.createSharedMemory(1, { maxSize: 3 * PAGE });
  assertEquals(used(), 3 * PAGE); // a holder can let it grow that far
  assertCode("LIMIT_EXCEEDED", () => init.createSharedMemory(PAGE + 1));
  const view = memory.map();
  memory.close();
  assertEquals(used(), 3 * PAGE);
  view.store(0, 1);
  view.unmap();
  assertEquals([used(), kernel.tasks()[0]?.usage.objects], [0, 0]);
});

Deno.test("SharedMemory.map() charges a snapshot for its bytes", async () => {
  await using kernel = new Kernel({ limits: { bufferBytes: 2 * PAGE } });
  const memory = kernel.init.createSharedMemory(PAGE);
  const first = memory.map({ rights: Rights.READ });
  assertCode("LIMIT_EXCEEDED", () => memory.map({ rights: Rights.READ, length: 1 }));
  assertEquals(memory.mappingCount, 1);
  first.unmap();
  memory.map({ rights: Rights.READ }).unmap();
  assertEquals(kernel.tasks()[0]?.usage.bufferBytes, PAGE);
});

Deno.test("SharedMemory.mappingCount falls when a task ends, however it does", async () => {
  await using kernel = new Kernel();
  const { init } = kernel;
  const memory = init.createSharedMemory(PAGE);
  const before = kernel.tasks()[0]?.usage;
  const ends: ((view: MemoryView) => unknown)[] = [
    () => 1,
    () => {
      throw new Error("a crash");
    },
    (view) => view.wait(0, 0),
  ];
  for (const end of ends) {
    const mapped = Promise.withResolvers<void>();
    const child = init.spawn((task) => {
      const view = task.handle("memory", SharedMemory).map();
      task.handle("memory").close();
      mapped.resolve();
      return end(view);
    }, { handles: { memory: memory.duplicate() } });
    await mapped.promise;
    if (end === ends[2]) {
      assertEquals(memory.mappingCount, 1);
      child.kill();
    }
    await child.wait();
    child.close();
    assertEquals([memory.mappingCount, kernel.tasks()[0]?.usage], [0, before]);
  }
});

Deno.test("SharedMemory.map() outlives the handle it was made through, but not its revocation", async () => {
  await using kernel = new Kernel();
  const memory = kernel.init.createSharedMemory(PAGE);
  const own = memory.map();
  const lent = memory.duplicate();
  const view = lent.map();
  lent.close();
  assertEquals(memory.mappingCount, 2);
  const waiting = assertFails("REVOKED", view.wait(0, 0));
  memory.revoke();
  await waiting;
  assertEquals(memory.mappingCount, 1);
  await assertFails("INVALID_STATE", view.wait(0, 0));
  view.unmap(); // giving up what is gone already is no error
  own.store(0, 1);
  assertEquals(own.notify(0), 0);
});
