/** Shared memory, 700-709. @module */
import { IpcError, KernelError } from "../../capabilities/errors.ts";
import type { HandleEntry } from "../../capabilities/handle.ts";
import type {
  MemoryMappingOps,
  SharedMemoryObject,
} from "../../capabilities/memory_mapping_ops.ts";
import { COMMON_RIGHTS, describeRights, Rights } from "../../capabilities/rights.ts";
import { Signals } from "../../capabilities/signals.ts";
import { WOULD_BLOCK } from "../../capabilities/stream_ops.ts";
import { SharedMemory, wholePages } from "../../kernel/ipc/shared_memory.ts";
import { WordWait } from "../../kernel/ipc/word_wait.ts";
import type { MemoryMapping } from "../../kernel/memory_mappings.ts";
import { copyFrom, load } from "../../memory/atomics.ts";
import type { Handlers } from "../caller.ts";
import type { MapOptions, memoryCalls } from "../table/memory.ts";

const READ_WRITE = Rights.READ | Rights.WRITE;
const WORD_BYTES = 4;

// The table asked for the capability, so these hold.
const memoryOf = (entry: HandleEntry) => entry.object as unknown as SharedMemoryObject;
const mappableOf = (entry: HandleEntry) => entry.object as unknown as MemoryMappingOps;

/** What a call that waits on a word waits for, by the call's own copy of its argument. */
const waits: WeakMap<object, WordWait> = new WeakMap();

export const memoryHandlers: Handlers<typeof memoryCalls> = {
  memoryMap({ task }, target, options) {
    const rights = mappedRights(target, options);
    const isWritable = (rights & Rights.WRITE) !== 0;
    const info = mappableOf(target).getMappingInfo(options.offset ?? 0, options.length);
    const { memory, offset, length } = info;
    const lease = task.account.lease(isWritable ? 0 : length);
    try {
      const given = isWritable ? memory : snapshot(memory, offset, length);
      const entry = target.beside(rights);
      const mapping = task.mappings.add({ entry, offset, length, rights, waits: new Set(), lease });
      return { mapping, offset, length, isWritable, memory: given };
    } catch (error) {
      lease.release();
      throw error;
    }
  },

  memoryUnmap({ task }, mapping) {
    task.mappings.unmap(mapping);
  },

  sharedMemoryCreate({ task }, size, { permissions = READ_WRITE, maxSize }) {
    task.table.requireRoom(1);
    if (maxSize !== undefined && maxSize < size) {
      throw new IpcError("OUT_OF_RANGE", `a largest size of ${maxSize} is less than ${size} bytes`);
    }
    const lease = task.account.lease(wholePages(maxSize ?? size));
    try {
      const growth = maxSize === undefined ? {} : { maxSize };
      const memory = new SharedMemory({ size, permissions, ...growth });
      memory.lease = lease;
      return task.install(memory, COMMON_RIGHTS | Rights.MAP | permissions);
    } catch (error) {
      lease.release();
      throw error;
    }
  },

  memoryRead: (_caller, target, offset, into) => memoryOf(target).read(offset, into),

  memoryWrite: (_caller, target, offset, bytes) => memoryOf(target).write(offset, bytes),

  sharedMemoryStatus(_caller, target) {
    const { size, maxSize, permissions, isValid, mappingCount } = memoryOf(target);
    return { size, maxSize, permissions, isValid, mappingCount };
  },

  memoryInvalidate(_caller, target) {
    memoryOf(target).invalidate();
  },

  memoryResize(_caller, target, size) {
    memoryOf(target).resize(size);
  },

  memoryWait: {
    run({ task }, number, word) {
      const wait = waits.get(word);
      if (wait !== undefined) return wait.tryFinish();
      const mapping = task.mappings.get(number);
      const { words } = sharedBy(mapping);
      return load(words, wordOf(mapping, word.index)) === word.value ? WOULD_BLOCK : "not-equal";
    },
    park({ task }, number, word) {
      const mapping = task.mappings.get(number);
      const index = wordOf(mapping, word.index);
      const object = new WordWait(mapping, sharedBy(mapping).waits, index, word.value);
      waits.set(word, object);
      return [{ entry: mapping.entry, object, signals: Signals.SIGNALED, operation: false }];
    },
    abandon(_caller, _number, word) {
      waits.get(word)?.abandon();
    },
  },

  memoryNotify({ task }, number, index, count = Infinity) {
    const mapping = task.mappings.get(number);
    if ((mapping.rights & Rights.WRITE) === 0) {
      throw new KernelError("ACCESS_DENIED", "the mapping is a snapshot, which can't be written");
    }
    return sharedBy(mapping).waits.notify(wordOf(mapping, index), count);
  },
};

/** What is asked for, as far as the handle has it. */
function mappedRights(target: HandleEntry, { rights }: MapOptions): Rights {
  const asked = rights === undefined || rights === Rights.SAME
    ? target.rights & READ_WRITE
    : rights;
  // No view of JavaScript's can be written and not be read, and one that is neither is of no use.
  const needed = asked | Rights.READ;
  const missing = needed & ~target.rights;
  if (missing === 0) return needed;
  throw new KernelError("ACCESS_DENIED", `mapping it needs ${describeRights(missing)}, too`);
}

function snapshot(memory: SharedArrayBuffer, offset: number, length: number): ArrayBuffer {
  let copy: Uint8Array<ArrayBuffer>;
  try {
    copy = new Uint8Array(length);
  } catch (cause) {
    throw new KernelError("NO_SPACE", `${length} bytes of memory can't be had`, { cause });
  }
  copyFrom(copy, 0, memory, offset, length);
  return copy.buffer;
}

/** The memory behind a mapping; nothing else has words to wait on. */
function sharedBy({ entry }: MemoryMapping): SharedMemory {
  if (entry.object instanceof SharedMemory) return entry.object;
  throw new IpcError("NOT_SUPPORTED", `a ${entry.object.type} has no words to wait on`);
}

/** The index in the whole memory of a mapping's word. */
function wordOf({ offset, length }: MemoryMapping, index: number): number {
  if (offset % WORD_BYTES !== 0) {
    throw new IpcError("INVALID_ARGUMENT", `words are aligned to ${WORD_BYTES}, not ${offset}`);
  }
  if ((index + 1) * WORD_BYTES > length) {
    throw new IpcError("OUT_OF_RANGE", `word ${index} is not inside the mapping's ${length} bytes`);
  }
  return offset / WORD_BYTES + index;
}
