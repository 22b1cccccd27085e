/**
 * The mappings that one task has.
 *
 * A mapping is a handle of its own kind: in this table instead of the task's handle table, and in
 * the derivation tree beside the handle that it was made through. So it keeps its object alive when
 * that handle is closed, and ends when the lender of that handle revokes it, or when the task ends.
 *
 * Invariants: each mapping is counted by its object and was charged to its task; when its entry
 * closes, for whatever reason, it is given back and its waits have ended.
 *
 * @module
 */
import { KernelError } from "../capabilities/errors.ts";
import type { EntryHolder, HandleEntry } from "../capabilities/handle.ts";
import type { MemoryMappingOps } from "../capabilities/memory_mapping_ops.ts";
import type { Rights } from "../capabilities/rights.ts";
import type { Lease } from "./account.ts";

/** Where a task has mapped what. */
export interface MemoryMapping {
  /** Its place in the derivation tree; names the object. */
  readonly entry: HandleEntry;
  /** Where it begins in the object, in bytes. */
  readonly offset: number;
  /** Its bytes. */
  readonly length: number;
  /** What may be done through it: READ, or READ and WRITE. */
  readonly rights: Rights;
  /** Ends of the waits on its words that go on. */
  readonly waits: Set<() => void>;
  /** What the task was charged for it. */
  readonly lease: Lease;
}

/** The mappings of one task. */
export class MemoryMappings implements EntryHolder {
  readonly #mappings: Map<number, MemoryMapping> = new Map();
  #nextNumber = 1;

  /** Mappings alive. */
  get size(): number {
    return this.#mappings.size;
  }

  /**
   * Takes a mapping in.
   *
   * @returns Its number, which is never used again.
   */
  add(mapping: MemoryMapping): number {
    const number = this.#nextNumber++;
    this.#mappings.set(number, mapping);
    mapping.entry.table = this;
    mapping.entry.number = number;
    objectOf(mapping).onMapped();
    return number;
  }

  /** @throws {KernelError} INVALID_STATE when there is no such mapping, or no more. */
  get(number: number): MemoryMapping {
    const mapping = this.#mappings.get(number);
    if (mapping !== undefined) return mapping;
    throw new KernelError(
      "INVALID_STATE",
      `there is no mapping ${number}: it was unmapped, or what it was made through was revoked`,
    );
  }

  /** Gives a mapping back; what waits on its words ends first. */
  unmap(number: number): void {
    const { entry, waits } = this.get(number);
    for (const end of [...waits]) end();
    entry.close("closed");
  }

  /** The entry closes, or is about to: {@linkcode HandleEntry.close} calls this. */
  forget(entry: HandleEntry): void {
    const mapping = this.#mappings.get(entry.number);
    if (mapping?.entry !== entry) return;
    this.#mappings.delete(entry.number);
    entry.table = undefined;
    objectOf(mapping).onUnmapped();
    mapping.lease.release();
  }

  /** Throws: only handles are superseded. */
  insert(): number {
    throw new KernelError("NOT_SUPPORTED", "a mapping is in no handle table");
  }

  /** The task has ended. */
  closeAll(): void {
    for (const { entry } of [...this.#mappings.values()]) entry.close("dead");
  }

  /** Throws when an invariant is broken; for tests. */
  assertInvariants(): void {
    for (const { entry } of this.#mappings.values()) {
      if (entry.closed !== undefined) throw new Error("a closed mapping is kept");
      if (entry.table !== this) throw new Error("a mapping names another table");
    }
  }
}

function objectOf({ entry }: MemoryMapping): MemoryMappingOps {
  return entry.object as unknown as MemoryMappingOps; // has the capability MEMORY_MAPPING
}
