/**
 * A queue in a ring that grows: taking from the front and adding at the end cost the same however
 * long it is, and neither allocates while the ring is large enough.
 *
 * Invariants: `ring.length` is a power of two; the items are at `head`, `head + 1`, … around the
 * ring, and every other place is undefined, so that nothing taken is kept alive.
 *
 * @module
 */

/** First in, first out. */
export class Fifo<T> {
  #ring: (T | undefined)[] = [];
  #head = 0;
  #length = 0;

  /** How many items there are. */
  get length(): number {
    return this.#length;
  }

  /** Adds an item at the end. */
  push(item: T): void {
    if (this.#length === this.#ring.length) this.#grow();
    this.#ring[(this.#head + this.#length) & (this.#ring.length - 1)] = item;
    this.#length++;
  }

  /** The first item, or undefined. */
  peek(): T | undefined {
    return this.#length === 0 ? undefined : this.#ring[this.#head];
  }

  /** Takes the first item; undefined when there is none. */
  shift(): T | undefined {
    if (this.#length === 0) return undefined;
    const item = this.#ring[this.#head];
    this.#ring[this.#head] = undefined;
    this.#head = (this.#head + 1) & (this.#ring.length - 1);
    this.#length--;
    return item;
  }

  /** Throws when an invariant is broken; for tests. */
  assertInvariants(): void {
    const size = this.#ring.length;
    if ((size & (size - 1)) !== 0) throw new Error("the ring's size is no power of two");
    for (let i = 0; i < size; i++) {
      const isFilled = this.#ring[(this.#head + i) & (size - 1)] !== undefined;
      if (isFilled !== i < this.#length) throw new Error("the ring is filled in the wrong places");
    }
  }

  #grow(): void {
    const old = this.#ring;
    const ring: (T | undefined)[] = [];
    for (let i = 0; i < this.#length; i++) ring.push(old[(this.#head + i) & (old.length - 1)]);
    const size = Math.max(4, old.length * 2);
    while (ring.length < size) ring.push(undefined);
    this.#ring = ring;
    this.#head = 0;
  }
}
